import AdModel
import ORD
import Postgres

/// A KKTU code that would fit, with why.
public struct KKTUSuggestion: Equatable, Sendable {
    public var code: String
    public var name: String
    /// `category` (the retailer's mapping, or learnt from approved campaigns) or `words` (names of categories).
    public var source: String
    /// Names of the categories that speak for it.
    public var categories: [String]
    /// Promoted products that lie in them.
    public var products: Int64
}

/// What a catalogue category is called in KKTU.
public struct CategoryKKTU: Equatable, Sendable {
    public var category: String
    public var name: String
    public var kktu: String?
    /// `retailer` or `learnt`.
    public var source: String?
    public var approvals: Int
    public var revision: Int64
    public var id: Int32
}

/// Suggestions of KKTU codes from the products that a campaign promotes.
public enum KKTUSuggestions {
    /// Suggestions that are told.
    public static let limit = 10

    /// Codes for a campaign, best first: by the mapping of its products' categories (or those above them), then by
    /// the words of the categories' names.
    public static func suggest(
        campaign: Int32, dictionary: KKTUDictionary, on db: isolated PostgresConnection
    ) throws -> [KKTUSuggestion] {
        struct Evidence {
            var source: String
            var categories: [String] = []
            var products: Int64 = 0
            var rank = 0
        }
        var evidence: [String: Evidence] = [:]
        func add(_ code: String, _ source: String, _ category: String, _ products: Int64, rank: Int) {
            guard dictionary.entry(code)?.canBeChosen == true else { return }
            var known = evidence[code] ?? Evidence(source: source, rank: rank)
            if !known.categories.contains(category) {
                known.categories.append(category)
                known.products += products
            }
            evidence[code] = known
        }
        for row in try db.query(categoryQuery, [.int4(campaign)]) {
            let name = try row.string("name")
            let products = try row.int64("products")
            if let code = try row.stringIfPresent("kktu") {
                add(code, "category", name, products, rank: 0)
            } else {
                let found = dictionary.search(name, limit: 3).filter(\.isUsable)
                for (place, entry) in found.enumerated() { add(entry.code, "words", name, products, rank: 1 + place) }
            }
        }
        let ordered = evidence.sorted {
            ($0.value.rank, -$0.value.products, $0.key) < ($1.value.rank, -$1.value.products, $1.key)
        }
        return ordered.prefix(limit).map { code, known in
            KKTUSuggestion(
                code: code, name: dictionary.entry(code)?.displayName ?? code, source: known.source,
                categories: Array(known.categories.prefix(5)), products: known.products)
        }
    }

    /// Categories of the promoted products with the nearest mapping upwards; those without one by their own name.
    private static let categoryQuery = """
        with recursive own as (
            select c as id, count(*) as products
            from line_item l
            join line_item_version v on v.line_item_id = l.id and v.valid_to = 'infinity'
            join product p on p.sku = any(v.promoted_skus)
            cross join lateral unnest(p.category_ids) c
            where l.campaign_id = $1 group by c
        ), climb (own, id, depth) as (
            select id, id, 0 from own
            union all
            select k.own, c.parent_id, k.depth + 1 from climb k join category c on c.id = k.id
            where c.parent_id is not null and k.depth < 32
        )
        select o.id, c.name, o.products, (
            select m.kktu from climb k join category_kktu m on m.category_id = k.id
            where k.own = o.id order by k.depth limit 1) as kktu
        from own o join category c on c.id = o.id order by o.products desc, o.id limit 200
        """

    /// Learns from an approval: the categories of the line item's products are called what the campaign was. What the
    /// retailer has mapped himself stays, and a learnt mapping changes only while it has not proved itself.
    static func learn(
        fromLineItem line: Int32, kktu: String?, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        guard let kktu else { return }
        try db.query(
            """
            insert into category_kktu as m (category_id, kktu, source, approvals, changed_at)
            select c, $2, 'learnt', 1, $3 from (
                select distinct c from line_item_version v join product p on p.sku = any(v.promoted_skus)
                cross join lateral unnest(p.category_ids) c
                where v.line_item_id = $1 and v.valid_to = 'infinity' order by c limit 200
            ) promoted join category on category.id = c
            on conflict (category_id) do update set
                approvals = case when m.kktu = excluded.kktu then m.approvals + 1 else greatest(m.approvals - 1, 0) end,
                kktu = case when m.source = 'learnt' and m.approvals = 0 then excluded.kktu else m.kktu end,
                changed_at = excluded.changed_at, revision = m.revision + 1
            """, [.int4(line), .text(kktu), .timestamptz(micros: now.micros)])
    }

    /// Categories with their mapping, in the order of their ids.
    public static func mapping(
        after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [CategoryKKTU] {
        try db.query(
            "\(mappingQuery) where c.id > $1 order by c.id limit $2", [.int8(after), .int8(limit)]
        ).map(record)
    }

    private static let mappingQuery = """
        select c.id, c.code, c.name, m.kktu, m.source, coalesce(m.approvals, 0) as approvals,
            coalesce(m.revision, 0) as revision
        from category c left join category_kktu m on m.category_id = c.id
        """

    private static func record(_ row: PostgresRow) throws -> CategoryKKTU {
        CategoryKKTU(
            category: try row.string("code"), name: try row.string("name"), kktu: try row.stringIfPresent("kktu"),
            source: try row.stringIfPresent("source"), approvals: try row.int("approvals"),
            revision: try row.int64("revision"), id: try row.int32("id"))
    }

    /// One category; `not_found` when there is none.
    public static func find(category: String, on db: isolated PostgresConnection) throws -> CategoryKKTU {
        guard let row = try db.query("\(mappingQuery) where c.code = $1", [.text(category)]).first else {
            throw Refusal.notFound
        }
        return try record(row)
    }

    /// The retailer's own word for a category; nil forgets it.
    public static func set(
        category: CategoryKKTU, kktu: String?, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> CategoryKKTU {
        if let kktu {
            try db.query(
                """
                insert into category_kktu as m (category_id, kktu, source, changed_at) values ($1, $2, 'retailer', $3)
                on conflict (category_id) do update set kktu = excluded.kktu, source = 'retailer',
                    changed_at = excluded.changed_at, revision = m.revision + 1
                """, [.int4(category.id), .text(kktu), .timestamptz(micros: now.micros)])
        } else {
            try db.query("delete from category_kktu where category_id = $1", [.int4(category.id)])
        }
        return try find(category: category.category, on: db)
    }
}
