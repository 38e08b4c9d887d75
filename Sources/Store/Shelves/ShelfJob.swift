import AdModel
import Postgres
import Shelves

/// The job behind shelf algorithms: reads what was ordered and viewed, computes, stores. A run that finds nothing to
/// compute from stores empty tables: shelves then come in the line items' own order.
public enum ShelfJob {
    /// What one run did.
    public struct Report: Equatable, Sendable {
        /// Number of the stored tables.
        public var version: Int64
        public var products: Int
        public var orders: Int
        public var views: Int
        public var neighbours: Int64
    }

    /// Reads, computes outside of any transaction, and stores in one.
    public static func run(pool: PostgresPool, now: Timestamp) async throws -> Report {
        let facts = try await pool.transaction(.repeatableRead) { try ShelfFactReader.read(now: now, on: $0) }
        let result = ShelfComputation.run(facts, now: now)
        return try await pool.transaction { db in
            try ShelfStore.put(result, orders: facts.orders.count, views: facts.views.count, now: now, on: db)
        }
    }
}

/// What the tables are computed from, as the database has it.
enum ShelfFactReader {
    /// Products that the tables know, by id; later ones have no neighbours and are in nobody's.
    static let productLimit: Int64 = 500_000
    /// How far back orders and views are read, and how many at most, the latest.
    static let orderSpan = Timestamp.Span.days(90)
    static let orderLimit: Int64 = 500_000
    static let viewSpan = Timestamp.Span.days(30)
    static let viewLimit: Int64 = 300_000

    static func read(now: Timestamp, on db: isolated PostgresConnection) throws -> ShelfFacts {
        var facts = ShelfFacts()
        facts.products = try products(on: db)
        facts.orders = try baskets(
            """
            select o.ordered_at as at, array_agg(distinct p.id) as ids
            from customer_order o
            join order_line l on l.storefront_id = o.storefront_id and l.order_id = o.order_id
            join product p on p.sku = l.sku
            where o.ordered_at > $1 and o.ordered_at <= $2 and not exists (
                select 1 from order_adjustment a
                where a.storefront_id = o.storefront_id and a.order_id = o.order_id and a.kind in ('cancel', 'return')
                    and (a.line_no is null or a.line_no = l.line_no) and a.received_at <= $2)
            group by o.storefront_id, o.order_id, o.ordered_at order by o.ordered_at desc, o.order_id limit $3
            """, since: now - orderSpan, now: now, limit: orderLimit, on: db)
        facts.views = try baskets(
            """
            select max(s.occurred_at) as at, array_agg(distinct p.id) as ids
            from signal s join product p on p.sku = s.product_sku
            where s.kind = 'product_view' and s.visitor_id is not null
                and s.received_day >= ($1::timestamptz at time zone 'UTC')::date
                and s.occurred_at > $1 and s.occurred_at <= $2
            group by s.visitor_id, (s.occurred_at at time zone 'UTC')::date
            order by 1 desc, s.visitor_id limit $3
            """, since: now - viewSpan, now: now, limit: viewLimit, on: db)
        return facts
    }

    private static func products(on db: isolated PostgresConnection) throws -> [ShelfFacts.Product] {
        let rows = try db.query(
            """
            select p.id, p.group_id, lower(p.brand) as brand, p.name, p.category_ids,
                coalesce((select min(s.price_micros) from stock s where s.product_id = p.id and s.price_micros > 0), 0)
                    as price
            from product p
            order by p.id limit $1
            """, [.int8(productLimit)])
        var parents: [Int32: Int32] = [:]
        for row in try db.query("select id, parent_id from category") {
            parents[try row.int32("id")] = try row.int32IfPresent("parent_id") ?? 0
        }
        var groups: [String: Int32] = [:]
        var brands: [String: Int32] = [:]
        func number(_ text: String?, _ known: inout [String: Int32]) -> Int32 {
            guard let text, !text.isEmpty else { return 0 }
            if let found = known[text] { return found }
            known[text] = Int32(known.count + 1)
            return Int32(known.count)
        }
        return try rows.map { row in
            let categories = try row.int32Array("category_ids")
            // The most special one: no other is below it.
            let above = Set(categories.compactMap { parents[$0] })
            let category = categories.first { !above.contains($0) } ?? 0
            return ShelfFacts.Product(
                id: try row.int32("id"), group: number(try row.stringIfPresent("group_id"), &groups),
                brandID: number(try row.stringIfPresent("brand"), &brands), categoryID: category,
                parentCategoryID: parents[category] ?? 0, price: try row.int64("price"),
                words: ShelfFacts.words(of: try row.string("name")))
        }
    }

    private static func baskets(
        _ sql: String, since: Timestamp, now: Timestamp, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [ShelfFacts.Basket] {
        try db.query(
            sql, [.timestamptz(micros: since.micros), .timestamptz(micros: now.micros), .int8(limit)]
        ).map {
            ShelfFacts.Basket(at: Timestamp(micros: try $0.micros("at")), productIDs: try $0.int32Array("ids"))
        }.reversed()
    }
}
