import AdModel
import Postgres

/// Where a version of a creative stands on its way to serving.
public enum CreativeState: String, CaseIterable, Sendable {
    case draft, moderation, rejected, approved, revoked

    /// Whether its content may still change.
    public var isOpen: Bool { self == .draft || self == .moderation || self == .rejected }
}

/// A creative with its newest version.
public struct CreativeRecord: Sendable {
    public var id: Int32
    public var code: String
    public var name: String
    public var format: String
    public var paused: Bool
    public var revision: Int64
    public var advertiserID: Int32
    public var advertiser: String
    public var lineItem: String
    public var lineItemID: Int32
    public var campaign: String
    public var campaignID: Int32
    public var campaignState: String
    /// Third-level code of the campaign; nil while none is chosen.
    public var kktu: String?
    public var newest: CreativeVersionRecord
    /// Number of the version that may serve now, when there is one.
    public var servable: Int32?
}

/// One version.
public struct CreativeVersionRecord: Sendable {
    /// Internal id, as events carry it.
    public var id: Int32
    public var version: Int32
    public var state: CreativeState
    /// The fields, JSON.
    public var fieldsJSON: String
    public var landingURL: String
    public var media: [StoredMedia]
    public var ordForm: String
    public var createdAt: Timestamp
    public var createdBy: String
    public var submittedAt: Timestamp?
    public var approvedAt: Timestamp?
    public var rejectedAt: Timestamp?
    public var revokedAt: Timestamp?
    public var feedback: String?
    public var erid: String?
    /// `new`, `verified` or `bad`.
    public var eridStatus: String?
    /// `operator` or `typed`.
    public var eridSource: String?
    public var registration: RegistrationRecord?
    /// Approved, has a token that the operator has not called bad, and was not revoked.
    public var isServable: Bool {
        state == .approved && erid != nil && eridStatus != "bad"
    }
}

/// Where the registration of a version with the operator stands.
public struct RegistrationRecord: Equatable, Sendable {
    /// `queued`, `sending`, `unknown`, `registered`, `done` or `refused`.
    public var state: String
    public var attempts: Int
    public var nextAt: Timestamp
    public var changedAt: Timestamp
    public var errorCode: String?
    public var errorField: String?
    public var errorMessage: String?
}

extension CreativeVersionRecord {
    /// Columns for `init(row:)`, of `creative_version v left join ord_registration r`.
    static let columns = """
        v.id as version_id, v.version, v.state as version_state, v.fields::text as fields, v.landing_url, v.ord_form,
        v.created_at, v.created_by, v.submitted_at, v.approved_at, v.rejected_at, v.revoked_at, v.feedback, v.erid,
        v.erid_status, v.erid_source, r.state as r_state, r.attempts as r_attempts, r.next_at as r_next_at,
        r.changed_at as r_changed_at, r.error_code as r_error_code, r.error_field as r_error_field,
        r.error_message as r_error_message
        """

    init(_ row: PostgresRow, media: [StoredMedia]) throws {
        func time(_ name: String) throws -> Timestamp? {
            try row.microsIfPresent(name).map { Timestamp(micros: $0) }
        }
        id = try row.int32("version_id")
        version = try row.int32("version")
        state = CreativeState(rawValue: try row.string("version_state")) ?? .draft
        fieldsJSON = try row.string("fields")
        landingURL = try row.string("landing_url")
        self.media = media
        ordForm = try row.string("ord_form")
        createdAt = Timestamp(micros: try row.micros("created_at"))
        createdBy = try row.string("created_by")
        submittedAt = try time("submitted_at")
        approvedAt = try time("approved_at")
        rejectedAt = try time("rejected_at")
        revokedAt = try time("revoked_at")
        feedback = try row.stringIfPresent("feedback")
        erid = try row.stringIfPresent("erid")
        eridStatus = try row.stringIfPresent("erid_status")
        eridSource = try row.stringIfPresent("erid_source")
        if let state = try row.stringIfPresent("r_state") {
            registration = RegistrationRecord(
                state: state, attempts: try row.int("r_attempts"),
                nextAt: Timestamp(micros: try row.micros("r_next_at")),
                changedAt: Timestamp(micros: try row.micros("r_changed_at")),
                errorCode: try row.stringIfPresent("r_error_code"),
                errorField: try row.stringIfPresent("r_error_field"),
                errorMessage: try row.stringIfPresent("r_error_message"))
        }
    }
}
