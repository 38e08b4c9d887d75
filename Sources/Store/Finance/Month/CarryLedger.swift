import AdModel
import Billing
import ORD
import Postgres

/// Refunds whose act the levy has locked (R24, `carry`): the wallet has the money back at once, the act gets it when a
/// later month has money on the same creative and storefront; until then the carry waits.
public enum CarryLedger {
    /// A refund that waits.
    public struct Open: Equatable, Sendable {
        /// The charge that is given back.
        public var chargeID: Int64
        public var advertiserID: Int32
        public var lineItemID: Int32
        /// What waits, above zero.
        public var amount: Micros
    }

    /// Carries that wait, in the order of their charges; at most `limit`.
    public static func open(limit: Int = 10_000, on db: isolated PostgresConnection) throws -> [Open] {
        try db.query(
            """
            select c.corrects, o.advertiser_id, o.line_item_id, -sum(c.amount_micros)::bigint as waiting
            from charge c join charge o on o.id = c.corrects where c.kind = 'carry'
            group by 1, 2, 3 having sum(c.amount_micros) < 0 order by 1 limit $1
            """, [.int(limit)]
        ).map { row in
            Open(
                chargeID: try row.int64("corrects"), advertiserID: try row.int32("advertiser_id"),
                lineItemID: try row.int32("line_item_id"), amount: Micros(try row.int64("waiting")))
        }
    }

    /// Takes up what fits into a month that is about to be frozen: a refund of the charge on a day of its own row, and a
    /// row that takes the carry back. The wallet does not move.
    static func takeUp(_ month: AccountingMonth, now: Timestamp, on db: isolated PostgresConnection) throws {
        for carry in try open(on: db) {
            var left = carry.amount
            for room in try RefundRoom.days(of: carry.chargeID, in: month.first, on: db) where left > .zero {
                let part = min(left, room.amount)
                left = left - part
                try db.query(
                    """
                    insert into charge (kind, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
                        event_time, accounting_day, price_micros, amount_micros, reason, corrects, note, recorded_at)
                    select k.kind, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id, $4, $2, 0,
                        k.sign * $3::bigint, k.kind, id, 'carry of a locked act', $4
                    from charge, (values ('refund', -1), ('carry', 1)) as k (kind, sign) where id = $1
                    """,
                    [
                        .int8(carry.chargeID), .date(days: room.day.number), .int8(part.value),
                        .timestamptz(micros: now.micros),
                    ])
            }
        }
    }
}

/// Where a refund of a charge may be posted without making a row of a month negative.
enum RefundRoom {
    struct Room {
        var day: Day
        var amount: Micros
    }

    /// Days of a month to post to, with what each can take; the sum is what the month can take.
    ///
    /// Charges of impressions and clicks have one: the row of creative and storefront, on its last day with money. A
    /// fixed price is divided by each day's shows, so each day takes back what it was charged.
    static func days(of chargeID: Int64, in month: Day, on db: isolated PostgresConnection) throws -> [Room] {
        let rows = try db.query(
            """
            with o as (select * from charge where id = $1),
            day as (
                select c.accounting_day as day, sum(c.amount_micros) as amount
                from o join charge c on c.line_item_id = o.line_item_id
                left join charge f on f.id = c.corrects
                where c.accounting_day >= $2 and c.accounting_day < ($2::date + interval '1 month')
                    and c.kind not in ('rounding', 'carry')
                    and (o.kind = 'fixed') = (coalesce(f.kind, c.kind) = 'fixed')
                    and (o.kind = 'fixed' or (
                        coalesce(c.creative_version_id, f.creative_version_id) is not distinct from o.creative_version_id
                        and coalesce(c.storefront_id, f.storefront_id) is not distinct from o.storefront_id))
                group by 1)
            select (select kind = 'fixed' from o) as fixed, day, least(amount, 4611686018427387903)::bigint as amount,
                least(sum(amount) over (), 4611686018427387903)::bigint as total
            from day order by day desc
            """, [.int8(chargeID), .date(days: month.number)])
        var rooms: [Room] = []
        for row in rows {
            let amount = Micros(try row.int64("amount"))
            guard amount > .zero else { continue }
            let day = Day(number: try row.days("day"))
            if try row.bool("fixed") {
                rooms.append(Room(day: day, amount: amount))
            } else {
                let total = Micros(try row.int64("total"))
                return total > .zero ? [Room(day: day, amount: total)] : []
            }
        }
        return rooms
    }
}
