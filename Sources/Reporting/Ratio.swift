/// Division for reports in integers, so that equal inputs give equal text everywhere.
public enum Ratio {
    /// Decimal places of every ratio.
    public static let places = 6

    /// `numerator / denominator` in parts of a million, rounded half away from zero; nil when the denominator is
    /// not positive or the result is too large.
    public static func millionths(_ numerator: Int64, _ denominator: Int64) -> Int64? {
        guard denominator > 0 else { return nil }
        let product = numerator.magnitude.multipliedFullWidth(by: 1_000_000)
        let divisor = denominator.magnitude
        guard product.high < divisor else { return nil }
        var (quotient, remainder) = divisor.dividingFullWidth(product)
        if remainder >= divisor - remainder { quotient += 1 }
        guard let value = Int64(exactly: quotient) else { return nil }
        return numerator < 0 ? -value : value
    }

    /// `numerator * factor / denominator` rounded down; nil when the denominator is not positive or the result
    /// does not fit.
    public static func scaled(_ numerator: Int64, by factor: UInt64, over denominator: Int64) -> Int64? {
        guard denominator > 0, numerator >= 0 else { return nil }
        let product = numerator.magnitude.multipliedFullWidth(by: factor)
        guard product.high < denominator.magnitude else { return nil }
        return Int64(exactly: denominator.magnitude.dividingFullWidth(product).quotient)
    }

    /// A decimal literal with exactly six places: `0.012346`.
    public static func text(millionths: Int64) -> String {
        let part = String(millionths.magnitude % 1_000_000)
        return "\(millionths < 0 ? "-" : "")\(millionths.magnitude / 1_000_000)."
            + String(repeating: "0", count: places - part.count) + part
    }
}
