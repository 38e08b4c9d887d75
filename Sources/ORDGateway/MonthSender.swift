import AdModel
import Foundation
import Logging
import Postgres
import Store

/// Sends months to the operator, in the order in which objects refer to each other.
///
/// Every call is written down before it is made. A call without an answer is never repeated before the operator has
/// been asked what he has. It may end anywhere, also by a power failure: the next run goes on where it stood.
public struct MonthSender: Sendable {
    /// What one sender does at a time.
    public struct Options: Sendable {
        /// Calls under way at a time.
        public var concurrency = 4
        /// Rows of statistics that one call joins, 1...1,000.
        public var rowsPerCall = 100
        /// Objects taken up at a time.
        public var batch = 400
        /// From so many objects on the register is asked for its whole list instead of one by one.
        public var listFrom = 20
        /// Entries of one page of that list, 1...60,000.
        public var listPage = 5_000

        public init() {}
    }

    let pool: PostgresPool
    let client: OperatorClient
    let options: Options
    let logger: Logger
    let clock: @Sendable () -> Timestamp
    /// Names this sender among others that may run.
    let runner: String

    /// - Parameter pool: of the system scope.
    public init(
        pool: PostgresPool, client: OperatorClient, options: Options = Options(), logger: Logger,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.pool = pool
        self.client = client
        self.options = options
        self.logger = logger
        self.clock = clock
        runner = String(UInt64.random(in: .min ... .max), radix: 36)
    }

    /// One run: does what can be done now, of all sendings; safe to end anywhere.
    public func run() async throws {
        let now = clock()
        let due = try await pool.transaction { db in try PushQueue.due(now: now, on: db) }
        for push in due {
            try Task.checkCancellation()
            try await work(on: push)
        }
        let end = clock()
        let accepted = try await pool.transaction { db in try MonthPush.acceptVerified(now: end, on: db) }
        for month in accepted { logger.info("month accepted by the register", metadata: ["month": "\(month)"]) }
    }

    private func work(on push: Int64) async throws {
        let (runner, start) = (runner, clock())
        let isOurs = try await pool.transaction { db in
            try PushQueue.take(push, runner: runner, now: start, on: db)
        }
        guard isOurs else { return }
        let call = PushCall(sender: self)
        try await drain { now, limit, db in
            try PushQueue.tasks(push, now: now, limit: limit, on: db)
        } group: { tasks in
            groups(tasks)
        } work: { tasks in
            tasks[0].state == "unknown" ? try await call.ask(tasks) : try await call.send(tasks)
        }
        try await lookAtList(push, call)
        try await drain { now, limit, db in
            try PushQueue.looks(push, now: now, limit: limit, on: db)
        } group: { tasks in
            tasks.map { [$0] }
        } work: { tasks in
            try await call.look(tasks[0])
        }
        let end = clock()
        let state = try await pool.transaction { try PushQueue.release(push, runner: runner, now: end, on: $0) }
        logger.info("sending", metadata: ["push": "\(push)", "state": "\(state?.rawValue ?? "unchanged")"])
    }

    /// Most objects that are looked for in the register's list at a time.
    static let listLimit = 100_000

    /// Of many objects the register is asked at once; what its list does not hold is asked for one by one.
    private func lookAtList(_ push: Int64, _ call: PushCall) async throws {
        let now = clock()
        let tasks = try await pool.transaction { db in
            try PushQueue.looks(push, now: now, limit: Self.listLimit, on: db)
        }.filter { !$0.awaitsLevy }
        guard tasks.count >= options.listFrom else { return }
        try await call.lookAtList(tasks, page: options.listPage)
    }

    /// Takes up what is due until nothing is, a few calls at a time. Pauses keep an object from being taken up twice.
    private func drain(
        _ due: @escaping @Sendable (Timestamp, Int, isolated PostgresConnection) throws -> [PushTask],
        group: ([PushTask]) -> [[PushTask]], work: @escaping @Sendable ([PushTask]) async throws -> PushCall.Next
    ) async throws {
        while true {
            let (now, batch) = (clock(), options.batch)
            let tasks = try await pool.transaction { db in try due(now, batch, db) }
            guard !tasks.isEmpty else { return }
            let waiting = group(tasks)
            let concurrency = max(1, options.concurrency)
            let isStopped = try await withThrowingTaskGroup(of: PushCall.Next.self) { running in
                var isStopped = false
                for (place, next) in waiting.enumerated() {
                    if place >= concurrency, try await running.next() == .stop { isStopped = true }
                    if isStopped { break }
                    running.addTask { try await work(next) }
                }
                while let next = try await running.next() { isStopped = isStopped || next == .stop }
                return isStopped
            }
            if isStopped { return }
        }
    }

    /// Rows that are sent for the first time travel together; unknown ones are asked for together.
    private func groups(_ tasks: [PushTask]) -> [[PushTask]] {
        var groups: [[PushTask]] = []
        var open: [String: [PushTask]] = [:]
        for task in tasks {
            guard task.line.path.hasPrefix("/v3/statistics"), !task.isAlone else {
                groups.append([task])
                continue
            }
            open[task.state, default: []].append(task)
            if open[task.state]?.count == max(1, min(options.rowsPerCall, 1_000)) {
                groups.append(open.removeValue(forKey: task.state) ?? [])
            }
        }
        return groups + open.sorted { $0.key < $1.key }.map(\.value)
    }
}
