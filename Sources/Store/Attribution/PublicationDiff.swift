import AdModel
import Attribution
import Billing
import Postgres

/// Which orders moved between two versions of a month's numbers, and why.
public enum PublicationDiff {
    /// One end of the comparison.
    public struct Side: Equatable, Sendable {
        /// Public id; nil = the ledger as it is now.
        public var publication: String?
        /// nil = the ledger as it is now.
        public var version: Int32?
        public var throughCreditID: Int64
    }

    /// Sums of one policy on both sides.
    public struct Totals: Equatable, Sendable {
        public var policy: String
        public var unitsBefore: Int64
        public var unitsAfter: Int64
        public var amountBeforeMicros: Int64
        public var amountAfterMicros: Int64
    }

    /// What happened to an order, one entry a cause.
    public struct Reason: Equatable, Sendable {
        public var cause: CreditCause
        public var at: Timestamp
        public var units: Int64
        public var amountMicros: Int64
    }

    /// One order of one advertiser that has rows between the two sides.
    public struct Item: Equatable, Sendable {
        /// Position in the list: the first ledger row between the sides.
        public var position: Int64
        public var storefront: String
        /// The shop's id, or the blinded one.
        public var orderID: String
        public var advertiser: String
        public var orderedAt: Timestamp
        public var changes: [Totals]
        public var reasons: [Reason]
    }

    /// A page of the comparison.
    public struct Page: Equatable, Sendable {
        public var month: Day
        public var from: Side
        public var to: Side
        /// Orders that moved, per order and advertiser, on all pages.
        public var moved: Int64
        public var totals: [Totals]
        public var items: [Item]
    }

    /// Compares a publication with another of its month, or with the ledger as it is.
    ///
    /// Runs in the viewer's transaction, so that row level security keeps other tenants out of sums and items alike.
    ///
    /// - Parameters:
    ///   - against: nil = the version before; for the first version, the ledger as it is.
    ///   - isCurrent: compare with the ledger as it is, whatever `against` says.
    ///   - after: position of the last item of the page before.
    ///   - limit: items of the page; one more is returned when there is another page.
    /// - Throws: `Refusal` when the two are of different months.
    public static func read(
        _ publication: Publication, against: Publication?, isCurrent: Bool, viewer: LedgerViewer, after: Int64,
        limit: Int, on connection: isolated PostgresConnection
    ) throws -> Page {
        if let against, against.month != publication.month {
            throw Refusal(
                .invalidParameter, field: "against",
                "\(against.code) is of \(Publications.text(against.month)); compare versions of one month.")
        }
        let zone = try InstallationZone.read(on: connection)
        func side(_ it: Publication) -> Side {
            Side(publication: it.code, version: it.version, throughCreditID: it.throughCreditID)
        }
        let here = side(publication)
        let other: Side
        if !isCurrent, let against {
            other = side(against)
        } else if !isCurrent, publication.version > 1,
            let previous = try Publications.find(
                month: publication.month, version: publication.version - 1, on: connection)
        {
            other = side(previous)
        } else {
            let last = try connection.query("select coalesce(max(id), 0) from credit").single().int64(0)
            other = Side(publication: nil, version: nil, throughCreditID: max(last, publication.throughCreditID))
        }
        let (from, to) = here.throughCreditID <= other.throughCreditID ? (here, other) : (other, here)
        let range = OrderRounds.Range(month: publication.month)
        let scope: [PostgresValue] = [
            .timestamptz(micros: zone.start(of: range.from).micros),
            .timestamptz(micros: zone.start(of: range.to + 1).micros), .int8(from.throughCreditID),
            .int8(to.throughCreditID),
        ]
        let totals = try totals(scope, connection)
        let moved = try connection.query(
            """
            select count(*) from (select 1 from credit
                where ordered_at >= $1 and ordered_at < $2 and id > $3 and id <= $4
                group by storefront_id, order_id, advertiser_id) moved
            """, scope
        ).single().int64(0)
        let items = try items(scope, viewer, after, limit, connection)
        return Page(month: publication.month, from: from, to: to, moved: moved, totals: totals, items: items)
    }

    private static let sums = """
        \(SumSQL.clamped("coalesce(sum(c.units) filter (where c.id <= $3), 0)")) as units_before,
        \(SumSQL.clamped("coalesce(sum(c.units), 0)")) as units_after,
        \(SumSQL.clamped("coalesce(sum(c.amount_micros) filter (where c.id <= $3), 0)")) as amount_before,
        \(SumSQL.clamped("coalesce(sum(c.amount_micros), 0)")) as amount_after
        """

