import AdModel

/// Where cohorts begin and end; the retailer's choice.
public struct RFMThresholds: Hashable, Sendable {
    /// Days since the last order up to which a buyer is active, cooling, sleeping; later he is lost.
    public var activeDays: Int32 = 30
    public var coolingDays: Int32 = 90
    public var sleepingDays: Int32 = 180
    /// Orders from which a buyer is a repeated one, and a champion.
    public var repeatOrders: Int32 = 2
    public var championOrders: Int32 = 5
    /// Percent of buyers, by what they spent in 12 months, who are champions whatever the number of their orders.
    public var championPercent: Int32 = 20

    /// Days of a year's spend.
    public static let spendDays: Int32 = 365

    public init() {}

    func recency(daysSince days: Int32) -> Recency {
        if days <= activeDays { return .active }
        if days <= coolingDays { return .cooling }
        return days <= sleepingDays ? .sleeping : .lost
    }

    /// - Parameter championSpend: micro-roubles in 12 months from which one is among the best buyers.
    func value(orders: Int32, spend: Int64, championSpend: Int64) -> BuyerValue {
        if orders >= championOrders || spend >= championSpend { return .champion }
        return orders >= repeatOrders ? .repeat : .first
    }

    /// What the last of the best buyers spent; `.max` when nobody spent anything.
    /// - Parameter spends: of all who spent something in 12 months, above 0.
    func championSpend(_ spends: inout [Int64]) -> Int64 {
        let best = (spends.count * Int(championPercent) + 99) / 100
        guard best > 0 else { return .max }
        spends.sort(by: >)
        return spends[best - 1]
    }
}

/// What is known of one buyer.
struct Buyer {
    var orders: Int32 = 0
    var lastDay: Int32 = .min
    /// Micro-roubles in the last 12 months.
    var spend: Int64 = 0
}
