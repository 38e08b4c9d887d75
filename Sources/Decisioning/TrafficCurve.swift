import AdModel

/// How traffic spreads over a week: what a plan for a flight is measured by instead of the clock.
public struct TrafficCurve: Equatable, Sendable {
    /// Traffic until the beginning of each hour of the week (UTC, 0 = Monday 00:00), and of the whole week.
    private let sums: [Double]

    /// Every hour like the others.
    public static var flat: TrafficCurve { TrafficCurve(hours: []) }

    /// - Parameter hours: traffic of the 168 hours of the week, in any unit; flat unless there are 168 with something
    ///   in them. An hour counts for at least a twentieth of the average, as little says nothing of what may come.
    public init(hours: [Double]) {
        let total = hours.reduce(0) { $0 + max(0, $1) }
        let isKnown = hours.count == 168 && total > 0 && total.isFinite
        var sums = [0.0]
        for hour in 0..<168 {
            let weight = isKnown ? max(hours[hour] / total * 168, 0.05) : 1
            sums.append((sums.last ?? 0) + weight)
        }
        self.sums = sums
    }

    /// Traffic expected from one instant to another, in hours of an average week; 0 when the second is not later.
    public func amount(from: Timestamp, to: Timestamp) -> Double {
        from < to ? until(to) - until(from) : 0
    }

    /// Part of a flight's traffic that is over: 0...1.
    public func elapsed(from: Timestamp, to: Timestamp, at now: Timestamp) -> Double {
        let whole = amount(from: from, to: to)
        if whole <= 0 { return 1 }
        return min(1, max(0, amount(from: from, to: min(now, to)) / whole))
    }

    private func until(_ instant: Timestamp) -> Double {
        let hour: Int64 = 3_600_000_000
        let week = 168 * hour
        // 1970-01-01 was a Thursday, three days after a Monday.
        let shifted = min(max(instant.micros, -(1 << 60)), 1 << 60) + 72 * hour
        let weeks = shifted >= 0 ? shifted / week : -((-shifted + week - 1) / week)
        let inside = shifted - weeks * week
        let place = Int(inside / hour)
        let part = Double(inside % hour) / Double(hour)
        return Double(weeks) * sums[168] + sums[place] + part * (sums[place + 1] - sums[place])
    }
}
