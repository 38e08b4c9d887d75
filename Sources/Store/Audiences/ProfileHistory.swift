import AdModel
import Measurement
import Postgres

/// What shoppers did before a node's own log begins, as log records, so that profiles are rebuilt by one rule.
public struct ProfileHistory: Sendable {
    /// Time whose rows are asked for at once.
    private static let span = Timestamp.Span.days(1)

    /// An impression that was counted, with what its caps are counted by.
    public struct Contact: Sendable {
        public var visitorID: String
        public var lineItemID: Int32
        public var decidedAt: Timestamp
    }

    public enum Entry: Sendable {
        case record(LogRecord)
        case contact(Contact)
    }

    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// Calls `body` with signals and impressions of the time from `oldest`, and orders of a year, that were received
    /// before `end`; day by day, in order of time within a kind.
    public func each(
        from oldest: Timestamp, receivedBefore end: Timestamp, _ body: @escaping @Sendable ([Entry]) -> Void
    ) async throws {
        let year = min(oldest, end - .days(366))
        body(try await orders(from: year, receivedBefore: end))
        var at = oldest
        while at < end {
            let next = min(at + Self.span, end)
            body(try await signals(from: at, to: next))
            body(try await contacts(from: at, to: next))
            at = next
        }
    }

    private func signals(from: Timestamp, to: Timestamp) async throws -> [Entry] {
        try await pool.withConnection { db in
            let rows = try db.query(
                """
                select storefront_id, kind, visitor_id, product_sku, category_code, phrase, occurred_at from signal
                where visitor_id is not null and occurred_at >= $1 and occurred_at < $2 order by occurred_at
                """, [.timestamptz(micros: from.micros), .timestamptz(micros: to.micros)])
            return try rows.compactMap { row in
                guard let kind = SignalKind(rawValue: try row.string("kind")) else { return nil }
                let at = Timestamp(micros: try row.micros("occurred_at"))
                return .record(
                    .signal(
                        SignalRecord(
                            storefrontID: try row.int32("storefront_id"), kind: kind, clientID: nil,
                            visitorID: try row.string("visitor_id"), customerID: nil,
                            sku: try row.stringIfPresent("product_sku"),
                            categoryCode: try row.stringIfPresent("category_code"),
                            phrase: try row.stringIfPresent("phrase"), occurredAt: at, receivedAt: at)))
            }
        }
    }

    private func contacts(from: Timestamp, to: Timestamp) async throws -> [Entry] {
        try await pool.withConnection { db in
            // The first 64 bits of a decision's id are its time, which is what caps count by.
            let rows = try db.query(
                """
                select distinct visitor_id, line_item_id, decision_id, ad from ad_event
                where kind = 0 and visitor_id is not null and invalid_reason is null
                    and decision_day between ($1::timestamptz at time zone 'UTC')::date
                        and ($2::timestamptz at time zone 'UTC')::date
                order by decision_id, ad
                """, [.timestamptz(micros: from.micros), .timestamptz(micros: to.micros)])
            var contacts: [Entry] = []
            for row in rows {
                let at = Timestamp(micros: Int64(bitPattern: try row.uuid("decision_id").high))
                guard at >= from, at < to else { continue }
                contacts.append(
                    .contact(
                        Contact(
                            visitorID: try row.string("visitor_id"), lineItemID: try row.int32("line_item_id"),
                            decidedAt: at)))
            }
            return contacts
        }
    }

    private func orders(from: Timestamp, receivedBefore end: Timestamp) async throws -> [Entry] {
        try await pool.withConnection { db in
            let rows = try db.query(
                """
                select o.storefront_id, o.order_id, o.visitor_id, o.ordered_at, o.received_at,
                    l.line_no, l.sku, l.units, l.gross_micros, l.net_micros
                from customer_order o join order_line l on l.storefront_id = o.storefront_id and l.order_id = o.order_id
                where o.visitor_id is not null and o.ordered_at >= $1 and o.received_at < $2
                order by o.ordered_at, o.storefront_id, o.order_id, l.line_no
                """, [.timestamptz(micros: from.micros), .timestamptz(micros: end.micros)])
            var orders: [OrderRecord] = []
            for row in rows {
                let (storefront, id) = (try row.int32("storefront_id"), try row.string("order_id"))
                if orders.last.map({ $0.storefrontID != storefront || $0.orderID != id }) ?? true {
                    orders.append(
                        OrderRecord(
                            storefrontID: storefront, orderID: id, visitorID: try row.string("visitor_id"),
                            customerID: nil, channel: .online,
                            orderedAt: Timestamp(micros: try row.micros("ordered_at")),
                            receivedAt: Timestamp(micros: try row.micros("received_at")), lines: []))
                }
                orders[orders.count - 1].lines.append(
                    OrderRecord.Line(
                        lineNo: try row.int32("line_no"), sku: try row.string("sku"), units: try row.int32("units"),
                        gross: Micros(try row.int64("gross_micros")), net: Micros(try row.int64("net_micros"))))
            }
            return orders.map { .record(.order($0)) }
        }
    }
}
