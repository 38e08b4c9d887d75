import AdModel
import Postgres

/// From what a line item says it promotes to the SKUs that this means in the catalogue.
public enum PromotedProducts {
    /// SKUs of one line item.
    public static let limit = 5_000

    /// The SKUs in byte order, and how many more there would be. SKUs that are named count even before the catalogue
    /// knows them; categories mean their whole subtree, brands go through the alias table; a product must satisfy
    /// everything that is given.
    ///
    /// - Parameter spellings: raw brands that the products must have, named ones too; nil = any.
    static func resolve(
        _ promoted: PromotedRule, within spellings: [String]? = nil, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> (skus: [String], unlisted: Int) {
        var skus = Set(promoted.skus)
        if let spellings, !skus.isEmpty {
            skus = Set(
                try db.query(
                    "select sku from product where sku = any($1::text[]) and brand = any($2::text[])",
                    [.textArray(promoted.skus), .textArray(spellings)]
                ).map { try $0.string("sku") })
        }
        if !promoted.isListOnly {
            let rows = try db.query(
                """
                with recursive subtree as (
                    select id from category where code = any($1::text[])
                    union select c.id from category c join subtree s on c.parent_id = s.id
                ), spelling as (
                    select unnest($2::text[]) as brand
                    union select a.alias from brand_alias a join brand b on b.id = a.brand_id
                    where b.code = any($2::text[]) and a.valid_from <= $3 and $3 < a.valid_to
                )
                select sku from product p
                where (cardinality($1::text[]) = 0 or p.category_ids && array(select id from subtree))
                  and (cardinality($2::text[]) = 0 or p.brand in (select brand from spelling))
                  and ($4::text[] is null or p.brand = any($4::text[]))
                  and not exists (select 1 from unnest($5::text[]) w
                      where position(replace(lower(w), 'ё', 'е') in replace(lower(p.name), 'ё', 'е')) = 0)
                  and (($6::bigint is null and $7::bigint is null) or exists (select 1 from stock s
                      where s.product_id = p.id and s.price_micros >= coalesce($6, 0)
                        and ($7::bigint is null or s.price_micros <= $7)))
                order by sku collate "C" limit \(limit + 1)
                """,
                [
                    .textArray(promoted.categories), .textArray(promoted.brands), .timestamptz(micros: now.micros),
                    spellings.map { .textArray($0) } ?? .null, .textArray(promoted.nameWords),
                    .int8(orNull: promoted.priceFromMicros), .int8(orNull: promoted.priceToMicros),
                ])
            for row in rows { skus.insert(try row.string("sku")) }
        }
        let sorted = skus.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return (Array(sorted.prefix(limit)), max(0, sorted.count - limit))
    }

    /// Resolves every rule again after the catalogue changed, and the lists of line items that may promote granted
    /// brands only. Returns how many line items got a new version.
    static func refresh(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        try refresh(where: "true", [], now: now, on: db) + CampaignCredit.refresh(now: now, on: db)
    }

    /// The same for one advertiser, after his grants or the aliases of his brands changed. Whoever calls this bumps
    /// the control version when something changed.
    public static func refresh(
        advertiser: Int32, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Int {
        try refresh(where: "l.advertiser_id = $1", [.int4(advertiser)], now: now, on: db)
    }

    /// The same for every advertiser whose grants began or ended within a day before `now`: validity passes without a
    /// write. Asking again changes nothing.
    public static func followGrants(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        let span: [PostgresValue] = [
            .timestamptz(micros: (now - .days(1)).micros), .timestamptz(micros: now.micros),
        ]
        let owners = try db.query(
            """
            select distinct advertiser_id from brand_grant
            where (valid_from > $1 and valid_from <= $2) or (valid_to > $1 and valid_to <= $2) order by 1
            """, span)
        var changed = 0
        for row in owners {
            changed += try refresh(advertiser: try row.int32("advertiser_id"), now: now, on: db)
        }
        if changed > 0 { try db.query("select bump_control_version('control')") }
        return changed
    }

    private static func refresh(
        where condition: String, _ parameters: [PostgresValue], now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Int {
        let items = try db.query(
            """
            select l.id, l.advertiser_id, l.granted_only, c.approved_categories, c.state, \(PromotedRule.columns)
            from line_item l join campaign c on c.id = l.campaign_id
            where \(condition) and not l.archived and c.state not in ('finished', 'archived')
              and (jsonb_array_length(coalesce(l.promoted->'categories', '[]')) > 0
                or jsonb_array_length(coalesce(l.promoted->'brands', '[]')) > 0
                or jsonb_array_length(coalesce(l.promoted->'name_words', '[]')) > 0
                or l.promoted ? 'price_from_micros' or l.promoted ? 'price_to_micros'
                or (l.granted_only and jsonb_array_length(coalesce(l.promoted->'skus', '[]')) > 0))
            order by l.id
            """, parameters)
        var changed = 0
        var granted: [Int32: [String]] = [:]
        for row in items {
            var spellings: [String]?
            if try row.bool("granted_only") {
                let owner = try row.int32("advertiser_id")
                spellings = try granted[owner] ?? GrantedBrands.load(of: owner, now: now, on: db).spellings
                granted[owner] = spellings
            }
            let id = try row.int32("id")
            var skus = try resolve(try PromotedRule(row), within: spellings, now: now, on: db).skus
            if CampaignState(rawValue: try row.string("state"))?.isApproved == true,
                let approved = try row.int32ArrayIfPresent("approved_categories")
            {
                // Nobody has looked at products of other categories; they wait for the next moderation.
                let outside = try LineItemProducts.unapproved(skus, of: id, approved: approved, on: db)
                skus.removeAll { outside.contains($0) }
            }
            if try LineItemProducts.put(skus, of: id, now: now, on: db) { changed += 1 }
        }
        return changed
    }
}

/// The resolved products of a line item, versioned.
enum LineItemProducts {
    /// Makes the list the open version; true when it differs from the one before.
    static func put(
        _ skus: [String], of lineItem: Int32, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Bool {
        try VersionedLists.put(
            table: "line_item_version", owner: "line_item_id", ownerID: lineItem,
            [VersionColumn("promoted_skus", skus)],
            now: now, on: db)
    }

    /// Those of the SKUs that the line item does not promote yet and that lie in no category of the approved ones
    /// (subtrees included).
    static func unapproved(
        _ skus: [String], of lineItem: Int32, approved: [Int32], on db: isolated PostgresConnection
    ) throws -> Set<String> {
        guard !skus.isEmpty else { return [] }
        return Set(
            try db.query(
                """
                with recursive subtree as (
                    select unnest($3::int[]) as id
                    union select c.id from category c join subtree s on c.parent_id = s.id
                )
                select w.sku from unnest($1::text[]) w (sku) left join product p on p.sku = w.sku
                where not coalesce(p.category_ids && array(select id from subtree), false)
                  and not exists (select 1 from line_item_version v
                      where v.line_item_id = $2 and v.valid_to = 'infinity' and w.sku = any(v.promoted_skus))
                """, [.textArray(skus), .int4(lineItem), .int4Array(approved)]
            ).map { try $0.string("sku") })
    }
}

extension PromotedRule {
    /// Of a row with `PromotedRule.columns`.
    init(_ row: PostgresRow) throws {
        self.init(
            skus: try row.stringArray("promoted_skus"), categories: try row.stringArray("promoted_categories"),
            brands: try row.stringArray("promoted_brands"))
        nameWords = try row.stringArray("promoted_words")
        priceFromMicros = try row.int64IfPresent("promoted_price_from")
        priceToMicros = try row.int64IfPresent("promoted_price_to")
    }
}
