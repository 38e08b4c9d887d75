import AdModel
import Postgres

/// Grants nodes slices of budget that they may promise to shoppers without asking, and takes back what they did not.
///
/// Invariant, per line item and per advertiser at every commit: spent + outstanding <= budget (total, day, wallet with
/// credit). *Outstanding* is what open leases may still cost: granted, less returned, less what was spent since the
/// oldest of them. A lease is open until its last promise can no longer be billed **and** its node's log has been
/// shipped beyond that instant, so a dead node's promises stay reserved. What is spent twice over by late events of
/// older leases is over-delivery, which leases bound; the ledger's own locks keep spend within every limit.
public struct LeaseStore: Sendable {
    /// Line items in one transaction.
    public static let batchLimit = 500
    /// How long promises may be made from one grant.
    public static let lifetime = Timestamp.Span.minutes(30)

    let pool: PostgresPool
    private let nodeID: Int16

    public init(pool: PostgresPool, nodeID: Int16) {
        self.pool = pool
        self.nodeID = nodeID
    }

    /// Makes the node known.
    public func registerNode(code: String, now: Timestamp) async throws {
        let nodeID = nodeID
        _ = try await pool.withConnection { connection in
            try connection.query(
                """
                insert into node (id, code, first_seen) values ($1, $2, $3) on conflict do nothing
                """, [.int2(nodeID), .text(code), .timestamptz(micros: now.micros)])
        }
    }

    /// Replaces the node's leases of the given line items. Nothing changes when it throws.
    public func renew(_ requests: [LeaseRequest], now: Timestamp) async throws -> [LeaseGrant] {
        precondition(requests.count <= Self.batchLimit, "at most \(Self.batchLimit) leases in one transaction")
        guard !requests.isEmpty else { return [] }
        let nodeID = nodeID
        return try await pool.transaction { connection in
            try Self.lockAdvertisers(of: requests, connection)
            try Self.giveBack(requests, nodeID, now, connection)
            let rows = try Self.budgets(of: requests.map(\.lineItemID), now, connection)
            return try Self.grant(requests, rows, nodeID, now, connection)
        }
    }

    /// Ends leases: at an orderly stop, and when line items stop serving.
    public func giveBack(_ requests: [LeaseRequest], now: Timestamp) async throws {
        guard !requests.isEmpty else { return }
        let nodeID = nodeID
        try await pool.transaction { connection in try Self.giveBack(requests, nodeID, now, connection) }
    }

    /// Ends every open lease of the node that is not named. A node that starts knows none of its earlier leases;
    /// what they promised stays reserved until it can no longer be billed.
    public func endForgotten(except known: [Int64], now: Timestamp) async throws {
        let nodeID = nodeID
        _ = try await pool.withConnection { connection in
            try connection.query(
                """
                update budget_lease set expires_at = $2, settles_at = $2 + (settles_at - expires_at)
                where node_id = $1 and expires_at > $2 and id <> all($3)
                """, [.int2(nodeID), .timestamptz(micros: now.micros), .int8Array(known)])
        }
    }

    /// Removes leases settled long ago; they are bookkeeping of reservations, not of money.
    public func removeSettled(before: Timestamp) async throws {
        _ = try await pool.withConnection { connection in
            try connection.query(
                """
                delete from budget_lease b where b.settles_at < $1 and exists (
                    select from log_checkpoint c where c.node_id = b.node_id and c.shipped_through > b.settles_at)
                """, [.timestamptz(micros: before.micros)])
        }
    }

    // MARK: Steps of one transaction

    /// One grant at a time per advertiser: wallets are shared by all of his line items.
    private static func lockAdvertisers(
        of requests: [LeaseRequest], _ connection: isolated PostgresConnection
    ) throws {
        try connection.query(
            """
            select 1 from advertiser
            where id in (select advertiser_id from line_item where id = any($1)) order by id for no key update
            """, [.int4Array(requests.map(\.lineItemID))])
    }

    private static func giveBack(
        _ requests: [LeaseRequest], _ nodeID: Int16, _ now: Timestamp, _ connection: isolated PostgresConnection
    ) throws {
        let held = requests.filter { $0.leaseID != nil }
        guard !held.isEmpty else { return }
        try connection.query(
            """
            update budget_lease b
            set returned_micros = least(b.leased_micros, b.returned_micros + greatest(r.unused, 0)),
                settles_at = least(b.expires_at, $4) + (b.settles_at - b.expires_at),
                expires_at = least(b.expires_at, $4)
            from unnest($1::bigint[], $2::bigint[]) r (id, unused)
            where b.id = r.id and b.node_id = $3
            """,
            [
                .int8Array(held.compactMap(\.leaseID)), .int8Array(held.map(\.unused.value)), .int2(nodeID),
                .timestamptz(micros: now.micros),
            ])
    }

    private struct Budget {
        var lineItemID: Int32
        var advertiserID: Int32
        /// nil = without limit.
        var total: Int64?
        var daily: Int64?
        var spent: Int64
        var spentToday: Int64
        var outstanding: Int64
        var outstandingToday: Int64
        /// Wallet with credit, less spent and outstanding of the whole advertiser.
        var wallet: Int64
        var day: Int32
        var dayEnds: Timestamp
        var deadline: Timestamp.Span
        var flight: (from: Timestamp, to: Timestamp)
        var dayBegins: Timestamp
    }

