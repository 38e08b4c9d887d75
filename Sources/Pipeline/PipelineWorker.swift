import AdModel
import Billing
import EventLog
import Logging
import Measurement
import Postgres
import ServiceLifecycle
import Store
import Synchronization
import Telemetry

/// Ships one node's log to PostgreSQL, exactly once: each batch with its charges, credits, rollups and checkpoint
/// is one transaction.
///
/// The worker owns one connection, because the lock that makes it the only one for its node belongs to the session:
/// when the connection is lost, so are the lock and whatever was not committed.
public final class PipelineWorker: Service {
    /// What one call of `shipOnce` did.
    public enum Outcome: Equatable, Sendable {
        case shipped(BatchSummary)
        /// Nothing new in the log.
        case idle
    }

    private struct State {
        /// Position after the last committed batch; nil until the data base was asked.
        var position: Int64?
        var known = false
        var beat = Timestamp(micros: .min)
        var accrued: Day?
        var failure: String?
        /// The session holds the node's lock.
        var holdsNode = false
    }

    private let directory: String
    private let pool: PostgresPool
    private let options: PipelineOptions
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    private let metrics: PipelineMetrics
    private let state = Mutex(State())

    /// - Parameters:
    ///   - directory: the log's directory; it may not hold a log yet.
    ///   - database: options of the connection that the worker opens for itself.
    ///   - clock: the time of the process; virtual in simulations.
    public init(
        directory: String, database: PostgresOptions, options: PipelineOptions = PipelineOptions(),
        clock: @escaping @Sendable () -> Timestamp, registry: MetricsRegistry = MetricsRegistry(), logger: Logger
    ) {
        self.directory = directory
        pool = PostgresPool(database, maximumConnections: 1)
        self.options = options
        self.clock = clock
        self.logger = logger
        metrics = PipelineMetrics(registry)
    }

    /// Why shipping stands still; nil while all is well. For the health page.
    public var trouble: String? { state.withLock(\.failure) }

