import AdModel
import ORD
import Postgres

/// The rows of the charge ledger behind a number of a month.
public enum ChargeTrace {
    /// Behind a row of statistics. A fixed price is divided by the day's shows, so its row leads to the daily charges of
    /// the whole line item.
    /// - Parameters:
    ///   - creative: external id, `cr-<code>-v<n>`.
    ///   - pad: external id, `pad-<code>`.
    /// - Returns: nil when there is no such creative or pad.
    public static func row(
        creative: String, pad: String, month: AccountingMonth, after: Int64, limit: Int64,
        on db: isolated PostgresConnection
    ) throws -> [ChargeRow]? {
        guard
            let found = try db.query(
                """
                select v.id as version, s.id as storefront, c.line_item_id from creative_version v
                join creative c on c.id = v.creative_id, storefront s
                where 'cr-' || c.code || '-v' || v.version = $1 and 'pad-' || s.code = $2
                """, [.text(creative), .text(pad)]
            ).first
        else { return nil }
        return try rows(
            """
            and case when coalesce(o.kind, c.kind) = 'fixed' then c.line_item_id = $6
                else coalesce(c.creative_version_id, o.creative_version_id) = $5
                    and coalesce(c.storefront_id, o.storefront_id) = $7 end
                and c.kind <> 'rounding'
            """, month, after, limit,
            [
                .int4(try found.int32("version")), .int4(try found.int32("line_item_id")),
                .int4(try found.int32("storefront")),
            ], on: db)
    }

    /// Behind an act: all charges under its contract in the month, the rounding row among them.
    public static func act(
        _ act: ActRecord, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [ChargeRow] {
        try rows("and k.contract_id = $5", act.month, after, limit, [.int4(act.contractID)], on: db)
    }

    private static func rows(
        _ condition: String, _ month: AccountingMonth, _ after: Int64, _ limit: Int64, _ more: [PostgresValue],
        on db: isolated PostgresConnection
    ) throws -> [ChargeRow] {
        try db.query(
            """
            select c.id, c.kind, c.accounting_day, c.event_time, k.code as campaign, l.code as line_item,
                c.price_micros, c.amount_micros, c.reason, c.corrects
            from charge c join campaign k on k.id = c.campaign_id join line_item l on l.id = c.line_item_id
            left join charge o on o.id = c.corrects
            where c.accounting_day between $1 and $2 and c.id > $3 and c.kind <> 'carry' \(condition)
            order by c.id limit $4
            """,
            [.date(days: month.first.number), .date(days: month.last.number), .int8(after), .int8(limit)] + more
        ).map(ChargeReader.record)
    }
}
