import AdModel
import Postgres
import Shelves

/// Line items in the database. Reads and writes reach what the session's tenant may see.
public enum LineItems {
    private static let query = """
        select l.id, l.code, l.campaign_id, c.code as campaign, l.advertiser_id, a.code as advertiser, l.name, l.paused,
            l.archived, l.starts_at, l.ends_at, l.tier, l.pricing, l.bid_micros, l.total_budget_micros,
            l.daily_budget_micros, l.goal_impressions, l.pacing, l.caps::text as caps, l.targeting::text as targeting,
            \(PromotedRule.columns), l.shelf::text as shelf, l.revision, coalesce(s.spent_micros, 0) as spent_micros,
            coalesce(cardinality(v.promoted_skus), 0)::int as products
        from line_item l
        join campaign c on c.id = l.campaign_id
        join advertiser a on a.id = l.advertiser_id
        left join line_item_spend s on s.line_item_id = l.id
        left join line_item_version v on v.line_item_id = l.id and v.valid_to = 'infinity'
        """

    /// The line item of a public id; nil when there is none that the session sees.
    /// - Parameter locked: nobody else changes it or its campaign until the transaction ends.
    public static func find(
        _ code: String, locked: Bool = false, on db: isolated PostgresConnection
    ) throws -> LineItem? {
        if locked {
            // The campaign first: whoever needs both locks takes them in this order.
            try db.query(
                """
                select 1 as one from campaign where id = (select campaign_id from line_item where code = $1)
                for no key update
                """, [.text(code)])
            try db.query("select 1 as one from line_item where code = $1 for no key update", [.text(code)])
        }
        return try db.query("\(query) where l.code = $1", [.text(code)]).first.map(read)
    }

