/// Exponential and logarithm of the standard operations alone: the same bits on every machine, which a library's are
/// not. A model trained twice of the same data has the same bytes.
enum ExactMath {
    private static let ln2High = 0.693147180369123816490
    private static let ln2Low = 1.90821492927058770002e-10

    /// e^x to about 1e-15 of itself; 0 below -700, e^700 above 700.
    static func exp(_ x: Double) -> Double {
        if x < -700 { return 0 }
        let x = min(x, 700)
        let halvings = (x * 1.44269504088896338700).rounded()
        let rest = (x - halvings * ln2High) - halvings * ln2Low
        var term = 1.0
        var sum = 1.0
        var number = 1.0
        while number < 15 {
            term *= rest / number
            sum += term
            number += 1
        }
        return sum * Double(sign: .plus, exponent: Int(halvings), significand: 1)
    }

    /// Natural logarithm of x > 0, to about twelve digits.
    static func log(_ x: Double) -> Double {
        let reduced = (x.significand - 1) / (x.significand + 1)
        let square = reduced * reduced
        var term = reduced
        var sum = 0.0
        var divisor = 1.0
        while divisor < 40 {
            sum += term / divisor
            term *= square
            divisor += 2
        }
        return 2 * sum + Double(x.exponent) * 0.693147180559945309
    }

    /// 1 / (1 + e^-x).
    static func logistic(_ x: Double) -> Double {
        let odds = exp(x)
        return odds / (1 + odds)
    }

    /// What a prediction costs against what happened: minus the logarithm of the probability given to it.
    static func logLoss(_ probability: Double, _ happened: Bool) -> Double {
        let sure = min(max(probability, 1e-12), 1 - 1e-12)
        return -log(happened ? sure : 1 - sure)
    }
}
