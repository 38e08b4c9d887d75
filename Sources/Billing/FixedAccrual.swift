import AdModel

/// A fixed price accrues in equal parts over the days of its flight; the last day takes what division left over.
public struct FixedAccrual: Equatable, Sendable {
    public let total: Micros
    public let first: Day
    public let last: Day

    /// - Parameters:
    ///   - total: the price of the whole flight, not negative.
    ///   - starts: first instant of the flight.
    ///   - ends: the instant it is over; a flight that ends at midnight does not touch the day that begins then.
    public init(total: Micros, starts: Timestamp, ends: Timestamp, zone: AccountingZone) {
        self.total = total
        first = zone.day(of: starts)
        last = max(first, zone.day(of: Timestamp(micros: ends.micros - 1)))
    }

    /// Number of accounting days, at least 1.
    public var days: Int { last - first + 1 }

    /// What accrues on a day; nothing outside the flight.
    public func amount(on day: Day) -> Micros {
        guard day >= first, day <= last else { return .zero }
        let part = total.value / Int64(days)
        return day == last ? Micros(total.value - part * Int64(days - 1)) : Micros(part)
    }
}
