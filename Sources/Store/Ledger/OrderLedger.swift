import AdModel
import Billing
import Measurement
import Postgres

/// Stores orders, adjustments, signals and links, each client id once: the first content stays, the same content
/// again is a duplicate, other content under a known id is a conflict; both are counted, neither changes anything.
public enum OrderLedger {
    /// What a batch brought that attribution has to look at.
    public struct Arrivals: Sendable {
        /// Orders that are new.
        public var orders: Set<OrderKey> = []
        /// Orders, known or not, for which a new adjustment came, with the id of one of them.
        public var adjusted: [OrderKey: String] = [:]
        /// Visitors with a new link.
        public var linkedVisitors: Set<String> = []

        public init() {}
    }

    public static func write(
        _ batch: RecordBatch, zone: AccountingZone, refusals: inout RefusalCounter,
        on connection: isolated PostgresConnection
    ) throws -> Arrivals {
        var arrivals = Arrivals()
        let orders = try firsts(
            batch.orders, kind: "order", { ($0.storefrontID, $0.orderID, ClientContent.hash($0), $0.receivedAt) },
            zone, &refusals, connection)
        try writeOrders(orders, on: connection)
        arrivals.orders = Set(orders.map { OrderKey(storefrontID: $0.storefrontID, orderID: $0.orderID) })

        let adjustments = try firsts(
            batch.adjustments.filter { adjustment in
                if fitsTheRules(adjustment) { return true }
                refusals.add(
                    day: zone.day(of: adjustment.receivedAt), storefrontID: adjustment.storefrontID,
                    kind: "adjustment", reason: "invalid_adjustment")
                return false
            }, kind: "adjustment",
            { ($0.storefrontID, $0.adjustmentID, ClientContent.hash($0), $0.receivedAt) }, zone, &refusals, connection)
        try writeAdjustments(adjustments, on: connection)
        for it in adjustments {
            arrivals.adjusted[OrderKey(storefrontID: it.storefrontID, orderID: it.orderID)] = it.adjustmentID
        }

        let named = try firsts(
            batch.signals.filter { $0.clientID != nil }, kind: "signal",
            { ($0.storefrontID, $0.clientID ?? "", ClientContent.hash($0), $0.receivedAt) }, zone, &refusals,
            connection)
        try writeSignals(named + batch.signals.filter { $0.clientID == nil }, on: connection)

        var links = batch.links.map { ($0.visitorID, $0.customerID, $0.linkedAt) }
        for order in orders {
            // An order that names both is itself a link.
            if let visitor = order.visitorID, let customer = order.customerID {
                links.append((visitor, customer, order.orderedAt))
            }
        }
        arrivals.linkedVisitors = try writeLinks(links, on: connection)
        return arrivals
    }

    /// Rule 17: only a cancellation of the whole order may leave out the line; a price change has an amount and no
    /// units; what is taken is not negative.
    static func fitsTheRules(_ adjustment: AdjustmentRecord) -> Bool {
        switch adjustment.kind {
        case .price:
            return adjustment.lineNo != nil && adjustment.amount != nil && (adjustment.units ?? 0) == 0
        case .cancel, .return:
            if (adjustment.units ?? 0) < 0 || (adjustment.amount ?? .zero) < .zero { return false }
            if adjustment.lineNo != nil { return true }
            return adjustment.kind == .cancel && adjustment.units == nil && adjustment.amount == nil
        }
    }

    /// The records whose client id is new, in order; all others are counted.
    private static func firsts<Record>(
        _ records: [Record], kind: String, _ identity: (Record) -> (Int32, String, [UInt8], Timestamp),
        _ zone: AccountingZone, _ refusals: inout RefusalCounter, _ connection: isolated PostgresConnection
    ) throws -> [Record] {
        guard !records.isEmpty else { return [] }
        var keys: [OrderKey] = []
        var hashes: [OrderKey: [UInt8]] = [:]
        let identities = records.map(identity)
        for (storefrontID, id, hash, _) in identities {
            let key = OrderKey(storefrontID: storefrontID, orderID: id)
            if hashes[key] == nil {
                hashes[key] = hash
                keys.append(key)
            }
        }
        let inserted = try connection.query(
            """
            insert into client_event_identity (storefront_id, kind, client_id, content_hash)
            select s, $4, i, h from unnest($1::int4[], $2::text[], $3::bytea[]) as t (s, i, h)
            on conflict do nothing returning storefront_id, client_id
            """,
            [
                .int4Array(keys.map(\.storefrontID)), .textArray(keys.map(\.orderID)),
                .byteaArray(keys.map { hashes[$0] ?? [] }), .text(kind),
            ])
        var fresh: Set<OrderKey> = []
        for row in inserted { fresh.insert(OrderKey(storefrontID: try row.int32(0), orderID: try row.string(1))) }
        if fresh.count < keys.count {
            let known = keys.filter { !fresh.contains($0) }
            let rows = try connection.query(
                """
                select e.storefront_id, e.client_id, e.content_hash
                from unnest($1::int4[], $2::text[]) as t (s, i)
                join client_event_identity e on e.storefront_id = t.s and e.kind = $3 and e.client_id = t.i
                """,
                [.int4Array(known.map(\.storefrontID)), .textArray(known.map(\.orderID)), .text(kind)])
            for row in rows {
                hashes[OrderKey(storefrontID: try row.int32(0), orderID: try row.string(1))] = try row.bytes(2)
            }
        }
        var result: [Record] = []
        for (record, (storefrontID, id, hash, receivedAt)) in zip(records, identities) {
            let key = OrderKey(storefrontID: storefrontID, orderID: id)
            if fresh.remove(key) != nil {
                result.append(record)
            } else {
                refusals.add(
                    day: zone.day(of: receivedAt), storefrontID: storefrontID, kind: kind,
                    reason: hashes[key] == hash ? "duplicate" : "\(kind)_conflict")
            }
        }
        return result
    }

