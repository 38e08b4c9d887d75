import AdModel
import ORD
import Postgres

/// Rows of the ledger that correct a frozen month and are in no version of it yet.
public struct PendingCorrections: Equatable, Sendable {
    public var rows: Int64
    public var amount: Micros
    /// Ledger rows, lowest first, at most 20.
    public var charges: [Int64]

    public static func read(
        _ month: AccountingMonth, on db: isolated PostgresConnection
    ) throws -> PendingCorrections {
        let row = try db.query(
            """
            select count(*) as n, coalesce(sum(c.amount_micros), 0)::bigint as amount,
                (array_agg(c.id order by c.id))[1:20] as ids
            from month_close m join month_version v on v.month = m.month and v.version = m.version
            join charge c on c.accounting_day between $1 and $2 and c.id > v.cut_charge_id
                and c.kind not in ('rounding', 'carry') and c.amount_micros <> 0
            where m.month = $1
            """, [.date(days: month.first.number), .date(days: month.last.number)]
        ).single()
        return PendingCorrections(
            rows: try row.int64("n"), amount: Micros(try row.int64("amount")),
            charges: try row.int64ArrayIfPresent("ids") ?? [])
    }
}
