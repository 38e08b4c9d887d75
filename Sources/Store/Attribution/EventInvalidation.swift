import AdModel
import Billing
import Measurement
import Postgres

/// Finds stored ad events invalid after all: they keep their rows with the reason, their charges are given back, the
/// counts of reports move to invalid traffic, and the orders that their touches had won are decided anew (rule 22).
public enum EventInvalidation {
    /// Events that one call may find invalid.
    public static let eventLimit = 10_000

    /// Which events.
    public enum Selection: Sendable {
        /// By their ids, which are those of their touches: `<decision>.<ad>.i|v|c[.<card>]`.
        case events([String])
        /// Everything a visitor did at or after the first and before the second instant.
        case visitor(String, from: Timestamp, to: Timestamp)
    }

    /// What a call did.
    public struct Summary: Equatable, Sendable {
        /// Events that are invalid now and were not before.
        public var events = 0
        /// Events that were known to be invalid.
        public var repeated = 0
        /// Ids that name no stored event.
        public var unknown: [String] = []
        public var refunds = 0
        public var refunded = Micros.zero
        public var credits = CreditSummary()

        public init() {}
    }

    /// Applies it inside the caller's transaction, which must see every tenant.
    ///
    /// - Parameters:
    ///   - actor: who decided, as the audit log names him.
    ///   - note: why, in the words of whoever decided; at most 500 characters.
    /// - Throws: `Refusal` when ids are malformed or more than `eventLimit` events are meant.
    public static func apply(
        _ selection: Selection, reason: InvalidReason, note: String?, actor: String, now: Timestamp,
        on connection: isolated PostgresConnection
    ) throws -> Summary {
        let zone = try InstallationZone.read(on: connection)
        try CheckpointStore.lockLedgers(on: connection)
        var summary = Summary()
        let found = try stored(selection, &summary, on: connection)
        let fresh = found.filter { !$0.isInvalid }
        summary.events = fresh.count
        summary.repeated = found.count - fresh.count
        guard !fresh.isEmpty else { return summary }
        let touched = try winners(fresh, on: connection)
        try mark(fresh, reason, on: connection)
        let refunds = try EventRefunds.write(for: fresh, reason: reason, zone: zone, now: now, on: connection)
        summary.refunds = refunds.count
        summary.refunded = refunds.values.reduce(.zero) { $0 + $1.amount }
        try moveCounts(fresh, zone: zone, on: connection)
        try record(fresh, refunds, reason, note: note, actor: actor, now: now, on: connection)
        summary.credits = try CreditLedger.bringUpToDate(
            CreditLedger.Triggers(invalidated: touched), zone: zone, now: now, on: connection)
        return summary
    }

    /// A stored event, as much of it as the steps need.
    struct Stored {
        var key: AdEventKey
        var advertiserID: Int32
        var campaignID: Int32
        var lineItemID: Int32
        var creativeVersionID: Int32
        var storefrontID: Int32
        var placementID: Int32
        var visitorID: String?
        var eventTime: Timestamp
        var isInvalid: Bool
    }

    private static let columns = """
        a.decision_id, a.ad, a.kind, a.card, a.advertiser_id, a.campaign_id, a.line_item_id, a.creative_version_id,
        a.storefront_id, a.placement_id, a.visitor_id, a.event_time, a.invalid_reason is not null as invalid
        """