    private static func writeOrders(
        _ orders: [OrderRecord], on connection: isolated PostgresConnection
    ) throws {
        guard !orders.isEmpty else { return }
        try connection.copyStaged(
            "customer_order",
            ["storefront_id", "order_id", "visitor_id", "customer_id", "channel", "ordered_at", "received_at"]
        ) { writer in
            for order in orders {
                try writer.row(
                    .int4(order.storefrontID), .text(order.orderID), EventLedger.text(order.visitorID),
                    EventLedger.text(order.customerID), .text(order.channel.rawValue),
                    .timestamptz(micros: order.orderedAt.micros), .timestamptz(micros: order.receivedAt.micros))
            }
        }
        try connection.copyStaged(
            "order_line", ["storefront_id", "order_id", "line_no", "sku", "units", "gross_micros", "net_micros"]
        ) { writer in
            for order in orders {
                var seen: Set<Int32> = []
                // The edge refuses a repeated line number; here the first stays, so that nothing can block the log.
                for line in order.lines where seen.insert(line.lineNo).inserted {
                    try writer.row(
                        .int4(order.storefrontID), .text(order.orderID), .int4(line.lineNo), .text(line.sku),
                        .int4(line.units), .int8(line.gross.value), .int8(line.net.value))
                }
            }
        }
    }

    private static func writeAdjustments(
        _ adjustments: [AdjustmentRecord], on connection: isolated PostgresConnection
    ) throws {
        guard !adjustments.isEmpty else { return }
        try connection.copyStaged(
            "order_adjustment",
            [
                "storefront_id", "adjustment_id", "order_id", "line_no", "occurred_at", "kind", "units",
                "amount_micros", "received_at",
            ]
        ) { writer in
            for it in adjustments {
                try writer.row(
                    .int4(it.storefrontID), .text(it.adjustmentID), .text(it.orderID),
                    it.lineNo.map(PostgresValue.int4) ?? .null, .timestamptz(micros: it.occurredAt.micros),
                    .text(it.kind.rawValue), it.units.map(PostgresValue.int4) ?? .null,
                    it.amount.map { .int8($0.value) } ?? .null, .timestamptz(micros: it.receivedAt.micros))
            }
        }
    }

    private static func writeSignals(
        _ signals: [SignalRecord], on connection: isolated PostgresConnection
    ) throws {
        guard !signals.isEmpty else { return }
        try connection.copyStaged(
            "signal",
            [
                "received_day", "storefront_id", "kind", "visitor_id", "customer_id", "product_sku", "category_code",
                "phrase", "occurred_at",
            ]
        ) { writer in
            for it in signals {
                try writer.row(
                    .date(days: it.receivedAt.utcDay.number), .int4(it.storefrontID), .text(it.kind.rawValue),
                    EventLedger.text(it.visitorID), EventLedger.text(it.customerID), EventLedger.text(it.sku),
                    EventLedger.text(it.categoryCode), EventLedger.text(it.phrase),
                    .timestamptz(micros: it.occurredAt.micros))
            }
        }
    }

    /// Stores links; returns the visitors that have a new one.
    private static func writeLinks(
        _ links: [(visitor: String, customer: String, at: Timestamp)], on connection: isolated PostgresConnection
    ) throws -> Set<String> {
        guard !links.isEmpty else { return [] }
        let rows = try connection.query(
            """
            insert into identity_link (visitor_id, customer_id, linked_at)
            select v, c, t from unnest($1::text[], $2::text[], $3::timestamptz[]) as u (v, c, t)
            on conflict do nothing returning visitor_id
            """,
            [
                .textArray(links.map(\.visitor)), .textArray(links.map(\.customer)),
                .array(links.map { .timestamptz(micros: $0.at.micros) }),
            ])
        var visitors: Set<String> = []
        for row in rows { visitors.insert(try row.string(0)) }
        return visitors
    }
}
