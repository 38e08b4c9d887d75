import AdModel
import Decisioning
import Logging
import Postgres
import ServiceLifecycle
import Shelves
import Store
import Synchronization
import Telemetry

/// Keeps the snapshot and the stock that requests see up to date: woken by NOTIFY, and by a clock in case one was lost.
///
/// A change of control data reads the rows that changed and patches the snapshot off the request path; a change of
/// stock copies only the locations that it touches; a stop is a flag of its own. Data that cannot be loaded or contradict themselves change nothing and raise
/// the alarm metric `nimb_serving_stale`.
public final class ServingRefresher: Service {
    /// Longest time for which a lost notification goes unnoticed.
    public static let pollPeriod: Duration = .milliseconds(500)
    /// Old notes of changes are removed this often.
    static let pruneEvery = Timestamp.Span.minutes(10)

    private let serving: ServingHolder
    private let loader: SnapshotLoader
    private let listening: PostgresOptions?
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    private let stale: Gauge
    private let version: Gauge
    private let stockVersion: Gauge
    private let contextCut: Gauge
    private let contextProducts: Gauge
    private let loads: Counter
    private let failures: Counter
    private let loadTime: DurationHistogram
    private let patches: Counter
    private let patchTime: DurationHistogram
    private let onFirstLoad: (@Sendable (ServingState) async -> Void)?
    private let staleSince = Mutex<Timestamp?>(nil)
    private let isLoading = Mutex(false)
    private let prunedAt = Mutex<Timestamp?>(nil)
    private let wake: AsyncStream<Void>
    private let alarm: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - listening: where to LISTEN; nil relies on polling alone.
    ///   - onFirstLoad: called once, with the first state before requests see it, whenever that is: the database may
    ///     be away at the start, and what is rebuilt for serving must not be missed then.
    public init(
        serving: ServingHolder, loader: SnapshotLoader, listening: PostgresOptions?, metrics: MetricsRegistry,
        logger: Logger, onFirstLoad: (@Sendable (ServingState) async -> Void)? = nil,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.onFirstLoad = onFirstLoad
        self.serving = serving
        self.loader = loader
        self.listening = listening
        self.clock = clock
        self.logger = logger
        stale = metrics.gauge("nimb_serving_stale", "1 while newer data cannot be loaded.")
        version = metrics.gauge("nimb_snapshot_version", "Control version that requests see.")
        stockVersion = metrics.gauge("nimb_stock_version", "Stock change that requests see.")
        contextProducts = metrics.gauge("nimb_context_products", "Products known beside the promoted ones.")
        contextCut = metrics.gauge(
            "nimb_context_products_cut", "1 while the catalogue has more products than a snapshot takes.")
        loads = metrics.counter("nimb_snapshot_loads_total", "Snapshots read and built as a whole.")
        patches = metrics.counter("nimb_snapshot_patches_total", "Changes of control data put into a snapshot.")
        failures = metrics.counter("nimb_serving_failures_total", "Attempts to load newer data that failed.")
        loadTime = metrics.duration("nimb_snapshot_load_seconds", "Loading and building one snapshot.")
        patchTime = metrics.duration("nimb_snapshot_patch_seconds", "Reading changes and patching one snapshot.")
        (wake, alarm) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    public func run() async throws {
        await withTaskExecutorPreference(BackgroundThreads.shared) { await work() }
    }

    private func work() async {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    while !Task.isCancelled {
                        self.alarm.yield()
                        try? await Task.sleep(for: Self.pollPeriod)
                    }
                    self.alarm.finish()
                }
                // A large snapshot takes seconds to load; what is sold out must not be advertised meanwhile.
                group.addTask {
                    while !Task.isCancelled {
                        if self.isLoading.withLock({ $0 }) { try? await self.refreshStock() }
                        try? await Task.sleep(for: Self.pollPeriod)
                    }
                }
                if let options = self.listening {
                    group.addTask {
                        let listener = PostgresListener(options, channels: ["nimb_control", "nimb_stock", "nimb_stop"])
                        await withTaskCancellationHandler {
                            for await _ in listener.events { self.alarm.yield() }
                        } onCancel: {
                            listener.stop()
                        }
                    }
                }
                for await _ in self.wake { await self.refresh() }
            }
        }
    }

    /// What an operator should know of serving; nil while requests see the newest data.
    public var trouble: String? {
        if serving.state == nil { return "nothing was loaded yet, so no ad is served" }
        return staleSince.withLock { $0 }.map { "newer data cannot be loaded since \($0.rfc3339)" }
    }

    /// Loads what is newer than what requests see. Never throws: the old data stay in use.
    public func refresh() async {
        do {
            try await load()
            stale.set(0)
            staleSince.withLock { $0 = nil }
        } catch is CancellationError {
            return
        } catch {
            if Task.isCancelled { return }
            failures.add()
            // Said once per failure of a row of them, not twice a second.
            if stale.value == 0 {
                logger.error("serving goes on with old data", metadata: ["error": "\(error)"])
            }
            stale.set(1)
            let now = clock()
            staleSince.withLock { $0 = $0 ?? now }
        }
    }

    private func load() async throws {
        let versions = try await loader.versions()
        serving.stops = versions.stops
        await refreshShelves(versions.shelves)
        let now = clock()
        guard let state = serving.state else { return try await loadAll(now: now) }
        let isDue = now - state.data.checkedAt >= SnapshotLoader.datesEvery || now < state.data.checkedAt
        if state.data.input.version != versions.control || isDue {
            guard try await patch(state, now: now) else { return try await loadAll(now: now) }
        }
        try await pruneWhenDue(now: now)
        if let state = serving.state, state.stock.version != versions.stock { try await apply(stockAfter: state) }
    }

    /// Applies what changed since the state was read; false when everything has to be read again.
    private func patch(_ state: ServingState, now: Timestamp) async throws -> Bool {
        isLoading.withLock { $0 = true }
        defer { isLoading.withLock { $0 = false } }
        let started = ContinuousClock.now
        guard let changes = try await loader.changes(since: state.data, now: now) else { return false }
        let rows = changes.newlyPromoted.isEmpty ? [] : try await loader.stock(of: changes.newlyPromoted).rows
        let next = try state.applying(changes, stockRows: rows)
        serving.swap(next, noting: changes)
        show(next.data)
        if !changes.isEmpty {
            patches.add()
            patchTime.observe(micros: Self.micros(since: started))
        }
        return true
    }

    /// Shelves in another order are no reason to serve old campaigns: a failure is told and tried again.
    private func refreshShelves(_ version: Int64) async {
        guard serving.shelves.version != version else { return }
        do {
            serving.shelves = try await loader.shelves()
        } catch {
            if Task.isCancelled { return }
            failures.add()
            logger.warning("the tables of shelves cannot be loaded", metadata: ["error": "\(type(of: error))"])
        }
    }

    private func pruneWhenDue(now: Timestamp) async throws {
        let isDue = prunedAt.withLock { at in
            if let at, now - at < Self.pruneEvery, at <= now { return false }
            at = now
            return true
        }
        if isDue { try await loader.pruneChanges() }
    }

    private static func micros(since started: ContinuousClock.Instant) -> Int64 {
        let spent = (ContinuousClock.now - started).components
        return spent.seconds * 1_000_000 + spent.attoseconds / 1_000_000_000_000
    }

    private func show(_ data: ServingData) {
        version.set(data.input.version)
        contextProducts.set(Int64(data.contextProducts))
        contextCut.set(data.isContextCut ? 1 : 0)
    }

    private func refreshStock() async throws {
        let versions = try await loader.versions()
        serving.stops = versions.stops
        guard let state = serving.state, state.stock.version != versions.stock else { return }
        try await apply(stockAfter: state)
    }

    private func apply(stockAfter state: ServingState) async throws {
        let changes = try await loader.stockChanges(after: state.stock.version)
        let stock = state.stock.applying(changes.rows, snapshot: state.snapshot, version: changes.version)
        serving.swapStock(stock, for: state.snapshot)
        stockVersion.set(changes.version)
    }

    private func loadAll(now: Timestamp) async throws {
        isLoading.withLock { $0 = true }
        defer { isLoading.withLock { $0 = false } }
        let started = ContinuousClock.now
        let data = try await loader.load(now: now)
        let rows = try await loader.stock(of: data.promotedProductIDs)
        let state = try ServingState(data: data, stock: rows)
        if serving.state == nil { await onFirstLoad?(state) }
        serving.swap(state)
        serving.note(BudgetChanges(everybody: true))
        loads.add()
        show(data)
        if data.isContextCut {
            logger.warning(
                "the catalogue is larger than a snapshot: pages of the other products have no category or brand",
                metadata: ["known": "\(data.contextProducts)"])
        }
        stockVersion.set(rows.version)
        loadTime.observe(micros: Self.micros(since: started))
        logger.info(
            "serving new data",
            metadata: [
                "version": "\(data.input.version)", "stock": "\(rows.version)",
                "line_items": "\(data.input.lineItems.count)", "products": "\(data.input.products.count)",
            ])
    }
}
