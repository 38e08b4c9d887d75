import AdModel
import Billing
import ORD
import Postgres

/// A month at a glance: where it stands, its sums, what is missing, what is due.
public struct MonthOverview: Sendable {
    public var status: MonthStatus
    public var month: AccountingMonth { status.month }
    public var totals: MonthTotals
    /// Refunds that wait for a later act, posted in the month less those that were taken up in it; below zero = waits.
    public var carries: Micros
    /// While the month is open: what stands between it and its freeze.
    public var conditions: [FreezeCondition]
    /// While the month is open: the earliest instant of its freeze.
    public var earliestFreeze: Timestamp
    /// What the gate finds, of the frozen version or of the month as it stands; those in the future are left out while
    /// the month is open.
    public var findings: [Finding]
    /// Errors, and warnings that nobody answers for.
    public var blocking: [Finding]
    public var overrides: [GateOverride]
    /// Rows that correct the month and are in no version yet.
    public var pending: PendingCorrections
    /// Statistics and acts are due on this day.
    public var due: Day
    /// The statistics are due and the month was not exported.
    public var isOverdue: Bool
    /// 3 % of this month's acts, by the quarter of their dates.
    public var levy: [LevyForecast]
    public var exports: [MonthExport]
    public var transitions: [MonthTransition]
    /// The statement behind the numbers: frozen, or a rehearsal.
    public var statement: MonthStatement
    public var settlement: Settlement

    /// Reads one month.
    public static func read(
        _ month: AccountingMonth, kktu: KKTUDictionary, now: Timestamp, profile: OperatorProfile = .vk,
        on db: isolated PostgresConnection
    ) throws -> MonthOverview {
        let zone = try RetailerStore.zone(on: db)
        let status = try MonthClose.status(of: month, on: db)
        var statement: MonthStatement
        var findings: [Finding]
        var conditions: [FreezeCondition] = []
        if let frozen = try FrozenMonth.read(month, on: db) {
            statement = frozen.statement
            findings = frozen.findings(kktu: kktu, today: now.utcDay, profile: profile)
        } else {
            let highest = try db.query("select coalesce(max(id), 0) as id from charge").single().int64("id")
            statement = try MonthReader(month: month, highestChargeID: highest, on: db).statement(on: db)
            statement.overrides = try MonthOverrides.list(month, on: db)
            // The days of the running month are not wrong because they lie ahead.
            let today = max(now.utcDay, statement.actDates.values.max() ?? month.last, month.last)
            findings = Gate.findings(
                statement, Settlement(statement, profile: profile), kktu: kktu, today: today)
            conditions =
                try FreezeConditions.unmet(month, zone: zone, now: now, on: db)
                + MonthClose.unsound(statement, Settlement(statement))
        }
        findings += try LabelAudit.run(now: now, on: db)
        let settlement = Settlement(statement, profile: profile)
        let carries = Micros(
            try db.query(
                """
                select coalesce(sum(amount_micros), 0)::bigint as sum from charge
                where kind = 'carry' and accounting_day between $1 and $2
                """, [.date(days: month.first.number), .date(days: month.last.number)]
            ).single().int64("sum"))
        let due = Deadlines.statistics(of: month)
        let wasExported = [.exported, .accepted].contains(status.state)
        return MonthOverview(
            status: status, totals: MonthTotals(statement, settlement), carries: carries, conditions: conditions,
            earliestFreeze: FreezeConditions.earliest(month, zone: zone), findings: findings,
            blocking: Gate.blocking(findings, statement.overrides), overrides: statement.overrides,
            pending: try PendingCorrections.read(month, on: db), due: due,
            isOverdue: !wasExported && zone.day(of: now) > due,
            levy: LevyForecast.of(
                settlement.acts, contracts: Dictionary(statement.contracts.map { ($0.id, $0) }) { first, _ in first }),
            exports: try MonthExports.list(month, on: db),
            transitions: try MonthClose.transitions(of: month, on: db), statement: statement, settlement: settlement)
    }

    /// Where every month stands that has charges, shows or a state, newest first.
    public static func list(
        before: AccountingMonth? = nil, limit: Int = 100, on db: isolated PostgresConnection
    ) throws -> [MonthStatus] {
        try db.query(
            """
            select m.month, coalesce(c.state, 'open') as state, coalesce(c.version, 0) as version,
                coalesce(c.revision, 0) as revision
            from (select month from month_close
                union select distinct date_trunc('month', accounting_day)::date from charge
                union select distinct date_trunc('month', day)::date from performance_day) m
            left join month_close c on c.month = m.month
            where $1::date is null or m.month < $1 order by m.month desc limit $2
            """, [.date(orNull: before?.first.number), .int(limit)]
        ).compactMap { row in
            guard let month = AccountingMonth(containing: Day(number: try row.days("month"))) else { return nil }
            return MonthStatus(
                month: month, state: MonthState(rawValue: try row.string("state")) ?? .open,
                version: try row.int32("version"), revision: try row.int64("revision"))
        }
    }
}
