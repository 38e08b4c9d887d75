import AdModel
import ORD

/// One line of a statement: an entry of the wallet, or what one accounting day charged under one contract.
public struct StatementLine: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case topUp = "top_up"
        case withdrawal, refund
        /// Everything charged on the day.
        case charges
        /// Charges given back on the day, and other corrections.
        case chargeCorrections = "charge_corrections"
    }

    /// Orders lines and pages: day, kind and number in one.
    public var key: Int64
    public var day: Day
    public var kind: Kind
    /// Public id of the entry, or of the contract for charges.
    public var object: String?
    /// What the line does to the balance, without VAT and exact: charges are below zero.
    public var amount: Micros
    /// nil when no contract says what VAT there is.
    public var rate: VATRate?
    /// Rounded to kopecks by `WalletVAT`, or what the bank's payment really held.
    public var vat: KopeckAmount?
    public var amountWithVAT: KopeckAmount?
    /// After this line.
    public var balance: Micros
    public var reference: String?
    public var reason: String?
    public var actor: String?
    public var campaign: String?
    /// Charges that cost something.
    public var events: Int64
    /// Charges that did not fit a budget or the wallet and cost nothing.
    public var overDeliveryEvents: Int64
    /// What those would have cost.
    public var overDelivery: Micros
}

/// A statement of a wallet over whole accounting days, both ends included.
public struct WalletStatement: Equatable, Sendable {
    /// Days of one statement.
    public static let dayLimit = 400
    /// Lines of one statement.
    public static let lineLimit = 20_000

    /// Sums of one kind.
    public struct Total: Equatable, Sendable {
        public var amount = Micros.zero
        /// Sums of the lines' own kopecks; lines without a rate are not in them.
        public var vat = KopeckAmount.zero
        public var amountWithVAT = KopeckAmount.zero

        public init() {}
    }

    public var from: Day
    public var to: Day
    /// Before the first day.
    public var opening: Micros
    /// After the last day.
    public var closing: Micros
    public var lines: [StatementLine]
    public var totals: [StatementLine.Kind: Total]
    public var overDeliveryEvents: Int64
    public var overDelivery: Micros
}
