import AdModel
import Postgres

/// From what a line item says it promotes (SKUs, categories, brands) to the SKUs that this means in the catalogue.
public enum PromotedProducts {
    /// SKUs of one line item.
    public static let limit = 5_000

    /// The SKUs in byte order, and how many more there would be. SKUs that are named count even before the catalogue
    /// knows them; categories mean their whole subtree, brands go through the alias table; with both given a product
    /// must satisfy both.
    static func resolve(
        _ promoted: SeedPromoted, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> (skus: [String], unlisted: Int) {
        var skus = Set(promoted.skus)
        if !promoted.categories.isEmpty || !promoted.brands.isEmpty {
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
                order by sku collate "C" limit \(limit + 1)
                """, [.textArray(promoted.categories), .textArray(promoted.brands), .timestamptz(micros: now.micros)])
            for row in rows { skus.insert(try row.string("sku")) }
        }
        let sorted = skus.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return (Array(sorted.prefix(limit)), max(0, sorted.count - limit))
    }

    /// Resolves every rule again after the catalogue changed. Returns how many line items got a new version.
    static func refresh(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        let items = try db.query(
            """
            select id,
                array(select jsonb_array_elements_text(promoted->'skus')) as skus,
                array(select jsonb_array_elements_text(promoted->'categories')) as categories,
                array(select jsonb_array_elements_text(promoted->'brands')) as brands
            from line_item
            where jsonb_array_length(coalesce(promoted->'categories', '[]')) > 0
               or jsonb_array_length(coalesce(promoted->'brands', '[]')) > 0
            order by id
            """)
        var changed = 0
        for row in items {
            let promoted = SeedPromoted(
                skus: try row.stringArray("skus"), categories: try row.stringArray("categories"),
                brands: try row.stringArray("brands"))
            let skus = try resolve(promoted, now: now, on: db).skus
            if try VersionedLists.put(
                table: "line_item_version", owner: "line_item_id", ownerID: try row.int32("id"),
                [SeedColumn("promoted_skus", skus)], now: now, on: db)
            {
                changed += 1
            }
        }
        return changed
    }
}