    private static func stored(
        _ selection: Selection, _ summary: inout Summary, on connection: isolated PostgresConnection
    ) throws -> [Stored] {
        switch selection {
        case .events(let ids):
            guard ids.count <= eventLimit else { throw tooMany("events") }
            var keys: [AdEventKey] = []
            for id in Set(ids).sorted() {
                guard let key = AdEventKey(touchID: id) else {
                    throw Refusal(
                        .invalidFields, field: "events",
                        "\(id.prefix(80)) is not the id of an event: <decision>.<ad>.i, .v or .c, then .<card> of a card"
                    )
                }
                keys.append(key)
            }
            let rows = try connection.query(
                """
                select \(columns) from unnest($1::uuid[], $2::int4[], $3::int2[], $4::int2[], $5::int2[])
                    as t (id, day, ad, kind, card)
                join ad_event a on a.decision_day = date '1970-01-01' + t.day and a.decision_id = t.id and a.ad = t.ad
                    and a.kind = t.kind and a.card = t.card
                order by a.decision_day, a.decision_id, a.ad, a.kind, a.card
                """,
                [
                    .array(keys.map { .uuid(high: $0.decision.uuidHigh, low: $0.decision.low) }),
                    .int4Array(keys.map(\.decision.day.number)), .int2Array(keys.map { Int16($0.ad) }),
                    .int2Array(keys.map { Int16($0.kind.rawValue) }), .int2Array(keys.map { Int16($0.card) }),
                ])
            let found = try rows.map(event)
            let known = Set(found.map(\.key))
            summary.unknown = keys.filter { !known.contains($0) }.map(\.touchID)
            return found
        case .visitor(let visitor, let from, let to):
            let rows = try connection.query(
                """
                select \(columns) from ad_event a
                where a.visitor_id = $1 and a.event_time >= $2 and a.event_time < $3
                    and a.decision_day between ($2 at time zone 'UTC')::date - 2 and ($3 at time zone 'UTC')::date
                order by a.decision_day, a.decision_id, a.ad, a.kind, a.card limit $4
                """,
                [
                    .text(visitor), .timestamptz(micros: from.micros), .timestamptz(micros: to.micros),
                    .int(eventLimit + 1),
                ])
            guard rows.count <= eventLimit else { throw tooMany("visitor") }
            return try rows.map(event)
        }
    }

    private static func tooMany(_ field: String) -> Refusal {
        Refusal(.invalidFields, field: field, "at most \(eventLimit) events at a time; name fewer or a shorter time")
    }

    private static func event(_ row: PostgresRow) throws -> Stored {
        let id = try row.uuid(0)
        return Stored(
            key: AdEventKey(
                decision: DecisionID(issuedAt: Timestamp(micros: Int64(bitPattern: id.high)), low: id.low),
                ad: UInt8(try row.int16(1)), kind: AdEventKind(rawValue: UInt8(try row.int16(2))) ?? .impression,
                card: Int8(try row.int16(3))),
            advertiserID: try row.int32(4), campaignID: try row.int32(5), lineItemID: try row.int32(6),
            creativeVersionID: try row.int32(7), storefrontID: try row.int32(8), placementID: try row.int32(9),
            visitorID: try row.stringIfPresent(10), eventTime: Timestamp(micros: try row.micros(11)),
            isInvalid: try row.bool("invalid"))
    }

    /// The orders that these events' touches hold credits of; taking away a touch that won nothing changes nothing.
    private static func winners(
        _ events: [Stored], on connection: isolated PostgresConnection
    ) throws -> [OrderKey: String] {
        let near = try AffectedOrders.byTouches(
            events.compactMap { event in event.visitorID.map { ($0, event.eventTime) } }, on: connection
        ).sorted()
        guard !near.isEmpty else { return [:] }
        let rows = try connection.query(
            """
            select c.storefront_id, c.order_id, min(c.touch_id collate "C") from unnest($1::int4[], $2::text[]) as t (s, i)
            join credit c on c.storefront_id = t.s and c.order_id = t.i
            where c.touch_id = any($3::text[]) group by 1, 2
            """,
            [
                .int4Array(near.map(\.storefrontID)), .textArray(near.map(\.orderID)),
                .textArray(events.map(\.key.touchID)),
            ])
        var result: [OrderKey: String] = [:]
        for row in rows {
            result[OrderKey(storefrontID: try row.int32(0), orderID: try row.string(1))] = try row.string(2)
        }
        return result
    }

    private static func mark(
        _ events: [Stored], _ reason: InvalidReason, on connection: isolated PostgresConnection
    ) throws {
        try connection.query(
            """
            update ad_event a set invalid_reason = $6
            from unnest($1::uuid[], $2::int4[], $3::int2[], $4::int2[], $5::int2[]) as t (id, day, ad, kind, card)
            where a.decision_day = date '1970-01-01' + t.day and a.decision_id = t.id and a.ad = t.ad
                and a.kind = t.kind and a.card = t.card
            """, keyColumns(events) + [.text(reason.rawValue)])
        try connection.query(
            "update touch set invalid_reason = $2 where touch_id = any($1::text[])",
            [.textArray(events.map(\.key.touchID)), .text(reason.rawValue)])
    }

