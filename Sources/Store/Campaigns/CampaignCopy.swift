import AdModel
import Postgres

/// Copies a campaign with its line items and the newest version of each creative, all as drafts.
public enum CampaignCopy {
    /// Days by which flights may be moved.
    public static let shiftRange: ClosedRange<Int64> = -1_100...1_100

    /// What was made.
    public struct Result: Sendable {
        public var campaign: Campaign
        /// Line items that the retailer sold and an advertiser cannot repeat by himself.
        public var leftOut: [String]
    }

    /// - Parameter shift: by how much every flight is moved.
    /// - Throws: `invalid_fields` when the code is taken or what the campaign credits is not granted any more.
    public static func make(
        of source: Campaign, code: String, name: String, shift: Timestamp.Span, actor: CampaignActor, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> Result {
        var draft = CampaignDraft(code: code, advertiserID: source.advertiserID, name: name)
        draft.contract = source.contract
        draft.kktu = source.kktu
        draft.policy = source.policy
        draft.credited = source.credited
        draft.companions = source.companions
        let copy = try Campaigns.create(draft, actor: actor, now: now, on: db)
        var leftOut: [String] = []
        for item in try db.query(
            """
            select id, code, tier, granted_only from line_item where campaign_id = $1 and not archived order by id
            """, [.int4(source.id)])
        {
            if actor.kind == .advertiser, try item.string("tier") != Tier.auction.rawValue {
                leftOut.append(try item.string("code"))
                continue
            }
            try copyLineItem(try item.int32("id"), to: copy, shift: shift, actor: actor, now: now, on: db)
        }
        return Result(campaign: try Campaigns.stored(copy.id, on: db), leftOut: leftOut)
    }

    private static func copyLineItem(
        _ id: Int32, to campaign: Campaign, shift: Timestamp.Span, actor: CampaignActor, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws {
        let row = try db.query(
            """
            insert into line_item as l (code, campaign_id, advertiser_id, created_at, name, paused, starts_at, ends_at,
                tier, pricing, bid_micros, total_budget_micros, daily_budget_micros, goal_impressions, pacing, caps,
                targeting, promoted, granted_only, shelf)
            select $2, $3, advertiser_id, $4, name, paused, starts_at + $5::interval,
                ends_at + $5::interval, tier, pricing, bid_micros, total_budget_micros,
                daily_budget_micros, goal_impressions, pacing, caps, targeting, promoted, tier <> 'house', shelf
            from line_item where id = $1
            returning id, granted_only, \(PromotedRule.columns)
            """,
            [
                .int4(id), .text(Code.make("li")), .int4(campaign.id), .timestamptz(micros: now.micros),
                .interval(PostgresInterval(micros: shift.micros)),
            ]
        ).single()
        let copy = try row.int32("id")
        let spellings =
            try row.bool("granted_only")
            ? GrantedBrands.load(of: campaign.advertiserID, now: now, on: db).spellings : nil
        let products = try PromotedProducts.resolve(try PromotedRule(row), within: spellings, now: now, on: db)
        _ = try LineItemProducts.put(products.skus, of: copy, now: now, on: db)
        for creative in try db.query(
            "select id from creative where line_item_id = $1 order by id", [.int4(id)])
        {
            // Two statements: the policy of versions looks for a creative that is there already.
            let source = PostgresValue.int4(try creative.int32("id"))
            let made = try db.query(
                """
                insert into creative (code, line_item_id, advertiser_id, format, name)
                select $2, $3, advertiser_id, format, name from creative where id = $1 returning id
                """, [source, .text(Code.make("crv")), .int4(copy)]
            ).single().int32("id")
            try db.query(
                """
                insert into creative_version (creative_id, version, fields, landing_url, media_sha256, ord_form,
                    created_at, created_by)
                select $2, 1, fields, landing_url, media_sha256, ord_form, $3, $4 from creative_version
                where creative_id = $1 order by version desc limit 1
                """, [source, .int4(made), .timestamptz(micros: now.micros), .text(actor.name)])
        }
    }
}
