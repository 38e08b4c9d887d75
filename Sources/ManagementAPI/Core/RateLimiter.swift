import AdModel
import Store
import Synchronization

/// How often one caller may ask.
public struct RateLimits: Equatable, Sendable {
    /// Requests a minute of one user or key.
    public var actor: Int
    /// Requests a minute without identity from one network.
    public var network: Int

    public init(actor: Int = 3_000, network: Int = 600) {
        self.actor = actor
        self.network = network
    }
}

/// Counts requests per caller in windows of a minute. Bounded: when too many callers are known, those of past minutes
/// leave, and if that is not enough the newcomers share one counter.
final class RateLimiter: Sendable {
    static let callerLimit = 50_000
    private static let window: Int64 = 60_000_000

    struct Standing {
        var limit: Int
        var remaining: Int
        /// Seconds until the window ends.
        var reset: Int
        var isAdmitted: Bool
    }

    private struct State {
        var window: Int64 = 0
        var counts: [String: Int] = [:]
    }

    private let state = Mutex(State())

    func count(_ caller: String, limit: Int, now: Timestamp) -> Standing {
        let window = now.micros / Self.window
        let used = state.withLock { state in
            if state.window != window {
                state.window = window
                state.counts.removeAll(keepingCapacity: true)
            }
            let name = state.counts.count < Self.callerLimit || state.counts[caller] != nil ? caller : "others"
            state.counts[name, default: 0] += 1
            return state.counts[name] ?? 1
        }
        let reset = Int((Self.window - now.micros % Self.window + 999_999) / 1_000_000)
        return Standing(limit: limit, remaining: max(0, limit - used), reset: reset, isAdmitted: used <= limit)
    }
}
