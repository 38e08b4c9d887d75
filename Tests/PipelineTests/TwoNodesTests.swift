import AdModel
import Measurement
import Pipeline
import Postgres
import Store
import TestKit
import Testing

@Suite(.database) struct EventsBeforeTheirDecision {
    let noon = ShopFixture.noon

    init() async throws { try await ShopFixture.load(TestDatabase.current.pool) }

    /// A redirect may be served by another node than the decision, and that node's log may be shipped first.
    @Test func theClickOfAnotherNodeBecomesATouchWhenItsDecisionArrives() async throws {
        let (first, second) = (LogFixture(nodeID: 1), LogFixture(nodeID: 2))
        let token = ShopFixture.token(1, line: 2, at: noon, price: 700, products: [2, 1])
        try await first.append([
            ShopFixture.event(.click, token, visitor: nil, card: 0),
            ShopFixture.order("o1", at: noon + .minutes(5), visitor: "v9", lines: [("p2", 1, 100)]),
        ])
        try await first.ship()
        #expect(try await number("select count(*) from touch") == 0)
        #expect(try await number("select count(*) from credit") == 0)
        try await second.append([
            .decision(
                DecisionRecord(
                    id: token.decisionID, storefrontID: 1, pageType: .home, visitorID: "v9", locationID: 1,
                    device: .desktop, snapshotVersion: 1, stockVersion: 1, slots: [])),
            ShopFixture.event(.click, token, visitor: nil, card: 1),
        ])
        try await second.ship()
        #expect(
            try await table("select visitor_id, kind, promoted_skus, storefront_id, advertiser_id from touch") == [
                "(v9,click,{p1},1,2)", "(v9,click,{p2},1,2)",
            ])
        #expect(try await number("select count(*) from ad_event where visitor_id is null") == 0)
        #expect(try await table("select order_id, level, amount_micros from credit") == ["(o1,sku,100)"])
        // Naming the shopper costs nothing again.
        #expect(try await table("select amount_micros from charge") == ["(700)"])
        #expect(try await number("select sum(clicks)::int8 from performance_day") == 2)
    }
}
