import AdModel
import ORD

/// Where the close of a month stands: `open -> frozen -> reconciled -> acts issued -> exported -> accepted`; what the
/// operator or finance returns goes back to `frozen` with a reason.
public enum MonthState: String, CaseIterable, Sendable {
    /// The ledger of the month still grows.
    case open
    /// Nothing posts to the month any more; acts have their serials.
    case frozen
    /// The gate passed: ledger = statistics = items = act, and nothing is missing.
    case reconciled
    case actsIssued = "acts_issued"
    /// A bundle left the house.
    case exported
    /// The operator has taken everything.
    case accepted
    /// Sent back, and not yet frozen again.
    case returned

    /// States that may follow. A correction may begin in each frozen state and ends in `frozen`.
    public var next: [MonthState] {
        switch self {
        case .open: [.frozen]
        case .frozen: [.reconciled]
        case .reconciled: [.actsIssued, .returned]
        case .actsIssued: [.exported, .returned]
        case .exported: [.accepted, .returned]
        case .accepted: [.returned]
        case .returned: [.frozen]
        }
    }
}

/// Who changes a month, and when.
public struct MonthActor: Equatable, Sendable {
    /// As the audit log names him: `user:usr-…`, `key:key-…` or `system:…`.
    public var name: String
    public var at: Timestamp
    /// What the audit log knows the request by: the id of an HTTP request, or the part that acts by itself.
    public var request: String

    public init(name: String, at: Timestamp, request: String = "console") {
        self.name = name
        self.at = at
        self.request = request
    }
}

/// One step of a month, as it was recorded.
public struct MonthTransition: Equatable, Sendable {
    public var id: Int64
    public var month: AccountingMonth
    /// Frozen version that it was about; 0 before the first.
    public var version: Int32
    public var from: MonthState
    public var to: MonthState
    public var at: Timestamp
    public var actor: String
    public var reason: String?
    /// JSON object: what was overridden, which manifest, which findings.
    public var details: String
}

/// Why a month cannot be frozen yet.
public struct FreezeCondition: Hashable, Sendable {
    /// Stable word.
    public enum Code: String, CaseIterable, Sendable {
        /// Less than 72 hours have passed since the month's end.
        case monthNotOver = "month_not_over"
        /// A node's checkpoint has not passed the month's end plus the billing deadline.
        case nodeBehind = "node_behind"
        /// An earlier month with charges or shows is still open.
        case earlierMonthOpen = "earlier_month_open"
        /// Ledger, statistics and acts cannot agree as the ledger stands.
        case ledgerUnsound = "ledger_unsound"
    }

    public var code: Code
    /// What it is about: a month, or a node's code, or the object of a finding.
    public var object: String
    /// What is missing and what to do.
    public var message: String
    /// Rows to look at.
    public var links: [Finding.Link]
}
