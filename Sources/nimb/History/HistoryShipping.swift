import AdModel
import Billing
import Pipeline
import Store
import Synchronization

/// What the worker made of the log so far.
struct HistoryTotals: Sendable {
    var records = 0
    var events = 0
    var duplicates = 0
    var invalid = 0
    var spent = Micros.zero
    var overDelivery = Micros.zero
    var batches = 0
}

/// The worker beside the simulation: batch after batch, as in real life, and never far behind it.
final class HistoryShipping: Sendable {
    private struct State {
        var totals = HistoryTotals()
        var shippedUpTo = Timestamp(micros: .min)
        var accrued: Int64?
        var isEnding = false
        var failure: (any Error)?
    }

    private let worker: PipelineWorker
    private let clock: InstallationClock
    private let state = Mutex(State())

    init(worker: PipelineWorker, clock: InstallationClock) {
        self.worker = worker
        self.clock = clock
    }

    var totals: HistoryTotals { state.withLock(\.totals) }

    /// No more is written: what is left is shipped, then `run` returns.
    func end() { state.withLock { $0.isEnding = true } }

    func run() async throws {
        do {
            while !Task.isCancelled {
                let isLast = state.withLock(\.isEnding)
                let now = clock.now()
                try await accrue(now, isLast: isLast)
                switch try await worker.shipOnce() {
                case .shipped(let summary): note(summary)
                case .idle:
                    state.withLock { $0.shippedUpTo = now }
                    if isLast { return }
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
        } catch {
            state.withLock { $0.failure = error }
            throw error
        }
    }

    /// Waits until everything before an instant is shipped.
    func wait(until instant: Timestamp) async throws {
        while true {
            let (reached, failure) = state.withLock { ($0.shippedUpTo, $0.failure) }
            if let failure { throw failure }
            if reached >= instant { return }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private func accrue(_ now: Timestamp, isLast: Bool) async throws {
        let hour = floorDivide(now.micros, 3_600_000_000)
        guard isLast || state.withLock({ $0.accrued.map { hour >= $0 + 6 } ?? true }) else { return }
        let charged = try await worker.accrueFixed().charged
        state.withLock { state in
            state.accrued = hour
            state.totals.spent = state.totals.spent + charged
        }
    }

    private func note(_ summary: BatchSummary) {
        state.withLock { state in
            state.totals.batches += 1
            state.totals.records += summary.records
            state.totals.events += summary.events
            state.totals.duplicates += summary.duplicates
            state.totals.invalid += summary.invalid
            state.totals.spent = state.totals.spent + summary.charges.charged
            state.totals.overDelivery = state.totals.overDelivery + summary.charges.overDelivery
        }
    }
}
