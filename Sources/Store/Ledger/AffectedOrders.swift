import AdModel
import Postgres

/// Finds the orders whose credits a batch may have changed. The answer may hold too many, never too few: what is
/// recomputed without need changes nothing.
public enum AffectedOrders {
    /// Orders of persons for whom new touches came, inside the longest window of any policy after them.
    public static func byTouches(
        _ touches: [(visitorID: String, at: Timestamp)], on connection: isolated PostgresConnection
    ) throws -> Set<OrderKey> {
        guard let first = touches.map(\.at).min(), let last = touches.map(\.at).max() else { return [] }
        let longest = try Policies.installed(on: connection).longestWindow
        return try related(
            to: Set(touches.map(\.visitorID)), from: first.micros, through: (last + longest).micros, on: connection)
    }

    /// Orders of every person that a new link of these visitors may have joined or parted, whenever they were made.
    public static func byLinks(
        of visitors: Set<String>, on connection: isolated PostgresConnection
    ) throws -> Set<OrderKey> {
        guard !visitors.isEmpty else { return [] }
        return try related(to: visitors, from: .min, through: .max, on: connection)
    }

    /// Which of these orders are known.
    public static func known(
        _ keys: Set<OrderKey>, on connection: isolated PostgresConnection
    ) throws -> Set<OrderKey> {
        guard !keys.isEmpty else { return [] }
        let sorted = keys.sorted()
        return try collect(
            connection.query(
                """
                select o.storefront_id, o.order_id from unnest($1::int4[], $2::text[]) as t (s, i)
                join customer_order o on o.storefront_id = t.s and o.order_id = t.i
                """, [.int4Array(sorted.map(\.storefrontID)), .textArray(sorted.map(\.orderID))]))
    }

    /// `person(id, t)` is the id itself or a customer it was ever linked to, so all ids that can be one person with
    /// a given one are found in two steps: its customers, and everybody linked to these or to itself.
    private static func related(
        to visitors: Set<String>, from: Int64, through: Int64, on connection: isolated PostgresConnection
    ) throws -> Set<OrderKey> {
        try collect(
            connection.query(
                """
                with seed as (select unnest($1::text[]) as id),
                customer as (
                    select id from seed
                    union select l.customer_id from seed s join identity_link l on l.visitor_id = s.id
                ), related as (
                    select id from customer
                    union select l.visitor_id from customer c join identity_link l on l.customer_id = c.id
                )
                select o.storefront_id, o.order_id from related r
                join customer_order o on o.visitor_id = r.id and o.ordered_at between $2 and $3
                union
                select o.storefront_id, o.order_id from related r
                join customer_order o on o.customer_id = r.id and o.ordered_at between $2 and $3
                """,
                [.textArray(visitors.sorted()), .timestamptz(micros: from), .timestamptz(micros: through)]))
    }

    private static func collect(_ rows: PostgresRows) throws -> Set<OrderKey> {
        var result: Set<OrderKey> = []
        for row in rows { result.insert(OrderKey(storefrontID: try row.int32(0), orderID: try row.string(1))) }
        return result
    }
}
