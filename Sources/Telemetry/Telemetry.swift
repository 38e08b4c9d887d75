import Synchronization

/// A number that only grows. Safe to add to from any thread.
public final class Counter: Sendable {
    private let cell = Atomic<Int64>(0)

    init() {}

    /// Adds `amount` (>= 0).
    public func add(_ amount: Int64 = 1) { cell.wrappingAdd(amount, ordering: .relaxed) }

    /// The sum so far.
    public var value: Int64 { cell.load(ordering: .relaxed) }
}

/// A number that goes up and down; whole units only (bytes, connections, milliseconds, 0/1 for an alarm).
public final class Gauge: Sendable {
    private let cell = Atomic<Int64>(0)

    init() {}

    public func set(_ value: Int64) { cell.store(value, ordering: .relaxed) }
    public func add(_ amount: Int64) { cell.wrappingAdd(amount, ordering: .relaxed) }

    /// What was set last.
    public var value: Int64 { cell.load(ordering: .relaxed) }
}

/// Counts observations under fixed upper bounds. Durations are observed in microseconds and rendered in seconds.
public final class DurationHistogram: Sendable {
    /// Upper bounds in microseconds, ascending; one more bucket holds the rest.
    public static let bounds: [Int64] = [
        50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 10_000_000,
    ]

    private let buckets: [Counter] = (0...bounds.count).map { _ in Counter() }
    private let sum = Counter()

    init() {}

    /// Counts one duration.
    public func observe(micros: Int64) {
        var index = 0
        while index < Self.bounds.count, micros > Self.bounds[index] { index += 1 }
        buckets[index].add()
        sum.add(max(0, micros))
    }

    /// Cumulative counts per bound, the last one being all observations, and their sum in microseconds.
    public var snapshot: (cumulative: [Int64], sumMicros: Int64) {
        var running: Int64 = 0
        let cumulative = buckets.map { bucket in
            running += bucket.value
            return running
        }
        return (cumulative, sum.value)
    }
}