    /// Takes the events out of the daily counts. An ad stays viewable while another of its cards is.
    private static func moveCounts(
        _ events: [Stored], zone: AccountingZone, on connection: isolated PostgresConnection
    ) throws {
        var counts: [PerformanceRollup.Key: PerformanceRollup.Counts] = [:]
        func key(_ event: Stored) -> PerformanceRollup.Key {
            PerformanceRollup.Key(
                day: zone.day(of: event.eventTime), advertiserID: event.advertiserID, campaignID: event.campaignID,
                lineItemID: event.lineItemID, creativeVersionID: event.creativeVersionID,
                storefrontID: event.storefrontID, placementID: event.placementID)
        }
        for event in events {
            switch event.key.kind {
            case .impression:
                counts[key(event), default: PerformanceRollup.Counts()].impressions -= 1
                counts[key(event), default: PerformanceRollup.Counts()].invalid += 1
            case .click:
                counts[key(event), default: PerformanceRollup.Counts()].clicks -= 1
                counts[key(event), default: PerformanceRollup.Counts()].invalid += 1
            case .viewable: break
            }
        }
        // The ad was counted on the day of one of its viewable events: of the first that was stored.
        let remaining = try FirstOfAd.validCounts(.viewable, of: events.map(\.key), on: connection)
        var seen: Set<FirstOfAd.Ad> = []
        for event in events where event.key.kind == .viewable {
            let ad = FirstOfAd.Ad(decision: event.key.decision, ad: event.key.ad)
            if remaining[ad] ?? 0 == 0, seen.insert(ad).inserted {
                counts[key(event), default: PerformanceRollup.Counts()].viewable -= 1
            }
        }
        try PerformanceRollup.write(counts, on: connection)
    }

    private static func record(
        _ events: [Stored], _ refunds: [AdEventKey: EventRefunds.Refund], _ reason: InvalidReason, note: String?,
        actor: String, now: Timestamp, on connection: isolated PostgresConnection
    ) throws {
        try connection.copyStaged(
            "event_invalidation",
            [
                "decision_day", "decision_id", "ad", "kind", "card", "advertiser_id", "touch_id", "reason", "note",
                "actor", "refund_charge_id", "recorded_at",
            ]
        ) { writer in
            for event in events {
                let key = event.key
                try writer.row(
                    .date(days: key.decision.day.number), .uuid(high: key.decision.uuidHigh, low: key.decision.low),
                    .int2(Int16(key.ad)), .int2(Int16(key.kind.rawValue)), .int2(Int16(key.card)),
                    .int4(event.advertiserID), .text(key.touchID), .text(reason.rawValue), .text(orNull: note),
                    .text(actor), .int8(orNull: refunds[key]?.chargeID), .timestamptz(micros: now.micros))
            }
        }
    }

    static func keyColumns(_ events: [Stored]) -> [PostgresValue] {
        [
            .array(events.map { .uuid(high: $0.key.decision.uuidHigh, low: $0.key.decision.low) }),
            .int4Array(events.map(\.key.decision.day.number)), .int2Array(events.map { Int16($0.key.ad) }),
            .int2Array(events.map { Int16($0.key.kind.rawValue) }), .int2Array(events.map { Int16($0.key.card) }),
        ]
    }
}

extension AdEventKey {
    /// The event of a touch id; nil when the text is none.
    public init?(touchID: String) {
        let parts = touchID.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 3 || parts.count == 4, parts[0].count == 32,
            let high = UInt64(String(decoding: parts[0].prefix(16), as: UTF8.self), radix: 16),
            let low = UInt64(String(decoding: parts[0].suffix(16), as: UTF8.self), radix: 16),
            let ad = UInt8(String(decoding: parts[1], as: UTF8.self))
        else { return nil }
        let kinds: [String: AdEventKind] = ["i": .impression, "v": .viewable, "c": .click]
        guard let kind = kinds[String(decoding: parts[2], as: UTF8.self)] else { return nil }
        var card: Int8 = -1
        if parts.count == 4 {
            guard let number = Int8(String(decoding: parts[3], as: UTF8.self)), number >= 0 else { return nil }
            card = number
        }
        self.init(
            decision: DecisionID(issuedAt: Timestamp(micros: Int64(bitPattern: high)), low: low), ad: ad, kind: kind,
            card: card)
        // One id, one spelling.
        guard self.touchID == touchID else { return nil }
    }
}

/// The retailer's accounting zone.
enum InstallationZone {
    /// - Throws: `ReportStoreError.noRetailer` before the installation is seeded.
    static func read(on connection: isolated PostgresConnection) throws -> AccountingZone {
        guard let row = try connection.query("select accounting_zone from retailer").first,
            let zone = AccountingZone(try row.string(0))
        else { throw ReportStoreError.noRetailer }
        return zone
    }
}
