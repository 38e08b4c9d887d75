import AdModel
import Attribution
import Postgres

/// Reads the credit ledger as rows of the engine.
enum LedgerRows {
    /// What the ledger holds of these orders, by part: the sale and what each adjustment moved, parts of 0 left out.
    ///
    /// One row a part is what a recomputation gives, whatever history led there (rules 18 and 20).
    ///
    /// - Parameter through: rows up to this one; nil = all.
    static func parts(
        of keys: [OrderKey], through: Int64? = nil, on connection: isolated PostgresConnection
    ) throws -> [CreditRow] {
        let rows = try connection.query(
            """
            select c.storefront_id, c.order_id, c.line_no, c.policy, c.advertiser_id, c.campaign_id, c.line_item_id,
                c.touch_id, c.interaction, c.level, c.adjustment_id, sum(c.units)::int8, sum(c.amount_micros)::int8,
                min(c.ordered_at), min(c.touched_at)
            from unnest($1::int4[], $2::text[]) as t (s, i)
            join credit c on c.storefront_id = t.s and c.order_id = t.i
            where $3::int8 is null or c.id <= $3
            group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
            having sum(c.units) <> 0 or sum(c.amount_micros) <> 0
            """,
            [.int4Array(keys.map(\.storefrontID)), .textArray(keys.map(\.orderID)), .int8(orNull: through)])
        return try rows.map { row in
            let storefrontID = try row.int32(0)
            let units = try row.int64(11)
            let amount = try row.int64(12)
            let orderedAt = Timestamp(micros: try row.micros(13))
            let adjustment = try row.stringIfPresent(10)
            let takes = adjustment != nil && (units < 0 || amount < 0)
            return CreditRow(
                orderID: AttributionWorld.scoped(storefrontID, try row.string(1)),
                lineNumber: Int64(try row.int32(2)), policy: try row.string(3),
                advertiserID: AttributionID(try row.int32(4)), campaignID: AttributionID(try row.int32(5)),
                lineItemID: AttributionID(try row.int32(6)), touchID: AttributionID(try row.string(7)),
                interaction: Interaction(rawValue: try row.string(8)) ?? .view,
                level: MatchLevel(rawValue: try row.string(9)) ?? .order, kind: takes ? .reversal : .credit,
                units: units, amountMicros: amount, orderedAt: orderedAt,
                touchedAt: Timestamp(micros: try row.micros(14)),
                cause: adjustment.map { .adjustment(AttributionWorld.scoped(storefrontID, $0)) } ?? .order,
                causeAt: orderedAt)
        }
    }
}
