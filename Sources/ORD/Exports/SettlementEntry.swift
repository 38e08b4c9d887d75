import AdModel

/// One document between the retailer and a counterparty, for an акт сверки. Sums with VAT.
public struct SettlementEntry: Hashable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        /// The buyer paid.
        case topUp = "top_up"
        /// Services were accepted.
        case act
        /// Money or services were given back, or an entry was corrected.
        case refund
    }

    public var day: Day
    public var kind: Kind
    /// `Акт № РМ-2026/0001`, `Оплата 17`.
    public var document: String
    /// What it does to the buyer's balance: payments are above zero, acts below.
    public var amount: KopeckAmount

    public init(day: Day, kind: Kind, document: String, amount: KopeckAmount) {
        self.day = day
        self.kind = kind
        self.document = document
        self.amount = amount
    }
}
