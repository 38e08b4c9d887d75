import AdModel
import Measurement
import Pipeline
import Postgres
import Store
import TestKit
import Testing

@Suite(.database) struct RefusedOrders {
    let log = LogFixture()
    let noon = ShopFixture.noon

    init() async throws { try await ShopFixture.load(TestDatabase.current.pool) }

    @Test func aRiseBeyondAllNumbersRefusesItsOrderAndNoOther() async throws {
        try await log.append([
            ShopFixture.event(.click, ShopFixture.token(1, line: 4, at: noon)),
            ShopFixture.order("good", at: noon + .minutes(5), lines: [("p1", 1, 100)]),
            ShopFixture.order("bad", at: noon + .minutes(5), lines: [("p1", 1, 200)]),
            ShopFixture.order("fine", at: noon + .minutes(6), lines: [("p1", 1, 300)]),
            ShopFixture.adjustment(
                "rise", of: "bad", at: noon + .hours(1), kind: .price, line: 1, amount: .max),
        ])
        let summary = try #require(try await log.ship().first)
        #expect(summary.credits.refused == [OrderKey(storefrontID: 1, orderID: "bad")])
        #expect(
            try await table("select order_id, amount_micros from credit") == ["(fine,300)", "(good,100)"])
        #expect(
            try await table("select storefront_id, kind, reason, events from refused_day") == [
                "(1,order,attribution_refused,1)"
            ])
        // What comes behind it is shipped.
        try await log.append([ShopFixture.order("later", at: noon + .minutes(7), lines: [("p1", 1, 400)])])
        try await log.ship()
        #expect(try await number("select sum(amount_micros)::int8 from credit") == 800)
    }

    @Test func aCampaignOfAnUnknownPolicyRefusesTheOrdersItTouchedOnly() async throws {
        try await TestDatabase.current.pool.withConnection {
            // Only a damaged database can come to this.
            try $0.script(
                """
                alter table campaign_version drop constraint campaign_version_policy;
                update campaign_version set policy = 'none@9' where campaign_id = 2;
                """)
        }
        try await log.append([
            ShopFixture.event(.click, ShopFixture.token(1, line: 4, at: noon)),
            ShopFixture.event(.click, ShopFixture.token(2, line: 2, at: noon), visitor: "v2"),
            ShopFixture.order("o1", at: noon + .minutes(5), lines: [("p1", 1, 100)]),
            ShopFixture.order("o2", at: noon + .minutes(5), visitor: "v2", lines: [("p2", 1, 100)]),
        ])
        try await log.ship()
        #expect(try await table("select order_id from credit") == ["(o1)"])
        #expect(try await table("select kind, reason, events from refused_day") == ["(order,attribution_refused,1)"])
    }

    @Test func theDatabaseKeepsAliasesAndVersionsApart() async throws {
        let refused = [
            "insert into brand_alias (alias, brand_id, valid_from) values ('Brand B', 2, '2026-01-01')",
            "update brand_alias set alias = 'BRAND B', brand_id = 2 where alias = 'Brand B'",
            "insert into campaign_version (campaign_id, valid_from) values (1, '2026-01-01')",
        ]
        for sql in refused {
            let error = await #expect(throws: PostgresError.self) {
                try await TestDatabase.current.pool.transaction { try $0.query(sql) }
            }
            #expect(error?.sqlState == "23P01", "\(sql)")
        }
        // Closed first or last, one after the other is fine.
        try await TestDatabase.current.pool.transaction { db in
            try db.query("insert into brand_alias (alias, brand_id, valid_from) values ('Brand B', 2, '2026-01-01')")
            try db.query("update brand_alias set valid_to = '2026-01-01' where alias = 'Brand B' and brand_id = 1")
            try db.query("insert into campaign_version (campaign_id, valid_from) values (1, '2026-01-01')")
            try db.query(
                "update campaign_version set valid_to = '2026-01-01' where campaign_id = 1 and valid_to = 'infinity' "
                    + "and valid_from = '-infinity'")
        }
    }
}
