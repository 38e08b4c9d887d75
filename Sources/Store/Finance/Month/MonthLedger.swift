import AdModel
import Billing
import ORD
import Postgres

/// What a month that is frozen means for those who write the ledger. All of them hold the ledgers' lock.
enum MonthLedger {
    /// First days of the months that were frozen, among those of the given days.
    static func frozen(among days: Set<Day>, on db: isolated PostgresConnection) throws -> Set<Day> {
        let months = Set(days.map(firstDay))
        guard !months.isEmpty else { return [] }
        let rows = try db.query(
            "select month from month_close where month - date '1970-01-01' = any($1::int4[])",
            [.int4Array(months.map(\.number))])
        var result: Set<Day> = []
        for row in rows { result.insert(Day(number: try row.days(0))) }
        return result
    }

    /// First day of the month of a day.
    static func firstDay(_ day: Day) -> Day { day + (1 - day.civil.day) }

    /// Runs `body` with leave to post to one frozen month: to correct it, to take a carry up or to round its acts.
    static func correcting<R>(
        _ month: Day, on db: isolated PostgresConnection, _ body: () throws -> R
    ) throws -> R {
        let before = try db.query("select coalesce(current_setting('nimb.corrected_month', true), '')").single().string(
            0)
        try db.query("select set_config('nimb.corrected_month', $1, true)", [.text(month.description)])
        let result = try body()
        try db.query("select set_config('nimb.corrected_month', $1, true)", [.text(before)])
        return result
    }

    /// Has the levy on the act of a contract and month been charged? Then the act never changes.
    static func isBlocked(
        contract: Int32, month: Day, on db: isolated PostgresConnection
    ) throws -> Bool {
        try !db.query(
            "select 1 from act_levy where contract_id = $1 and month = $2 and status = 'blocked'",
            [.int4(contract), .date(days: month.number)]
        ).isEmpty
    }
}
