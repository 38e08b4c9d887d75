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
        var advertiserID: Int32
        /// What was not given back yet.
        var left: Micros
    }

    /// Refunds what these events, which are marked invalid by now, were charged; by event.
    ///
    /// An ad costs one click whichever of its cards was clicked, so the click stays charged while one of the ad's
    /// clicks is valid.
    static func write(
        for events: [EventInvalidation.Stored], reason: InvalidReason, zone: AccountingZone, now: Timestamp,
        on connection: isolated PostgresConnection
    ) throws -> [AdEventKey: Refund] {
        let valid = try FirstOfAd.validCounts(.click, of: events.map(\.key), on: connection)
        let free = events.filter { event in
            event.key.kind == .impression
                || event.key.kind == .click
                    && valid[FirstOfAd.Ad(decision: event.key.decision, ad: event.key.ad)] ?? 0 == 0
        }
        var result: [AdEventKey: Refund] = [:]
        for charge in try charges(of: free, on: connection) {
            let booked = try ChargeRefund.book(
                charge: charge.id, amount: charge.left, reference: "invalid-\(charge.event.touchID)",
                reason: "invalid traffic: \(reason.rawValue)", advertiser: charge.advertiserID, zone: zone, now: now,
                on: connection)
            result[charge.event] = Refund(chargeID: booked.id, amount: booked.amount)
        }
        return result
    }

    private struct Ad: Hashable {
        var decision: DecisionID
        var ad: UInt8
        var kind: AdEventKind
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
            select c.id, c.kind, c.decision_id, c.ad, c.advertiser_id, c.amount_micros + coalesce(r.sum, 0)::int8 as left
            from unnest($1::uuid[], $2::int2[], $3::text[]) as t (id, ad, kind)
            join charge c on c.decision_id = t.id and c.ad = t.ad and c.kind = t.kind and c.corrects is null
            left join lateral (select sum(amount_micros) as sum from charge where corrects = c.id) r on true
            where c.amount_micros + coalesce(r.sum, 0) > 0
            order by c.id
            """,
            [
                .array(ads.map { .uuid(high: $0.decision.uuidHigh, low: $0.decision.low) }),
                .int2Array(ads.map { Int16($0.ad) }),
                .textArray(ads.map { $0.kind == .click ? "click" : "impression" }),
            ])
        return try rows.compactMap { row in
            let id = try row.uuid(2)
            let ad = Ad(
                decision: DecisionID(issuedAt: Timestamp(micros: Int64(bitPattern: id.high)), low: id.low),
                ad: UInt8(try row.int16(3)), kind: try row.string(1) == "click" ? .click : .impression)
            guard let event = byAd[ad] else { return nil }
            return Charged(
                id: try row.int64(0), event: event, advertiserID: try row.int32(4), left: Micros(try row.int64(5)))
        }
    }
}
