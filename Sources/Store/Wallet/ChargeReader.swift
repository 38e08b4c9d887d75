import AdModel
import Postgres

/// One row of the charge ledger as people see it.
public struct ChargeRow: Equatable, Sendable {
    public var id: Int64
    /// `impression, click, fixed, refund, rounding, correction`.
    public var kind: String
    /// Accounting day.
    public var day: Day
    public var eventTime: Timestamp
    /// Public ids.
    public var campaign: String
    public var lineItem: String
    /// What the event would have cost.
    public var price: Micros
    /// What was charged.
    public var amount: Micros
    public var reason: String
    /// The charge that this row takes back or corrects.
    public var corrects: Int64?
}

/// Lists the charge ledger of one advertiser.
public enum ChargeReader {
    /// In the order of the ledger.
    /// - Parameters:
    ///   - campaign: public id of the only campaign wanted.
    ///   - overDelivery: only what cost nothing because it did not fit, or only the rest.
    public static func list(
        advertiser: Int32, day: Day?, campaign: String?, overDelivery: Bool?, after: Int64, limit: Int64,
        on db: isolated PostgresConnection
    ) throws -> [ChargeRow] {
        try db.query(
            """
            select c.id, c.kind, c.accounting_day, c.event_time, k.code as campaign, l.code as line_item,
                c.price_micros, c.amount_micros, c.reason, c.corrects
            from charge c join campaign k on k.id = c.campaign_id join line_item l on l.id = c.line_item_id
            where c.advertiser_id = $1 and c.id > $2 and ($3::date is null or c.accounting_day = $3)
                and ($4::text is null or k.code = $4)
                and ($5::boolean is null
                    or (c.reason in ('over_budget', 'over_daily_budget', 'over_wallet')) = $5)
            order by c.id limit $6
            """,
            [
                .int4(advertiser), .int8(after), .date(orNull: day?.number), .text(orNull: campaign),
                .bool(orNull: overDelivery), .int8(limit),
            ]
        ).map(record)
    }

    static func record(_ row: PostgresRow) throws -> ChargeRow {
        ChargeRow(
            id: try row.int64("id"), kind: try row.string("kind"), day: Day(number: try row.days("accounting_day")),
            eventTime: Timestamp(micros: try row.micros("event_time")), campaign: try row.string("campaign"),
            lineItem: try row.string("line_item"), price: Micros(try row.int64("price_micros")),
            amount: Micros(try row.int64("amount_micros")), reason: try row.string("reason"),
            corrects: try row.int64IfPresent("corrects"))
    }
}

/// Public ids in requests about wallets, looked up within one advertiser.
public enum WalletReferences {
    public static func contract(
        _ code: String, advertiser: Int32, on db: isolated PostgresConnection
    ) throws -> Int32 {
        try id("contract", "contract", code, advertiser, on: db)
    }

    public static func campaign(
        _ code: String, advertiser: Int32, on db: isolated PostgresConnection
    ) throws -> Int32 {
        try id("campaign", "campaign", code, advertiser, on: db)
    }

    private static func id(
        _ table: String, _ field: String, _ code: String, _ advertiser: Int32, on db: isolated PostgresConnection
    ) throws -> Int32 {
        guard
            let row = try db.query(
                "select id from \(table) where code = $1 and advertiser_id = $2", [.text(code), .int4(advertiser)]
            ).first
        else { throw Refusal.unknownReference(field, code) }
        return try row.int32("id")
    }

    public static func campaignCode(_ id: Int32, on db: isolated PostgresConnection) throws -> String {
        try db.query("select code from campaign where id = $1", [.int4(id)]).single().string("code")
    }
}
