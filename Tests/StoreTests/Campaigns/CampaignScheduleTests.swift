import AdFormats
import AdModel
import Decisioning
import Postgres
import Profiles
import Store
import TestKit
import Testing

/// What time, the catalogue and serving do with campaigns.
@Suite(.database) struct CampaignScheduleTests {
    private let now = ServingWorld.now

    private func states() async throws -> [String] {
        try await TestDatabase.current.pool.withConnection { db in
            try db.query("select state from campaign order by id").map { try $0.string("state") }
        }
    }

    private func version() async throws -> Int64 {
        try await TestDatabase.current.pool.withConnection { db in
            try db.query("select version from control_version where stream = 'control'").single().int64("version")
        }
    }

    @Test func whatIsApprovedBeginsWithItsFirstFlightAndEndsAfterItsLast() async throws {
        let pool = try await ServingWorld.make()
        try await pool.withConnection { try $0.script("update campaign set state = 'approved'") }
        let before = Timestamp(rfc3339: "2026-10-31T23:59:59Z") ?? now
        #expect(try await CampaignSchedule.run(pool: pool, now: before).moved == 0)
        let unmoved = try await version()
        let began = try await CampaignSchedule.run(pool: pool, now: now)
        #expect(began.begun == 1 && began.moved == 1)
        #expect(try await version() == unmoved + 1)
        #expect(try await CampaignSchedule.run(pool: pool, now: now).moved == 0)
        #expect(try await states() == ["active"])
        let end = Timestamp(rfc3339: "2026-12-01T00:00:00Z") ?? now
        #expect(try await CampaignSchedule.run(pool: pool, now: end).finished == 1)
        #expect(try await states() == ["finished"])
        let recorded = try await pool.withConnection { db in
            try db.query(
                "select from_state || '>' || to_state || ' ' || actor as move from campaign_transition order by id"
            )
            .map { try $0.string("move") }
        }
        #expect(recorded == ["approved>active job:campaigns", "active>finished job:campaigns"])
    }

    @Test func whatIsHeldDoesNotBeginAndWhatHasNoContractStops() async throws {
        let pool = try await ServingWorld.make()
        try await pool.withConnection { try $0.script("update campaign set state = 'approved', held = true") }
        #expect(try await CampaignSchedule.run(pool: pool, now: now).moved == 0)
        try await pool.withConnection {
            try $0.script("update campaign set held = false; update contract set ends_on = '2026-11-20'")
        }
        #expect(try await CampaignSchedule.run(pool: pool, now: now).moved == 0)
        try await pool.withConnection { try $0.script("update campaign set state = 'active'") }
        #expect(try await CampaignSchedule.run(pool: pool, now: now).stopped == 1)
        #expect(try await states() == ["paused"])
    }

    @Test func capsOfAnAdvertiserReachServing() async throws {
        let pool = try await ServingWorld.make()
        try await pool.withConnection { db in
            _ = try AdvertiserCaps.set(
                [FrequencyCap(count: 5, per: .day), FrequencyCap(count: 2, per: .session)], of: 1, on: db)
        }
        let data = try await SnapshotLoader(pool: pool, formats: AdFormatSet(folders: [:]), mediaBaseURL: "").load(
            now: now)
        #expect(data.input.advertisers.map(\.caps) == [CapLimits(day: 5, session: 2)])
    }

    @Test func anAdvertisersSessionCannotApproveOrChooseATier() async throws {
        let pool = try await ServingWorld.make()
        let forbidden = [
            "update campaign set state = 'approved'", "update campaign set approved_categories = '{1}'",
            "insert into campaign (code, advertiser_id, contract_id, name, state) values ('x', 1, 1, 'X', 'active')",
            "update line_item set tier = 'sponsorship' where id = 1",
            "update line_item set granted_only = not granted_only where id = 1",
            """
            insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros, tier,
                granted_only) values ('x', 1, 1, 'X', '2026-11-01Z', '2026-12-01Z', 'cpm', 1, 'house', true)
            """,
        ]
        try await pool.withConnection { try $0.script("update campaign set state = 'moderation'") }
        for sql in forbidden {
            await #expect(throws: PostgresError.self, "\(sql)") {
                try await pool.transaction { db in
                    try TenantScope.advertisers([1]).enter(on: db)
                    try db.query(sql)
                }
            }
        }
    }
}

/// Rules of products follow the catalogue, the grants and what was approved.
@Suite(.database) struct CampaignProductTests {
    private let now = ServingWorld.now

    private func skus(_ db: isolated PostgresConnection) throws -> [String] {
        try db.query(
            "select promoted_skus from line_item_version where line_item_id = 2 and valid_to = 'infinity'"
        ).single().stringArray("promoted_skus")
    }

    private func world(_ sql: String) async throws -> PostgresPool {
        let pool = try await ServingWorld.make()
        try await pool.withConnection { db in
            try db.script(
                """
                delete from line_item_version;
                insert into brand_grant (advertiser_id, brand_id) values (1, 1);
                update line_item set granted_only = true,
                    promoted = '{"skus":[],"categories":[],"brands":["norda"]}' where id = 2;
                """)
            try db.script(sql)
        }
        return pool
    }

    @Test func aRuleFollowsTheCatalogue() async throws {
        let pool = try await world("")
        let now = now
        try await pool.transaction { db in
            #expect(try PromotedProducts.refresh(advertiser: 1, now: now, on: db) == 1)
            #expect(try skus(db) == ["p1", "p2"])
            #expect(try PromotedProducts.refresh(advertiser: 1, now: now, on: db) == 0)
            try db.query("update product set brand = 'Другой' where sku = 'p1'")
            #expect(try PromotedProducts.refresh(advertiser: 1, now: now + .seconds(1), on: db) == 1)
            #expect(try skus(db) == ["p2"])
        }
    }

    @Test func aGrantThatEndsTakesItsProductsAway() async throws {
        let pool = try await world("update line_item set promoted = '{\"skus\":[\"p1\"]}' where id = 2")
        let now = now
        try await pool.transaction { db in
            _ = try PromotedProducts.refresh(advertiser: 1, now: now, on: db)
            #expect(try skus(db) == ["p1"])
            try db.query("delete from brand_grant")
            #expect(try PromotedProducts.refresh(advertiser: 1, now: now + .seconds(1), on: db) == 1)
            #expect(try skus(db) == [])
        }
    }

    @Test func whatNobodyApprovedWaits() async throws {
        let pool = try await world("update campaign set approved_categories = '{2}'")
        let now = now
        try await pool.transaction { db in
            try db.query("update product set brand = 'НОРДА' where sku = 'x1'")
            _ = try PromotedProducts.refresh(advertiser: 1, now: now, on: db)
            // x1 is of the brand, but of a category that was not approved.
            #expect(try skus(db) == ["p1", "p2"])
            try db.query("update campaign set approved_categories = '{1}'")
            _ = try PromotedProducts.refresh(advertiser: 1, now: now + .seconds(1), on: db)
            #expect(try skus(db) == ["p1", "p2", "x1"])
        }
    }
}
