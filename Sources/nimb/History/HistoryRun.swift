import AdModel
import DeliveryAPI
import EventLog
import Logging
import Pipeline
import Postgres
import Simulator
import Store

/// Lets a demo installation live its past: shoppers of a simulator on the outside, and inside the very code that serves
/// afterwards. Placements are decided, events are made durable, the worker ships, charges and attributes, leases are
/// renewed, jobs run; only the clock is the simulator's. It ends at the machine's own time.
struct HistoryRun {
    let runtime: NodeRuntime
    let clock: InstallationClock
    let logger: Logger
    var storefront = "shop"
    /// Key of the shop's server.
    let shopKey: String
    var seed: UInt64 = 20_261_122
    var pageViewsPerDay = Double(HistoryMark.defaultViews)
    /// No real operator is named, so creatives without a token get one from a stand-in.
    var registersByStandIn = true

    /// Leases last half an hour and are renewed in time when they are looked at this often.
    private static let slice = Timestamp.Span.minutes(5)
    private static let hour: Int64 = 3_600_000_000
    /// Nearer than this to the machine's time the past is over: it moves on while it is being caught up with.
    private static let arrival = Timestamp.Span.seconds(2)
    /// How far shipping may fall behind.
    private static let mostLag = Timestamp.Span.hours(6)

    /// What came of it.
    struct Outcome: Sendable {
        var from: Timestamp
        var to: Timestamp
        var seconds: Double
        var truth: Truth
        var shipped: HistoryTotals
    }

    /// Lives from the clock's time to the machine's.
    func live() async throws -> Outcome {
        let opening = clock.now()
        let tap = Tap()
        var runtime = runtime
        runtime.options.loops = 1
        runtime.options.port = 0
        runtime.options.host = "127.0.0.1"
        let assembly = try await runtime.assemble(watching: { tap.sink(over: $0) }, onReady: {})
        do {
            let outcome = try await live(from: opening, runtime, assembly, tap)
            await assembly.leases.returnAll()
            await assembly.delivery.stop()
            await assembly.close()
            return outcome
        } catch {
            await assembly.delivery.stop()
            await assembly.close()
            throw error
        }
    }

    /// Where the sink is found again that the node was composed with.
    private final class Tap {
        private(set) var sink: HistorySink?

        func sink(over log: EventLog) -> HistorySink {
            let sink = HistorySink(log)
            self.sink = sink
            return sink
        }
    }

    private func live(
        from opening: Timestamp, _ runtime: NodeRuntime, _ assembly: NodeRuntime.Assembly, _ tap: Tap
    ) async throws -> Outcome {
        let pool = PostgresPool(runtime.database.asSystem, maximumConnections: 4)
        let shop: HistoryShop
        let jobs: HistoryJobs
        do {
            let storefront = storefront
            shop = try await pool.transaction { try HistoryShop.read(storefront: storefront, on: $0) }
            jobs = try HistoryJobs(pool: pool, runtime: runtime, clock: clock, logger: logger)
            if registersByStandIn { try await jobs.register() }
        } catch {
            await pool.close()
            throw error
        }
        clock.hold(at: opening)
        await assembly.refresher.refresh()
        await assembly.leases.round()
        await assembly.goals.round()
        let port = try await assembly.delivery.start()
        var options = SimulationOptions(from: clock.now())
        options.seed = seed
        options.pageViewsPerDay = pageViewsPerDay
        guard let sink = tap.sink else { throw Refusal("the history has no log to write to.") }
        let driver = try HistoryDriver(
            simulator: Simulator(shop: shop.shop, options: options), shop: shop, storefront: storefront, key: shopKey,
            environment: assembly.environment, clock: clock, sink: sink, port: port)
        let worker = PipelineWorker(
            directory: runtime.node.logDirectory, database: runtime.database, clock: clock.now,
            registry: runtime.metrics, logger: logger)
        let shipping = HistoryShipping(worker: worker, clock: clock)
        let shipper = Task { try await shipping.run() }
        do {
            let outcome = try await walk(from: opening, driver, assembly, jobs, shipping)
            try await shipper.value
            try await jobs.finish(at: clock.now())
            await worker.close()
            await pool.close()
            return Outcome(
                from: opening, to: outcome.to, seconds: outcome.seconds, truth: outcome.truth,
                shipped: shipping.totals)
        } catch {
            shipping.end()
            shipper.cancel()
            _ = await shipper.result
            await worker.close()
            await pool.close()
            throw error
        }
    }

    /// Slice by slice to the machine's time.
    private func walk(
        from opening: Timestamp, _ driver: HistoryDriver, _ assembly: NodeRuntime.Assembly, _ jobs: HistoryJobs,
        _ shipping: HistoryShipping
    ) async throws -> (to: Timestamp, seconds: Double, truth: Truth) {
        var progress = HistoryProgress(from: opening, to: SystemClock.now())
        while true {
            let now = clock.now()
            let machine = SystemClock.now()
            guard machine - now > Self.arrival else { break }
            let next = min(now + Self.slice, machine)
            let stockChanged = try await driver.live(until: next)
            await assembly.leases.round()
            await assembly.goals.round()
            let isNewHour = floorDivide(now.micros, Self.hour) != floorDivide(next.micros, Self.hour)
            if isNewHour { await jobs.run(at: next) }
            if isNewHour || stockChanged { await assembly.refresher.refresh() }
            if isNewHour {
                progress.show(next, await driver.truth, spent: shipping.totals.spent)
                try await shipping.wait(until: next - Self.mostLag)
            }
        }
        try await driver.settle()
        shipping.end()
        progress.finish()
        return (clock.now(), progress.seconds, await driver.truth)
    }
}
