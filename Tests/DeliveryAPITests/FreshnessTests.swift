import AdModel
import Decisioning
import DeliveryAPI
import EventLog
import Foundation
import Logging
import Measurement
import Postgres
import Profiles
import Store
import Telemetry
import TestKit
import Testing

/// Changes reach decisions within the bound, at a twentieth of the line items of the goal; `nimb bench freshness` times
/// all of them.
@Suite("Freshness", .database, .blocking) struct FreshnessTests {
    static let lineItems = 5_000
    #if DEBUG
        // An unoptimised build beside other suites.
        static let bound: Duration = .seconds(8)
    #else
        static let bound: Duration = .seconds(1)
    #endif

    private static let sql = """
        insert into product (sku, name) select 'bulk' || n, 'Товар' from generate_series(1, 1000) n;
        insert into campaign (code, advertiser_id, contract_id, name, kktu, state)
            values ('bulk', 1, 1, 'К', '17.3.1', 'active');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros)
            select 'bulk' || n, 2, 1, 'x', '2026-11-01Z', '2026-12-01Z', 'cpm', 1000 + n from generate_series(1, \(lineItems)) n;
        insert into line_item_version (line_item_id, valid_from, promoted_skus)
            select id, '2026-11-01Z', array['bulk' || (1 + id % 1000)] from line_item where code like 'bulk%';
        insert into creative (code, line_item_id, advertiser_id, format)
            select code, id, 1, 'shelf' from line_item where code like 'bulk%';
        insert into creative_version (creative_id, version, fields, landing_url, ord_form, erid, approved_at)
            select id, 1, '{}', 'https://shop.test/l', 'banner', 'bulk' || lpad(id::text, 8, '0'), '2026-11-01Z'
            from creative where code like 'bulk%';
        update line_item set total_budget_micros = 1000000000 where code = 'line';
        """

    /// The line item that wins the slot, 0 = none.
    private static func winner(_ serving: ServingHolder) -> Int32 {
        guard let state = serving.state else { return 0 }
        let scratch = Scratch()
        var request = DecisionRequest()
        request.pageType = .home
        request.location = 0
        request.slots = [.init(placement: 0)]
        Decider.decide(
            request, snapshot: state.snapshot, stock: state.stock, profiles: nil, budget: serving.leases,
            now: ServiceTests.now, seed: 1, scratch: scratch)
        return scratch.result.ads.first.map { state.snapshot.lines[Int($0.line)].id } ?? 0
    }

    @Test func everyKindOfChangeReachesDecisions() async throws {
        let database = TestDatabase.current
        let (serving, refresher) = try await ServiceTests.holderAndRefresher()
        try await database.pool.withConnection { try $0.script(Self.sql) }
        let keeper = LeaseKeeper(
            serving: serving, store: LeaseStore(pool: database.pool, nodeID: 1), nodeCode: "one",
            metrics: MetricsRegistry(), logger: ServiceTests.quiet, clock: { ServiceTests.now })
        await refresher.refresh()
        await keeper.round()
        let before = try #require(serving.state)
        #expect(before.snapshot.lines.count == Self.lineItems + 1)
        #expect(Self.winner(serving) == 1)
        let running = Task {
            await withTaskGroup { group in
                group.addTask { try? await refresher.run() }
                group.addTask { try? await keeper.run() }
            }
        }
        let line = "where code = 'line'"
        let changes: [(sql: String, wins: Bool)] = [
            ("update line_item set paused = true \(line)", false),
            ("update line_item set paused = false \(line)", true),
            ("update creative_version set erid_status = 'bad' where id = 1", false),
            ("update creative_version set erid_status = 'verified' where id = 1", true),
            ("update campaign set state = 'paused' where id = 1", false),
            ("update campaign set state = 'active' where id = 1", true),
            ("update line_item set total_budget_micros = 0 \(line)", false),
            ("update line_item set total_budget_micros = 1000000000 \(line)", true),
            ("update line_item set targeting = '{\"devices\": [\"tv\"]}' \(line)", false),
            ("update line_item set targeting = '{}' \(line)", true),
            ("update line_item_version set promoted_skus = '{}' where line_item_id = 1", false),
            ("update line_item_version set promoted_skus = '{p2}' where line_item_id = 1", true),
        ]
        for change in changes {
            try await database.pool.withConnection { try $0.script(change.sql) }
            try await eventually(within: Self.bound, every: .milliseconds(5), change.sql) {
                (Self.winner(serving) == 1) == change.wins
            }
        }
        try await database.pool.withConnection {
            try $0.script("insert into serving_stop (reason, actor, stopped_at) values ('x', 'user:u', now())")
        }
        try await eventually(within: Self.bound, every: .milliseconds(5), "the stop") { serving.stops.everything }
        running.cancel()
        await running.value
    }
}
