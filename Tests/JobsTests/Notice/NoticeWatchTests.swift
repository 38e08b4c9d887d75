import AdModel
import Jobs
import Postgres
import Store
import TestKit
import Testing

@Suite("Finding what nobody reports", .database) struct NoticeWatchTests {
    private let notices =
        "select kind || ' ' || object_id || ' ' || coalesce(details ->> 'reason', '-') from notice order by id"

    /// Both line items were shown today.
    private let shown = """
        insert into performance_day (day, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
            placement_id, impressions) select '2026-11-21', 1, 1, id, id, 1, 1, 5 from line_item
        """

    @Test func fourFifthsAndAllOfABudgetAreToldOnceEach() async throws {
        let world = try await NoticeWorld()
        try await world.run(shown)
        func spend(_ amount: Int64) async throws -> [String] {
            try await world.run(
                """
                insert into line_item_spend values (1, \(amount))
                    on conflict (line_item_id) do update set spent_micros = \(amount)
                """)
            for _ in 0..<2 { try await world.jobs().watch(now: world.now) }
            return try await world.texts(notices)
        }
        #expect(try await spend(799_999) == [])
        #expect(try await spend(800_000) == ["budget_80 l1 -"])
        #expect(try await spend(999_000) == ["budget_80 l1 -"], "one more click fits")
        #expect(try await spend(999_001) == ["budget_80 l1 -", "budget_100 l1 -"])
        // Raised: a new episode.
        try await world.run("update line_item set total_budget_micros = 1200000 where id = 1")
        #expect(try await spend(999_001).suffix(1) == ["budget_80 l1 -"])
    }

    @Test func aLowBalanceIsToldOncePerTopUp() async throws {
        let world = try await NoticeWorld()
        try await world.run(shown)
        func watch(_ sql: String) async throws -> Int {
            try await world.run(sql)
            for _ in 0..<2 { try await world.jobs().watch(now: world.now) }
            return try await world.texts(notices).count
        }
        #expect(try await watch("select 1") == 0, "nothing was spent, nothing runs out")
        // 9.5 of 10 are gone, 7 of them last week: a day's spend is 1.
        let charge = """
            insert into charge (kind, advertiser_id, campaign_id, line_item_id, event_time, accounting_day, price_micros,
                amount_micros, reason)
            values ('click', 1, 1, 1, '2026-11-18Z', '2026-11-18', 7000000, 7000000, 'billed'),
                ('click', 1, 1, 1, '2026-11-03Z', '2026-11-03', 2500000, 2500000, 'billed');
            insert into advertiser_spend values (1, 9500000);
            """
        #expect(try await watch(charge) == 1)
        #expect(
            try await watch("update advertiser set low_balance_micros = 600000 where id = 1") == 1, "the same episode")
        let top = "insert into wallet_entry (advertiser_id, kind, amount_micros, reference) values (1, 'top_up', "
        #expect(try await watch(top + "1000000, 'p-2')") == 1)
        #expect(try await watch("update advertiser_spend set spent_micros = 10500000 where advertiser_id = 1") == 2)
        #expect(try await watch("update advertiser set credit_limit_micros = 9000000 where id = 1") == 2)
        #expect(try await world.texts("select distinct kind from notice") == ["low_balance"])
    }

    @Test func aLineItemWithoutImpressionsIsToldWithItsReason() async throws {
        let world = try await NoticeWorld()
        let reset = "delete from notice; update line_item set total_budget_micros = 1000000 where id = 1;"
        func watch(_ sql: String) async throws -> [String] {
            try await world.run(reset + sql)
            for _ in 0..<2 { try await world.jobs().watch(now: world.now) }
            return try await world.texts(notices)
        }
        let pause = "update line_item set paused = true where id = 2"
        #expect(try await watch(pause) == ["not_delivering l1 no_matching_requests"])
        let bare = "update line_item set paused = id <> 3"
        #expect(try await watch(bare) == ["not_delivering bare no_erid"])
        try await world.run("update line_item set paused = id <> 1")
        #expect(
            try await watch("update line_item set total_budget_micros = 0 where id = 1") == [
                "not_delivering l1 no_budget"
            ])
        #expect(
            try await watch(
                """
                insert into product (sku, name) values ('p1', 'P');
                insert into line_item_version (line_item_id, valid_from, promoted_skus) values (1, '-infinity', '{p1}')
                """) == ["not_delivering l1 out_of_stock"])
        try await world.run("delete from line_item_version")
        #expect(try await watch("update campaign set state = 'paused'") == [])
        #expect(
            try await watch(
                "update campaign set state = 'active'; update log_checkpoint set shipped_through = '2026-11-20Z'")
                == [],
            "what is not shipped is not known")
        try await world.run("update log_checkpoint set shipped_through = '2026-11-21T08:59:00Z'")
        #expect(
            try await watch(
                """
                insert into performance_day (day, advertiser_id, campaign_id, line_item_id, creative_version_id,
                    storefront_id, placement_id, impressions) values ('2026-11-20', 1, 1, 1, 1, 1, 1, 1);
                select ensure_day_partition('ad_event', '2026-11-20');
                insert into ad_event (decision_day, decision_id, ad, kind, card, storefront_id, placement_id,
                    advertiser_id, campaign_id, line_item_id, creative_version_id, event_time, received_at, node_id)
                values ('2026-11-20', gen_random_uuid(), 0, 0, -1, 1, 1, 1, 1, 1, 1, '2026-11-20T09:00:01Z',
                    '2026-11-20T09:00:01Z', 1)
                """) == [], "23 hours and 59 minutes ago")
        world.advance(.seconds(2))
        #expect(try await watch("") == ["not_delivering l1 no_matching_requests"])
        try await world.run("update campaign_transition set changed_at = '2026-11-20T10:00:00Z'")
        #expect(try await watch("") == [], "active for less than a day")
    }
}
