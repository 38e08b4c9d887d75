import AdModel
import Billing
import Postgres

/// Books the daily parts of fixed prices.
public enum FixedAccrualLedger {
    /// Days that one call catches up at most per line item; the next call goes on.
    static let daysPerCall = 400

    /// Books every day of the flight of each active fixed line item, up to and including today, that has no row
    /// yet. A part that does not fit the wallet is booked as nothing, like any other charge.
    public static func accrue(
        zone: AccountingZone, now: Timestamp, on connection: isolated PostgresConnection
    ) throws -> ChargeSummary {
        let lines = try connection.query(
            """
            select l.id, l.advertiser_id, l.campaign_id, l.bid_micros, l.starts_at, l.ends_at,
                (select min(v.id) from creative_version v join creative c on c.id = v.creative_id
                 where c.line_item_id = l.id and v.approved_at is not null) as creative_version_id,
                (select min(id) from storefront having count(*) = 1) as storefront_id,
                array(select accounting_day - date '1970-01-01' from charge
                      where line_item_id = l.id and kind = 'fixed')::int4[] as booked
            from line_item l join campaign c on c.id = l.campaign_id
            where l.pricing = 'fixed' and not l.paused and c.state in ('active', 'finished') and l.starts_at <= $1
                and l.bid_micros > 0
            order by l.id
            """, [.timestamptz(micros: now.micros)])
        let today = zone.day(of: now)
        var candidates: [ChargeLedger.Candidate] = []
        for row in lines {
            let accrual = FixedAccrual(
                total: Micros(try row.int64("bid_micros")), starts: Timestamp(micros: try row.micros("starts_at")),
                ends: Timestamp(micros: try row.micros("ends_at")), zone: zone)
            let booked = Set(try row.int32Array("booked"))
            var day = accrual.first
            var added = 0
            while day <= min(accrual.last, today), added < daysPerCall {
                if !booked.contains(day.number) {
                    candidates.append(
                        ChargeLedger.Candidate(
                            kind: "fixed", advertiserID: try row.int32("advertiser_id"),
                            campaignID: try row.int32("campaign_id"), lineItemID: try row.int32("id"),
                            creativeVersionID: try row.int32IfPresent("creative_version_id"),
                            storefrontID: try row.int32IfPresent("storefront_id"), event: nil,
                            eventTime: zone.start(of: day), day: day, price: accrual.amount(on: day),
                            accepted: .accrual))
                    added += 1
                }
                day = day + 1
            }
        }
        return try ChargeLedger.book(candidates, now: now, on: connection)
    }
}
