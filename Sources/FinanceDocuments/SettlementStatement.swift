import AdModel
import ORD

/// An акт сверки: what one counterparty paid, what was done for it, and who owes whom. All sums with VAT.
public struct SettlementStatement: Hashable, Sendable {
    public typealias Entry = SettlementEntry

    public var from: Day
    public var to: Day
    public var seller: Party
    public var buyer: Party
    public var contract: Contract?
    /// Before the first day: above zero, the buyer has paid ahead.
    public var opening: KopeckAmount
    /// In order of day.
    public private(set) var entries: [Entry]

    public init(
        from: Day, to: Day, seller: Party, buyer: Party, contract: Contract? = nil, opening: KopeckAmount,
        entries: [Entry]
    ) {
        self.from = from
        self.to = to
        self.seller = seller
        self.buyer = buyer
        self.contract = contract
        self.opening = opening
        // Sorted, keeping the order of one day.
        self.entries = entries.enumerated().sorted { ($0.element.day, $0.offset) < ($1.element.day, $1.offset) }
            .map(\.element)
    }

    public var closing: KopeckAmount { entries.reduce(opening) { $0 + $1.amount } }

    /// Sum of the entries of a kind.
    public func total(of kind: Entry.Kind) -> KopeckAmount {
        entries.filter { $0.kind == kind }.reduce(.zero) { $0 + $1.amount }
    }

    /// The paper as HTML that is complete in itself.
    public var html: [UInt8] {
        let debit = entries.filter { $0.amount < .zero }.reduce(KopeckAmount.zero) { $0 - $1.amount }
        let credit = entries.filter { $0.amount > .zero }.reduce(KopeckAmount.zero) { $0 + $1.amount }
        return DocumentTemplate.statement.html(
            .compact([
                "title": "Акт сверки взаимных расчётов", "from": RussianText.shortDate(from),
                "to": RussianText.shortDate(to), "contract": contract.map(ContractTitle.of),
                "seller": seller.values, "buyer": buyer.values,
                "openingDebit": Self.side(opening, debit: true), "openingCredit": Self.side(opening, debit: false),
                "closingDebit": Self.side(closing, debit: true), "closingCredit": Self.side(closing, debit: false),
                "turnoverDebit": RussianText.amount(debit), "turnoverCredit": RussianText.amount(credit),
                "entries": entries.map { entry -> [String: Any] in
                    [
                        "day": RussianText.shortDate(entry.day), "document": entry.document,
                        "debit": Self.side(entry.amount, debit: true),
                        "credit": Self.side(entry.amount, debit: false),
                    ]
                },
                "conclusion": conclusion,
                "words": closing == .zero ? nil : RussianText.words(max(closing, .zero - closing)),
                "parts": [
                    "opening": RussianText.amount(opening), "topUps": RussianText.amount(total(of: .topUp)),
                    "acts": RussianText.amount(total(of: .act)), "refunds": RussianText.amount(total(of: .refund)),
                    "closing": RussianText.amount(closing),
                ],
            ]))
    }

    private var conclusion: String {
        let day = RussianText.shortDate(to)
        if closing == .zero { return "На \(day) задолженность отсутствует." }
        let creditor = closing > .zero ? buyer.person.name : seller.person.name
        let sum = RussianText.amount(max(closing, .zero - closing))
        return "На \(day) задолженность в пользу \(creditor) составляет \(sum) ₽"
    }

    /// In the seller's books the buyer's debt is a debit.
    private static func side(_ amount: KopeckAmount, debit: Bool) -> String {
        if debit { return amount < .zero ? RussianText.amount(.zero - amount) : "" }
        return amount > .zero ? RussianText.amount(amount) : ""
    }
}
