import AdModel
import Billing
import ORD
import Postgres

/// When a month may be frozen: no billable event can come for it any more (domain.md, 8; R24).
public enum FreezeConditions {
    /// Time from the month's end to the earliest freeze.
    public static let wait = Timestamp.Span.seconds(72 * 3_600)

    /// The earliest instant of a freeze, whatever the nodes say.
    public static func earliest(_ month: AccountingMonth, zone: AccountingZone) -> Timestamp {
        zone.start(of: month.last + 1) + wait
    }

    /// Conditions of time and nodes that are not met; empty = the ledger of the month is complete.
    static func unmet(
        _ month: AccountingMonth, zone: AccountingZone, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> [FreezeCondition] {
        var conditions: [FreezeCondition] = []
        let earliest = earliest(month, zone: zone)
        if now < earliest {
            conditions.append(
                FreezeCondition(
                    code: .monthNotOver, object: month.description,
                    message: "\(month) may be frozen 72 hours after its end: from \(earliest.rfc3339) on.",
                    links: [Finding.Link("month", month.description)]))
        }
        conditions += try nodes(month, zone: zone, on: db)
        let earlier = try db.query(
            """
            select to_char(m, 'YYYY-MM') as month from (
                select distinct date_trunc('month', accounting_day)::date as m from charge where accounting_day < $1
                union select distinct date_trunc('month', day)::date from performance_day
                    where day < $1 and impressions > 0) months
            where not exists (select 1 from month_close c where c.month = m) order by m limit 20
            """, [.date(days: month.first.number)])
        for row in earlier {
            let name = try row.string("month")
            conditions.append(
                FreezeCondition(
                    code: .earlierMonthOpen, object: name, message: "\(name) is still open: months close in order.",
                    links: [Finding.Link("month", name)]))
        }
        return conditions
    }

    private static func nodes(
        _ month: AccountingMonth, zone: AccountingZone, on db: isolated PostgresConnection
    ) throws -> [FreezeCondition] {
        let rows = try db.query(
            """
            with due as (select $1::timestamptz
                + greatest(billing_deadline_impression, billing_deadline_click) as at from retailer)
            select n.code, nullif(through, '-infinity') as through, due.at
            from due, (select n.id, n.code, coalesce(max(k.shipped_through), '-infinity') as through
                from node n left join log_checkpoint k on k.node_id = n.id
                where n.retired_at is null group by n.id) n
            where through < due.at and not exists (
                select 1 from month_node_loss l where l.month = $2 and l.node_id = n.id)
            order by n.code collate "C" limit 100
            """,
            [
                .timestamptz(micros: zone.start(of: month.last + 1).micros), .date(days: month.first.number),
            ])
        return try rows.map { row in
            let code = try row.string("code")
            let due = Timestamp(micros: try row.micros("at")).rfc3339
            let through = try row.microsIfPresent("through").map { Timestamp(micros: $0).rfc3339 }
            return FreezeCondition(
                code: .nodeBehind, object: code,
                message:
                    "Node \(code) has shipped its log \(through.map { "through \($0)" } ?? "not at all"); events of "
                    + "\(month) may come until \(due). Wait for it, or declare the node lost.",
                links: [Finding.Link("node", code)])
        }
    }

    /// Declares that the log of a node will not be waited for in a month. Whatever it brings later costs nothing. The
    /// row says who, when and why; the caller adds the audit entry.
    /// - Throws: `Refusal` when there is no such node, the month is frozen, or no reason is given.
    public static func declareLost(
        node code: String, month: AccountingMonth, reason: String, by actor: MonthActor,
        on db: isolated PostgresConnection
    ) throws {
        try CheckpointStore.lockLedgers(on: db)
        try MonthClose.requireReason(reason)
        guard try MonthClose.state(of: month, on: db) == .open else {
            throw Refusal(.invalidState, field: "month", "\(month) is frozen already.")
        }
        guard let node = try db.query("select id from node where code = $1", [.text(code)]).first else {
            throw Refusal.unknownReference("node", code)
        }
        try db.query(
            """
            insert into month_node_loss (month, node_id, at, actor, reason) values ($1, $2, $3, $4, $5)
            on conflict do nothing
            """,
            [
                .date(days: month.first.number), .int2(try node.int16("id")), .timestamptz(micros: actor.at.micros),
                .text(actor.name), .text(reason),
            ])
    }
}
