import AdModel
import Decisioning
import DeliveryAPI
import Postgres
import Shelves
import Store
import TestKit
import Testing

/// From orders to the first card of a shelf.
@Suite("Shelves in service", .database, .blocking) struct ShelfServingTests {
    @Test("What the job finds out orders the cards of a running node, and the line item's choice is taken up at once")
    func orders() async throws {
        let pool = TestDatabase.current.pool
        let (serving, refresher) = try await ServiceTests.holderAndRefresher()
        try await pool.withConnection {
            try $0.script(
                """
                update line_item_version set promoted_skus = '{p1,p2}';
                update line_item set tier = 'house', bid_micros = 0;
                insert into customer_order (storefront_id, order_id, visitor_id, channel, ordered_at, received_at)
                    values (1, 'o1', 'v', 'online', '2026-11-20Z', '2026-11-20Z');
                insert into order_line values (1, 'o1', 1, 'p2', 1, 1000000, 900000);
                """)
        }
        await refresher.refresh()
        #expect(serving.shelves.version == 0)
        #expect(Self.cards(serving) == [1, 2])

        let report = try await ShelfJob.run(pool: pool, now: ServiceTests.now)
        await refresher.refresh()
        #expect(serving.shelves.version == report.version)
        #expect(Self.cards(serving) == [1, 2], "nobody has asked for another order")

        let plan = ShelfPlan([.popularInCategory]).json
        _ = try await pool.withConnection { try $0.query("update line_item set shelf = $1", [.jsonb(plan)]) }
        await refresher.refresh()
        #expect(Self.cards(serving) == [2, 1])
    }

    /// Product ids of the shelf that wins the slot.
    private static func cards(_ serving: ServingHolder) -> [Int32] {
        guard let state = serving.state else { return [] }
        let scratch = Scratch()
        var request = DecisionRequest()
        request.pageType = .home
        request.location = 0
        request.slots = [.init(placement: 0)]
        Decider.decide(
            request, snapshot: state.snapshot, stock: state.stock, profiles: nil, budget: serving.leases,
            now: ServiceTests.now, seed: 1, scratch: scratch, shelves: serving.shelves)
        return scratch.result.cards.map { state.snapshot.products[Int($0.product)].id }
    }
}
