import AdModel

/// A calendar month in the retailer's accounting zone.
public struct AccountingMonth: Hashable, Comparable, Sendable {
    public let year: Int
    /// 1...12.
    public let month: Int
    public let first: Day
    public let last: Day

    /// nil when there is no such month.
    public init?(year: Int, month: Int) {
        let next = month == 12 ? (year + 1, 1) : (year, month + 1)
        guard let first = Day(year: year, month: month, day: 1), let after = Day(year: next.0, month: next.1, day: 1)
        else { return nil }
        self.year = year
        self.month = month
        self.first = first
        self.last = after + -1
    }

    /// Parses exactly `YYYY-MM`.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count == 7, let day = Day("\(text)-01") else { return nil }
        self.init(year: day.civil.year, month: day.civil.month)
    }

    public init?(containing day: Day) { self.init(year: day.civil.year, month: day.civil.month) }

    public func contains(_ day: Day) -> Bool { first <= day && day <= last }

    public static func < (a: AccountingMonth, b: AccountingMonth) -> Bool { a.first < b.first }
}

extension AccountingMonth: CustomStringConvertible {
    /// `2026-11`.
    public var description: String { String(first.description.prefix(7)) }
}
