/// A number with the interval that covers the truth in 95 % of experiments.
public struct Estimate: Equatable, Sendable {
    public var value: Double
    public var low: Double
    public var high: Double

    public init(value: Double, low: Double, high: Double) {
        self.value = value
        self.low = low
        self.high = high
    }

    /// Whether the interval leaves no room for "no effect".
    public var isSignificant: Bool { low > 0 || high < 0 }

    func scaled(by factor: Double) -> Estimate {
        Estimate(value: value * factor, low: low * factor, high: high * factor)
    }
}

/// The effect on one outcome, per shopper and in relation to the shoppers who did not see the campaign.
public struct OutcomeLift: Equatable, Sendable {
    /// Mean over exposed shoppers and over held-out ones.
    public var exposedMean: Double
    public var ghostMean: Double
    /// Exposed mean less ghost mean: Welch's interval.
    public var difference: Estimate
    /// `difference / ghostMean`: the interval of the ratio of means by the delta method on its logarithm.
    public var relative: Estimate

    init(exposed: Sample, ghost: Sample) {
        exposedMean = exposed.mean
        ghostMean = ghost.mean
        let variances = (exposed.meanVariance, ghost.meanVariance)
        let sum = variances.0 + variances.1
        let freedom =
            sum * sum
            / (variances.0 * variances.0 / Double(exposed.count - 1) + variances.1 * variances.1
                / Double(ghost.count - 1))
        let t = StudentQuantile.upper975(freedom: freedom)
        let margin = t * sum.squareRoot()
        let delta = exposed.mean - ghost.mean
        difference = Estimate(value: delta, low: delta - margin, high: delta + margin)
        let ratio = exposed.mean / ghost.mean
        let spread =
            t
            * (variances.0 / (exposed.mean * exposed.mean) + variances.1 / (ghost.mean * ghost.mean)).squareRoot()
        relative = Estimate(
            value: ratio - 1, low: ratio * Exponential.of(-spread) - 1, high: ratio * Exponential.of(spread) - 1)
    }
}

/// What an experiment says about a campaign.
public enum LiftVerdict: Equatable, Sendable {
    /// Either side has fewer shoppers or buyers than `LiftRule` asks for: no number would mean anything.
    case notEnoughData
    /// - Parameters:
    ///   - conversion: share of shoppers who bought.
    ///   - roubles: roubles per shopper.
    case estimated(conversion: OutcomeLift, roubles: OutcomeLift)
}

/// When a lift is told, and how it is worked out.
public enum LiftRule {
    /// Shoppers and buyers that each side must have. Fewer buyers make the interval of the mean too short, because
    /// most shoppers buy nothing and a few buy much.
    public static let leastShoppers: Int64 = 200
    public static let leastBuyers: Int64 = 50
    /// In one line, for reports.
    public static let method =
        "Difference of means per shopper, Welch 95% interval; ratio of means, delta method on its logarithm"

    /// The same numbers give the same answer to the last bit: nothing here is random.
    public static func verdict(exposed: ArmMoments, ghost: ArmMoments) -> LiftVerdict {
        for arm in [exposed, ghost] where arm.shoppers < leastShoppers || arm.buyers < leastBuyers {
            return .notEnoughData
        }
        // Gifts only: nothing to compare in roubles, and shoppers who all bought leave no variance to judge by.
        for arm in [exposed, ghost] where arm.salesMicros <= 0 || arm.buyers == arm.shoppers { return .notEnoughData }
        return .estimated(
            conversion: OutcomeLift(exposed: exposed.conversion, ghost: ghost.conversion),
            roubles: OutcomeLift(exposed: exposed.roubles, ghost: ghost.roubles))
    }
}

/// The 97.5 % quantile of Student's distribution.
enum StudentQuantile {
    /// Cornish-Fisher expansion around the normal quantile: exact to 1e-4 from 20 degrees of freedom on, which is far
    /// below what `LiftRule` admits.
    static func upper975(freedom: Double) -> Double {
        let z = 1.959_963_984_540_054
        let (z3, z5, z7) = (z * z * z, z * z * z * z * z, z * z * z * z * z * z * z)
        let n = max(freedom, 1)
        return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n)
            + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n)
    }
}

/// The exponential function in plain arithmetic, the same bits on every machine.
enum Exponential {
    static func of(_ x: Double) -> Double {
        if x > 700 { return .infinity }
        if x < -700 { return 0 }
        // exp(x) = exp(x / 2^k)^(2^k): the series is then short.
        let parts = 10
        let small = x / 1_024
        var term = 1.0
        var sum = 1.0
        for n in 1...14 {
            term *= small / Double(n)
            sum += term
        }
        for _ in 0..<parts { sum *= sum }
        return sum
    }
}
