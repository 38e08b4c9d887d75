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
        public var posting: Posting = .openMonth
    }

    /// Which act a refund makes smaller (R24).
    public enum Posting: String, Sendable {
        /// That of the running month.
        case openMonth = "open_month"
        /// That of the charge's own month, which is not frozen yet.
        case originalMonth = "original_month"
        /// That of the charge's own month, which is frozen: it needs a new version (`MonthClose.correct`).
        case correction
        /// A later one of the same creative and storefront: the levy has locked that of the charge's month.
        case carry
    }

    /// Books a refund, once per reference.
    ///
    /// It is booked in the running month while the row of creative and storefront stays at zero or above there; else on
    /// the day of the charge itself, which corrects a month that is frozen; else, where the levy has locked the act, as
    /// a carry that waits for a later act. A refund is never divided over months: where the running one cannot take all
    /// of it, the month that has to be corrected anyway takes it whole, so that one act changes and not two, and one
    /// reference stays one row. (A carry is divided as later acts have room.) The line item may spend the sum again; the budget of the day stays used,
    /// because what was shown on it was shown.
    /// - Throws: `Refusal` when there is no such charge of the advertiser, more is given back than was charged, or the
    ///   reference stands for something else.
    public static func book(
        charge chargeID: Int64, amount: Micros, reference: String, reason: String, advertiser: Int32,
        zone: AccountingZone, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Booked {
        // Before any row: whoever freezes a month holds this lock, and then looks at rows too.
        try CheckpointStore.lockLedgers(on: db)
        guard
            let charge = try db.query(
                """
                select h.kind, h.campaign_id, h.line_item_id, h.creative_version_id, h.storefront_id, h.accounting_day,
                    h.amount_micros, k.contract_id
                from charge h join campaign k on k.id = h.campaign_id
                where h.id = $1 and h.advertiser_id = $2 and h.kind in ('impression', 'click', 'fixed')
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
        let place = try place(
            chargeID, amount, fixed: try charge.string("kind") == "fixed", contract: try charge.int32("contract_id"),
            today: today, original: original, on: db)
        let insert = {
            try db.query(
                """
                insert into charge (kind, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
                    event_time, accounting_day, price_micros, amount_micros, reason, corrects, note, reference, recorded_at)
                select $8, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
                    case when $2 then $3 else event_time end, $4, 0, -$5::bigint, $8, id, $6, $7, $3
                from charge where id = $1
                """,
                [
                    .int8(chargeID), .bool(place.day == today), .timestamptz(micros: now.micros),
                    .date(days: place.day.number), .int8(amount.value), .text(reason), .text(reference),
                    .text(place.posting == .carry ? "carry" : "refund"),
                ])
        }
        if place.posting == .correction {
            _ = try MonthLedger.correcting(MonthLedger.firstDay(original), on: db, insert)
        } else {
            _ = try insert()
        }
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
        row.posting = place.posting
        return row
    }

    /// Where the refund goes: a day, and what that means for the acts.
    private static func place(
        _ chargeID: Int64, _ amount: Micros, fixed: Bool, contract: Int32, today: Day, original: Day,
        on db: isolated PostgresConnection
    ) throws -> (day: Day, posting: Posting) {
        let isFrozen = try !MonthLedger.frozen(among: [original], on: db).isEmpty
        // A fixed price is divided by each day's shows, so its own day is the one that never gets negative by it.
        if fixed, !isFrozen { return (original, .originalMonth) }
        let rooms = try RefundRoom.days(of: chargeID, in: MonthLedger.firstDay(today), on: db)
        if fixed {
            if let room = rooms.first(where: { $0.amount >= amount }) { return (room.day, .openMonth) }
        } else if (rooms.first?.amount ?? .zero) >= amount {
            return (today, .openMonth)
        }
        guard isFrozen else { return (original, .originalMonth) }
        if try MonthLedger.isBlocked(contract: contract, month: MonthLedger.firstDay(original), on: db) {
            return (today, .carry)
        }
        return (original, .correction)
    }

    private static func booked(_ reference: String, on db: isolated PostgresConnection) throws -> Booked? {
        try db.query(
            """
            select r.id, r.corrects, r.campaign_id, -r.amount_micros as amount, r.accounting_day,
                case when r.kind = 'carry' then 'carry' when r.accounting_day <> c.accounting_day then 'open_month'
                    when exists (select 1 from month_version v
                        where v.month = date_trunc('month', r.accounting_day)::date and v.frozen_at <= r.recorded_at)
                    then 'correction' else 'original_month' end as posting
            from charge r join charge c on c.id = r.corrects where r.reference = $1
            """, [.text(reference)]
        ).first.map { row in
            Booked(
                id: try row.int64("id"), chargeID: try row.int64("corrects"), campaignID: try row.int32("campaign_id"),
                amount: Micros(try row.int64("amount")), day: Day(number: try row.days("accounting_day")), isNew: false,
                posting: Posting(rawValue: try row.string("posting")) ?? .openMonth)
        }
    }
}
