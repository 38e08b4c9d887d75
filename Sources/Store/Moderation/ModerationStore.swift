import AdFormats
import AdModel
import Postgres

/// A warning that a moderator takes upon himself, with why.
public struct ModerationOverride: Equatable, Sendable {
    /// Code of the finding.
    public var code: String
    public var reason: String

    public init(code: String, reason: String) {
        self.code = code
        self.reason = reason
    }
}

/// Decisions of moderators. The caller has checked that the actor is one.
public enum ModerationStore {
    /// Characters of feedback and of reasons.
    public static let feedbackLimit = 2_000

    /// Throws unless nothing blocks and every warning is overridden by name.
    public static func requireClean(
        _ findings: [ModerationFinding], overrides: [ModerationOverride]
    ) throws(Refusal) {
        if let block = findings.first(where: { $0.effect == .block }) {
            throw Refusal(
                .invalidState, field: block.field,
                "Cannot be approved: \(block.code): \(block.message)",
                fields: findings.filter { $0.effect == .block }.map {
                    Refusal.FieldProblem(field: $0.field ?? $0.code, code: $0.code, detail: $0.message)
                })
        }
        let known = Set(findings.map(\.code))
        for (index, given) in overrides.enumerated() where !known.contains(given.code) {
            throw Refusal.field(
                "overrides[\(index)].code", "unknown_reference", "There is no finding “\(given.code.prefix(64))” here.")
        }
        let open = findings.filter { finding in !overrides.contains { $0.code == finding.code } }
        if let first = open.first {
            throw Refusal(
                .invalidState, field: "overrides",
                "A warning needs an override with a reason: \(first.code): \(first.message)",
                fields: open.map {
                    Refusal.FieldProblem(field: "overrides", code: $0.code, detail: $0.message)
                })
        }
    }

    /// Approves a version that waits. Its registration with the operator is queued; it serves once it has its token.
    public static func approve(
        _ creative: CreativeRecord, findings: [ModerationFinding], overrides: [ModerationOverride], actor: String,
        now: Timestamp, on db: isolated PostgresConnection
    ) throws -> CreativeRecord {
        try requireWaiting(creative)
        try requireClean(findings, overrides: overrides)
        try db.query(
            """
            update creative_version set approved_at = $2, approved_by = $3, revision = revision + 1 where id = $1
            """, [.int4(creative.newest.id), .timestamptz(micros: now.micros), .text(actor)])
        try db.query("update creative set revision = revision + 1 where id = $1", [.int4(creative.id)])
        try decide(
            "approved", creative, feedback: nil, findings: findings, overrides: overrides, actor: actor, now: now,
            on: db)
        try RegistrationStore.enqueue(creative.newest.id, now: now, on: db)
        try KKTUSuggestions.learn(fromLineItem: creative.lineItemID, kktu: creative.kktu, now: now, on: db)
        return try CreativeStore.find(creative.code, on: db)
    }

    /// Refuses a version that waits, with what to change; the advertiser is told.
    public static func reject(
        _ creative: CreativeRecord, feedback: String, findings: [ModerationFinding], actor: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> CreativeRecord {
        try requireWaiting(creative)
        try db.query(
            """
            update creative_version set rejected_at = $2, rejected_by = $3, feedback = $4, revision = revision + 1
            where id = $1
            """,
            [.int4(creative.newest.id), .timestamptz(micros: now.micros), .text(actor), .text(feedback)])
        try db.query("update creative set revision = revision + 1 where id = $1", [.int4(creative.id)])
        try decide(
            "rejected", creative, feedback: feedback, findings: findings, overrides: [], actor: actor, now: now, on: db)
        try notifyRejected(creative, feedback: feedback, now: now, on: db)
        return try CreativeStore.find(creative.code, on: db)
    }

    /// Takes an approved version out of service for good.
    public static func revoke(
        _ creative: CreativeRecord, version: CreativeVersionRecord, feedback: String, actor: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> CreativeRecord {
        guard version.state == .approved else {
            throw Refusal(
                .invalidState,
                "Version \(version.version) is \(version.state.rawValue); only an approved one is revoked.")
        }
        try db.query(
            "update creative_version set revoked_at = $2, feedback = $3, revision = revision + 1 where id = $1",
            [.int4(version.id), .timestamptz(micros: now.micros), .text(feedback)])
        try db.query("update creative set revision = revision + 1 where id = $1", [.int4(creative.id)])
        try db.query(
            """
            delete from ord_registration where creative_version_id = $1 and state = 'queued'
            """, [.int4(version.id)])
        var decided = creative
        decided.newest = version
        try decide("revoked", decided, feedback: feedback, findings: [], overrides: [], actor: actor, now: now, on: db)
        try notifyRejected(decided, feedback: feedback, now: now, on: db)
        return try CreativeStore.find(creative.code, on: db)
    }

    private static func requireWaiting(_ creative: CreativeRecord) throws(Refusal) {
        guard creative.newest.state == .moderation else {
            throw Refusal(
                .invalidState,
                "Version \(creative.newest.version) is \(creative.newest.state.rawValue); it does not wait for moderation."
            )
        }
    }

    private static func notifyRejected(
        _ creative: CreativeRecord, feedback: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        let version = creative.newest
        let details = FieldValue.object([
            "version": .integer(Int64(version.version)), "feedback": .string(feedback),
            "campaign": .string(creative.campaign),
        ])
        try Notices.raise(
            kind: .creativeRejected, advertiser: creative.advertiserID, object: "creative", id: creative.code,
            detailsJSON: details.json, dedupeKey: "creative_rejected:\(creative.code):\(version.version):\(now.micros)",
            now: now, on: db)
    }

    private static func decide(
        _ decision: String, _ creative: CreativeRecord, feedback: String?, findings: [ModerationFinding],
        overrides: [ModerationOverride], actor: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try record(
            decision, advertiser: creative.advertiserID, campaign: creative.campaignID, version: creative.newest.id,
            feedback: feedback, findings: findings, overrides: overrides, actor: actor, now: now, on: db)
    }

    /// Writes down a decision about a creative version or, without one, about the campaign itself.
    public static func record(
        _ decision: String, advertiser: Int32, campaign: Int32, version: Int32?, feedback: String?,
        findings: [ModerationFinding], overrides: [ModerationOverride], actor: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws {
        let reasons = FieldValue.array(
            overrides.map { .object(["code": .string($0.code), "reason": .string($0.reason)]) })
        try db.query(
            """
            insert into moderation_decision (advertiser_id, campaign_id, creative_version_id, decision, decided_at, actor,
                feedback, findings, overrides)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                .int4(advertiser), .int4(campaign), .int4(orNull: version), .text(decision),
                .timestamptz(micros: now.micros), .text(actor), .text(orNull: feedback),
                .jsonb("[" + findings.map(\.json).joined(separator: ",") + "]"), .jsonb(reasons.json),
            ])
    }
}
