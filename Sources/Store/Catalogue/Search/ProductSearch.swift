import AdModel
import Postgres

/// A product as lists show it.
public struct ProductRecord: Sendable, Equatable {
    public var id: Int32
    public var sku: String
    public var groupID: String?
    public var name: String
    /// As the feed writes it.
    public var rawBrand: String?
    /// Code of the brand that it means now.
    public var brand: String?
    public var categories: [String]
    public var url: String?
    public var pictureURL: String?
    /// In the location that was asked about; nil when none was or nothing is known of it there.
    public var offer: ProductOffer?
}

/// What a product costs somewhere and whether it can be bought.
public struct ProductOffer: Sendable, Equatable {
    /// Code of the stock location.
    public var location: String
    /// Quantity above zero and told not longer ago than `stock_max_age`.
    public var isBuyable: Bool
    /// Shelf price with VAT, micro-roubles.
    public var priceMicros: Int64
    public var oldPriceMicros: Int64?
    /// When the shop said so.
    public var asOf: Timestamp
}

/// What products are wanted; everything given must hold.
public struct ProductFilter: Sendable, Equatable {
    /// Words of the name, in any grammatical form.
    public var words: String?
    public var skuPrefix: String?
    /// Code of a brand; every approved spelling counts.
    public var brand: String?
    /// Code of a category; its whole subtree counts.
    public var category: String?
    /// Code of a stock location whose offers are shown.
    public var location: String?
    /// Only what can be bought in the location.
    public var onlyBuyable = false

    public init() {}
}

