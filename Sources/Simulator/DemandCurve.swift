import AdModel

/// How busy the shop is: a day has a quiet night, a lunch and an evening; a week has its Sunday; a month its pay days.
public struct DemandCurve: Sendable {
    private static let hours: [Double] = [
        0.42, 0.24, 0.14, 0.09, 0.08, 0.13, 0.29, 0.55, 0.82, 1.02, 1.12, 1.17, 1.22, 1.17, 1.10, 1.10, 1.16, 1.32,
        1.52, 1.72, 1.85, 1.72, 1.32, 0.82,
    ]
    /// Monday first.
    private static let weekdays: [Double] = [0.95, 0.92, 0.94, 0.97, 1.06, 1.12, 1.04]
    private static let meanHour = hours.reduce(0, +) / 24

    private let zoneOffset: Timestamp.Span

    public init(zoneOffset: Timestamp.Span) { self.zoneOffset = zoneOffset }

    /// The largest value that `intensity` takes.
    static let peak = 1.85 / meanHour * 1.12 * 1.13

    /// 1 on average.
    public func intensity(at instant: Timestamp) -> Double {
        let local = instant.micros + zoneOffset.micros
        let day = floorDivide(local, 86_400_000_000)
        let second = Double(local - day * 86_400_000_000) / 1_000_000
        let hour = Int(second / 3_600)
        let part = second / 3_600 - Double(hour)
        let value = Self.hours[hour] * (1 - part) + Self.hours[(hour + 1) % 24] * part
        // 1970-01-01 was a Thursday.
        let weekday = Int(((day + 3) % 7 + 7) % 7)
        return value / Self.meanHour * Self.weekdays[weekday] * Self.payday(day)
    }

    /// Salaries come about every fifteen days.
    private static func payday(_ day: Int64) -> Double {
        switch ((day % 15) + 15) % 15 {
        case 0, 1: 1.13
        case 2: 1.06
        case 12, 13: 0.94
        default: 1
        }
    }
}
