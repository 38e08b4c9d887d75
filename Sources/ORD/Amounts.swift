import AdModel

/// Money of acts and contracts: whole kopecks.
public struct KopeckAmount: Hashable, Comparable, Codable, Sendable, AdditiveArithmetic {
    /// Kopecks (1 RUB = 100).
    public var kopecks: Int64

    @inlinable
    public init(kopecks: Int64) { self.kopecks = kopecks }

    /// Rounded half up to kopecks: 0.005 RUB becomes 0.01.
    public init(roundingHalfUp micros: Micros) { kopecks = floorDivide(micros.value + 5_000, 10_000) }

    /// Parses `123`, `123.4` or `123.45`; nil for anything else (no sign, no exponent, no spaces).
    public init?(_ text: String) {
        guard let value = DecimalText.parse(text, decimals: 2) else { return nil }
        kopecks = value
    }

    /// The same sum in micro-roubles.
    public var micros: Micros { Micros(kopecks * 10_000) }
    /// The same sum with five decimals.
    public var decimal5: Decimal5 { Decimal5(units: kopecks * 1_000) }

    public static var zero: KopeckAmount { KopeckAmount(kopecks: 0) }
    public static func < (a: KopeckAmount, b: KopeckAmount) -> Bool { a.kopecks < b.kopecks }
    public static func + (a: KopeckAmount, b: KopeckAmount) -> KopeckAmount {
        KopeckAmount(kopecks: a.kopecks + b.kopecks)
    }
    public static func - (a: KopeckAmount, b: KopeckAmount) -> KopeckAmount {
        KopeckAmount(kopecks: a.kopecks - b.kopecks)
    }
}

extension KopeckAmount: CustomStringConvertible {
    /// Always two decimals: `9999.00`.
    public var description: String { DecimalText.format(kopecks, decimals: 2) }
}

/// Money of statistics rows: five decimals.
public struct Decimal5: Hashable, Comparable, Codable, Sendable, AdditiveArithmetic {
    /// Hundred-thousandths of a rouble (1 RUB = 100,000).
    public var units: Int64

    @inlinable
    public init(units: Int64) { self.units = units }

    /// Parses up to five decimals; nil for anything else.
    public init?(_ text: String) {
        guard let value = DecimalText.parse(text, decimals: 5) else { return nil }
        units = value
    }

    /// How many decimals are needed to write the sum: `0.40` has one.
    public var significantDecimals: Int {
        var rest = units.magnitude
        var decimals = 5
        while decimals > 0, rest % 10 == 0 {
            rest /= 10
            decimals -= 1
        }
        return decimals
    }

    public static var zero: Decimal5 { Decimal5(units: 0) }
    public static func < (a: Decimal5, b: Decimal5) -> Bool { a.units < b.units }
    public static func + (a: Decimal5, b: Decimal5) -> Decimal5 { Decimal5(units: a.units + b.units) }
    public static func - (a: Decimal5, b: Decimal5) -> Decimal5 { Decimal5(units: a.units - b.units) }
}

extension Decimal5: CustomStringConvertible {
    /// Always five decimals: `3332.96667`.
    public var description: String { DecimalText.format(units, decimals: 5) }
}

/// Price of one event, excluding VAT: eight decimals per show, five otherwise (R20).
public struct UnitPrice: Hashable, Codable, Sendable {
    /// The price in units of `10^-decimals` roubles.
    public var units: Int64
    /// 8 for cpm, 5 otherwise.
    public var decimals: Int

    public init(units: Int64, decimals: Int) {
        self.units = units
        self.decimals = decimals
    }

    /// `amount` divided by `events`, rounded half up.
    ///
    /// A positive amount never gives a price of zero: the operator wants both zero or both positive.
    /// - Parameters:
    ///   - events: at least 1.
    ///   - count: how many events the price is for: 1, or 1,000.
    public init(_ amount: Decimal5, perEventOf events: Int64, decimals: Int, times count: Int64 = 1) {
        let scale: Int64 = decimals == 8 ? 1_000 : 1
        let numerator = Int128(amount.units) * Int128(scale) * Int128(count)
        let quotient = (numerator * 2 + Int128(events)) / (Int128(events) * 2)
        units = Int64(quotient)
        if units == 0, amount.units > 0 { units = 1 }
        self.decimals = decimals
    }
}

extension UnitPrice: CustomStringConvertible {
    public var description: String { DecimalText.format(units, decimals: decimals) }
}

/// Decimal text without floating point.
enum DecimalText {
    static func format(_ value: Int64, decimals: Int) -> String {
        let digits = String(value.magnitude)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let point = padded.index(padded.endIndex, offsetBy: -decimals)
        return "\(value < 0 ? "-" : "")\(padded[..<point]).\(padded[point...])"
    }

    /// Without zeros at the end, but with two decimals at least: `99.99000000` is `99.99`, `9.00000` is `9.00`.
    static func trimmed(_ text: String) -> String {
        guard let point = text.firstIndex(of: ".") else { return text }
        var digits = text[text.index(after: point)...]
        while digits.utf8.count > 2, digits.last == "0" { digits = digits.dropLast() }
        return "\(text[...point])\(digits)"
    }

    /// Non-negative decimal text with at most `decimals` decimals and ten whole digits, in units of 10^-decimals.
    static func parse(_ text: String, decimals: Int) -> Int64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, (1...10).contains(whole.utf8.count) else { return nil }
        let fraction = parts.count == 2 ? parts[1] : ""
        guard parts.count == 1 || (1...decimals).contains(fraction.utf8.count) else { return nil }
        var value: Int64 = 0
        for byte in (whole + fraction).utf8 {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - 0x30)
        }
        for _ in fraction.utf8.count..<decimals { value *= 10 }
        return value
    }
}
