import AdFormats
import AdModel
import Decisioning
import DeliveryAPI
import Dispatch
import EventLog
import Foundation
import Logging
import Measurement
import Postgres
import Profiles
import ServiceLifecycle
import Store
import Synchronization
import Telemetry
import TestKit
import Testing

/// The background services over a real database.
@Suite("Services of a node", .database, .blocking) struct ServiceTests {
    static let now = EdgeWorld.start

    static let sql = """
        insert into counterparty (code, kind, name, inn, roles) values
            ('shop', 'juridical', 'ООО Полка', '7700000016', '{publisher}'),
            ('brand', 'juridical', 'ООО "Норд"', '7736207543', '{advertiser}');
        insert into retailer (code, name, counterparty_id) values ('polka', 'Полка', 1);
        insert into stock_location (code, name) values ('msk', 'Москва');
        insert into storefront (code, name, url, default_location_id) values ('shop', 'Полка', 'https://shop.test', 1);
        insert into placement (storefront_id, code, page_type, formats) values (1, 'home.top', 'home', '{shelf}');
        insert into product (sku, name) values ('p1', 'Кофе'), ('p2', 'Чай');
        insert into stock (location_id, product_id, quantity, price_micros, version, as_of, change_number) values
            (1, 1, 5, 900000000, 1, '2026-11-21 08:00Z', 0), (1, 2, 5, 1000000, 1, '2026-11-21 08:00Z', 0);
        insert into advertiser (code, name, counterparty_id) values ('nord', 'Норд', 2);
        insert into wallet_entry (advertiser_id, kind, amount_micros, reference) values (1, 'top_up', 1000000000, 'p');
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, signed_on)
            values ('c1', 1, 2, 1, '2026-01-01');
        insert into campaign (code, advertiser_id, contract_id, name, kktu, state)
            values ('camp', 1, 1, 'К', '17.3.1', 'active');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros,
            total_budget_micros)
        values ('line', 1, 1, 'Л', '2026-11-01Z', '2026-12-01Z', 'cpm', 200000000, 1000000);
        insert into line_item_version (line_item_id, valid_from, promoted_skus) values (1, '2026-11-01Z', '{p1}');
        insert into creative (code, line_item_id, advertiser_id, format) values ('c', 1, 1, 'shelf');
        insert into creative_version (creative_id, version, fields, landing_url, ord_form, erid, approved_at)
            values (1, 1, '{}', 'https://shop.test/l', 'banner', '2VtzqErid', '2026-11-01Z');
        """

