import AdModel
import ORD

/// What moves money into and out of a wallet, beside charges.
public enum WalletKind: String, CaseIterable, Sendable {
    case topUp = "top_up"
    case withdrawal
    case refund
}

/// What somebody wants to be recorded in a wallet.
public struct WalletMovement: Equatable, Sendable {
    public var kind: WalletKind
    /// Without VAT, above zero whatever the kind.
    public var amount: Micros
    /// What makes the movement the same one when it is sent again; unique in the installation.
    public var reference: String
    public var reason: String
    /// `user:usr-…`, `key:key-…` or `system:…`.
    public var actor: String
    public var contractID: Int32?
    /// What was paid with VAT, for top-ups that came so.
    public var paid: WalletVAT.Parts?
    public var rate: VATRate?
    /// Whose charges a refund gives back.
    public var campaignID: Int32?

    public init(
        kind: WalletKind, amount: Micros, reference: String, reason: String, actor: String, contractID: Int32? = nil,
        paid: WalletVAT.Parts? = nil, rate: VATRate? = nil, campaignID: Int32? = nil
    ) {
        self.kind = kind
        self.amount = amount
        self.reference = reference
        self.reason = reason
        self.actor = actor
        self.contractID = contractID
        self.paid = paid
        self.rate = rate
        self.campaignID = campaignID
    }
}

/// A row of the wallet as it stands.
public struct WalletEntry: Equatable, Sendable {
    public var id: Int64
    public var code: String
    public var advertiserID: Int32
    public var kind: WalletKind
    /// Without VAT; below zero for withdrawals.
    public var amount: Micros
    public var reference: String
    public var reason: String
    public var actor: String
    public var recordedAt: Timestamp
    /// What was paid, VAT included, and the VAT in it.
    public var paid: KopeckAmount?
    public var vat: KopeckAmount?
    public var rate: VATRate?
    /// Public id of the campaign that a refund is for.
    public var campaign: String?
}

/// What a wallet holds. All sums without VAT.
public struct WalletSummary: Equatable, Sendable {
    /// Every movement of the wallet, less everything charged.
    public var balance: Micros
    public var creditLimit: Micros
    /// Promised to shoppers by nodes and not charged yet.
    public var reserved: Micros
    /// Everything charged, less what was refunded of it.
    public var spent: Micros
    /// Charges that did not fit and cost nothing.
    public var overDeliveryEvents: Int64
    /// What those would have cost.
    public var overDelivery: Micros

    /// What may still be promised: balance and credit, less what is promised; never below zero.
    public var available: Micros { max(.zero, balance + creditLimit - reserved) }
    /// What may be taken out: no more than the balance, and nothing that is promised.
    public var withdrawable: Micros { max(.zero, min(balance, balance + creditLimit - reserved)) }
}