    private static func budgets(
        of lineItemIDs: [Int32], _ now: Timestamp, _ connection: isolated PostgresConnection
    ) throws -> [Int32: Budget] {
        let lines = OutstandingSQL.lines(
            where: "l.advertiser_id in (select advertiser_id from line_item where id = any($1))")
        let rows = try connection.query(
            """
            with \(lines),
            wallet as (
                -- Once per advertiser, not once per line item: one may have thousands.
                select a.id, \(SumSQL.clamped(unpromised)) as free
                from advertiser a
                join (select advertiser_id, sum(outstanding) as outstanding from line group by 1) m
                    on m.advertiser_id = a.id
            )
            select l.id, l.advertiser_id, l.total_budget_micros, l.daily_budget_micros, l.starts_at, l.ends_at,
                n.spent, n.outstanding, n.outstanding_today, coalesce(d.spent_micros, 0) as spent_today,
                w.free as wallet, c.day, c.day_begins, c.day_ends,
                (extract(epoch from case l.pricing when 'cpc' then c.click else c.impression end) * 1000000)::bigint
                    as deadline
            from line_item l
            join line n on n.id = l.id
            join wallet w on w.id = l.advertiser_id
            cross join clock c
            left join line_item_day_spend d on d.line_item_id = l.id and d.day = c.day
            where l.id = any($1)
            """, [.int4Array(lineItemIDs), .timestamptz(micros: now.micros)])
        var budgets: [Int32: Budget] = [:]
        for row in rows {
            let id = try row.int32("id")
            budgets[id] = Budget(
                lineItemID: id, advertiserID: try row.int32("advertiser_id"),
                total: try row.int64IfPresent("total_budget_micros"),
                daily: try row.int64IfPresent("daily_budget_micros"), spent: try row.int64("spent"),
                spentToday: try row.int64("spent_today"), outstanding: try row.int64("outstanding"),
                outstandingToday: try row.int64("outstanding_today"), wallet: try row.int64("wallet"),
                day: try row.days("day"), dayEnds: Timestamp(micros: try row.micros("day_ends")),
                deadline: Timestamp.Span(micros: try row.int64("deadline")),
                flight: (
                    Timestamp(micros: try row.micros("starts_at")), Timestamp(micros: try row.micros("ends_at"))
                ),
                dayBegins: Timestamp(micros: try row.micros("day_begins")))
        }
        return budgets
    }

    /// What the advertiser of row `a` may still promise, of all line items together.
    private static let unpromised = """
        \(SumSQL.funds)
        - coalesce((select spent_micros from advertiser_spend p where p.advertiser_id = a.id), 0)
        - m.outstanding
        """

    private static func grant(
        _ requests: [LeaseRequest], _ budgets: [Int32: Budget], _ nodeID: Int16, _ now: Timestamp,
        _ connection: isolated PostgresConnection
    ) throws -> [LeaseGrant] {
        var wallets: [Int32: Int64] = [:]
        var grants: [LeaseGrant] = []
        for request in requests {
            guard let budget = budgets[request.lineItemID] else { continue }
            var free = wallets[budget.advertiserID] ?? budget.wallet
            let wallet = free
            if let total = budget.total { free = min(free, total - budget.spent - budget.outstanding) }
            if let daily = budget.daily { free = min(free, daily - budget.spentToday - budget.outstandingToday) }
            let granted = max(0, min(free, request.wanted.value))
            wallets[budget.advertiserID] = wallet - granted
            let expiresAt = min(now + lifetime, budget.dayEnds)
            var id: Int64?
            if granted > 0 {
                id = try connection.query(
                    """
                    insert into budget_lease (node_id, line_item_id, day, leased_micros, granted_at, expires_at,
                        settles_at, spent_before_micros)
                    values ($1, $2, $3, $4, $5, $6, $7, $8) returning id
                    """,
                    [
                        .int2(nodeID), .int4(request.lineItemID), .date(days: budget.day), .int8(granted),
                        .timestamptz(micros: now.micros), .timestamptz(micros: expiresAt.micros),
                        .timestamptz(micros: (expiresAt + budget.deadline).micros), .int8(budget.spent),
                    ]
                ).single().int64("id")
            }
            grants.append(
                LeaseGrant(
                    lineItemID: request.lineItemID, leaseID: id, granted: Micros(granted), expiresAt: expiresAt,
                    dayBudget: dayBudget(budget, now),
                    dayCommitted: Micros(budget.spentToday + budget.outstandingToday),
                    day: LeaseDay(begins: budget.dayBegins, ends: budget.dayEnds, flight: budget.flight)))
        }
        return grants
    }

    /// The smaller of the daily budget and an even part of what is left of the total for the days that are left.
    private static func dayBudget(_ budget: Budget, _ now: Timestamp) -> Micros? {
        var candidates: [Int64] = []
        if let daily = budget.daily { candidates.append(daily) }
        if let total = budget.total {
            let left = max(0, total - (budget.spent - budget.spentToday))
            // A day that is begun counts.
            let daysLeft = max(1, ((budget.flight.to - budget.dayBegins).micros + 86_399_999_999) / 86_400_000_000)
            candidates.append(left / daysLeft)
        }
        return candidates.min().map { Micros($0) }
    }
}
