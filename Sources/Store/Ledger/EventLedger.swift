import AdModel
import Billing
import Decisioning
import Measurement
import Postgres

/// Writes decisions and ad events. A second delivery of an event meets the key of the first and counts for nothing.
public enum EventLedger {
    /// Staging tables of the session; they are filled, read and emptied inside one transaction.
    private static let staging = """
        create temporary table if not exists stage_ad_event (
            seq int4, decision_day date, decision_id uuid, ad int2, kind int2, card int2, storefront_id int4,
            placement_id int4, advertiser_id int4, campaign_id int4, line_item_id int4, creative_version_id int4,
            visitor_id text, product_ids int4[], event_time timestamptz, received_at timestamptz
        ) on commit delete rows;
        create temporary table if not exists stage_decision (
            decision_day date, decision_id uuid, storefront_id int4, decided_at timestamptz, visitor_id text,
            page_type text, body bytea
        ) on commit delete rows;
        """

    /// Makes the staging tables of this session. Outside the batch's first statement they cost nothing.
    public static func prepareSession(_ connection: isolated PostgresConnection) throws {
        let there = try connection.query("select to_regclass('pg_temp.stage_ad_event') is not null as there")[0]
            .bool("there")
        // Asked first, because a notice for each table and batch would fill the server's log.
        if !there { try connection.script(staging) }
    }

    /// Stores decisions and counts their slots by outcome.
    public static func writeDecisions(
        _ decisions: [RecordBatch.Decision], zone: AccountingZone, on connection: isolated PostgresConnection
    ) throws {
        guard !decisions.isEmpty else { return }
        try connection.copyIn(
            "stage_decision",
            ["decision_day", "decision_id", "storefront_id", "decided_at", "visitor_id", "page_type", "body"]
        ) { writer in
            for decision in decisions {
                let it = decision.record
                try writer.row(
                    .date(days: it.id.day.number), .uuid(high: it.id.uuidHigh, low: it.id.low),
                    .int4(it.storefrontID), .timestamptz(micros: it.id.issuedAt.micros), text(it.visitorID),
                    .text(it.pageType.rawValue), .bytea(decision.bytes))
            }
        }
        try connection.query("insert into decision select * from stage_decision on conflict do nothing")
        try writeDelivery(decisions, zone: zone, on: connection)
        try TrafficForecast.write(decisions, zone: zone, on: connection)
    }

    /// The events with their shopper filled in from the decision where the request itself did not tell: a picture
    /// or a redirect carries nothing but the token. Decisions come before their events in the log.
    public static func withVisitors(
        _ events: [AdEventRecord], on connection: isolated PostgresConnection
    ) throws -> [AdEventRecord] {
        let unknown = Set(events.filter { $0.visitorID == nil && $0.token.shopperHash != 0 }.map(\.token.decisionID))
        guard !unknown.isEmpty else { return events }
        let ids = Array(unknown)
        let rows = try connection.query(
            """
            select d.decision_id, d.visitor_id from unnest($1::uuid[], $2::int4[]) as t (id, day)
            join decision d on d.decision_day = date '1970-01-01' + t.day and d.decision_id = t.id
            where d.visitor_id is not null
            """, [.array(ids.map { .uuid(high: $0.uuidHigh, low: $0.low) }), .int4Array(ids.map(\.day.number))])
        var visitors: [DecisionID: String] = [:]
        for row in rows {
            let id = try row.uuid(0)
            visitors[DecisionID(issuedAt: Timestamp(micros: Int64(bitPattern: id.high)), low: id.low)] =
                try row.string(1)
        }
        return events.map { event in
            guard event.visitorID == nil, let visitor = visitors[event.token.decisionID] else { return event }
            var known = event
            known.visitorID = visitor
            return known
        }
    }