/// Questions about the products of the catalogue.
public enum ProductSearch {
    /// By internal id, ascending. Throws `unknown_reference` for a brand, category or location that is not there.
    public static func list(
        _ filter: ProductFilter, now: Timestamp, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [ProductRecord] {
        var query = Query(now: now)
        try query.narrow(filter, on: db)
        guard !query.isEmpty else { return [] }
        let ids = try query.ids(after: after, limit: limit, on: db)
        return try records(ids, location: query.location, now: now, on: db)
    }

    /// One product with its offers in all locations. Throws `Refusal.notFound`.
    public static func find(
        sku: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> (product: ProductRecord, offers: [ProductOffer]) {
        guard let row = try db.query("select id from product where sku = $1", [.text(sku)]).first else {
            throw Refusal.notFound
        }
        let id = try row.int32("id")
        guard let product = try records([id], location: nil, now: now, on: db).first else { throw Refusal.notFound }
        let offers = try db.query(
            """
            select l.code as location, s.quantity, s.price_micros, s.old_price_micros, s.as_of,
                s.quantity > 0 and s.as_of >= $2::timestamptz - (select stock_max_age from retailer) as buyable
            from stock s join stock_location l on l.id = s.location_id where s.product_id = $1 order by l.id
            """, [.int4(id), .timestamptz(micros: now.micros)]
        ).map(offer)
        return (product, offers)
    }

    private static func records(
        _ ids: [Int32], location: Int32?, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> [ProductRecord] {
        guard !ids.isEmpty else { return [] }
        return try db.query(
            """
            select p.id, p.sku, p.group_id, p.name, p.brand as raw_brand, p.url, p.picture_url,
                coalesce(
                    (select b.code from brand_alias a join brand b on b.id = a.brand_id
                        where a.alias = p.brand and a.valid_from <= $3 and $3 < a.valid_to order by a.id limit 1),
                    (select b.code from brand b where b.code = p.brand)) as brand,
                array(select c.code from category c where c.id = any(p.category_ids) order by c.id) as categories,
                l.code as location, s.price_micros, s.old_price_micros, s.as_of,
                s.quantity > 0 and s.as_of >= $3::timestamptz - (select stock_max_age from retailer) as buyable
            from product p
            left join stock s on s.product_id = p.id and s.location_id = $2
            left join stock_location l on l.id = s.location_id
            where p.id = any($1) order by p.id
            """, [.int4Array(ids), .int4(orNull: location), .timestamptz(micros: now.micros)]
        ).map { row in
            ProductRecord(
                id: try row.int32("id"), sku: try row.string("sku"), groupID: try row.stringIfPresent("group_id"),
                name: try row.string("name"), rawBrand: try row.stringIfPresent("raw_brand"),
                brand: try row.stringIfPresent("brand"), categories: try row.stringArray("categories"),
                url: try row.stringIfPresent("url"), pictureURL: try row.stringIfPresent("picture_url"),
                offer: try row.isNull("location") ? nil : offer(row))
        }
    }

    private static func offer(_ row: PostgresRow) throws -> ProductOffer {
        ProductOffer(
            location: try row.string("location"), isBuyable: try row.bool("buyable"),
            priceMicros: try row.int64("price_micros"), oldPriceMicros: try row.int64IfPresent("old_price_micros"),
            asOf: Timestamp(micros: try row.micros("as_of")))
    }

    /// The conditions of one search. Each is resolved to internal ids first, so that the planner sees constants.
    private struct Query {
        let now: Timestamp
        var conditions = ["p.id > $1"]
        var parameters: [PostgresValue] = []
        var location: Int32?
        /// Nothing can match.
        var isEmpty = false

        init(now: Timestamp) { self.now = now }

        private mutating func add(_ value: PostgresValue, _ condition: (String) -> String) {
            parameters.append(value)
            conditions.append(condition("$\(parameters.count + 2)"))
        }

        mutating func narrow(_ filter: ProductFilter, on db: isolated PostgresConnection) throws {
            if let text = filter.words {
                if let words = SearchWords(text) {
                    conditions.append(SearchWords.condition("p.name", parameters.count + 3))
                    parameters += words.parameters
                } else {
                    isEmpty = true
                }
            }
            if let prefix = filter.skuPrefix {
                let escaped = prefix.reduce(into: "") { text, character in
                    if "%_\\".contains(character) { text.append("\\") }
                    text.append(character)
                }
                add(.text(escaped + "%")) { "p.sku like \($0)" }
            }
            if let brand = filter.brand {
                let spellings = try spellings(of: brand, on: db)
                add(.textArray(spellings)) { "p.brand = any(\($0))" }
            }
            if let category = filter.category {
                let ids = try subtree(of: category, on: db)
                add(.int4Array(ids)) { "p.category_ids && \($0)" }
            }
            if let code = filter.location {
                guard let row = try db.query("select id from stock_location where code = $1", [.text(code)]).first
                else {
                    throw Refusal.unknownReference("location", code)
                }
                location = try row.int32("id")
            }
            if filter.onlyBuyable, let location {
                let oldest = try db.query(
                    "select (extract(epoch from stock_max_age) * 1000000)::bigint as age from retailer")
                let age = try oldest.first?.int64("age") ?? 0
                add(.int4(location)) { "s.location_id = \($0) and s.quantity > 0" }
                add(.timestamptz(micros: now.micros - age)) { "s.as_of >= \($0)" }
            }
        }

        func ids(after: Int64, limit: Int64, on db: isolated PostgresConnection) throws -> [Int32] {
            let joins =
                parameters.isEmpty || !conditions.contains { $0.hasPrefix("s.") }
                ? "" : "join stock s on s.product_id = p.id"
            return try db.query(
                "select p.id from product p \(joins) where \(conditions.joined(separator: " and ")) order by p.id limit $2",
                [.int8(after), .int8(limit)] + parameters
            ).map { try $0.int32("id") }
        }

        private func spellings(of brand: String, on db: isolated PostgresConnection) throws -> [String] {
            let rows = try db.query(
                """
                select b.code as spelling from brand b where b.code = $1
                union select a.alias from brand_alias a join brand b on b.id = a.brand_id
                where b.code = $1 and a.valid_from <= $2 and $2 < a.valid_to
                """, [.text(brand), .timestamptz(micros: now.micros)])
            guard !rows.isEmpty else { throw Refusal.unknownReference("brand", brand) }
            return try rows.map { try $0.string("spelling") }
        }

        private func subtree(of category: String, on db: isolated PostgresConnection) throws -> [Int32] {
            let rows = try db.query(
                """
                with recursive subtree as (
                    select id from category where code = $1
                    union select c.id from category c join subtree s on c.parent_id = s.id
                ) select id from subtree
                """, [.text(category)])
            guard !rows.isEmpty else { throw Refusal.unknownReference("category", category) }
            return try rows.map { try $0.int32("id") }
        }
    }
}
