import AdModel

/// Days until which a month and its levy have to be dealt with (ord.md section 5).
public enum Deadlines {
    /// Statistics and acts are due 30 days after the month: March on 30 April.
    public static func statistics(of month: AccountingMonth) -> Day { month.last + 30 }
}

/// A quarter of the levy, which the date of the act decides (R27).
public struct LevyQuarter: Hashable, Comparable, Sendable {
    public var year: Int
    /// 1...4.
    public var number: Int

    public init(of actDate: Day) {
        year = actDate.civil.year
        number = (actDate.civil.month + 2) / 3
    }

    /// The register publishes its calculation by this day: the 15th of the second month after the quarter.
    public var calculatedBy: Day { day(15, ofMonthAfter: 2) }
    /// The payer confirms or corrects by this day, ten days later.
    public var confirmBy: Day { day(25, ofMonthAfter: 2) }
    /// The payer pays by this day: the 5th of the third month after the quarter.
    public var payBy: Day { day(5, ofMonthAfter: 3) }

    private func day(_ day: Int, ofMonthAfter months: Int) -> Day {
        let index = year * 12 + number * 3 - 1 + months
        return Day(year: index / 12, month: index % 12 + 1, day: day) ?? Day(number: 0)
    }

    public static func < (a: LevyQuarter, b: LevyQuarter) -> Bool { (a.year, a.number) < (b.year, b.number) }
}

extension LevyQuarter: CustomStringConvertible {
    /// `2026-Q1`.
    public var description: String { "\(year)-Q\(number)" }
}

/// The levy that acts of one quarter lead to: 3 % of the services without VAT, of mediation the commission only (R27).
/// A forecast: the register computes the levy itself.
public struct LevyForecast: Hashable, Sendable {
    public var quarter: LevyQuarter
    /// Without VAT.
    public var base: KopeckAmount
    /// Half up to kopecks.
    public var levy: KopeckAmount

    /// Percent of the base.
    public static let percent: Int64 = 3

    /// By quarter, in order.
    /// - Parameter contracts: the acts' contracts by id, with the parents of additional agreements.
    public static func of(_ acts: [Act], contracts: [String: Contract]) -> [LevyForecast] {
        var bases: [LevyQuarter: KopeckAmount] = [:]
        for act in acts {
            let contract = contracts[act.contractID]
            let isMediation = contract?.isMediation(contract?.parentID.flatMap { contracts[$0] }) ?? false
            let base = isMediation ? act.commission?.amount.excludingVAT ?? .zero : act.services.excludingVAT
            let date = isMediation ? act.commission?.date ?? act.date : act.date
            bases[LevyQuarter(of: date), default: .zero] += base
        }
        return bases.sorted { $0.key < $1.key }.map { quarter, base in
            LevyForecast(
                quarter: quarter, base: base,
                levy: KopeckAmount(kopecks: (base.kopecks * percent + 50) / 100))
        }
    }
}
