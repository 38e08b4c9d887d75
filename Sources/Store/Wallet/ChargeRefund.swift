import AdModel
import Billing
import Postgres

/// A charge that is given back, in whole or in part: a row of the ledger that names it. The act of the month gets
/// smaller by it, which a refund for a campaign (an entry of the wallet, goodwill) does not do.
public enum ChargeRefund {
    /// What was booked, or had been booked under the same reference.
    public struct Booked: Equatable, Sendable {
        /// Number of the ledger row.
        public var id: Int64
        public var chargeID: Int64
        public var campaignID: Int32
        /// Without VAT, above zero.
        public var amount: Micros
        /// The accounting day that it is booked on.
        public var day: Day
        public var isNew: Bool
    }

    /// Books a refund, once per reference.
    ///
    /// It is booked on today's accounting day while the row of creative and storefront in this month stays at zero or
    /// above; else on the day of the charge itself. The line item may spend the sum again; the budget of the day stays
    /// used, because what was shown on it was shown.
    /// - Throws: `Refusal` when there is no such charge of the advertiser, more is given back than was charged, or the
    ///   reference stands for something else.
    public static func book(
        charge chargeID: Int64, amount: Micros, reference: String, reason: String, advertiser: Int32,
        zone: AccountingZone, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Booked {
        guard
            let charge = try db.query(
                """
                select campaign_id, line_item_id, creative_version_id, storefront_id, accounting_day, amount_micros
                from charge where id = $1 and advertiser_id = $2 and kind in ('impression', 'click', 'fixed')
                """, [.int8(chargeID), .int4(advertiser)]
            ).first
        else { throw Refusal.unknownReference("charge", String(chargeID)) }
        let line = try charge.int32("line_item_id")
        // In the order in which the pipeline takes them.
        try db.query("select 1 from line_item_spend where line_item_id = $1 for update", [.int4(line)])
        try db.query("select 1 from advertiser_spend where advertiser_id = $1 for update", [.int4(advertiser)])
        if let booked = try booked(reference, on: db) {
            guard booked.chargeID == chargeID, booked.amount == amount else {
                throw Refusal(
                    .referenceConflict, field: "reference", "the reference stands for a refund of other content")
            }
            return booked
        }
        let returned = try db.query(
            "select coalesce(sum(amount_micros), 0)::bigint as sum from charge where corrects = $1", [.int8(chargeID)]
        ).single().int64("sum")
        let left = try charge.int64("amount_micros") + returned
        guard amount.value <= left else {
            throw Refusal.field(
                "amount_micros", "exceeds_charges",
                "Of what was charged, \(max(0, left)) micro-roubles have not been refunded.")
        }
        let today = zone.day(of: now)
        let original = Day(number: try charge.days("accounting_day"))
        let month = today + (1 - today.civil.day)
        let posted = try db.query(
            """
            select coalesce(sum(amount_micros), 0)::numeric >= $4::bigint as stays
            from charge
            where creative_version_id is not distinct from $1 and storefront_id is not distinct from $2
                and accounting_day >= $3 and advertiser_id = $5
            """,
            [
                .int4(orNull: try charge.int32IfPresent("creative_version_id")),
                .int4(orNull: try charge.int32IfPresent("storefront_id")), .date(days: month.number),
                .int8(amount.value), .int4(advertiser),
            ]
        ).single().bool("stays")
        try db.query(
            """
            insert into charge (kind, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
                event_time, accounting_day, price_micros, amount_micros, reason, corrects, note, reference, recorded_at)
            select 'refund', advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
                case when $2 then $3 else event_time end, $4, 0, -$5::bigint, 'refund', id, $6, $7, $3
            from charge where id = $1
            """,
            [
                .int8(chargeID), .bool(posted), .timestamptz(micros: now.micros),
                .date(days: (posted ? today : original).number), .int8(amount.value), .text(reason), .text(reference),
            ])
        try db.query(
            "update line_item_spend set spent_micros = spent_micros - $2 where line_item_id = $1",
            [.int4(line), .int8(amount.value)])
        try db.query(
            "update advertiser_spend set spent_micros = spent_micros - $2 where advertiser_id = $1",
            [.int4(advertiser), .int8(amount.value)])
        guard var row = try booked(reference, on: db) else {
            throw PostgresError(.decoding, "the refund that was just booked is not there")
        }
        row.isNew = true
        return row
    }

    private static func booked(_ reference: String, on db: isolated PostgresConnection) throws -> Booked? {
        try db.query(
            """
            select id, corrects, campaign_id, -amount_micros as amount, accounting_day from charge
            where reference = $1
            """, [.text(reference)]
        ).first.map { row in
            Booked(
                id: try row.int64("id"), chargeID: try row.int64("corrects"), campaignID: try row.int32("campaign_id"),
                amount: Micros(try row.int64("amount")), day: Day(number: try row.days("accounting_day")), isNew: false)
        }
    }
}
