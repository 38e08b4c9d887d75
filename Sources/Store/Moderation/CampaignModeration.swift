import AdFormats
import AdModel
import Postgres

/// Moderation of a whole campaign: its goods and parties, together with every version of its creatives that waits.
public struct CampaignCase: Sendable {
    public var campaign: Int32
    public var code: String
    public var name: String
    public var advertiserID: Int32
    public var advertiser: String
    public var state: CampaignState
    public var kktu: String?
    public var contract: String
    /// Grows whenever the campaign or one of its creatives changes.
    public var revision: Int64
    public var findings: [ModerationFinding]
    /// Creatives whose newest version waits, with what was found in it.
    public var waiting: [(creative: CreativeRecord, findings: [ModerationFinding])]

    /// Everything together, each code once.
    public var allFindings: [ModerationFinding] {
        var seen: Set<String> = []
        return (findings + waiting.flatMap(\.findings)).filter {
            seen.insert("\($0.effect.rawValue) \($0.code)").inserted
        }
    }
}

public enum CampaignModeration {
    /// Reads the case of a campaign.
    /// - Parameter lock: keep others from changing the campaign until the transaction ends.
    public static func find(
        _ code: String, checks: ModerationChecks, now: Timestamp, lock: Bool = false, on db: isolated PostgresConnection
    ) throws -> CampaignCase {
        if lock { try db.query("select 1 from campaign where code = $1 for no key update", [.text(code)]) }
        guard
            let row = try db.query(
                """
                select k.id, k.code, k.name, k.advertiser_id, a.code as advertiser, k.state, k.kktu, c.code as contract,
                    k.revision + coalesce((select sum(r.revision) from creative r join line_item l on l.id = r.line_item_id
                        where l.campaign_id = k.id), 0)::bigint as revision
                from campaign k join advertiser a on a.id = k.advertiser_id join contract c on c.id = k.contract_id
                where k.code = $1
                """, [.text(code)]
            ).first
        else { throw Refusal.notFound }
        let id = try row.int32("id")
        var waiting: [(creative: CreativeRecord, findings: [ModerationFinding])] = []
        let filter = CreativeStore.Filter(campaign: code, state: .moderation)
        for creative in try CreativeStore.list(filter, after: 0, limit: 1_000, on: db) {
            waiting.append((creative, try checks.findings(of: creative.newest, creative, on: db)))
        }
        return CampaignCase(
            campaign: id, code: try row.string("code"), name: try row.string("name"),
            advertiserID: try row.int32("advertiser_id"), advertiser: try row.string("advertiser"),
            state: CampaignState(rawValue: try row.string("state")) ?? .draft, kktu: try row.stringIfPresent("kktu"),
            contract: try row.string("contract"), revision: try row.int64("revision"),
            findings: try checks.findings(ofCampaign: id, now: now, on: db), waiting: waiting)
    }

    /// Approves the campaign and every waiting version: one look, one decision.
    public static func approve(
        _ found: CampaignCase, overrides: [ModerationOverride], actor: CampaignActor, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws {
        try requireWaiting(found)
        try ModerationStore.requireClean(found.allFindings, overrides: overrides)
        func own(_ findings: [ModerationFinding]) -> [ModerationOverride] {
            overrides.filter { given in findings.contains { $0.code == given.code } }
        }
        for (creative, findings) in found.waiting {
            _ = try ModerationStore.approve(
                creative, findings: findings, overrides: own(findings), actor: actor.name, now: now, on: db)
        }
        try CampaignTransitions.apply(
            found.campaign, from: [.moderation], to: .approved, actor: actor, reason: "approved", now: now, on: db)
        try ModerationStore.record(
            "approved", advertiser: found.advertiserID, campaign: found.campaign, version: nil, feedback: nil,
            findings: found.findings, overrides: own(found.findings), actor: actor.name, now: now, on: db)
        try Notices.raise(
            kind: .campaignApproved, advertiser: found.advertiserID, object: "campaign", id: found.code,
            dedupeKey: "campaign_approved:\(found.code):\(now.micros)", now: now, on: db)
    }

    /// Sends the campaign back; its waiting creatives become drafts that go along with the next try.
    public static func reject(
        _ found: CampaignCase, feedback: String, actor: CampaignActor, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws {
        try requireWaiting(found)
        for (creative, _) in found.waiting { _ = try CreativeStore.withdraw(creative, on: db) }
        try CampaignTransitions.apply(
            found.campaign, from: [.moderation], to: .rejected, actor: actor, reason: feedback, now: now, on: db)
        try ModerationStore.record(
            "rejected", advertiser: found.advertiserID, campaign: found.campaign, version: nil, feedback: feedback,
            findings: found.allFindings, overrides: [], actor: actor.name, now: now, on: db)
        let details = FieldValue.object(["feedback": .string(feedback)]).json
        try Notices.raise(
            kind: .campaignRejected, advertiser: found.advertiserID, object: "campaign", id: found.code,
            detailsJSON: details, dedupeKey: "campaign_rejected:\(found.code):\(now.micros)", now: now, on: db)
    }

    private static func requireWaiting(_ found: CampaignCase) throws(Refusal) {
        guard found.state == .moderation else {
            throw Refusal(.invalidState, "The campaign is \(found.state.rawValue); it does not wait for moderation.")
        }
    }
}
