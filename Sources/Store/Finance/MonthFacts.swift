import AdModel
import ORD
import Postgres

extension MonthReader {
    /// Where a fact belongs, by internal ids; 0 for a charge that names no creative or storefront.
    struct FactKey: Hashable {
        var lineItem: Int32
        var creativeVersion: Int32
        var storefront: Int32
        var day: Int32
    }

    /// The ledger and the shows of the month by day.
    func facts(on db: isolated PostgresConnection) throws -> [FactKey: MonthStatement.Fact] {
        var facts: [FactKey: MonthStatement.Fact] = [:]
        func fact(_ row: PostgresRow) throws -> (FactKey, MonthStatement.Fact) {
            let key = FactKey(
                lineItem: try row.int32("line_item_id"),
                creativeVersion: try row.int32IfPresent("creative_version_id") ?? 0,
                storefront: try row.int32IfPresent("storefront_id") ?? 0, day: try row.days("day"))
            if let known = facts[key] { return (key, known) }
            var creative: String?
            if let code = try row.stringIfPresent("creative") {
                creative = ExternalIDs.creative(code, version: try row.int32("version"))
            }
            return (
                key,
                MonthStatement.Fact(
                    lineItemID: try row.string("line_item"), creativeID: creative,
                    padID: try row.stringIfPresent("storefront").map(ExternalIDs.pad), day: Day(number: key.day))
            )
        }
        try db.forEachRow(Self.charges, range) { row in
            var (key, value) = try fact(row)
            value.ledger = Micros(try row.int64("ledger"))
            value.billedImpressions = try row.int64("impressions")
            value.billedClicks = try row.int64("clicks")
            value.chargeID = try row.int64("first_id")
            facts[key] = value
        }
        try db.forEachRow(Self.shows, Array(range.prefix(2))) { row in
            var (key, value) = try fact(row)
            value.shows = try row.int64("shows")
            facts[key] = value
        }
        return facts
    }

    /// A refund belongs to the creative and pad of the charge that it names; a fixed accrual belongs to its line item,
    /// and the day's shows decide where it goes (R22), whatever the row names. An event that was charged counts once as
    /// billed; a row that takes its whole price back uncounts it, a row that charges it afterwards counts it.
    private static let charges = """
        select f.line_item_id, l.code as line_item, f.creative_version_id, cr.code as creative, cv.version,
            f.storefront_id, s.code as storefront, f.accounting_day as day, f.ledger, f.impressions, f.clicks, f.first_id
        from (
            select c.line_item_id,
                case when coalesce(o.kind, c.kind) <> 'fixed' then coalesce(c.creative_version_id, o.creative_version_id)
                end as creative_version_id,
                case when coalesce(o.kind, c.kind) <> 'fixed' then coalesce(c.storefront_id, o.storefront_id)
                end as storefront_id, c.accounting_day,
                sum(c.amount_micros)::bigint as ledger, min(c.id) as first_id,
                coalesce(sum(b.billed) filter (where coalesce(o.kind, c.kind) = 'impression'), 0)::bigint as impressions,
                coalesce(sum(b.billed) filter (where coalesce(o.kind, c.kind) = 'click'), 0)::bigint as clicks
            from charge c
            left join charge o on o.id = c.corrects
            cross join lateral (
                select case
                    when c.corrects is null then (c.amount_micros > 0)::int
                    when o.amount_micros > 0 and c.amount_micros <= -o.amount_micros then -1
                    when o.amount_micros = 0 and c.amount_micros > 0 then 1
                    else 0 end as billed
            ) b
            where c.accounting_day between $1 and $2 and c.id <= $3 and c.kind not in ('rounding', 'carry')
            group by 1, 2, 3, 4
        ) f
        join line_item l on l.id = f.line_item_id
        left join creative_version cv on cv.id = f.creative_version_id
        left join creative cr on cr.id = cv.creative_id
        left join storefront s on s.id = f.storefront_id
        """

    private static let shows = """
        select p.line_item_id, l.code as line_item, p.creative_version_id, cr.code as creative, cv.version,
            p.storefront_id, s.code as storefront, p.day, sum(p.impressions)::bigint as shows
        from performance_day p
        join line_item l on l.id = p.line_item_id
        join creative_version cv on cv.id = p.creative_version_id
        join creative cr on cr.id = cv.creative_id
        join storefront s on s.id = p.storefront_id
        where p.day between $1 and $2 and p.impressions > 0
        group by 1, 2, 3, 4, 5, 6, 7, 8
        """

    /// The same sums by other ways: the ledger without joins, the shows from the events themselves.
    func totals(
        on db: isolated PostgresConnection
    ) throws -> (ledger: Micros, shows: Int64, cut: MonthStatement.Cut) {
        let ledger = try db.query(
            """
            select coalesce(sum(amount_micros) filter (where kind not in ('rounding', 'carry')), 0)::bigint as total,
                coalesce(max(id), 0) as highest, max(recorded_at) as recorded_at
            from charge where accounting_day between $1 and $2 and id <= $3
            """, range
        ).single()
        // An event lies in the partition of its decision's day, at most a few days before its own.
        let shows = try db.query(
            """
            select count(*) as shows from ad_event
            where kind = 0 and invalid_reason is null and decision_day between $1::date - 7 and $2::date + 1
                and (event_time at time zone $3)::date between $1::date and $2::date
            """, Array(range.prefix(2)) + [.text(zone)]
        ).single().int64("shows")
        return (
            Micros(try ledger.int64("total")), shows,
            MonthStatement.Cut(
                highestChargeID: try ledger.int64("highest"),
                at: Timestamp(micros: try ledger.microsIfPresent("recorded_at") ?? month.first.utcStart.micros))
        )
    }
}
