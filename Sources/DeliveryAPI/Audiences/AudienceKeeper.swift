import AdModel
import Audiences
import Billing
import Decisioning
import EventLog
import Logging
import Measurement
import Profiles
import ServiceLifecycle
import Store
import Synchronization
import Telemetry

/// Keeps the facts of shoppers fit for the audiences that there are: read from the database and the node's own log at
/// start, whenever audiences change, when the accounting day changes, and every hour, which brings what other nodes
/// have learned. In between every event is counted as it is acknowledged. Forgets shoppers who were erased.
public final class AudienceKeeper: Service {
    /// Audiences are compared with what is installed this often.
    static let lookEvery: Duration = .milliseconds(250)
    /// Facts are read again this often without a change.
    public static let readEvery = Timestamp.Span.hours(1)
    /// After a failure nothing is tried for so long.
    static let retryAfter = Timestamp.Span.seconds(10)
    /// What was acknowledged just before the view of the database was taken is on its way to the log's reader.
    static let settling: Duration = .milliseconds(100)
    private static let batch = 4_096
    /// Erasures older than the start by this much were known when profiles were rebuilt.
    private static let startMargin = Timestamp.Span.minutes(1)

    private let environment: DeliveryEnvironment
    private let loader: AudienceLoader
    private let logDirectory: String?
    private let logger: Logger
    private let loads: Counter
    private let failures: Counter
    private let shoppersRefused: Gauge
    private let loadTime: DurationHistogram
    private let startedAt: Timestamp
    private let progress = Mutex(Progress())

    private struct Progress {
        var definitions: [AudienceDefinition]?
        var thresholds = RFMThresholds()
        var readAt = Timestamp(micros: .min)
        var day = Day(number: .min)
        var failedAt: Timestamp?
        var forgotten: Set<UInt64> = []
    }

