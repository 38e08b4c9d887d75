/// How the opportunities of a day are expected to spread over its hours: the curve that a budget should follow, so
/// that what it buys is as good at night as at the peak.
public struct DemandForecast: Equatable, Sendable {
    public static let hours = 24
    /// No hour is expected to bring less than this part of an average one: a forecast of nothing would leave a line
    /// item without means when something comes after all.
    static let least = 0.02

    /// Part of the day that is over at the beginning of each hour: 25 values from 0 to 1.
    private let before: [Double]

    /// Every hour like every other.
    public static let flat = DemandForecast(hourly: [])

    /// - Parameter hourly: what each hour brings, in any unit, from midnight on; negative values count as 0, missing
    ///   ones too, and a day of nothing is flat.
    public init(hourly: [Double]) {
        var weights = (0..<Self.hours).map { $0 < hourly.count && hourly[$0] > 0 ? hourly[$0] : 0 }
        let sum = weights.reduce(0, +)
        weights = weights.map { sum > 0 ? max($0, sum / Double(Self.hours) * Self.least) : 1 }
        let total = weights.reduce(0, +)
        var before = [0.0]
        for weight in weights { before.append(before[before.count - 1] + weight / total) }
        self.before = before
    }

    /// Part of the day's opportunities that lies between two hours of the day, 0...24.
    public func share(from: Double, to: Double) -> Double { max(0, reached(to) - reached(from)) }

    /// Part of the day's opportunities that is over at an hour of the day, evenly inside an hour.
    public func reached(_ hour: Double) -> Double {
        let hour = min(max(hour, 0), Double(Self.hours))
        let whole = min(Int(hour), Self.hours - 1)
        return before[whole] + (before[whole + 1] - before[whole]) * (hour - Double(whole))
    }
}