    private static func totals(
        _ scope: [PostgresValue], _ connection: isolated PostgresConnection
    ) throws -> [Totals] {
        try connection.query(
            """
            select c.policy, \(sums) from credit c where c.ordered_at >= $1 and c.ordered_at < $2 and c.id <= $4
            group by 1 order by c.policy collate "C"
            """, scope
        ).map(total)
    }

    private static func total(_ row: PostgresRow) throws -> Totals {
        Totals(
            policy: try row.string("policy"), unitsBefore: try row.int64("units_before"),
            unitsAfter: try row.int64("units_after"), amountBeforeMicros: try row.int64("amount_before"),
            amountAfterMicros: try row.int64("amount_after"))
    }

    private struct Key: Hashable {
        var order: OrderKey
        var advertiserID: Int32
    }

    private static func items(
        _ scope: [PostgresValue], _ viewer: LedgerViewer, _ after: Int64, _ limit: Int,
        _ connection: isolated PostgresConnection
    ) throws -> [Item] {
        let found = try connection.query(
            """
            select m.storefront_id, m.order_id, m.advertiser_id, m.position, m.ordered_at, s.code, a.code
            from (select storefront_id, order_id, advertiser_id, min(id) as position, min(ordered_at) as ordered_at
                from credit where ordered_at >= $1 and ordered_at < $2 and id > $3 and id <= $4
                group by 1, 2, 3 having min(id) > $5 order by 4 limit $6) m
            join storefront s on s.id = m.storefront_id join advertiser a on a.id = m.advertiser_id order by m.position
            """, scope + [.int8(after), .int(limit)])
        let keys = try found.map { row in
            Key(
                order: OrderKey(storefrontID: try row.int32(0), orderID: try row.string(1)),
                advertiserID: try row.int32(2))
        }
        let orders: [PostgresValue] = [
            .int4Array(keys.map(\.order.storefrontID)), .textArray(keys.map(\.order.orderID)),
            .int4Array(keys.map(\.advertiserID)),
        ]
        let join = """
            from unnest($5::int4[], $6::text[], $7::int4[]) as t (s, o, a)
            join credit c on c.storefront_id = t.s and c.order_id = t.o and c.advertiser_id = t.a
            """
        var changes: [Key: [Totals]] = [:]
        // The days of the scope hold anyway; naming them keeps the parameters the same.
        for row in try connection.query(
            """
            select c.storefront_id, c.order_id, c.advertiser_id, c.policy, \(sums) \(join)
            where c.ordered_at >= $1 and c.ordered_at < $2 and c.id <= $4
            group by 1, 2, 3, 4 order by c.policy collate "C"
            """, scope + orders)
        {
            changes[try key(row), default: []].append(try total(row))
        }
        let causes = try connection.query(
            """
            select c.storefront_id, c.order_id, c.advertiser_id, c.policy, c.cause, min(c.cause_at) as at,
                sum(c.units)::int8 as units, \(SumSQL.clamped("sum(c.amount_micros)")) as amount, min(c.id) as first_id
            \(join) where c.ordered_at >= $1 and c.ordered_at < $2 and c.id > $3 and c.id <= $4
            group by 1, 2, 3, 4, 5 order by min(c.id)
            """, scope + orders)
        let view = try CauseView(causes.map { CreditCause(text: try $0.string("cause")) }, viewer, connection)
        var reasons: [Key: [Reason]] = [:]
        for row in causes {
            let key = try key(row)
            var cause = view.told(CreditCause(text: try row.string("cause")))
            if cause.kind == .recomputation, isPolicyChange(changes[key] ?? []) { cause.kind = .policyChange }
            reasons[key, default: []].append(
                Reason(
                    cause: cause, at: Timestamp(micros: try row.micros("at")), units: try row.int64("units"),
                    amountMicros: try row.int64("amount")))
        }
        let blindings = try view.blindings(of: keys.map(\.advertiserID), connection)
        return try zip(found, keys).map { row, key in
            let orderedAt = Timestamp(micros: try row.micros(4))
            return Item(
                position: try row.int64(3), storefront: try row.string(5),
                orderID: viewer == .retailer
                    ? key.order.orderID : blindings[key.advertiserID]?.order(key.order, at: orderedAt) ?? "",
                advertiser: try row.string(6), orderedAt: orderedAt, changes: changes[key] ?? [],
                reasons: reasons[key] ?? [])
        }
    }

    private static func key(_ row: PostgresRow) throws -> Key {
        Key(
            order: OrderKey(storefrontID: try row.int32(0), orderID: try row.string(1)),
            advertiserID: try row.int32(2))
    }

    /// One policy lost what another won.
    private static func isPolicyChange(_ changes: [Totals]) -> Bool {
        changes.contains { $0.unitsAfter < $0.unitsBefore } && changes.contains { $0.unitsAfter > $0.unitsBefore }
    }
}