    /// - Parameter logDirectory: the node's own log; nil where there is none.
    public init(
        environment: DeliveryEnvironment, loader: AudienceLoader, logDirectory: String?, logger: Logger
    ) {
        self.environment = environment
        self.loader = loader
        self.logDirectory = logDirectory
        self.logger = logger
        startedAt = environment.clock()
        loads = environment.metrics.counter("nimb_audience_loads_total", "Facts of shoppers read from the database.")
        failures = environment.metrics.counter(
            "nimb_audience_failures_total", "Attempts to read the facts of shoppers that failed.")
        shoppersRefused = environment.metrics.gauge(
            "nimb_audience_shoppers_refused", "Shoppers whose facts found no room.")
        loadTime = environment.metrics.duration("nimb_audience_load_seconds", "Reading the facts of shoppers.")
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.look()
                try? await Task.sleep(for: Self.lookEvery)
            }
        }
    }

    /// Does what is due. Never throws: the facts that are there stay in use.
    public func look() async {
        guard let state = environment.serving.state else { return }
        let now = environment.clock()
        forget(state.data.erasures)
        guard isDue(state.data, now: now) else { return }
        let started = ContinuousClock.now
        do {
            guard try await load(state, now: now) else { throw AudienceLoadError.tooMuchMeanwhile }
            loads.add()
            let spent = (ContinuousClock.now - started).components
            loadTime.observe(micros: spent.seconds * 1_000_000 + spent.attoseconds / 1_000_000_000_000)
            progress.withLock { progress in
                progress.definitions = state.data.audiences
                progress.thresholds = state.data.rfm
                progress.readAt = now
                progress.failedAt = nil
            }
        } catch {
            environment.audiences.endRecording()
            if Task.isCancelled { return }
            failures.add()
            logger.warning("audiences go on with old facts", metadata: ["error": "\(error)"])
            progress.withLock { $0.failedAt = now }
        }
    }

    private func isDue(_ data: ServingData, now: Timestamp) -> Bool {
        let day = environment.audiences.installed?.day(now)
        return progress.withLock { progress in
            if let failed = progress.failedAt, now - failed < Self.retryAfter, now >= failed { return false }
            guard let known = progress.definitions else { return true }
            if known != data.audiences || progress.thresholds != data.rfm { return true }
            // Without audiences there is nothing to know.
            if known.isEmpty { return false }
            if let day, day != progress.day {
                defer { progress.day = day }
                if progress.day.number != .min { return true }
            }
            return now - progress.readAt >= Self.readEvery || now < progress.readAt
        }
    }

    private func forget(_ erasures: [ServingErasure]) {
        let fresh = progress.withLock { progress in
            let known = progress.forgotten
            progress.forgotten = Set(erasures.map(\.key))
            // What was erased before the start has not come back, but for what the shopper has done since.
            return erasures.filter { !known.contains($0.key) && $0.at > startedAt - Self.startMargin }
        }
        for erasure in fresh {
            environment.profiles.forget(erasure.key)
            environment.audiences.forget(erasure.key)
        }
    }

    /// False when so much happened meanwhile that it has to be tried again.
    private func load(_ state: ServingState, now: Timestamp) async throws -> Bool {
        let environment = environment
        let since = Mutex(now)
        let loaded = try await loader.load(state.data.audiences, thresholds: state.data.rfm, now: now) {
            environment.audiences.beginRecording()
            since.withLock { $0 = environment.clock() }
        }
        let start = since.withLock { $0 }
        let zone = loaded.zone
        let new = LiveAudiences.Installed(facts: loaded.facts) { zone.day(of: $0) }
        if !loaded.facts.book.isEmpty {
            try? await Task.sleep(for: Self.settling)
            try readLog(from: loaded.position, until: start, state, into: new)
        }
        // Rows of shoppers whose erasure waits for logs to be shipped are still there.
        for erasure in state.data.erasures where erasure.isOpen { loaded.facts.forget(erasure.key) }
        shoppersRefused.set(Int64(loaded.facts.refused))
        return environment.audiences.install(new, after: start)
    }

    /// What this node has acknowledged and no worker has shipped yet.
    private func readLog(
        from position: Int64?, until end: Timestamp, _ state: ServingState, into new: LiveAudiences.Installed
    ) throws {
        // A node that keeps a log has opened it before anything is read here.
        guard let logDirectory else { return }
        let reader = try EventLogReader(directory: logDirectory)
        let first = try reader.firstPosition()
        var at = max(first, position.map { UInt64(clamping: $0) } ?? first)
        let keys = environment.keys
        let erased = state.data.erased
        while true {
            let read = try reader.read(from: at, maximumRecords: Self.batch, maximumBytes: 8 << 20)
            for entry in read.records {
                guard
                    let kind = entry.bytes.withUnsafeBytes({ LogRecordCodec.kind(of: $0) }), kind != .decision,
                    let record = try? entry.bytes.withUnsafeBytes({ try LogRecordCodec.decode($0) }),
                    record.receivedAt <= end, let action = AudienceActions.of(record, state, keys),
                    !action.concerns(erased, receivedAt: record.receivedAt)
                else { continue }
                new.apply(action)
            }
            if read.records.isEmpty || read.next == at { return }
            at = read.next
        }
    }
}

/// Why facts were not replaced.
enum AudienceLoadError: Error {
    /// More happened during the reading than can be kept aside.
    case tooMuchMeanwhile

    var code: String { "too_much_meanwhile" }
    var isRetryable: Bool { true }
}

extension AudienceAction {
    /// Whether it was received before its shopper was erased.
    func concerns(_ erased: [UInt64: Timestamp], receivedAt: Timestamp) -> Bool {
        guard !erased.isEmpty else { return false }
        func isErased(_ key: UInt64) -> Bool { erased[key].map { receivedAt < $0 } ?? false }
        switch self {
        case .event(_, let visitor, _): return isErased(visitor)
        case .order(_, _, let visitor, let customer, _): return isErased(visitor) || isErased(customer)
        case .link(let visitor, let customer, _): return isErased(visitor) || isErased(customer)
        }
    }
}

extension ServingData {
    /// When shoppers were erased last, by key.
    var erased: [UInt64: Timestamp] {
        Dictionary(erasures.map { ($0.key, $0.at) }, uniquingKeysWith: { max($0, $1) })
    }
}

extension LogRecord {
    /// When the node took it; a decision's time.
    var receivedAt: Timestamp {
        switch self {
        case .decision(let it): it.id.issuedAt
        case .adEvent(let it): it.receivedAt
        case .signal(let it): it.receivedAt
        case .order(let it): it.receivedAt
        case .adjustment(let it): it.receivedAt
        case .link(let it): it.receivedAt
        case .refused(let it): it.receivedAt
        }
    }
}
