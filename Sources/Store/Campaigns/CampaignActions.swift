import AdModel
import Billing
import Postgres

/// What people do with a whole campaign. Each action checks the campaign, moves it and says whether serving has to
/// look again. The row must be locked.
public enum CampaignActions {
    /// Actions by their names in the API.
    public enum Action: String, CaseIterable, Sendable { case submit, withdraw, pause, resume, finish, archive }

    /// Does it. Throws `invalid_state` when the campaign's state does not allow it; `submit` names everything that is
    /// missing.
    public static func perform(
        _ action: Action, on campaign: Campaign, actor: CampaignActor, reason: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> CampaignEdit {
        switch action {
        case .submit:
            try requireComplete(campaign, now: now, on: db)
            try CreativeStore.submitDrafts(ofCampaign: campaign.id, actor: actor.name, now: now, on: db)
            return try move(campaign, from: [.draft, .rejected], to: .moderation, actor, reason, now, on: db)
        case .withdraw:
            return try move(
                campaign, from: [.moderation, .approved, .rejected], to: .draft, actor, reason, now, on: db)
        case .pause:
            if campaign.state == .approved, !campaign.held { return try hold(campaign, true, on: db) }
            return try move(campaign, from: [.active], to: .paused, actor, reason, now, on: db)
        case .resume:
            if campaign.state == .approved, campaign.held { return try hold(campaign, false, on: db) }
            try requireContract(campaign, now: now, on: db)
            return try move(campaign, from: [.paused], to: .active, actor, reason, now, on: db)
        case .finish:
            return try move(campaign, from: [.active, .paused], to: .finished, actor, reason, now, on: db)
        case .archive:
            return try move(campaign, from: [.draft, .rejected, .finished], to: .archived, actor, reason, now, on: db)
        }
    }

    private static func move(
        _ campaign: Campaign, from: Set<CampaignState>, to: CampaignState, _ actor: CampaignActor, _ reason: String,
        _ now: Timestamp, on db: isolated PostgresConnection
    ) throws -> CampaignEdit {
        let outcome = try CampaignTransitions.apply(
            campaign.id, from: from, to: to, actor: actor, reason: reason, now: now, on: db)
        return CampaignEdit(
            campaign: try Campaigns.stored(campaign.id, on: db), mattersToServing: outcome.mattersToServing)
    }

    private static func hold(
        _ campaign: Campaign, _ held: Bool, on db: isolated PostgresConnection
    ) throws -> CampaignEdit {
        try db.query(
            "update campaign set held = $2, revision = revision + 1 where id = $1", [.int4(campaign.id), .bool(held)])
        return CampaignEdit(campaign: try Campaigns.stored(campaign.id, on: db), mattersToServing: false)
    }

    // MARK: What moderation needs

    /// Throws `invalid_state` with everything that a campaign still lacks to be sent to moderation.
    public static func requireComplete(
        _ campaign: Campaign, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        var problems = FieldProblems()
        if campaign.kktu == nil {
            problems.add("kktu", "required", "Choose the code of goods and services (ККТУ) of what is advertised.")
        }
        try checkContract(campaign, now: now, &problems, on: db)
        let lines = try db.query(
            """
            select count(*)::int as open, (count(*) filter (where exists (select 1 from creative r
                join creative_version v on v.creative_id = r.id
                where r.line_item_id = l.id and v.rejected_at is null and v.revoked_at is null)))::int as with_creative
            from line_item l where l.campaign_id = $1 and not l.archived and l.ends_at > $2
            """, [.int4(campaign.id), .timestamptz(micros: now.micros)]
        ).single()
        if try lines.int32("open") == 0 {
            problems.add("line_items", "required", "Add a line item whose flight has not ended.")
        } else if try lines.int32("with_creative") == 0 {
            problems.add("line_items", "creative_required", "Add a creative to a line item.")
        }
        try refuse(problems, "The campaign is not complete")
    }

    private static func requireContract(
        _ campaign: Campaign, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        var problems = FieldProblems()
        try checkContract(campaign, now: now, &problems, on: db)
        try refuse(problems, "The campaign cannot go on")
    }

    private static func refuse(_ problems: FieldProblems, _ what: String) throws(Refusal) {
        guard let first = problems.items.first else { return }
        throw Refusal(.invalidState, field: first.field, "\(what): \(first.detail)", fields: problems.items)
    }

    /// In force when it begins, or today if it has begun.
    private static func checkContract(
        _ campaign: Campaign, now: Timestamp, _ problems: inout FieldProblems, on db: isolated PostgresConnection
    ) throws {
        let zone = try RetailerZone.load(on: db)
        let day = zone.day(of: max(now, campaign.startsAt ?? now))
        guard let contract = try AdvertisingContracts.find(campaign.contract, on: db), contract.isInForce(on: day)
        else {
            problems.add("contract", "not_in_force", "The contract is not in force on \(day).")
            return
        }
    }
}