    /// Line items of a campaign in the order of their ids, after `after`.
    public static func list(
        of campaign: Int32, archived: Bool? = nil, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [LineItem] {
        try db.query(
            """
            \(query) where l.campaign_id = $1 and l.id > $2 and ($3::boolean is null or l.archived = $3)
            order by l.id limit $4
            """, [.int4(campaign), .int8(after), .bool(orNull: archived), .int8(limit)]
        ).map(read)
    }

    /// What a line item promotes now, in the order of the list; `after` counts from 0.
    public static func products(
        of lineItem: Int32, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [(place: Int64, sku: String, name: String?, brand: String?)] {
        try db.query(
            """
            select s.place, s.sku, p.name, p.brand from line_item_version v
            cross join lateral unnest(v.promoted_skus) with ordinality s (sku, place)
            left join product p on p.sku = s.sku
            where v.line_item_id = $1 and v.valid_to = 'infinity' and s.place > $2 order by s.place limit $3
            """, [.int4(lineItem), .int8(after), .int8(limit)]
        ).map {
            (
                try $0.int64("place"), try $0.string("sku"), try $0.stringIfPresent("name"),
                try $0.stringIfPresent("brand")
            )
        }
    }

    // MARK: Writing

    /// Adds a line item to a campaign, whose row must be locked. Throws `invalid_fields`; `invalid_state` when the
    /// campaign does not change any more or the products need moderation.
    public static func create(
        _ draft: LineItem, in campaign: Campaign, resubmit: Bool, actor: CampaignActor, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> LineItemEdit {
        try Campaigns.requireOpen(campaign.state)
        var problems = FieldProblems()
        if try !db.query("select 1 as one from line_item where code = $1", [.text(draft.code)]).isEmpty {
            problems.add("id", "not_unique", "There is already a line item of this id.")
        }
        if campaign.lineItems >= LineItem.campaignLimit {
            problems.add("id", "too_many", "A campaign has at most \(LineItem.campaignLimit) line items.")
        }
        let skus = try check(draft, was: nil, in: campaign, actor: actor, now: now, &problems, on: db)
        try problems.throwIfAny()
        try Availability.requireFree(draft, in: campaign.id, on: db)
        let id = try db.query(
            """
            insert into line_item (code, campaign_id, advertiser_id, created_at, name, starts_at, ends_at, tier,
                pricing, bid_micros, total_budget_micros, daily_budget_micros, goal_impressions, pacing, caps,
                targeting, promoted, granted_only, shelf)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) returning id
            """,
            [
                .text(draft.code), .int4(campaign.id), .int4(campaign.advertiserID), .timestamptz(micros: now.micros),
            ] + values(draft)
        ).single().int32("id")
        let resubmitted = try store(
            skus, of: id, in: campaign, resubmit: resubmit, actor: actor, now: now, on: db)
        return LineItemEdit(
            lineItem: try stored(id, on: db), mattersToServing: campaign.state.isApproved, resubmitted: resubmitted)
    }

    /// Changes everything that people set of a line item, whose row and campaign must be locked and of the revision
    /// that the caller has seen.
    public static func update(
        _ new: LineItem, was old: LineItem, in campaign: Campaign, resubmit: Bool, actor: CampaignActor,
        now: Timestamp, on db: isolated PostgresConnection
    ) throws -> LineItemEdit {
        try Campaigns.requireOpen(campaign.state)
        guard !old.archived else {
            throw Refusal(.invalidState, "The line item is archived and does not change any more.")
        }
        var problems = FieldProblems()
        let skus = try check(new, was: old, in: campaign, actor: actor, now: now, &problems, on: db)
        try problems.throwIfAny()
        try Availability.requireFree(new, in: campaign.id, on: db)
        try db.query(
            """
            update line_item set name = $2, starts_at = $3, ends_at = $4, tier = $5, pricing = $6, bid_micros = $7,
                total_budget_micros = $8, daily_budget_micros = $9, goal_impressions = $10, pacing = $11, caps = $12,
                targeting = $13, promoted = $14, granted_only = $15, shelf = $16, revision = revision + 1
            where id = $1
            """, [.int4(old.id)] + values(new))
        var resubmitted = false
        if new.promoted != old.promoted || new.grantedOnly != old.grantedOnly {
            resubmitted = try store(
                skus, of: old.id, in: campaign, resubmit: resubmit, actor: actor, now: now, on: db)
        }
        return LineItemEdit(
            lineItem: try stored(old.id, on: db), mattersToServing: campaign.state.isApproved,
            resubmitted: resubmitted)
    }

    /// Pauses, resumes or archives a line item, whose row and campaign must be locked.
    public static func set(
        paused: Bool, archived: Bool, of item: LineItem, in campaign: Campaign, actor: CampaignActor,
        on db: isolated PostgresConnection
    ) throws -> LineItemEdit {
        try Campaigns.requireOpen(campaign.state)
        guard !item.archived else {
            throw Refusal(.invalidState, "The line item is archived and does not change any more.")
        }
        if archived, actor.kind == .advertiser, item.tier != .auction {
            throw Refusal(.invalidState, "The retailer has sold this line item; he alone puts it away.")
        }
        try db.query(
            "update line_item set paused = $2, archived = $3, revision = revision + 1 where id = $1",
            [.int4(item.id), .bool(paused || archived), .bool(archived)])
        return LineItemEdit(
            lineItem: try stored(item.id, on: db), mattersToServing: campaign.state.isApproved, resubmitted: false)
    }

    // MARK: Checks

    /// Everything that can be wrong, and the products that the line item promotes.
    private static func check(
        _ item: LineItem, was old: LineItem?, in campaign: Campaign, actor: CampaignActor, now: Timestamp,
        _ problems: inout FieldProblems, on db: isolated PostgresConnection
    ) throws -> [String] {
        LineItemRules.check(item, was: old, actor: actor, now: now, &problems)
        if item.targetingJSON != old?.targetingJSON ?? "{}" {
            try LineItemTargeting.checkReferences(item.targetingJSON, &problems, on: db)
        }
        guard item.promoted != old?.promoted ?? PromotedRule() || item.grantedOnly != old?.grantedOnly ?? true else {
            return []
        }
        var granted: GrantedBrands?
        if item.grantedOnly {
            let brands = try GrantedBrands.load(of: campaign.advertiserID, now: now, on: db)
            brands.check(brands: item.promoted.brands, field: "promoted.brands", &problems)
            try brands.check(skus: item.promoted.skus, field: "promoted.skus", &problems, on: db)
            granted = brands
        } else {
            try KnownCodes.check(
                item.promoted.brands, table: "brand", field: "promoted.brands", &problems, on: db)
            try KnownCodes.check(
                item.promoted.skus, table: "product", column: "sku", field: "promoted.skus", &problems, on: db)
        }
        try KnownCodes.check(
            item.promoted.categories, table: "category", field: "promoted.categories", &problems, on: db)
        let products = try PromotedProducts.resolve(item.promoted, within: granted?.spellings, now: now, on: db)
        if products.unlisted > 0 {
            problems.add(
                "promoted", "too_many",
                "Means \(products.skus.count + products.unlisted) products or more; at most \(PromotedProducts.limit).")
        }
        return products.skus
    }

    /// Stores the products; those of categories that nobody has approved need moderation.
    private static func store(
        _ skus: [String], of lineItem: Int32, in campaign: Campaign, resubmit: Bool, actor: CampaignActor,
        now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Bool {
        if campaign.state == .moderation { try Campaigns.admitMaterial(.moderation, resubmit: false, "its products") }
        var resubmitted = false
        if campaign.state.isApproved {
            let approved = try db.query("select approved_categories from campaign where id = $1", [.int4(campaign.id)])
                .single().int32ArrayIfPresent("approved_categories")
            if let approved,
                try !LineItemProducts.unapproved(skus, of: lineItem, approved: approved, on: db).isEmpty
            {
                try Campaigns.admitMaterial(
                    campaign.state, resubmit: resubmit, "its products to those of categories that were not approved")
                _ = try Campaigns.sendBack(
                    campaign, actor: actor, reason: "products of further categories", now: now, on: db)
                resubmitted = true
            }
        }
        _ = try LineItemProducts.put(skus, of: lineItem, now: now, on: db)
        return resubmitted
    }

    // MARK: Rows

    private static func values(_ item: LineItem) -> [PostgresValue] {
        [
            .text(item.name), .timestamptz(micros: item.startsAt.micros), .timestamptz(micros: item.endsAt.micros),
            .text(item.tier.rawValue), .text(item.pricing.rawValue), .int8(item.bidMicros),
            .int8(orNull: item.totalBudgetMicros), .int8(orNull: item.dailyBudgetMicros),
            .int8(orNull: item.goalImpressions), .text(item.pacing.rawValue), .jsonb(FrequencyCap.json(item.caps)),
            .jsonb(item.targetingJSON), .jsonb(item.promoted.json), .bool(item.grantedOnly),
            item.shelf.map { .jsonb($0.json) } ?? .null,
        ]
    }

    static func stored(_ id: Int32, on db: isolated PostgresConnection) throws -> LineItem {
        guard let row = try db.query("\(query) where l.id = $1", [.int4(id)]).first else { throw Refusal.notFound }
        return try read(row)
    }

    private static func read(_ row: PostgresRow) throws -> LineItem {
        var item = LineItem(
            code: try row.string("code"), name: try row.string("name"),
            startsAt: Timestamp(micros: try row.micros("starts_at")),
            endsAt: Timestamp(micros: try row.micros("ends_at")),
            pricing: Pricing(rawValue: try row.string("pricing")) ?? .cpm, bidMicros: try row.int64("bid_micros"))
        item.id = try row.int32("id")
        item.campaignID = try row.int32("campaign_id")
        item.campaign = try row.string("campaign")
        item.advertiserID = try row.int32("advertiser_id")
        item.advertiser = try row.string("advertiser")
        item.paused = try row.bool("paused")
        item.archived = try row.bool("archived")
        item.tier = Tier(rawValue: try row.string("tier")) ?? .auction
        item.totalBudgetMicros = try row.int64IfPresent("total_budget_micros")
        item.dailyBudgetMicros = try row.int64IfPresent("daily_budget_micros")
        item.goalImpressions = try row.int64IfPresent("goal_impressions")
        item.pacing = Pacing(rawValue: try row.string("pacing")) ?? .asap
        item.caps = try FrequencyCap.read(try row.string("caps"))
        // Stored JSON has spaces; the canonical text is what is compared.
        item.targetingJSON = LineItemTargeting.canonical(try row.string("targeting")).json
        item.promoted = try PromotedRule(row)
        item.shelf = try row.stringIfPresent("shelf").flatMap { ShelfPlan(json: $0) }
        item.products = Int(try row.int32("products"))
        item.spentMicros = try row.int64("spent_micros")
        item.revision = try row.int64("revision")
        return item
    }
}
