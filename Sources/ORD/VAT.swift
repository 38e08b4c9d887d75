import AdModel

/// VAT rate of a contract (R18): a property of the seller's regime, not of the buyer.
public enum VATRate: String, CaseIterable, Codable, Sendable {
    case withoutVAT = "without_vat"
    case zero = "0"
    case five = "5"
    case seven = "7"
    case ten = "10"
    case twenty = "20"
    case twentyTwo = "22"

    /// Whole percent; 0 for a seller that is exempt.
    public var percent: Int64 {
        switch self {
        case .withoutVAT, .zero: 0
        case .five: 5
        case .seven: 7
        case .ten: 10
        case .twenty: 20
        case .twentyTwo: 22
        }
    }

    /// 22 replaced 20 for acts dated 2026-01-01 and later.
    public func isAllowed(on actDate: Day) -> Bool {
        guard let change = Day(year: 2026, month: 1, day: 1) else { return false }
        switch self {
        case .twenty: return actDate < change
        case .twentyTwo: return actDate >= change
        default: return true
        }
    }
}

/// A seller's regime under a contract from a day on.
public struct VATPeriod: Hashable, Codable, Sendable {
    public var from: Day
    public var rate: VATRate

    public init(from: Day, rate: VATRate) {
        self.from = from
        self.rate = rate
    }
}

extension VATRate {
    /// The rate on a day under this regime: the general rate was 20 % until the end of 2025 and is 22 % since, whichever
    /// of the two the contract was made with; the others stay what they are.
    public func inForce(on day: Day) -> VATRate {
        guard self == .twenty || self == .twentyTwo else { return self }
        return VATRate.twenty.isAllowed(on: day) ? .twenty : .twentyTwo
    }
}

/// An amount as the operator writes it: without VAT, the VAT, and their sum.
public struct TaxedAmount<Amount: AdditiveArithmetic & Comparable & Codable & Hashable & Sendable>: Hashable, Codable,
    Sendable
{
    public var excludingVAT: Amount
    public var rate: VATRate
    public var vat: Amount
    /// Always the exact sum of the two.
    public var includingVAT: Amount

    public init(excludingVAT: Amount, rate: VATRate, vat: Amount, includingVAT: Amount? = nil) {
        self.excludingVAT = excludingVAT
        self.rate = rate
        self.vat = vat
        self.includingVAT = includingVAT ?? (excludingVAT + vat)
    }
}

/// VAT arithmetic and the operator's bounds (ord.md section 2.7, ord-rules.md R19).
public enum VAT {
    /// Half up to kopecks.
    public static func amount(of excluding: KopeckAmount, at rate: VATRate) -> KopeckAmount {
        KopeckAmount(kopecks: floorDivide(excluding.kopecks * rate.percent + 50, 100))
    }

    /// Half up to five decimals.
    public static func amount(of excluding: Decimal5, at rate: VATRate) -> Decimal5 {
        Decimal5(units: floorDivide(excluding.units * rate.percent + 50, 100))
    }

    /// What the operator accepts as VAT of an act or an item.
    public static func bounds(of excluding: KopeckAmount, at rate: VATRate) -> ClosedRange<KopeckAmount> {
        let range = bounds(units: excluding.decimal5.units, rate: rate, finest: 2)
        return KopeckAmount(kopecks: range.lowerBound / 1_000)...KopeckAmount(kopecks: range.upperBound / 1_000)
    }

    /// What the operator accepts as VAT of a statistics row: below 0.10 it counts with as many decimals as the sum
    /// itself has (2 to 5).
    public static func bounds(of excluding: Decimal5, at rate: VATRate) -> ClosedRange<Decimal5> {
        let finest = min(max(excluding.significantDecimals, 2), 5)
        let range = bounds(units: excluding.units, rate: rate, finest: finest)
        return Decimal5(units: range.lowerBound)...Decimal5(units: range.upperBound)
    }

    /// - Parameter finest: decimals used when the calculated VAT is below 0.10.
    private static func bounds(units: Int64, rate: VATRate, finest: Int) -> ClosedRange<Int64> {
        guard rate.percent > 0 else { return 0...0 }
        let calculated = units * rate.percent  // in 10^-7 roubles
        let decimals = calculated < 1_000_000 ? finest : 2
        var step: Int64 = 1  // one unit of the last decimal, in 10^-5 roubles
        for _ in decimals..<5 { step *= 10 }
        let wide = step * 100  // the same in 10^-7 roubles
        let floor = calculated / wide * step
        let rounded = (calculated + wide / 2) / wide * step
        if calculated >= 5_000_000 { return floor...(rounded + 50_000) }
        let upper = min(rounded + 5 * step, units / 2)
        return floor...max(floor, upper)
    }
}