    /// Ships until the task is cancelled or the service group shuts down, then ships what is left and closes its
    /// connection. Failures that may pass are retried; the others end the service with an error that says what to
    /// do, because going on would mean skipping records.
    public func run() async throws {
        var wait = options.retryWait
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            do {
                let outcome = try await shipOnce()
                try await accrueDaily()
                wait = options.retryWait
                if outcome == .idle { try await pause(options.idleWait) }
            } catch is CancellationError {
                break
            } catch {
                guard Self.mayPass(error) else {
                    await close()
                    throw error
                }
                logger.warning("shipping waits", metadata: ["reason": "\(error)", "directory": "\(directory)"])
                do { try await pause(wait) } catch { break }
                wait = min(wait * 2, options.longestRetryWait)
            }
        }
        await drain()
        await close()
    }

    /// Ships the next batch, if there is one. Throws `PipelineError`, `PostgresError` or `EventLogError`; nothing is
    /// stored then.
    @discardableResult
    public func shipOnce() async throws -> Outcome {
        do {
            let outcome = try await ship()
            state.withLock { $0.failure = nil }
            metrics.healthy.set(1)
            return outcome
        } catch {
            // What is not committed is not known either: the next try asks the data base where it stands.
            state.withLock {
                $0.known = false
                $0.failure = "\(error)"
            }
            metrics.healthy.set(0)
            metrics.failures.add()
            throw error
        }
    }

    /// Ships until the log has nothing new.
    @discardableResult
    public func shipAll() async throws -> [BatchSummary] {
        var summaries: [BatchSummary] = []
        while case .shipped(let summary) = try await shipOnce() { summaries.append(summary) }
        return summaries
    }

    /// Books the daily parts of fixed prices up to today; harmless to repeat.
    @discardableResult
    public func accrueFixed() async throws -> ChargeSummary {
        let now = clock()
        return try await pool.transaction { connection in
            let zone = try Self.zone(on: connection)
            try CheckpointStore.lockLedgers(on: connection)
            return try FixedAccrualLedger.accrue(zone: zone, now: now, on: connection)
        }
    }

    /// Hands the node back and closes the worker's connection. `run` does so itself.
    public func close() async {
        if state.withLock({ $0.holdsNode }) {
            let pool = pool
            // Also for a cancelled task; a connection that is gone has let go already.
            await Task { try? await pool.withConnection { try CheckpointStore.releaseNode(on: $0) } }.value
        }
        await pool.close()
    }

    // MARK: One batch

    private func ship() async throws -> Outcome {
        guard let reader = try openLog() else { return .idle }
        let log = LogIdentity(nodeID: reader.nodeID, high: reader.logID.high, low: reader.logID.low)
        let position = try await currentPosition(log)
        let readAt = clock()
        let read = try read(reader, from: position)
        guard !read.records.isEmpty else {
            try await beat(log, at: position, through: readAt - options.settle)
            return .idle
        }
        var batch = RecordBatch()
        for entry in read.records {
            do throws(LogRecordError) {
                batch.append(try LogRecordCodec.decode(entry.bytes), bytes: entry.bytes)
            } catch {
                throw PipelineError.unreadableRecord(endingAt: Int64(clamping: entry.end), reason: error.code)
            }
        }
        let started = ContinuousClock.now
        let summary = try await commit(batch, log, from: position, to: Int64(clamping: read.next))
        state.withLock {
            $0.position = Int64(clamping: read.next)
            $0.known = true
            $0.holdsNode = true
        }
        metrics.count(summary, seconds: ContinuousClock.now - started)
        tidyLog(reader, before: read.next)
        return .shipped(summary)
    }

    private func commit(
        _ batch: RecordBatch, _ log: LogIdentity, from position: Int64?, to next: Int64
    ) async throws -> BatchSummary {
        let now = clock()
        let through = batch.latest.map { min($0, now) - options.settle }
        do {
            return try await pool.withConnection { connection in
                try EventLedger.prepareSession(connection)
                return try connection.transaction {
                    guard try CheckpointStore.holdNode(log.nodeID, on: connection) else {
                        throw PipelineError.nodeBusy(node: log.nodeID)
                    }
                    let zone = try Self.zone(on: connection)
                    try CheckpointStore.register(nodeID: log.nodeID, code: "node-\(log.nodeID)", on: connection)
                    try CheckpointStore.lockLedgers(on: connection)
                    // First, so that a batch that somebody else has shipped costs nothing and touches nothing.
                    guard
                        try CheckpointStore.advance(
                            log, from: position, to: next, through: through, now: now, on: connection)
                    else { throw PipelineError.checkpointMoved(expected: position ?? 0) }
                    return try BatchWriter(zone: zone, nodeID: log.nodeID, now: now).write(batch, on: connection)
                }
            }
        } catch let error as PostgresError where !error.isRetryable && error.kind != .cancelled {
            throw PipelineError.batchRefused(from: position ?? 0, through: next, reason: "\(error)")
        }
    }

    private func openLog() throws -> EventLogReader? {
        do throws(EventLogError) {
            return try EventLogReader(directory: directory)
        } catch {
            // The server has not begun its log yet.
            if case .noLog = error { return nil }
            throw error
        }
    }

    private func read(_ reader: EventLogReader, from position: Int64?) throws -> LogRead {
        do throws(EventLogError) {
            return try reader.read(
                from: UInt64(position ?? 0), maximumRecords: options.batchRecords, maximumBytes: options.batchBytes)
        } catch {
            switch error {
            case .positionRemoved, .positionBeyondEnd:
                throw PipelineError.checkpointOutsideLog(position: position ?? 0, reason: "\(error)")
            default: throw error
            }
        }
    }

    private func currentPosition(_ log: LogIdentity) async throws -> Int64? {
        if let known = state.withLock({ $0.known ? .some($0.position) : nil }) { return known }
        let position = try await pool.withConnection { try CheckpointStore.position(of: log, on: $0) }
        state.withLock {
            $0.position = position
            $0.known = true
        }
        return position
    }

    /// Records that the log has nothing newer, so that reports of a quiet node do not look old.
    private func beat(_ log: LogIdentity, at position: Int64?, through: Timestamp) async throws {
        let now = clock()
        guard state.withLock({ now >= $0.beat + options.heartbeat || now < $0.beat }) else { return }
        let expected = position
        let moved = try await pool.transaction { connection in
            guard try CheckpointStore.holdNode(log.nodeID, on: connection) else {
                throw PipelineError.nodeBusy(node: log.nodeID)
            }
            try CheckpointStore.register(nodeID: log.nodeID, code: "node-\(log.nodeID)", on: connection)
            return try CheckpointStore.advance(
                log, from: expected, to: expected ?? 0, through: through, now: now, on: connection)
        }
        guard moved else { throw PipelineError.checkpointMoved(expected: expected ?? 0) }
        state.withLock {
            $0.beat = now
            $0.position = expected ?? 0
            $0.holdsNode = true
        }
    }

    // MARK: Housekeeping

    private func accrueDaily() async throws {
        let now = clock()
        // Moscow's midnight and every other one falls on a quarter of an hour; asking hourly is soon enough and
        // does not need the zone.
        let hour = Day(number: Int32(truncatingIfNeeded: floorDivide(now.micros, 3_600_000_000)))
        guard state.withLock({ $0.accrued != hour }) else { return }
        try await accrueFixed()
        state.withLock { $0.accrued = hour }
    }

    /// Old segments go; what cannot be removed now is tried after the next batch.
    private func tidyLog(_ reader: EventLogReader, before position: UInt64) {
        do throws(EventLogError) {
            try reader.removeSegments(before: position, olderThan: clock() - options.segmentRetention)
        } catch {
            logger.warning("old log segments stay", metadata: ["reason": "\(error)"])
        }
    }

    /// At shutdown the log's last records still go out, if the data base is there.
    private func drain() async {
        do { try await shipAll() } catch {
            logger.notice("the rest of the log ships after the next start", metadata: ["reason": "\(error)"])
        }
    }

    private func pause(_ duration: Duration) async throws {
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: duration) }
    }

    private static func zone(on connection: isolated PostgresConnection) throws -> AccountingZone {
        guard let row = try connection.query("select accounting_zone from retailer").first else {
            throw PipelineError.noRetailer
        }
        let name = try row.string(0)
        guard let zone = AccountingZone(name) else { throw PipelineError.unknownZone(name) }
        return zone
    }

    private static func mayPass(_ error: any Error) -> Bool {
        switch error {
        case let error as PipelineError: error.isRetryable
        case let error as PostgresError: error.isRetryable || error.kind == .cancelled
        case let error as EventLogError: error.isRetryable
        default: false
        }
    }
}