    static func formats() throws -> AdFormatSet {
        let about = """
            {"title":"x","ord_form":"banner","prior_ctr":0.01,"cards":{"minimum":1,"maximum":8},
             "media":{"minimum":0,"maximum":1,"maximum_bytes":1000,"content_types":["image/png"],"sizes":[]}}
            """
        return try AdFormatSet(folders: [
            "shelf": [
                "format.json": Array(about.utf8), "schema.json": Array(#"{"type":"object"}"#.utf8),
                "template.mustache": Array("<p></p>".utf8), "preview.json": Array(#"{"fields":{}}"#.utf8),
            ]
        ])
    }

    static func holderAndRefresher() async throws -> (ServingHolder, ServingRefresher) {
        let database = TestDatabase.current
        try await database.pool.withConnection { try $0.script(sql) }
        let serving = ServingHolder()
        let refresher = ServingRefresher(
            serving: serving,
            loader: SnapshotLoader(pool: database.pool, formats: try formats(), mediaBaseURL: "http://media.test"),
            listening: PostgresOptions(url: database.url), metrics: MetricsRegistry(), logger: quiet,
            clock: { now })
        return (serving, refresher)
    }

    static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    @Test func aGoalIsPacedByWhatAllNodesDeliveredAndStops() async throws {
        let pool = TestDatabase.current.pool
        let (serving, refresher) = try await Self.holderAndRefresher()
        try await pool.withConnection { connection in
            try connection.script(
                """
                update line_item set tier = 'guaranteed', goal_impressions = 1000, pacing = 'even';
                insert into performance_day (day, advertiser_id, campaign_id, line_item_id, creative_version_id,
                    storefront_id, placement_id, impressions)
                values ('2026-11-20', 1, 1, 1, 1, 1, 1, 100);
                """)
        }
        await refresher.refresh()
        let clock = TestClock(Self.now)
        let keeper = GoalKeeper(
            serving: serving, store: GoalStore(pool: pool), metrics: MetricsRegistry(), logger: Self.quiet,
            clock: { clock.now })
        #expect(serving.leases.passShare(1) == .max)
        await keeper.round()
        let first = serving.leases.passShare(1)
        #expect(first < .max / 10 && first > 0)
        clock.advance(.minutes(10))
        await keeper.round()
        #expect(serving.leases.passShare(1) > first, "nothing came, so that it takes more of what there is")
        #expect(!serving.leases.isGoalReached(1))
        _ = try await pool.withConnection { try $0.query("update performance_day set impressions = 1000") }
        await keeper.round()
        #expect(serving.leases.isGoalReached(1))
        _ = try await pool.withConnection { try $0.query("update line_item set goal_impressions = 2000") }
        await refresher.refresh()
        clock.advance(.minutes(10))
        await keeper.round()
        #expect(!serving.leases.isGoalReached(1))
    }

    @Test func changesOfStockAndControlReachRequestsByThemselves() async throws {
        let pool = TestDatabase.current.pool
        let (serving, refresher) = try await Self.holderAndRefresher()
        let running = Task { try await refresher.run() }
        try await eventually(within: .seconds(10)) { serving.state != nil }
        let first = try #require(serving.state)
        #expect(first.stock.price(0, location: 0).price == 900_000_000)

        _ = try await StockStore(pool: pool).applyDeltas(
            [StockDelta(sku: "p1", quantity: 0, priceMicros: 5, version: 2)], location: "msk", asOf: Self.now)
        try await eventually(within: .seconds(10)) {
            serving.state?.stock.availability(0, location: 0, now: Self.now) == .absent
        }
        #expect(serving.state?.snapshot === first.snapshot, "stock alone builds no snapshot")

        try await pool.transaction { connection in
            try connection.query("update line_item set paused = true")
            try connection.query("select bump_control_version('control')")
        }
        try await eventually(within: .seconds(10)) { serving.state?.data.input.lineItems.first?.isPaused == true }

        // A change that cannot be served leaves everything as it was, until it is mended.
        try await pool.transaction { connection in
            try connection.query("update line_item set paused = false, targeting = '{\"x\": 1}'")
            try connection.query("select bump_control_version('control')")
        }
        await refresher.refresh()
        #expect(serving.state?.data.input.lineItems.first?.isPaused == true)
        try await pool.transaction { connection in
            try connection.query("update line_item set targeting = '{}'")
            try connection.query("select bump_control_version('control')")
        }
        try await eventually(within: .seconds(10)) { serving.state?.data.input.lineItems.first?.isPaused == false }
        running.cancel()
        _ = await running.result
    }

    @Test func aLineItemServesWithinItsLeaseAndItsBudget() async throws {
        let database = TestDatabase.current
        let (serving, refresher) = try await Self.holderAndRefresher()
        await refresher.refresh()
        let clock = TestClock(Self.now)
        let keeper = LeaseKeeper(
            serving: serving, store: LeaseStore(pool: database.pool, nodeID: 1), nodeCode: "one",
            metrics: MetricsRegistry(), logger: Self.quiet, clock: { clock.now })
        #expect(serving.leases.remaining(1, now: Self.now) == .zero)
        await keeper.round()
        // The whole budget is less than a first slice.
        #expect(serving.leases.remaining(1, now: Self.now).value == 1_000_000)
        var promised: Int64 = 0
        for _ in 0..<50 {
            while serving.leases.reserve(1, Micros(50_000), now: clock.now) { promised += 50_000 }
            clock.advance(.seconds(7))
            await keeper.round()
        }
        #expect(promised == 1_000_000, "nothing was charged, so nothing more may be promised")
        #expect(serving.leases.state(1) == .budgetExhausted)

        // More budget, more promises.
        try await database.pool.transaction { connection in
            try connection.query("update line_item set total_budget_micros = 1500000")
            try connection.query("select bump_control_version('control')")
        }
        await refresher.refresh()
        await keeper.round()
        #expect(serving.leases.remaining(1, now: clock.now).value == 500_000)
        // An orderly stop gives back what nobody was promised.
        await keeper.returnAll()
        #expect(serving.leases.remaining(1, now: clock.now) == .zero)
        let other = try await LeaseStore(pool: database.pool, nodeID: 1).renew(
            [LeaseRequest(lineItemID: 1, leaseID: nil, unused: .zero, wanted: .roubles(10))], now: clock.now)
        #expect(other.map(\.granted.value) == [500_000])
    }

    @Test func aLapsedLeaseIsNotAddedToTheNext() async throws {
        let database = TestDatabase.current
        let (serving, refresher) = try await Self.holderAndRefresher()
        await refresher.refresh()
        let clock = TestClock(Self.now)
        let keeper = LeaseKeeper(
            serving: serving, store: LeaseStore(pool: database.pool, nodeID: 1), nodeCode: "one",
            metrics: MetricsRegistry(), logger: Self.quiet, clock: { clock.now })
        for _ in 0..<5 {
            await keeper.round()
            #expect(serving.leases.remaining(1, now: clock.now).value == 1_000_000)
            clock.advance(.minutes(45))
            #expect(serving.leases.remaining(1, now: clock.now) == .zero, "promises end with the lease")
        }
    }

    @Test func stockDoesNotWaitForASnapshotThatLoads() async throws {
        let database = TestDatabase.current
        let (serving, refresher) = try await Self.holderAndRefresher()
        await refresher.refresh()
        let first = try #require(serving.state)
        _ = try await database.pool.withConnection { try $0.query("update line_item set bid_micros = bid_micros + 1") }
        // Whoever loads a snapshot waits for this table.
        let blocker = PostgresPool(PostgresOptions(url: database.url), maximumConnections: 1)
        let isLocked = Mutex(false)
        let gate = DispatchSemaphore(value: 0)
        async let blocking: Void = blocker.transaction { connection in
            try connection.script("lock table creative_version")
            isLocked.withLock { $0 = true }
            gate.wait()
        }
        // Also when an expectation throws, or nobody would ever let go.
        defer { gate.signal() }
        try await eventually(within: .seconds(10)) { isLocked.withLock { $0 } }
        let running = Task { try await refresher.run() }
        _ = try await StockStore(pool: database.pool).applyDeltas(
            [StockDelta(sku: "p1", quantity: 0, priceMicros: 5, version: 2)], location: "msk", asOf: Self.now)
        try await eventually(within: .seconds(10)) {
            serving.state?.stock.availability(0, location: 0, now: Self.now) == .absent
        }
        #expect(serving.state?.snapshot === first.snapshot, "the new snapshot is still being loaded")
        gate.signal()
        try await blocking
        try await eventually(within: .seconds(10)) { serving.state?.snapshot !== first.snapshot }
        await blocker.close()
        running.cancel()
        _ = await running.result
    }

    @Test func whatStopsServingGivesItsLeaseBack() async throws {
        let database = TestDatabase.current
        let (serving, refresher) = try await Self.holderAndRefresher()
        try await database.pool.withConnection {
            try $0.script(
                """
                insert into node (id, code) values (1, 'one');
                insert into log_checkpoint (node_id, log_id, position, shipped_through)
                    values (1, gen_random_uuid(), 1, '2026-11-21Z');
                insert into budget_lease (node_id, line_item_id, day, leased_micros, granted_at, expires_at, settles_at,
                    spent_before_micros)
                values (1, 1, '2026-11-10', 7, '2026-11-10 10:00Z', '2026-11-10 10:30Z', '2026-11-10 11:30Z', 0);
                """)
        }
        await refresher.refresh()
        let clock = TestClock(Self.now)
        let keeper = LeaseKeeper(
            serving: serving, store: LeaseStore(pool: database.pool, nodeID: 1), nodeCode: "one",
            metrics: MetricsRegistry(), logger: Self.quiet, clock: { clock.now })
        await keeper.round()
        func leased() async throws -> [Int64] {
            try await database.pool.withConnection {
                try $0.query("select leased_micros - returned_micros as open from budget_lease order by id").map {
                    try $0.int64("open")
                }
            }
        }
        #expect(try await leased() == [1_000_000], "what was settled long ago is gone")
        #expect(serving.leases.reserve(1, Micros(50_000), now: clock.now))
        for (change, open) in [("paused = true", [50_000]), ("paused = false", [50_000, 950_000])]
            as [(String, [Int64])]
        {
            try await database.pool.transaction { connection in
                try connection.query("update line_item set \(change)")
                try connection.query("select bump_control_version('control')")
            }
            await refresher.refresh()
            clock.advance(.seconds(1))
            await keeper.round()
            #expect(try await leased() == open, "\(change)")
            #expect(serving.leases.remaining(1, now: clock.now).value == (open.count == 1 ? 0 : 950_000))
        }
        // The end of the flight is no change of data.
        clock.advance(.days(20))
        await keeper.round()
        #expect(try await leased().last == 0)
    }

    @Test func theFirstLoadIsAnnouncedOnceHoweverLateAndTroubleIsSaid() async throws {
        let database = TestDatabase.current
        let announced = Mutex<[Bool]>([])
        let serving = ServingHolder()
        let refresher = ServingRefresher(
            serving: serving,
            loader: SnapshotLoader(pool: database.pool, formats: try Self.formats(), mediaBaseURL: "http://media.test"),
            listening: nil, metrics: MetricsRegistry(), logger: Self.quiet,
            onFirstLoad: { _ in announced.withLock { $0.append(serving.state == nil) } }, clock: { Self.now })
        try await database.pool.withConnection {
            try $0.script(Self.sql + "update line_item set targeting = '{\"x\": 1}'")
        }
        await refresher.refresh()
        #expect(serving.state == nil)
        #expect(announced.withLock { $0 }.isEmpty)
        #expect(refresher.trouble != nil)
        for paused in [false, true] {
            try await database.pool.transaction { connection in
                try connection.query("update line_item set targeting = '{}', paused = \(paused)")
                try connection.query("select bump_control_version('control')")
            }
            await refresher.refresh()
            #expect(serving.state?.data.input.lineItems.first?.isPaused == paused)
            #expect(announced.withLock { $0 } == [true], "before requests see the state, and never again")
            #expect(refresher.trouble == nil)
        }
        try await database.pool.transaction { connection in
            try connection.query("update line_item set targeting = '{\"x\": 1}'")
            try connection.query("select bump_control_version('control')")
        }
        await refresher.refresh()
        #expect(refresher.trouble?.contains(Self.now.rfc3339) == true)
    }

    @Test func profilesComeBackFromTheLog() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            for _ in 0..<3 { _ = try EventTests.tokens(connection) }
            let view = #"{"type":"product_view","visitor_id":"v1","consent":true,"sku":"p2"}"#
            _ = try connection.post("/v1/events", EventTests.batch(view))
            _ = try connection.post(
                "/v1/events", EventTests.batch(view.replacingOccurrences(of: "p2", with: "p1")),
                headers: ["User-Agent": "some bot"])
        }
        #expect(try file.records().count == 5)
        let fresh = try EdgeWorld()
        let applied = await ProfileRebuild.run(
            try EventLogReader(directory: file.folder.path), into: fresh.profiles,
            state: try #require(fresh.serving.state), hash: fresh.environment.shopperHash, now: Self.now,
            logger: Self.quiet)
        #expect(applied == 4, "three decisions, and one signal")
        #expect(fresh.profiles.read(fresh.environment.shopperHash("v1"))?.recentProduct(0) == 2)
        try await fresh.serving { port in
            let answer = try RawConnection(port: port).post("/v1/placements", EdgeWorld.page())
            #expect(answer.value("slots", "home.top", "no_fill") as? String == "frequency_capped")
        }
    }
}
