import AdModel
import Postgres

/// The only way in which a campaign changes its state (the seed file apart, which sets up an installation): checked
/// against who may do it, recorded with who, when, from, to and why.
public enum CampaignTransitions {
    /// What a move did.
    public struct Outcome: Sendable, Equatable {
        public var from: CampaignState
        public var to: CampaignState
        /// Revision of the campaign after the move.
        public var revision: Int64
        /// Serving has to look again.
        public var mattersToServing: Bool { from != to && (from.isApproved || to.isApproved) }
    }

    /// Characters of a reason that are kept.
    public static let reasonLimit = 2_000

    /// The state, with the row locked until the transaction ends; nil when there is no such campaign (or the session
    /// does not see it).
    public static func lockedState(
        of campaign: Int32, on db: isolated PostgresConnection
    ) throws -> (state: CampaignState, revision: Int64)? {
        guard
            let row = try db.query(
                "select state, revision from campaign where id = $1 for no key update", [.int4(campaign)]
            ).first, let state = CampaignState(rawValue: try row.string("state"))
        else { return nil }
        return (state, try row.int64("revision"))
    }

    /// Moves a campaign. Approving notes the categories of the products that were approved.
    ///
    /// - Parameters:
    ///   - from: states that the caller has looked at; another one is refused even when the move were allowed. nil =
    ///     any that allows the move.
    ///   - reason: feedback of a moderator, or what happened.
    /// - Throws: `not_found`; `invalid_state` when the state machine or the actor's role does not allow it.
    @discardableResult
    public static func apply(
        _ campaign: Int32, from expected: Set<CampaignState>? = nil, to goal: CampaignState, actor: CampaignActor,
        reason: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Outcome {
        guard let (state, _) = try lockedState(of: campaign, on: db) else { throw Refusal.notFound }
        guard expected?.contains(state) ?? true, state.allows(goal, by: actor.kind) else {
            throw Refusal(
                .invalidState, "the campaign is \(state.rawValue); it cannot become \(goal.rawValue) this way")
        }
        // From moderation on it holds what it has booked.
        if [.moderation, .approved, .active].contains(goal),
            ![.moderation, .approved, .active, .paused].contains(state)
        {
            try Availability.requireFree(campaign: campaign, on: db)
        }
        let approved =
            goal == .approved
            ? """
            , approved_categories = array(
                select distinct category from line_item l
                join line_item_version v on v.line_item_id = l.id and v.valid_to = 'infinity'
                join product p on p.sku = any(v.promoted_skus)
                cross join lateral unnest(p.category_ids) as category
                where l.campaign_id = $1 and not l.archived order by category)
            """ : ""
        // Whoever pauses means it: neither an edit nor a new approval lifts that.
        let held = state == .paused && goal == .moderation ? ", held = true" : goal == .draft ? ", held = false" : ""
        let revision = try db.query(
            """
            update campaign set state = $2, revision = revision + 1\(approved)\(held) where id = $1 returning revision
            """, [.int4(campaign), .text(goal.rawValue)]
        ).single().int64("revision")
        try record(campaign, from: state, to: goal, actor: actor, reason: reason, now: now, on: db)
        return Outcome(from: state, to: goal, revision: revision)
    }

    /// Writes down how a campaign came into a state.
    static func record(
        _ campaign: Int32, from: CampaignState?, to: CampaignState, actor: CampaignActor, reason: String,
        now: Timestamp,
        on db: isolated PostgresConnection
    ) throws {
        try db.query(
            """
            insert into campaign_transition (campaign_id, changed_at, from_state, to_state, actor, side, reason)
            values ($1, $2, $3, $4, $5, $6, $7)
            """,
            [
                .int4(campaign), .timestamptz(micros: now.micros), .text(orNull: from?.rawValue), .text(to.rawValue),
                .text(actor.name), .text(actor.kind.rawValue), .text(String(reason.prefix(reasonLimit))),
            ])
    }
}
