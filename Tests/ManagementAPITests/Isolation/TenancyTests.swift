import Postgres
import Store
import TestKit
import Testing

/// The policies themselves, below every route.
@Suite(.database) struct TenancyTests {
    init() async throws { try await MatrixWorld.load(TestDatabase.current.pool) }

    /// Our tables, without partitions: nobody but their owner can name those.
    private func tables() async throws -> [(name: String, forced: Bool, granted: Bool, hasAdvertiser: Bool)] {
        try await TestDatabase.current.pool.withConnection { db in
            try db.query(
                """
                select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced,
                    has_table_privilege('nimb_app', c.oid, 'select') as granted,
                    exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'advertiser_id') as has
                from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition order by 1
                """
            ).map {
                (try $0.string("name"), try $0.bool("forced"), try $0.bool("granted"), try $0.bool("has"))
            }
        }
    }

    private func count(_ table: String, where condition: String = "true", as scope: TenantScope?) async throws -> Int64
    {
        let pool = PostgresPool(
            PostgresOptions(url: TestDatabase.current.url).asManagement, maximumConnections: 1)
        let count = try await pool.transaction { db in
            try scope?.enter(on: db)
            return try db.query("select count(*) as n from \(table) where \(condition)")[0].int64("n")
        }
        await pool.close()
        return count
    }

    @Test func theRoleOwnsNothingAndBypassesNothing() async throws {
        let row = try await TestDatabase.current.pool.withConnection { db in
            let row = try db.query(
                """
                select rolsuper, rolbypassrls, rolcreaterole, rolcanlogin,
                    (select count(*) from pg_class where relowner = r.oid) as owned
                from pg_roles r where rolname = 'nimb_app'
                """)[0]
            return [
                try row.bool("rolsuper"), try row.bool("rolbypassrls"), try row.bool("rolcreaterole"),
                try row.bool("rolcanlogin"), try row.int64("owned") > 0,
            ]
        }
        #expect(row == [false, false, false, false, false])
    }

    @Test func everyTableThatTheRoleMayReadIsUnderForcedPolicies() async throws {
        let tables = try await tables()
        #expect(tables.count > 60)
        for table in tables where table.granted { #expect(table.forced, "\(table.name) is readable without policies") }
        for table in tables where table.hasAdvertiser { #expect(table.forced, "\(table.name) is an advertiser's") }
    }

    @Test func withoutATenantEveryTableShowsNothing() async throws {
        var filled = 0
        // Searched by words, which a condition on the session would keep from the index: names of the goods and
        // categories that the retailer's public pages show, nobody's secret and no advertiser's row.
        let published: Set = ["category", "product"]
        for table in try await tables() where table.granted {
            #expect(
                try await count(table.name, as: nil) == 0 || published.contains(table.name) && !table.hasAdvertiser,
                "\(table.name)")
            #expect(try await count(table.name, as: .advertisers([])) == 0 || !table.hasAdvertiser, "\(table.name)")
            if try await count(table.name, as: .retailer) > 0 { filled += 1 }
        }
        #expect(filled > 25, "the check needs rows to hide; \(filled) tables have some")
    }

    @Test func anAdvertiserSeesHisOwnRowsAndNobodyElses() async throws {
        var seen = 0
        for table in try await tables() where table.granted && table.hasAdvertiser {
            #expect(
                try await count(table.name, where: "advertiser_id = 2", as: .advertisers([1])) == 0, "\(table.name)")
            seen += try await count(table.name, where: "advertiser_id = 1", as: .advertisers([1])) > 0 ? 1 : 0
        }
        #expect(seen > 12)
        // Two advertisers of one agency together, and a third unseen.
        #expect(try await count("campaign", as: .advertisers([1, 2])) == 2)
        #expect(try await count("advertiser", where: "code = 'foreign-adv'", as: .advertisers([1])) == 0)
        #expect(try await count("counterparty", where: "code = 'foreign-cp'", as: .advertisers([1])) == 0)
        for child in ["campaign_version", "campaign_transition", "line_item_version", "creative_version"] {
            #expect(try await count(child, as: .advertisers([1])) == 1, "\(child)")
        }
    }

    @Test func anAdvertiserCannotWriteAnothersRowsNorTheRetailers() async throws {
        let pool = PostgresPool(PostgresOptions(url: TestDatabase.current.url).asManagement, maximumConnections: 1)
        for statement in [
            "update campaign set name = 'x' where advertiser_id = 2", "delete from line_item where advertiser_id = 2",
            "update advertiser set credit_limit_micros = 1", "update storefront set name = 'x'",
            "update placement set floor_micros = 0",
            "update brand set name = 'x'", "update contract set serial = 'x'",
        ] {
            let affected = try await pool.transaction { db in
                try TenantScope.advertisers([1]).enter(on: db)
                return try db.query(statement).affected
            }
            #expect(affected == 0, "\(statement)")
        }
        for statement in [
            """
            insert into campaign (code, advertiser_id, contract_id, name) values ('x', 2, 2, 'x')
            """,
            "insert into wallet_entry (advertiser_id, kind, amount_micros, reference) values (1, 'top_up', 1, 'x')",
            "insert into brand_grant (advertiser_id, brand_id) values (1, 1)",
        ] {
            await #expect(throws: PostgresError.self, "\(statement)") {
                try await pool.transaction { db in
                    try TenantScope.advertisers([1]).enter(on: db)
                    try db.query(statement)
                }
            }
        }
        await pool.close()
    }
}
