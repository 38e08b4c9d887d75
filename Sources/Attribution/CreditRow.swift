import AdModel

/// One row of the credit ledger.
public struct CreditRow: Hashable, Sendable {
    public enum Kind: String, CaseIterable, Sendable { case credit, reversal }

    /// What made the row, for the ledger's `cause` and posting month. Not part of the output bytes.
    public enum Cause: Hashable, Sendable {
        case order
        case adjustment(AttributionID)
        case lateTouch(AttributionID)
        case lateLink
        case invalidTouch(AttributionID)
        /// Anything else that made the line run again, in a few words (a late order, a corrected table).
        case rerun(String)

        /// As the ledger stores it.
        public var text: String {
            switch self {
            case .order: "order"
            case .adjustment(let id): "adjustment \(id.text)"
            case .lateTouch(let id): "late touch \(id.text)"
            case .lateLink: "late link"
            case .invalidTouch(let id): "invalid touch \(id.text)"
            case .rerun(let why): why
            }
        }
    }

    public var orderID: AttributionID
    public var lineNumber: Int64
    /// Name and version of the policy.
    public var policy: String
    public var advertiserID: AttributionID
    public var campaignID: AttributionID
    public var lineItemID: AttributionID
    public var touchID: AttributionID
    public var interaction: Interaction
    public var level: MatchLevel
    public var kind: Kind
    /// Negative in reversals.
    public var units: Int64
    /// Negative in reversals.
    public var amountMicros: Int64
    public var orderedAt: Timestamp
    public var touchedAt: Timestamp
    public var cause: Cause
    /// When the cause happened: the order for credits, the adjustment for its rows.
    public var causeAt: Timestamp

    public init(
        orderID: AttributionID, lineNumber: Int64, policy: String, advertiserID: AttributionID,
        campaignID: AttributionID, lineItemID: AttributionID, touchID: AttributionID, interaction: Interaction,
        level: MatchLevel, kind: Kind, units: Int64, amountMicros: Int64, orderedAt: Timestamp, touchedAt: Timestamp,
        cause: Cause, causeAt: Timestamp
    ) {
        self.orderID = orderID
        self.lineNumber = lineNumber
        self.policy = policy
        self.advertiserID = advertiserID
        self.campaignID = campaignID
        self.lineItemID = lineItemID
        self.touchID = touchID
        self.interaction = interaction
        self.level = level
        self.kind = kind
        self.units = units
        self.amountMicros = amountMicros
        self.orderedAt = orderedAt
        self.touchedAt = touchedAt
        self.cause = cause
        self.causeAt = causeAt
    }

    /// What the net position sums by (rule 20).
    public var netKey: NetKey {
        NetKey(
            orderID: orderID, lineNumber: lineNumber, policy: policy, advertiserID: advertiserID,
            campaignID: campaignID, lineItemID: lineItemID, touchID: touchID, interaction: interaction, level: level)
    }
}

extension CreditRow {
    /// The order of the output (rule 19): by the columns from left to right.
    public static func precedes(_ a: CreditRow, _ b: CreditRow) -> Bool {
        let ka = a.netKey
        let kb = b.netKey
        if ka != kb { return ka < kb }
        if a.kind != b.kind { return a.kind == .credit }
        return (a.units, a.amountMicros) < (b.units, b.amountMicros)
    }
}

/// Order, line, policy, advertiser, campaign, line item, touch, interaction and level of a credit.
public struct NetKey: Hashable, Comparable, Sendable {
    public var orderID: AttributionID
    public var lineNumber: Int64
    public var policy: String
    public var advertiserID: AttributionID
    public var campaignID: AttributionID
    public var lineItemID: AttributionID
    public var touchID: AttributionID
    public var interaction: Interaction
    public var level: MatchLevel

    /// By bytes and values, column by column.
    public static func < (a: NetKey, b: NetKey) -> Bool {
        if a.orderID != b.orderID { return a.orderID < b.orderID }
        if a.lineNumber != b.lineNumber { return a.lineNumber < b.lineNumber }
        if a.policy != b.policy { return a.policy.utf8.lexicographicallyPrecedes(b.policy.utf8) }
        if a.advertiserID != b.advertiserID { return a.advertiserID < b.advertiserID }
        if a.campaignID != b.campaignID { return a.campaignID < b.campaignID }
        if a.lineItemID != b.lineItemID { return a.lineItemID < b.lineItemID }
        if a.touchID != b.touchID { return a.touchID < b.touchID }
        if a.interaction != b.interaction { return a.interaction == .click }
        return a.level.rawValue.utf8.lexicographicallyPrecedes(b.level.rawValue.utf8)
    }
}