    /// Names the shopper in stored events that another node shipped before their decisions arrived in this batch.
    ///
    /// - Returns: those events, for their touches. Price, position and kind of pricing are not stored with an event
    ///   and stand at zero: nothing may be charged from these records.
    public static func nameVisitors(
        by decisions: [RecordBatch.Decision], on connection: isolated PostgresConnection
    ) throws -> [AdEventRecord] {
        let known = decisions.map(\.record).filter { !($0.visitorID ?? "").isEmpty }
        guard let first = known.map(\.id.day).min(), let last = known.map(\.id.day).max() else { return [] }
        // The range of days lets the server leave out the other partitions.
        let rows = try connection.query(
            """
            select a.decision_id, a.ad, a.kind, a.card, a.storefront_id, a.placement_id, a.advertiser_id,
                a.campaign_id, a.line_item_id, a.creative_version_id, a.product_ids, a.event_time, a.received_at,
                t.visitor
            from unnest($1::uuid[], $2::int4[], $3::text[]) as t (id, day, visitor)
            join ad_event a on a.decision_day = date '1970-01-01' + t.day and a.decision_id = t.id
            where a.visitor_id is null and a.invalid_reason is null and a.decision_day between $4 and $5
            order by a.event_time, a.decision_id, a.ad, a.kind, a.card
            """,
            [
                .array(known.map { .uuid(high: $0.id.uuidHigh, low: $0.id.low) }),
                .int4Array(known.map(\.id.day.number)), .textArray(known.map { $0.visitorID ?? "" }),
                .date(days: first.number), .date(days: last.number),
            ])
        guard !rows.isEmpty else { return [] }
        var result: [AdEventRecord] = []
        for row in rows {
            let id = try row.uuid(0)
            let token = AdToken(
                decisionID: DecisionID(issuedAt: Timestamp(micros: Int64(bitPattern: id.high)), low: id.low),
                storefrontID: try row.int32(4), placementID: try row.int32(5), lineItemID: try row.int32(8),
                campaignID: try row.int32(7), advertiserID: try row.int32(6), creativeVersionID: try row.int32(9),
                ad: UInt8(try row.int16(1)), position: 0, pricing: .fixed, price: .zero, shopperHash: 0,
                productIDs: try row.int32Array(10))
            result.append(
                AdEventRecord(
                    kind: AdEventKind(rawValue: UInt8(try row.int16(2))) ?? .impression, token: token,
                    card: Int8(try row.int16(3)), visitorID: try row.string(13),
                    eventTime: Timestamp(micros: try row.micros(11)),
                    receivedAt: Timestamp(micros: try row.micros(12)), invalid: nil))
        }
        try connection.query(
            """
            update ad_event a set visitor_id = t.visitor
            from unnest($1::uuid[], $2::int4[], $3::text[]) as t (id, day, visitor)
            where a.decision_day = date '1970-01-01' + t.day and a.decision_id = t.id and a.visitor_id is null
                and a.decision_day between $4 and $5
            """,
            [
                .array(known.map { .uuid(high: $0.id.uuidHigh, low: $0.id.low) }),
                .int4Array(known.map(\.id.day.number)), .textArray(known.map { $0.visitorID ?? "" }),
                .date(days: first.number), .date(days: last.number),
            ])
        return result
    }

    /// Stores valid events; returns those that are the first of their key, in the log's order.
    public static func writeValid(
        _ events: [AdEventRecord], nodeID: Int16, on connection: isolated PostgresConnection
    ) throws -> [AdEventRecord] {
        guard !events.isEmpty else { return [] }
        try connection.copyIn(
            "stage_ad_event",
            [
                "seq", "decision_day", "decision_id", "ad", "kind", "card", "storefront_id", "placement_id",
                "advertiser_id", "campaign_id", "line_item_id", "creative_version_id", "visitor_id", "product_ids",
                "event_time", "received_at",
            ]
        ) { writer in
            for (index, event) in events.enumerated() {
                let token = event.token
                try writer.row(
                    .int4(Int32(index)), .date(days: token.decisionID.day.number),
                    .uuid(high: token.decisionID.uuidHigh, low: token.decisionID.low), .int2(Int16(token.ad)),
                    .int2(Int16(event.kind.rawValue)), .int2(Int16(event.card)), .int4(token.storefrontID),
                    .int4(token.placementID), .int4(token.advertiserID), .int4(token.campaignID),
                    .int4(token.lineItemID), .int4(token.creativeVersionID), text(event.visitorID),
                    .int4Array(token.productIDs), .timestamptz(micros: event.eventTime.micros),
                    .timestamptz(micros: event.receivedAt.micros))
            }
        }
        // `order by` makes the first of the log the one that stays when a batch holds an event twice.
        let rows = try connection.query(
            """
            insert into ad_event (decision_day, decision_id, ad, kind, card, storefront_id, placement_id,
                advertiser_id, campaign_id, line_item_id, creative_version_id, visitor_id, product_ids, event_time,
                received_at, node_id)
            select decision_day, decision_id, ad, kind, card, storefront_id, placement_id, advertiser_id,
                campaign_id, line_item_id, creative_version_id, visitor_id, product_ids, event_time, received_at,
                $1::int2
            from stage_ad_event order by seq
            on conflict do nothing returning decision_id, ad, kind, card
            """, [.int2(nodeID)])
        var fresh: Set<AdEventKey> = []
        fresh.reserveCapacity(rows.count)
        for row in rows {
            let id = try row.uuid(0)
            let kind = AdEventKind(rawValue: UInt8(try row.int16(2))) ?? .impression
            fresh.insert(
                AdEventKey(
                    decision: DecisionID(issuedAt: Timestamp(micros: Int64(bitPattern: id.high)), low: id.low),
                    ad: UInt8(try row.int16(1)), kind: kind, card: Int8(try row.int16(3))))
        }
        return events.filter { fresh.remove(AdEventKey($0)) != nil }
    }

