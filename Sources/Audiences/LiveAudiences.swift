import AdModel
import Synchronization

/// The facts that requests see, and their replacement by others while shoppers go on.
///
/// A replacement is made of what the database holds and what the log holds beyond that, up to an instant; what
/// arrives after it is recorded here and applied to the new facts when they are installed. So nothing is lost and
/// nothing is counted twice.
public final class LiveAudiences: Sendable {
    /// Actions recorded at most while facts are being replaced; more of them end the attempt.
    public static let recordingLimit = 1_000_000

    /// Facts with the calendar that they are counted by.
    public struct Installed: Sendable {
        public let facts: AudienceFacts
        /// Day of the accounting zone.
        public let day: @Sendable (Timestamp) -> Day

        public init(facts: AudienceFacts, day: @escaping @Sendable (Timestamp) -> Day) {
            self.facts = facts
            self.day = day
        }
    }

    private struct State {
        var installed: Installed?
        /// nil while nothing is being replaced.
        var recorded: [(receivedAt: Timestamp, action: AudienceAction)]?
        var hasOverflowed = false
    }

    private let state = Mutex(State())

    public init() {}

    public var installed: Installed? { state.withLock { $0.installed } }

    /// True while nobody asks what shoppers do: then it need not be told either.
    public var isIdle: Bool {
        state.withLock { $0.recorded == nil && $0.installed?.facts.book.isEmpty ?? true }
    }

    /// Takes what happened, once it is certain.
    public func apply(_ action: AudienceAction, receivedAt: Timestamp) {
        let current = state.withLock { state -> Installed? in
            if let count = state.recorded?.count {
                if count < Self.recordingLimit {
                    state.recorded?.append((receivedAt, action))
                } else {
                    state.hasOverflowed = true
                }
            }
            return state.installed
        }
        current?.apply(action)
    }

    /// Erases a shopper now; the facts that are being made will not have him either.
    public func forget(_ key: UInt64) {
        let current = state.withLock { $0.installed }
        current?.facts.forget(key)
    }

    /// From now on what happens is kept for the facts that are being made.
    public func beginRecording() {
        state.withLock { state in
            state.recorded = []
            state.hasOverflowed = false
        }
    }

    /// The attempt failed; nothing is kept any more.
    public func endRecording() { state.withLock { $0.recorded = nil } }

    /// Makes new facts the ones that requests see.
    /// - Parameter after: what was received later than that is not in them yet.
    /// - Returns: false when too much happened meanwhile; then nothing changed.
    public func install(_ new: Installed, after: Timestamp) -> Bool {
        state.withLock { state in
            defer { state.recorded = nil }
            guard !state.hasOverflowed else { return false }
            for (receivedAt, action) in state.recorded ?? [] where receivedAt > after { new.apply(action) }
            state.installed = new
            return true
        }
    }
}

extension LiveAudiences.Installed {
    /// Counts what happened, on its own day.
    public func apply(_ action: AudienceAction) {
        let at =
            switch action {
            case .event(_, _, let at), .order(_, _, _, _, let at), .link(_, _, let at): at
            }
        facts.apply(action, day: day(at))
    }
}
