import CLibPQ
import Dispatch
import Synchronization

/// What is needed to ask the server to cancel the statement of one connection.
///
/// Unchecked: the object is immutable after `PQgetCancel`, and libpq documents `PQcancel` as safe from any thread.
final class CancelHandle: @unchecked Sendable {
    private let pointer: OpaquePointer

    init?(connection: OpaquePointer) {
        guard let pointer = PQgetCancel(connection) else { return nil }
        self.pointer = pointer
    }

    /// Returns when the server has taken note, or when it cannot be reached.
    func cancel() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            _ = PQcancel(pointer, buffer.baseAddress, Int32(buffer.count))
        }
    }

    deinit { PQfreeCancel(pointer) }
}

/// Carries the cancellation of one task to the connection it borrowed, and never to the next borrower: requests
/// are sent under the lock that `finish` takes.
final class LeaseCancellation: Sendable {
    private struct State {
        var handle: CancelHandle?
        var cancelled = false
        var finished = false
        var sent = false
        var held = false
    }
    private let state = Mutex(State())
    /// A request that arrives between two statements is ignored by the server, hence the repetition.
    private static let interval = DispatchTimeInterval.milliseconds(50)

    var isCancelled: Bool { state.withLock { $0.cancelled } }

    func attach(_ handle: CancelHandle?) { state.withLock { $0.handle = handle } }

    func cancel() {
        state.withLock { $0.cancelled = true }
        DispatchQueue.global().async { self.send() }
    }

    private func send() {
        let again = state.withLock { state in
            guard !state.finished else { return false }
            if !state.held, let handle = state.handle {
                handle.cancel()
                state.sent = true
            }
            return true
        }
        if again { DispatchQueue.global().asyncAfter(deadline: .now() + Self.interval) { self.send() } }
    }

    /// No request is sent until `resume`, so that a rollback is not cancelled. True when one had been sent: it may
    /// still be on its way to the statement.
    func hold() -> Bool {
        state.withLock { state in
            state.held = true
            defer { state.sent = false }
            return state.sent
        }
    }

    func resume() { state.withLock { $0.held = false } }

    /// No request is sent after this returns. True as for `hold`.
    func finish() -> Bool {
        state.withLock { state in
            state.finished = true
            state.handle = nil
            defer { state.sent = false }
            return state.sent
        }
    }
}
