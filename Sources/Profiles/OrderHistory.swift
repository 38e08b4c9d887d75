import AdModel

/// How often and for how much a shopper has bought, in a few bytes.
public struct OrderHistory: Sendable, Equatable {
    /// Days of one part of the year that amounts are kept by.
    static let quarterDays: UInt16 = 91

    /// Orders known of, up to 65,535.
    public private(set) var count: UInt16 = 0
    /// UTC day (since the epoch) of the latest order; 0 = none.
    public private(set) var lastDay: UInt16 = 0
    /// Whole roubles by quarter, the one of `lastDay` first.
    private var spent = InlineArray<4, UInt32>(repeating: 0)

    public init() {}

    public static func == (one: OrderHistory, other: OrderHistory) -> Bool {
        one.count == other.count && one.lastDay == other.lastDay
            && (0..<4).allSatisfy { one.spent[$0] == other.spent[$0] }
    }

    mutating func add(day: UInt16, spend: Micros) {
        count &+= count < .max ? 1 : 0
        let quarter = day / Self.quarterDays
        let latestQuarter = lastDay / Self.quarterDays
        if quarter > latestQuarter {
            let moved = Int(quarter - latestQuarter)
            for i in stride(from: 3, through: 0, by: -1) { spent[i] = i >= moved ? spent[i - moved] : 0 }
        }
        lastDay = max(lastDay, day)
        let age = Int(max(quarter, latestQuarter) - quarter)
        guard age < 4 else { return }
        let roubles = UInt32(clamping: max(0, spend.value) / 1_000_000)
        let (sum, isTooMuch) = spent[age].addingReportingOverflow(roubles)
        spent[age] = isTooMuch ? .max : sum
    }

    /// Whole roubles spent in the quarter (of 91 days) of `day` and the three before it: nine to twelve months.
    public func spentInYear(on day: UInt16) -> UInt64 {
        let quarter = day / Self.quarterDays
        let latestQuarter = lastDay / Self.quarterDays
        var sum: UInt64 = 0
        for i in 0..<4 where latestQuarter >= UInt16(i) && quarter < latestQuarter - UInt16(i) + 4 {
            sum += UInt64(spent[i])
        }
        return sum
    }
}

/// An order as a profile takes it.
public struct ProfileOrder: Sendable {
    /// What was bought, as signals of kind `order`.
    public var lines: [ProfileSignal]
    /// Net amount of all lines.
    public var spend: Micros
    public var at: Timestamp

    public init(lines: [ProfileSignal], spend: Micros, at: Timestamp) {
        self.lines = lines
        self.spend = spend
        self.at = at
    }
}
