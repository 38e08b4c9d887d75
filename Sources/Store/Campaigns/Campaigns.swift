import AdModel
import Billing
import Postgres

/// Campaigns in the database. Reads and writes reach what the session's tenant may see.
public enum Campaigns {
    /// Characters of a name.
    public static let nameLimit = 255

    private static let query = """
        select c.id, c.code, c.advertiser_id, a.code as advertiser, c.contract_id, k.code as contract, c.name, c.kktu,
            c.state, c.held, c.companions, c.created_at, c.revision, coalesce(v.policy, 'default@1') as policy,
            coalesce(v.brand_codes, '{}') as credited_brands,
            coalesce(v.named_skus, v.listed_skus, '{}') as credited_skus,
            coalesce(v.listed_groups, '{}') as credited_groups,
            coalesce(v.listed_categories, '{}') as credited_categories,
            l.starts_at, l.ends_at, l.line_items::int as line_items,
            case when c.state = 'rejected' then (select t.reason from campaign_transition t
                where t.campaign_id = c.id and t.to_state = 'rejected' order by t.id desc limit 1) end as feedback
        from campaign c
        join advertiser a on a.id = c.advertiser_id
        join contract k on k.id = c.contract_id
        left join campaign_version v on v.campaign_id = c.id and v.valid_to = 'infinity'
        cross join lateral (select min(starts_at) as starts_at, max(ends_at) as ends_at, count(*) as line_items
            from line_item where campaign_id = c.id and not archived) l
        """

    /// The campaign of a public id; nil when there is none that the session sees.
    /// - Parameter locked: nobody else changes it or its line items until the transaction ends.
    public static func find(
        _ code: String, locked: Bool = false, on db: isolated PostgresConnection
    ) throws -> Campaign? {
        if locked { try db.query("select 1 as one from campaign where code = $1 for no key update", [.text(code)]) }
        return try db.query("\(query) where c.code = $1", [.text(code)]).first.map(read)
    }

    static func stored(_ id: Int32, on db: isolated PostgresConnection) throws -> Campaign {
        guard let row = try db.query("\(query) where c.id = $1", [.int4(id)]).first else { throw Refusal.notFound }
        return try read(row)
    }

