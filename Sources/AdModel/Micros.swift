/// An amount of money in micro-roubles (1 RUB = 1,000,000), without VAT unless the name says otherwise.
///
/// A type of its own, so that money cannot be mixed with counts or with floating point. Arithmetic traps on
/// overflow, as all of Swift's does: 2^63 micro-roubles are nine trillion roubles.
public struct Micros: Hashable, Comparable, Sendable, AdditiveArithmetic {
    /// Micro-roubles; negative for refunds and reversals.
    public var value: Int64

    @inlinable
    public init(_ value: Int64) { self.value = value }

    /// Whole roubles as money.
    @inlinable
    public static func roubles(_ roubles: Int64) -> Micros { Micros(roubles * 1_000_000) }

    @inlinable
    public static var zero: Micros { Micros(0) }
    @inlinable
    public static func < (a: Micros, b: Micros) -> Bool { a.value < b.value }
    @inlinable
    public static func + (a: Micros, b: Micros) -> Micros { Micros(a.value + b.value) }
    @inlinable
    public static func - (a: Micros, b: Micros) -> Micros { Micros(a.value - b.value) }
    @inlinable
    public static prefix func - (a: Micros) -> Micros { Micros(-a.value) }
}

extension Micros: CustomStringConvertible {
    /// `1234.567800` roubles with all six decimals: for logs and messages, never for display to people.
    public var description: String {
        let whole = value.magnitude / 1_000_000
        let part = String(value.magnitude % 1_000_000)
        return "\(value < 0 ? "-" : "")\(whole).\(String(repeating: "0", count: 6 - part.count))\(part)"
    }
}
