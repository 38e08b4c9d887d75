import AdModel
import ORD

/// Sending a month to the operator: where it stands.
public struct PushRecord: Equatable, Sendable {
    public enum State: String, CaseIterable, Sendable {
        /// Calls are to be made.
        case sending
        /// The operator wants corrections.
        case refused
        /// He has everything; the register's word is awaited.
        case sent
        /// The register has taken everything.
        case verified
        /// The register found fault.
        case rejected
        /// Given up, or a newer sending of the month took its place.
        case cancelled
    }

    public var id: Int64
    public var code: String
    public var export: String
    public var exportID: Int64
    public var month: AccountingMonth
    public var correction: Int
    public var state: State
    /// The operator has asked for a pause until then; nil when there is none.
    public var notBefore: Timestamp?
    public var startedAt: Timestamp
    public var changedAt: Timestamp
    public var actor: String
    public var revision: Int64
    /// Objects by state of the first stage (`queued`, `sending`, `unknown`, `accepted`, `refused`).
    public var objects: [String: Int64]
    /// Accepted objects by the register's word: `waiting`, `processing`, `verified`, `bad`, `none`.
    public var register: [String: Int64]
}

/// One object of a sending.
public struct PushItem: Equatable, Sendable {
    public var place: Int32
    public var stage: BundleLine.Stage
    public var externalID: String
    public var method: String
    public var path: String
    public var state: String
    public var attempts: Int
    /// The operator had it in this very form, so no call was made.
    public var isUnchanged: Bool
    public var nextAt: Timestamp
    public var status: Int?
    public var errorCode: String?
    public var errorField: String?
    public var errorMessage: String?
    public var erirStatus: String?
    public var erirMessages: [String]
    public var changedAt: Timestamp
}

/// An object as the sender takes it up.
public struct PushTask: Sendable {
    public var push: Int64
    public var place: Int32
    public var line: BundleLine
    /// State before it was taken up: `queued` or `unknown`.
    public var state: String
    public var attempts: Int
    /// Not to be joined with others in one call.
    public var isAlone: Bool
    /// Times the register was asked.
    public var looks: Int
    /// What the register said last; nil = not asked yet.
    public var erirStatus: String?

    /// An act that the register has: what remains to be asked is what became of the levy on it.
    public var awaitsLevy: Bool { line.stage == .invoices && erirStatus == "verified" }
}

/// One call in the operator's journal.
public struct OperatorCallRecord: Equatable, Sendable {
    public var id: Int64
    public var method: String
    public var path: String
    /// Code of the sending; nil for the registration of creatives.
    public var push: String?
    /// Creative whose registration it was for; nil for sendings.
    public var creative: String?
    public var externalID: String?
    public var objects: Int
    public var startedAt: Timestamp
    public var finishedAt: Timestamp?
    /// nil while nobody has written down how it ended.
    public var outcome: String?
    public var status: Int?
    public var errorCode: String?
}
