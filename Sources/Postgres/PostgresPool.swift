import Dispatch
import Synchronization

/// A bounded set of connections, made when needed and replaced when lost.
///
/// The body given to `withConnection` runs synchronously on the connection's own executor: many statements without
/// an `await` between them. Cancelling the task cancels the running statement.
public final class PostgresPool: Sendable {
    /// Tasks that may wait for a connection; one more gets `pool_exhausted` at once.
    public static let waiterLimit = 1_024

    private typealias Waiter = (id: UInt64, continuation: CheckedContinuation<PostgresConnection, any Error>)

    private struct State {
        var idle: [PostgresConnection] = []
        var made = 0
        var leased = 0
        var waiters: [Waiter] = []
        var nextWaiter: UInt64 = 0
        /// Waiters that were cancelled before they stood in line.
        var cancelled: Set<UInt64> = []
        var closed = false
        var drained: [CheckedContinuation<Void, Never>] = []
    }

    public let options: PostgresOptions
    public let maximumConnections: Int
    /// Longest wait for a free connection.
    public let acquireTimeout: Duration
    private let state = Mutex(State())

    /// No connection is made before the first use.
    public init(
        _ options: PostgresOptions, maximumConnections: Int = 4, acquireTimeout: Duration = .seconds(30)
    ) {
        precondition(maximumConnections > 0, "a pool needs at least one connection")
        self.options = options
        self.maximumConnections = maximumConnections
        self.acquireTimeout = acquireTimeout
    }

    /// Lends a connection for the time of `body`. An open transaction is rolled back afterwards.
    public func withConnection<R: Sendable>(
        _ body: @Sendable (isolated PostgresConnection) throws -> R
    ) async throws -> R {
        let connection = try await acquire()
        defer { release(connection) }
        let cancellation = LeaseCancellation()
        return try await withTaskCancellationHandler {
            try await connection.lease(cancellation, body)
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// Runs `body` in a transaction: commits when it returns, rolls back when it throws.
    public func transaction<R: Sendable>(
        _ isolation: IsolationLevel = .readCommitted, _ body: @Sendable (isolated PostgresConnection) throws -> R
    ) async throws -> R {
        try await withConnection { connection in
            try connection.transaction(isolation) { try body(connection) }
        }
    }

    /// Refuses new work, waits for what is running, then closes every connection.
    public func close() async {
        let (waiters, busy) = state.withLock { state in
            state.closed = true
            defer { state.waiters = [] }
            return (state.waiters, state.leased > 0)
        }
        for waiter in waiters { waiter.continuation.resume(throwing: Self.closedError) }
        if busy {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state in
                    if state.leased == 0 { return true }
                    state.drained.append(continuation)
                    return false
                }
                if now { continuation.resume() }
            }
        }
        let idle = state.withLock { state in
            defer { state.idle = [] }
            return state.idle
        }
        for connection in idle { await connection.disconnect() }
    }

    // MARK: Lending

    private static let closedError = PostgresError(.poolClosed, "the connection pool is closed")

    private func acquire() async throws -> PostgresConnection {
        if let connection = try state.withLock({ try take(&$0) }) { return connection }
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        defer { _ = state.withLock { $0.cancelled.remove(id) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { wait(id, $0) }
        } onCancel: {
            giveUp(id, PostgresError(.cancelled, "the task was cancelled"), standing: false)
        }
    }

    /// A connection that is free or may still be made.
    private func take(_ state: inout State) throws -> PostgresConnection? {
        if state.closed { throw Self.closedError }
        // Who waits goes first.
        guard state.waiters.isEmpty else { return nil }
        if let connection = state.idle.popLast() {
            state.leased += 1
            return connection
        }
        guard state.made < maximumConnections else { return nil }
        state.made += 1
        state.leased += 1
        return PostgresConnection(options)
    }

    private func wait(_ id: UInt64, _ continuation: CheckedContinuation<PostgresConnection, any Error>) {
        let answer: Result<PostgresConnection, any Error>? = state.withLock { state in
            if state.cancelled.remove(id) != nil {
                return .failure(PostgresError(.cancelled, "the task was cancelled"))
            }
            do {
                if let connection = try take(&state) { return .success(connection) }
            } catch { return .failure(error) }
            guard state.waiters.count < Self.waiterLimit else {
                return .failure(
                    PostgresError(
                        .poolExhausted,
                        "\(Self.waiterLimit) tasks already wait for one of \(maximumConnections) connections"))
            }
            state.waiters.append((id, continuation))
            return nil
        }
        if let answer {
            continuation.resume(with: answer)
            return
        }
        let limit = DispatchTime.now() + .milliseconds(Int(clamping: acquireTimeout.milliseconds))
        DispatchQueue.global().asyncAfter(deadline: limit) { [weak self] in
            guard let self else { return }
            giveUp(
                id,
                PostgresError(
                    .poolTimeout, "none of \(maximumConnections) connections became free in \(acquireTimeout)"),
                standing: true)
        }
    }

    private func giveUp(_ id: UInt64, _ error: PostgresError, standing: Bool) {
        let waiter: Waiter? = state.withLock { state in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                if !standing { state.cancelled.insert(id) }
                return nil
            }
            return state.waiters.remove(at: index)
        }
        waiter?.continuation.resume(throwing: error)
    }

    private func release(_ connection: PostgresConnection) {
        let (next, drained): (Waiter?, [CheckedContinuation<Void, Never>]) = state.withLock { state in
            if !state.waiters.isEmpty { return (state.waiters.removeFirst(), []) }
            state.leased -= 1
            state.idle.append(connection)
            guard state.leased == 0 else { return (nil, []) }
            defer { state.drained = [] }
            return (nil, state.drained)
        }
        next?.continuation.resume(returning: connection)
        for continuation in drained { continuation.resume() }
    }
}
