import AdModel
import Billing
import Measurement
import Postgres

/// Gives back what events cost that were found invalid: a new row of the charge ledger that names the old one.
enum EventRefunds {
    /// A row of the ledger.
    struct Refund {
        var chargeID: Int64
        /// What was given back; positive.
        var amount: Micros
    }

    private struct Charged {
        var id: Int64
        var event: AdEventKey
        var kind: String
        var advertiserID: Int32
        var campaignID: Int32
        var lineItemID: Int32
        var creativeVersionID: Int32?
        var storefrontID: Int32?
        var eventTime: Timestamp
        var day: Day
        var price: Int64
        var amount: Int64
    }

    /// Refunds what these events, which are marked invalid by now, were charged; by event.
    ///
    /// An ad costs one click whichever of its cards was clicked, so the click stays charged while one of the ad's
    /// clicks is valid.
    static func write(
        for events: [EventInvalidation.Stored], zone: AccountingZone, now: Timestamp,
        on connection: isolated PostgresConnection
    ) throws -> [AdEventKey: Refund] {
        let valid = try FirstOfAd.validCounts(.click, of: events.map(\.key), on: connection)
        let free = events.filter { event in
            event.key.kind == .impression
                || event.key.kind == .click
                    && valid[FirstOfAd.Ad(decision: event.key.decision, ad: event.key.ad)] ?? 0 == 0
        }
        let charged = try charges(of: free, on: connection)
        guard !charged.isEmpty else { return [:] }
        var left = try monthSums(charged, month: zone.month(of: now), on: connection)
        let today = zone.day(of: now)
        var result: [AdEventKey: Refund] = [:]
        for charge in charged {
            // The open month takes the refund while its row of statistics stays positive; else the month of the
            // charge itself is corrected.
            let pair = Pair(creativeVersionID: charge.creativeVersionID ?? 0, storefrontID: charge.storefrontID ?? 0)
            var day = charge.day
            if zone.month(of: zone.start(of: charge.day)) != zone.month(of: now), left[pair] ?? 0 >= charge.amount {
                day = today
            }
            if zone.month(of: zone.start(of: day)) == zone.month(of: now) { left[pair, default: 0] -= charge.amount }
            let id = try connection.query(
                """
                insert into charge (kind, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
                    decision_day, decision_id, ad, card, event_time, accounting_day, price_micros, amount_micros, reason,
                    corrects, recorded_at)
                select 'refund', advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
                    decision_day, decision_id, ad, card, event_time, $2, 0, -amount_micros, 'refund', id, $3
                from charge where id = $1 returning id
                """, [.int8(charge.id), .date(days: day.number), .timestamptz(micros: now.micros)]
            ).single().int64(0)
            result[charge.event] = Refund(chargeID: id, amount: Micros(charge.amount))
            try connection.query(
                """
                insert into line_item_day_spend as d (line_item_id, day, spent_micros) values ($1, $2, -$3::int8)
                on conflict (line_item_id, day) do update set spent_micros = d.spent_micros - $3::int8
                """, [.int4(charge.lineItemID), .date(days: day.number), .int8(charge.amount)])
        }
        try lowerTotals(charged, on: connection)
        return result
    }

    /// Charges of these events that took money and were not given back yet. The event that an ad's click is charged
    /// under may be another one than the last that was found invalid; the ad tells.
    private static func charges(
        of events: [EventInvalidation.Stored], on connection: isolated PostgresConnection
    ) throws -> [Charged] {
        guard !events.isEmpty else { return [] }
        var byAd: [Ad: AdEventKey] = [:]
        for event in events {
            let ad = Ad(decision: event.key.decision, ad: event.key.ad, kind: event.key.kind)
            byAd[ad] = byAd[ad] ?? event.key
        }
        let ads = Array(byAd.keys)
        let rows = try connection.query(
            """
            select c.id, c.kind, c.decision_id, c.ad, c.advertiser_id, c.campaign_id, c.line_item_id,
                c.creative_version_id, c.storefront_id, c.event_time, c.accounting_day, c.price_micros, c.amount_micros
            from unnest($1::uuid[], $2::int2[], $3::text[]) as t (id, ad, kind)
            join charge c on c.decision_id = t.id and c.ad = t.ad and c.kind = t.kind and c.corrects is null
            where c.amount_micros > 0 and not exists (select 1 from charge r where r.corrects = c.id)
            order by c.id for update of c
            """,
            [
                .array(ads.map { .uuid(high: $0.decision.uuidHigh, low: $0.decision.low) }),
                .int2Array(ads.map { Int16($0.ad) }), .textArray(ads.map { $0.kind == .click ? "click" : "impression" }),
            ])
        return try rows.compactMap { row in
            let id = try row.uuid(2)
            let kind = try row.string(1)
            let ad = Ad(
                decision: DecisionID(issuedAt: Timestamp(micros: Int64(bitPattern: id.high)), low: id.low),
                ad: UInt8(try row.int16(3)), kind: kind == "click" ? .click : .impression)
            guard let event = byAd[ad] else { return nil }
            return Charged(
                id: try row.int64(0), event: event, kind: kind, advertiserID: try row.int32(4),
                campaignID: try row.int32(5), lineItemID: try row.int32(6),
                creativeVersionID: try row.int32IfPresent(7), storefrontID: try row.int32IfPresent(8),
                eventTime: Timestamp(micros: try row.micros(9)), day: Day(number: try row.days(10)),
                price: try row.int64(11), amount: try row.int64(12))
        }
    }

    private struct Ad: Hashable {
        var decision: DecisionID
        var ad: UInt8
        var kind: AdEventKind
    }

    private struct Pair: Hashable {
        var creativeVersionID: Int32
        var storefrontID: Int32
    }

    /// What the open month holds of each creative and storefront.
    private static func monthSums(
        _ charged: [Charged], month: Day, on connection: isolated PostgresConnection
    ) throws -> [Pair: Int64] {
        let versions = Set(charged.compactMap(\.creativeVersionID)).sorted()
        let rows = try connection.query(
            """
            select creative_version_id, storefront_id, \(SumSQL.clamped("sum(amount_micros)")) from charge
            where creative_version_id = any($1::int4[]) and storefront_id is not null and accounting_day >= $2
                and accounting_day < ($2::date + interval '1 month')::date
            group by 1, 2
            """, [.int4Array(versions), .date(days: month.number)])
        var result: [Pair: Int64] = [:]
        for row in rows {
            result[Pair(creativeVersionID: try row.int32(0), storefrontID: try row.int32(1))] = try row.int64(2)
        }
        return result
    }

    private static func lowerTotals(_ charged: [Charged], on connection: isolated PostgresConnection) throws {
        var lines: [Int32: Int64] = [:]
        var advertisers: [Int32: Int64] = [:]
        for charge in charged {
            lines[charge.lineItemID, default: 0] += charge.amount
            advertisers[charge.advertiserID, default: 0] += charge.amount
        }
        for (table, key, sums) in [
            ("line_item_spend", "line_item_id", lines), ("advertiser_spend", "advertiser_id", advertisers),
        ] {
            let sorted = sums.sorted { $0.key < $1.key }
            try connection.query(
                """
                update \(table) s set spent_micros = s.spent_micros - t.n
                from unnest($1::int4[], $2::int8[]) as t (i, n) where s.\(key) = t.i
                """, [.int4Array(sorted.map(\.key)), .int8Array(sorted.map(\.value))])
        }
    }
}
