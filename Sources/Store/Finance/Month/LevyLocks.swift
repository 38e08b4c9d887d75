import AdModel
import ORD
import Postgres

/// What the register says of the levy on acts (`erir_tax_status`). An act whose levy is charged never changes.
public enum LevyLocks {
    public static let statuses = ["no_tax", "calculated", "blocked"]

    /// Notes what the register says of an act; `blocked` is final.
    /// - Throws: `Refusal` when there is no such act in the month, the word is unknown, or the act is blocked.
    public static func set(
        act: String, month: AccountingMonth, status: String, by actor: MonthActor, on db: isolated PostgresConnection
    ) throws {
        guard statuses.contains(status) else {
            throw Refusal.field("status", "unknown_value", "Use one of: \(statuses.joined(separator: ", ")).")
        }
        try CheckpointStore.lockLedgers(on: db)
        guard
            let row = try db.query(
                "select contract_id from month_act where month = $1 and act = $2 order by version desc limit 1",
                [.date(days: month.first.number), .text(act)]
            ).first
        else { throw Refusal.unknownReference("act", act) }
        if status != "blocked", try blocked(month, on: db).contains(act) {
            throw Refusal(.invalidState, field: "status", "The levy on \(act) is charged: the act stays locked.")
        }
        try db.query(
            """
            insert into act_levy (act, month, contract_id, status, at, actor) values ($1, $2, $3, $4, $5, $6)
            on conflict (act) do update set status = excluded.status, at = excluded.at, actor = excluded.actor
            where act_levy.status <> excluded.status
            """,
            [
                .text(act), .date(days: month.first.number), .int4(try row.int32("contract_id")), .text(status),
                .timestamptz(micros: actor.at.micros), .text(actor.name),
            ])
    }

    /// Acts of a month that are locked for good.
    public static func blocked(_ month: AccountingMonth, on db: isolated PostgresConnection) throws -> [String] {
        try statuses(month, on: db).filter { $0.value == "blocked" }.keys.sorted(by: byteOrder)
    }

    /// Status by act.
    static func statuses(_ month: AccountingMonth, on db: isolated PostgresConnection) throws -> [String: String] {
        var result: [String: String] = [:]
        for row in try db.query("select act, status from act_levy where month = $1", [.date(days: month.first.number)])
        {
            result[try row.string("act")] = try row.string("status")
        }
        return result
    }
}
