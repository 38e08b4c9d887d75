import AdModel

/// How guesses are slowed: some are free, then each makes the next wait twice as long, up to a limit. Silence forgives:
/// a failure is forgotten per `leak`. So there is never a lock for good, and a right password works after the delay.
public struct GuessPolicy: Equatable, Sendable {
    /// Failures without a delay.
    public var free: Int
    /// The first delay.
    public var base: Timestamp.Span
    /// The longest delay.
    public var cap: Timestamp.Span
    /// Time in which one failure is forgotten.
    public var leak: Timestamp.Span

    public init(free: Int, base: Timestamp.Span, cap: Timestamp.Span, leak: Timestamp.Span) {
        self.free = free
        self.base = base
        self.cap = cap
        self.leak = leak
    }

    /// One login name. In the long run about 150 guesses a day.
    public static let account = GuessPolicy(free: 5, base: .seconds(1), cap: .minutes(15), leak: .minutes(10))
    /// One network (/24, /48), where a whole office may sit.
    public static let network = GuessPolicy(free: 20, base: .seconds(1), cap: .minutes(5), leak: .minutes(1))
    /// Requests for a reset link per network.
    public static let reset = GuessPolicy(free: 10, base: .seconds(2), cap: .minutes(15), leak: .minutes(5))

    /// What is known of earlier failures.
    public struct Count: Equatable, Sendable {
        public var failures: Int
        /// When the oldest failure not yet forgotten began to be.
        public var since: Timestamp
        public var notBefore: Timestamp

        public init(failures: Int, since: Timestamp, notBefore: Timestamp) {
            self.failures = failures
            self.since = since
            self.notBefore = notBefore
        }
    }

    /// How long the next attempt has to wait after that many failures.
    public func delay(after failures: Int) -> Timestamp.Span {
        guard failures > free else { return .seconds(0) }
        // Far below the range of Int64, and far above any cap.
        let doublings = min(failures - free - 1, 30)
        return Timestamp.Span(micros: min(cap.micros, base.micros << Int64(doublings)))
    }

    /// The count with one more failure at `now`, what was forgotten meanwhile left out.
    public func adding(to count: Count, at now: Timestamp) -> Count {
        var count = forgetting(count, at: now)
        if count.failures == 0 { count.since = now }
        // A number above this adds no delay and would only lengthen forgiveness.
        count.failures = min(count.failures + 1, free + 20)
        count.notBefore = now + delay(after: count.failures)
        return count
    }

    /// The count without one failure that turned out to be none.
    public func taking(from count: Count, at now: Timestamp) -> Count {
        Count(failures: max(0, count.failures - 1), since: count.since, notBefore: min(count.notBefore, now))
    }

    private func forgetting(_ count: Count, at now: Timestamp) -> Count {
        guard count.failures > 0, now > count.since else { return count }
        let forgotten = (now - count.since).micros / leak.micros
        var left = count
        left.failures = max(0, count.failures - Int(min(forgotten, Int64(count.failures))))
        left.since = Timestamp(micros: count.since.micros + forgotten * leak.micros)
        return left
    }
}