    /// Stores invalid events with their reasons.
    public static func writeInvalid(
        _ events: [AdEventRecord], on connection: isolated PostgresConnection
    ) throws {
        guard !events.isEmpty else { return }
        try connection.copyStaged(
            "invalid_event",
            [
                "received_day", "reason", "decision_id", "ad", "kind", "card", "storefront_id", "line_item_id",
                "creative_version_id", "received_at",
            ]
        ) { writer in
            for event in events {
                let token = event.token
                try writer.row(
                    .date(days: event.receivedAt.utcDay.number), text(event.invalid?.rawValue),
                    .uuid(high: token.decisionID.uuidHigh, low: token.decisionID.low), .int2(Int16(token.ad)),
                    .int2(Int16(event.kind.rawValue)), .int2(Int16(event.card)), .int4(token.storefrontID),
                    .int4(token.lineItemID), .int4(token.creativeVersionID),
                    .timestamptz(micros: event.receivedAt.micros))
            }
        }
    }

    private static func writeDelivery(
        _ decisions: [RecordBatch.Decision], zone: AccountingZone, on connection: isolated PostgresConnection
    ) throws {
        struct Key: Hashable {
            var day: Int32
            var storefrontID: Int32
            var placementID: Int32
            var reason: UInt8
        }
        var counts: [Key: Int64] = [:]
        for decision in decisions {
            let day = zone.day(of: decision.record.id.issuedAt).number
            for slot in decision.record.slots {
                let key = Key(
                    day: day, storefrontID: decision.record.storefrontID, placementID: slot.placementID,
                    reason: slot.noFill)
                counts[key, default: 0] += 1
            }
        }
        guard !counts.isEmpty else { return }
        let rows = counts.sorted {
            ($0.key.day, $0.key.storefrontID, $0.key.placementID, $0.key.reason)
                < ($1.key.day, $1.key.storefrontID, $1.key.placementID, $1.key.reason)
        }
        try connection.query(
            """
            insert into delivery_day (day, storefront_id, placement_id, outcome, slots)
            select date '1970-01-01' + d, s, p, o, n
            from unnest($1::int4[], $2::int4[], $3::int4[], $4::text[], $5::int8[]) as t (d, s, p, o, n)
            on conflict (day, storefront_id, placement_id, outcome)
            do update set slots = delivery_day.slots + excluded.slots
            """,
            [
                .int4Array(rows.map(\.key.day)), .int4Array(rows.map(\.key.storefrontID)),
                .int4Array(rows.map(\.key.placementID)), .textArray(rows.map { outcome($0.key.reason) }),
                .int8Array(rows.map(\.value)),
            ])
    }

    private static func outcome(_ reason: UInt8) -> String {
        if reason == 0 { return "filled" }
        return NoFillReason(rawValue: reason)?.name ?? "reason_\(reason)"
    }

    static func text(_ value: String?) -> PostgresValue { value.map(PostgresValue.text) ?? .null }
}
