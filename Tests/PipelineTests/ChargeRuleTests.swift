import AdModel
import Measurement
import Pipeline
import Postgres
import Store
import TestKit
import Testing

@Suite(.database) struct ChargeRules {
    let log = LogFixture()
    let noon = ShopFixture.noon

    init() async throws { try await ShopFixture.load(TestDatabase.current.pool) }

    /// Clicks on several cards of an ad, or on a card and on the ad, cost what the first of them costs.
    @Test(arguments: [1, 2, 10_000]) func anAdCostsOneClickWhateverTheCard(batch: Int) async throws {
        let token = ShopFixture.token(1, line: 2, at: noon, price: 700, products: [1, 2, 3])
        let other = ShopFixture.token(1, line: 2, at: noon, price: 900, products: [1, 2], ad: 1)
        try await log.append([
            ShopFixture.event(.click, token, card: 1), ShopFixture.event(.click, token, after: .seconds(2)),
            ShopFixture.event(.click, other, card: 0), ShopFixture.event(.click, token, after: .seconds(3), card: 2),
            ShopFixture.event(.click, token, after: .seconds(4), card: 1),
        ])
        try await log.ship(batch: batch)
        try await log.append([ShopFixture.event(.click, token, after: .seconds(9), card: 0)])
        try await log.ship()
        #expect(try await table("select ad, card, amount_micros from charge") == ["(0,1,700)", "(1,0,900)"])
        #expect(try await number("select spent_micros from line_item_spend where line_item_id = 2") == 1_600)
        #expect(try await number("select count(*) from ad_event") == 5)
        #expect(try await number("select count(*) from touch") == 5)
        #expect(try await number("select sum(clicks)::int8 from performance_day") == 5)
    }

    @Test func aWithdrawalIsNegativeAndLeavesLessToLeaseAndToCharge() async throws {
        let pool = TestDatabase.current.pool
        await #expect(throws: PostgresError.self) {
            try await pool.withConnection {
                try $0.script(
                    "insert into wallet_entry (advertiser_id, kind, amount_micros, reference) "
                        + "values (2, 'withdrawal', 5, 'w1')")
            }
        }
        await #expect(throws: PostgresError.self) {
            try await pool.withConnection {
                try $0.script(
                    "insert into wallet_entry (advertiser_id, kind, amount_micros, reference) "
                        + "values (2, 'top_up', -5, 'w1')")
            }
        }
        try await pool.withConnection {
            try $0.script(
                "insert into wallet_entry (advertiser_id, kind, amount_micros, reference) "
                    + "values (2, 'withdrawal', -999999999000, 'w1')")
        }
        let grants = try await LeaseStore(pool: pool, nodeID: 1).renew(
            [LeaseRequest(lineItemID: 2, leaseID: nil, unused: .zero, wanted: Micros(5_000))], now: noon)
        #expect(grants.map(\.granted) == [Micros(1_000)])
        try await log.append([
            ShopFixture.event(.click, ShopFixture.token(1, line: 2, at: noon, price: 700)),
            ShopFixture.event(.click, ShopFixture.token(2, line: 2, at: noon, price: 700)),
        ])
        try await log.ship()
        #expect(try await table("select amount_micros, reason from charge") == ["(0,over_wallet)", "(700,billed)"])
    }
}
