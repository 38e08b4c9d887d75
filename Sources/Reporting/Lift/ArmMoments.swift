/// What one side of an experiment came to: counts, sums, and what a variance needs of them.
public struct ArmMoments: Equatable, Sendable {
    /// Shoppers whose window is over.
    public var shoppers: Int64
    /// Shoppers with at least one order line of the campaign's products inside the window.
    public var buyers: Int64
    public var orders: Int64
    public var units: Int64
    /// Net amount of these lines before returns, micro-roubles without VAT.
    public var salesMicros: Int64
    /// Sum over shoppers of the square of their sales, in squared roubles: a statistic, not money.
    public var squaredRoubles: Double

    public init(
        shoppers: Int64 = 0, buyers: Int64 = 0, orders: Int64 = 0, units: Int64 = 0, salesMicros: Int64 = 0,
        squaredRoubles: Double = 0
    ) {
        self.shoppers = shoppers
        self.buyers = buyers
        self.orders = orders
        self.units = units
        self.salesMicros = salesMicros
        self.squaredRoubles = squaredRoubles
    }

    /// Adds one shopper.
    public mutating func add(orders: Int64, units: Int64, salesMicros: Int64) {
        shoppers += 1
        if units > 0 { buyers += 1 }
        self.orders += orders
        self.units += units
        self.salesMicros += salesMicros
        let roubles = Double(salesMicros) / 1_000_000
        squaredRoubles += roubles * roubles
    }

    /// Outcome "bought": 0 or 1 a shopper.
    var conversion: Sample { Sample(count: shoppers, sum: Double(buyers), squares: Double(buyers)) }
    /// Outcome "roubles spent".
    var roubles: Sample { Sample(count: shoppers, sum: Double(salesMicros) / 1_000_000, squares: squaredRoubles) }
}

/// Count, sum and sum of squares of one outcome over shoppers.
struct Sample: Equatable, Sendable {
    var count: Int64
    var sum: Double
    var squares: Double

    var mean: Double { sum / Double(count) }
    /// Variance of the mean: the unbiased variance of the outcome over the number of shoppers.
    var meanVariance: Double {
        let n = Double(count)
        return max(0, (squares - sum * sum / n) / (n - 1)) / n
    }
}
