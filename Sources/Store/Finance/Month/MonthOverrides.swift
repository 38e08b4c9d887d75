import AdModel
import ORD
import Postgres

/// Warnings of a month that a person answers for. An error is never overridden, and an override is never taken back:
/// who wants it away mends what it was about.
public enum MonthOverrides {
    /// Overrides of a month, oldest first; at most 10,000.
    public static func list(_ month: AccountingMonth, on db: isolated PostgresConnection) throws -> [GateOverride] {
        try db.query(
            """
            select code, object, field, actor, reason from month_override where month = $1 order by id limit 10000
            """, [.date(days: month.first.number)]
        ).map { row in
            GateOverride(
                code: try row.string("code"), object: try row.string("object"), field: try row.string("field"),
                actor: try row.string("actor"), reason: try row.string("reason"))
        }
    }

    /// Overrides one warning of the gate by its name.
    /// - Parameter findings: what the gate finds now; only a warning among them can be overridden.
    /// - Throws: `Refusal` when there is no such warning, or no reason.
    public static func add(
        code: String, object: String, field: String, reason: String, month: AccountingMonth, among findings: [Finding],
        by actor: MonthActor, on db: isolated PostgresConnection
    ) throws {
        try MonthClose.requireReason(reason)
        let found = findings.filter { $0.code == code && $0.object == object && $0.field == field }
        guard !found.isEmpty else {
            throw Refusal.field("code", "unknown_reference", "The gate finds no \(code) at \(object) \(field).")
        }
        guard found.allSatisfy({ $0.severity == .warning }) else {
            throw Refusal.field("code", "not_overridable", "\(code) is no warning: mend it.")
        }
        try db.query(
            """
            insert into month_override (month, code, object, field, actor, reason, at)
            values ($1, $2, $3, $4, $5, $6, $7) on conflict (month, code, object, field) do nothing
            """,
            [
                .date(days: month.first.number), .text(code), .text(object), .text(field), .text(actor.name),
                .text(reason), .timestamptz(micros: actor.at.micros),
            ])
    }
}