    /// Campaigns in the order of their ids, after `after`.
    public static func list(
        _ filter: CampaignFilter = CampaignFilter(), after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [Campaign] {
        try db.query(
            """
            \(query)
            where c.id > $1 and (cardinality($2::text[]) = 0 or c.state = any($2::text[]))
              and ($3::text is null or a.code = $3)
              and ($4::text is null or position(lower($4) in lower(c.name)) > 0 or starts_with(c.code, $4))
            order by c.id limit $5
            """,
            [
                .int8(after), .textArray(filter.states.map(\.rawValue)), .text(orNull: filter.advertiser),
                .text(orNull: filter.text), .int8(limit),
            ]
        ).map(read)
    }

    /// How the campaign came to where it is, oldest first.
    public static func transitions(
        of campaign: Int32, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [CampaignTransition] {
        try db.query(
            """
            select id, changed_at, from_state, to_state, actor, side, reason from campaign_transition
            where campaign_id = $1 and id > $2 order by id limit $3
            """, [.int4(campaign), .int8(after), .int8(limit)]
        ).map { row in
            CampaignTransition(
                id: try row.int64("id"), at: Timestamp(micros: try row.micros("changed_at")),
                from: try row.stringIfPresent("from_state").flatMap(CampaignState.init(rawValue:)),
                to: CampaignState(rawValue: try row.string("to_state")) ?? .draft, actor: try row.string("actor"),
                side: try row.stringIfPresent("side").flatMap(CampaignActor.Kind.init(rawValue:)),
                reason: try row.string("reason"))
        }
    }

    // MARK: Writing

    /// Makes a draft. Throws `invalid_fields`.
    public static func create(
        _ draft: CampaignDraft, actor: CampaignActor, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Campaign {
        var problems = FieldProblems()
        // `code` is unique over all tenants; that it is taken by a foreign campaign must not be told, so it is only
        // asked where the caller may choose one, and the retailer sees them all.
        if try !db.query("select 1 as one from campaign where code = $1", [.text(draft.code)]).isEmpty {
            problems.add("id", "not_unique", "There is already a campaign of this id.")
        }
        let contract = try contractID(draft.contract, of: draft.advertiserID, now: now, &problems, on: db)
        try CampaignCredit.check(
            draft.credited, policy: draft.policy, advertiser: draft.advertiserID, now: now, &problems, on: db)
        try problems.throwIfAny()
        let id = try db.query(
            """
            insert into campaign (code, advertiser_id, contract_id, name, kktu, created_at, companions)
            values ($1, $2, $3, $4, $5, $6, $7) returning id
            """,
            [
                .text(draft.code), .int4(draft.advertiserID), .int4(contract), .text(draft.name),
                .text(orNull: draft.kktu), .timestamptz(micros: now.micros), .bool(draft.companions),
            ]
        ).single().int32("id")
        try CampaignTransitions.record(
            id, from: nil, to: .draft, actor: actor, reason: "created", now: now, on: db)
        try CampaignCredit.put(draft.credited, policy: draft.policy, campaign: id, now: now, on: db)
        return try stored(id, on: db)
    }

    /// Changes name, contract, code of goods, policy, credited products and companions; everything else of `new` is
    /// ignored. The row must be locked and of the revision that the caller has seen.
    ///
    /// - Parameter resubmit: what was approved may change, and the campaign goes back to moderation for it.
    /// - Throws: `invalid_fields`; `invalid_state` when it cannot change any more, or not without moderation.
    public static func update(
        _ new: Campaign, was old: Campaign, resubmit: Bool, actor: CampaignActor, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> CampaignEdit {
        try requireOpen(old.state)
        var problems = FieldProblems()
        var contract = old.contractID
        if new.contract != old.contract {
            contract = try contractID(new.contract, of: old.advertiserID, now: now, &problems, on: db)
        }
        if new.contract != old.contract || new.kktu != old.kktu, try isRegistered(old.id, on: db) {
            for (field, differs) in [("contract", new.contract != old.contract), ("kktu", new.kktu != old.kktu)]
            where differs {
                problems.add(
                    field, "locked", "Creatives are registered with it and keep their tokens; copy the campaign.")
            }
        }
        if new.kktu == nil, old.kktu != nil, old.state != .draft, old.state != .rejected {
            problems.add("kktu", "required", "A campaign that has left draft keeps a code of goods.")
        }
        if new.credited != old.credited || new.policy != old.policy {
            try CampaignCredit.check(
                new.credited, policy: new.policy, was: old.policy, advertiser: old.advertiserID, now: now, &problems,
                on: db)
        }
        try problems.throwIfAny()
        if new.kktu != old.kktu { try admitMaterial(old.state, resubmit: resubmit, "its code of goods") }
        try db.query(
            """
            update campaign set name = $2, contract_id = $3, kktu = $4, companions = $5, revision = revision + 1
            where id = $1
            """,
            [.int4(old.id), .text(new.name), .int4(contract), .text(orNull: new.kktu), .bool(new.companions)])
        try CampaignCredit.put(new.credited, policy: new.policy, campaign: old.id, now: now, on: db)
        var matters = false
        if new.kktu != old.kktu {
            matters = try sendBack(old, actor: actor, reason: "code of goods changed", now: now, on: db)
        }
        return CampaignEdit(campaign: try stored(old.id, on: db), mattersToServing: matters)
    }

    // MARK: What moderation looks at

    static func requireOpen(_ state: CampaignState) throws(Refusal) {
        guard state.isOpen else {
            throw Refusal(.invalidState, "The campaign is \(state.rawValue) and does not change any more; copy it.")
        }
    }

    /// Whether a change of what moderation looks at may go on in a state.
    static func admitMaterial(_ state: CampaignState, resubmit: Bool, _ what: String) throws(Refusal) {
        if state == .moderation {
            throw Refusal(.invalidState, "The campaign is in moderation; withdraw it to change \(what).")
        }
        if state.isApproved, !resubmit {
            throw Refusal(
                .invalidState, field: "resubmit",
                "Changing \(what) needs moderation again, and the campaign does not serve until it is approved; send "
                    + "resubmit: true if that is meant.")
        }
    }

    /// Sends an approved campaign back to moderation; true when serving has to look again.
    static func sendBack(
        _ campaign: Campaign, actor: CampaignActor, reason: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Bool {
        guard campaign.state.isApproved else { return false }
        return try CampaignTransitions.apply(
            campaign.id, from: [campaign.state], to: .moderation, actor: actor, reason: reason, now: now, on: db
        ).mattersToServing
    }

    /// Whether a creative of the campaign has a token, which fixes contract and code of goods (ord-rules.md R10).
    static func isRegistered(_ campaign: Int32, on db: isolated PostgresConnection) throws -> Bool {
        try db.query(
            """
            select exists (select 1 from creative_version v join creative r on r.id = v.creative_id
                join line_item l on l.id = r.line_item_id
                where l.campaign_id = $1 and v.erid is not null) as registered
            """, [.int4(campaign)]
        ).single().bool("registered")
    }

    private static func contractID(
        _ code: String?, of advertiser: Int32, now: Timestamp, _ problems: inout FieldProblems,
        on db: isolated PostgresConnection
    ) throws -> Int32 {
        if let code {
            let row = try db.query(
                "select id, kind from contract where code = $1 and advertiser_id = $2",
                [.text(code), .int4(advertiser)]
            ).first
            guard let row else {
                problems.unknown("contract", code)
                return 0
            }
            if try row.string("kind") == "mediation" {
                problems.add("contract", "not_allowed", "An agent's contract sells nothing: name one for services.")
            }
            return try row.int32("id")
        }
        let today = try RetailerZone.load(on: db).day(of: now)
        let rows = try db.query(
            """
            select id from contract where advertiser_id = $1 and kind <> 'mediation' and signed_on <= $2
                and coalesce(ends_on, 'infinity') >= $2 limit 2
            """, [.int4(advertiser), .date(days: today.number)])
        if rows.count == 1 { return try rows[0].int32("id") }
        problems.add(
            "contract", "required",
            rows.isEmpty ? "There is no contract in force." : "There are several contracts in force; name one.")
        return 0
    }

    private static func read(_ row: PostgresRow) throws -> Campaign {
        Campaign(
            id: try row.int32("id"), code: try row.string("code"), advertiserID: try row.int32("advertiser_id"),
            advertiser: try row.string("advertiser"), contractID: try row.int32("contract_id"),
            contract: try row.string("contract"), name: try row.string("name"), kktu: try row.stringIfPresent("kktu"),
            state: CampaignState(rawValue: try row.string("state")) ?? .draft, held: try row.bool("held"),
            policy: try row.string("policy"),
            credited: CreditedProducts(
                brands: try row.stringArray("credited_brands"), skus: try row.stringArray("credited_skus"),
                groups: try row.stringArray("credited_groups"),
                categories: try row.stringArray("credited_categories")),
            companions: try row.bool("companions"),
            startsAt: try row.microsIfPresent("starts_at").map(Timestamp.init(micros:)),
            endsAt: try row.microsIfPresent("ends_at").map(Timestamp.init(micros:)),
            lineItems: Int(try row.int32("line_items")), feedback: try row.stringIfPresent("feedback"),
            createdAt: Timestamp(micros: try row.micros("created_at")), revision: try row.int64("revision"))
    }
}

/// The retailer's accounting zone.
public enum RetailerZone {
    /// Moscow while no retailer is set up.
    public static func load(on db: isolated PostgresConnection) throws -> AccountingZone {
        let name = try db.query("select accounting_zone from retailer").first?.string("accounting_zone")
        guard let zone = AccountingZone(name ?? "Europe/Moscow") ?? AccountingZone("UTC") else {
            throw Refusal(.internalError, "The accounting zone is not in the time zone data base.")
        }
        return zone
    }
}
