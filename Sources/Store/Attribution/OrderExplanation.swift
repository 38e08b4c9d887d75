import AdModel
import Attribution

/// Why an order's lines were credited as they were.
public struct OrderExplanation: Equatable, Sendable {
    /// An adjustment of the order.
    public struct Adjustment: Equatable, Sendable {
        /// The shop's id; nil for an advertiser.
        public var id: String?
        public var kind: String
        public var occurredAt: Timestamp
        public var lineNumber: Int32?
        public var units: Int32?
        public var amountMicros: Int64?
    }

    /// A link that may have joined the order to a touch; ids are blinded for an advertiser.
    public struct Link: Equatable, Sendable {
        public var visitor: String
        public var customer: String
        public var linkedAt: Timestamp
    }

    /// A touch in a contest. Of a rival an advertiser learns when, how and how strong, no more.
    public struct Touch: Equatable, Sendable {
        public var id: String?
        public var advertiser: String?
        public var campaign: String?
        public var lineItem: String?
        public var isRival: Bool
        /// `click` or `view`.
        public var interaction: String
        public var occurredAt: Timestamp
    }

    /// A touch that won a line.
    public struct Winner: Equatable, Sendable {
        public var touch: Touch
        public var level: String
        /// Credit less reversals; nil for a rival's.
        public var units: Int64?
        public var amountMicros: Int64?
    }

    /// A touch that did not win.
    public struct Loser: Equatable, Sendable {
        public var touch: Touch
        public var reason: String
    }

    /// One policy's decision about a line.
    public struct Contest: Equatable, Sendable {
        /// Name and version.
        public var policy: String
        /// SHA-256 of what the policy says.
        public var policyHash: [UInt8]
        public var winners: [Winner]
        public var losers: [Loser]
        /// Losers beyond the limit.
        public var losersOmitted: Int
    }

    /// A row of the ledger.
    public struct Posting: Equatable, Sendable {
        public var id: Int64
        public var policy: String
        public var campaign: String
        public var touch: String
        public var level: String
        public var kind: String
        public var units: Int64
        public var amountMicros: Int64
        public var cause: CreditCause
        public var causeAt: Timestamp
        public var postingMonth: Day
        public var recordedAt: Timestamp
    }

    /// One line of the order.
    public struct Line: Equatable, Sendable {
        public var number: Int32
        public var sku: String
        public var units: Int64
        public var netAmountMicros: Int64
        public var contests: [Contest]
        public var postings: [Posting]
    }

    /// The shop's id, or the blinded one.
    public var orderID: String
    public var storefront: String
    public var orderedAt: Timestamp
    public var channel: String
    public var adjustments: [Adjustment]
    public var links: [Link]
    public var lines: [Line]
    /// The ledger's net is what these contests say.
    public var ledgerAgrees: Bool
}

/// Why a row of the ledger was written.
public struct CreditCause: Equatable, Sendable {
    /// What happened.
    public enum Kind: String, CaseIterable, Sendable {
        /// The sale itself.
        case order
        case adjustment
        case lateTouch = "late_touch"
        case lateLink = "late_link"
        case invalidTouch = "invalid_touch"
        /// Something attribution reads beside the log was corrected.
        case recomputation
        /// The line went from one policy's contest to another's.
        case policyChange = "policy_change"
    }

    public var kind: Kind
    /// The adjustment or touch; nil when there is none, or when it is not the viewer's to know.
    public var reference: String?

    public init(kind: Kind, reference: String? = nil) {
        self.kind = kind
        self.reference = reference
    }

    /// Reads what the ledger stores.
    init(text: String) {
        func after(_ prefix: String) -> String? {
            text.hasPrefix(prefix + " ") ? String(text.dropFirst(prefix.count + 1)) : text == prefix ? "" : nil
        }
        func make(_ kind: Kind, _ reference: String) -> CreditCause {
            CreditCause(kind: kind, reference: reference.isEmpty ? nil : reference)
        }
        self =
            text == "order"
            ? CreditCause(kind: .order)
            : text == "late link"
                ? CreditCause(kind: .lateLink)
                : after("adjustment").map { make(.adjustment, $0) } ?? after("late touch").map { make(.lateTouch, $0) }
                    ?? after("invalid touch").map { make(.invalidTouch, $0) } ?? CreditCause(kind: .recomputation)
    }

    /// The same without what an advertiser may not know: adjustment ids are the shop's, touches may be a rival's.
    func blinded(ownTouches: Set<String>) -> CreditCause {
        guard let reference, kind != .adjustment, ownTouches.contains(reference) else {
            return CreditCause(kind: kind)
        }
        return self
    }
}
