import Postgres
import Store
import TestKit
import Testing

@Suite(.database) struct LedgerDoctorBehaviour {
    init() async throws { try await ShopFixture.load(TestDatabase.current.pool) }

    private struct Undo: Error {}

    /// What is broken, and the check that must find it.
    private static let corruptions: [(check: String, sql: String)] = [
        ("credit_sign", "update credit set units = -units where id = (select min(id) from credit)"),
        (
            "reversal_refers_to_credit",
            "update credit set touch_id = 'nobody' where id = (select min(id) from credit where kind = 'reversal')"
        ),
        ("net_not_negative", "update credit set units = -9, amount_micros = -9000 where kind = 'reversal'"),
        (
            "one_winner",
            """
            insert into credit (storefront_id, order_id, line_no, policy, advertiser_id, campaign_id, line_item_id,
                touch_id, interaction, level, kind, units, amount_micros, ordered_at, touched_at, cause, cause_at,
                posting_month, recorded_at)
            select storefront_id, order_id, line_no, policy, advertiser_id, campaign_id, 1, touch_id, interaction, level,
                kind, 1, 1, ordered_at, touched_at, cause, cause_at, posting_month, recorded_at
            from credit where level = 'listed' limit 1
            """
        ),
        ("line_exists", "delete from order_line where sku = 'p3'"),
        ("order_facts", "update credit set channel = 'offline' where level = 'listed'"),
        ("touch_lives", "delete from touch where visitor_id = 'v1'"),
        ("touch_lives", "update touch set invalid_reason = 'rate' where visitor_id = 'v1'"),
        ("touch_belongs", "update touch set line_item_id = 1 where line_item_id = 4"),
        ("touch_in_window", "update credit set touched_at = touched_at - interval '20 days' where level = 'listed'"),
        ("touch_in_window", "update credit set touched_at = ordered_at + interval '1 hour' where level = 'listed'"),
        ("level_in_policy", "update credit set level = 'order' where level = 'listed'"),
        ("policy_in_force", "update credit set policy = 'sku-strict@1' where level = 'listed'"),
        ("campaign_in_force", "update campaign_version set valid_from = '2027-01-01'"),
        ("halo_within_grant", "delete from brand_grant"),
        ("tenant", "update credit set advertiser_id = 1 where level = 'listed'"),
        ("posting_month", "update credit set posting_month = '2026-09-01' where level = 'listed'"),
        ("spend_line_item", "update line_item_spend set spent_micros = spent_micros + 1"),
        ("spend_day", "update line_item_day_spend set spent_micros = spent_micros + 1"),
        ("spend_advertiser", "update advertiser_spend set spent_micros = spent_micros + 1"),
        ("within_budget", "update line_item set total_budget_micros = 1"),
        ("within_wallet", "delete from wallet_entry"),
        ("charge_of_event", "update charge set amount_micros = 7 where kind = 'click'"),
        ("charge_of_event", "update charge set ad = 5 where kind = 'click' and amount_micros = 100"),
        (
            "invalid_not_charged",
            "update event_invalidation set refund_charge_id = null; delete from charge where kind = 'refund'"
        ),
        ("refund_refers_to_charge", "update charge set amount_micros = 2 * amount_micros where kind = 'refund'"),
        ("rollup_counts", "update performance_day set clicks = clicks + 1"),
        ("rollup_counts", "update performance_day set impressions = impressions + 1"),
        ("rollup_viewable", "update performance_day set viewable = viewable + 1"),
        ("rollup_invalid", "update performance_day set invalid = invalid + 1"),
        ("invalid_marked", "update ad_event set invalid_reason = null"),
        ("touch_follows_from_event", "update touch set promoted_skus = '{}'"),
        ("recomputation_equals_ledger", "update credit set amount_micros = amount_micros - 1 where level = 'listed'"),
        ("credit_within_sale", "update credit set amount_micros = 10 * amount_micros where level = 'listed'"),
        ("published_month_unchanged", "update credit set cause = 'late link' where level = 'listed'"),
        ("published_result_unchanged", "update credit set amount_micros = amount_micros - 1 where level = 'listed'"),
    ]

    @Test func aSoundLedgerPassesAndEveryBrokenInvariantIsFoundWithItsIds() async throws {
        _ = try await LedgerFixture.make()
        try await LedgerFixture.publish()
        let sound = try await LedgerFixture.doctor()
        #expect(sound.failures == [])
        let credits = try await number("select count(*) from credit where level = 'listed'")
        #expect(credits == 1)
        #expect(
            Set(sound.findings.map(\.check)) == Set(Self.corruptions.map(\.check)), "every check is put to the proof")
        for (check, sql) in Self.corruptions {
            await #expect(throws: Undo.self, "\(check)") {
                try await TestDatabase.current.pool.transaction { db in
                    for table in ["credit", "event_invalidation", "charge", "wallet_entry", "order_line"] {
                        try db.script("alter table \(table) disable trigger user")
                    }
                    try db.script(sql)
                    let report = try LedgerDoctor.run(on: db)
                    let found = report.failures.first { $0.check == check }
                    #expect(found != nil, "\(check) was not found after: \(sql)")
                    #expect(found?.ids.isEmpty == false, "\(check) names nobody")
                    throw Undo()
                }
            }
        }
        #expect(try await LedgerFixture.doctor().failures == [])
    }
}
