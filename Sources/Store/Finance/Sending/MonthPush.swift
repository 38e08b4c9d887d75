import AdModel
import ORD
import Postgres

/// Sending a month by itself: what the button does, on the day that the retailer has chosen.
public enum MonthPush {
    /// Day of the month after from which an issued month is sent by itself; nil = never.
    public static func day(on db: isolated PostgresConnection) throws -> Int? {
        try db.query("select ord_push_day from retailer").first?.intIfPresent("ord_push_day")
    }

    /// Days that can be chosen: a month cannot be frozen before the 4th.
    public static let days: ClosedRange<Int64> = 4...28

    /// Chooses the day, 4...28 (a month cannot be frozen before the 4th); nil = months are sent by hand only.
    public static func setDay(_ day: Int?, on db: isolated PostgresConnection) throws {
        guard day.map({ days.contains(Int64($0)) }) ?? true else {
            throw Refusal.field("push_day", "out_of_range", "Must be from 4 to 28.")
        }
        try db.query(
            "update retailer set ord_push_day = $1, revision = revision + 1", [day.map { .int($0) } ?? .null])
    }

    /// Who the operator and his register are in audits and transitions.
    public static let operatorName = "system:operator"

    /// Months of which the register has taken everything that was exported last: exported -> accepted. Safe to repeat.
    /// - Returns: the months that were accepted.
    public static func acceptVerified(now: Timestamp, on db: isolated PostgresConnection) throws -> [AccountingMonth] {
        let candidates = """
            select p.month, p.code, p.export_id from ord_push p join month_close m on m.month = p.month
            where p.state = 'verified' and m.state = 'exported' order by p.month
            """
        guard try !db.query(candidates).isEmpty else { return [] }
        try CheckpointStore.lockLedgers(on: db)
        var accepted: [AccountingMonth] = []
        for row in try db.query(candidates) {
            guard let month = AccountingMonth(containing: Day(number: try row.days("month"))),
                try ExportStore.newestBundle(of: month, on: db)?.id == row.int64("export_id")
            else { continue }
            try MonthClose.markAccepted(
                month, by: MonthActor(name: operatorName, at: now, request: "push \(try row.string("code"))"), on: db)
            accepted.append(month)
        }
        return accepted
    }

    /// Starts sending the month before today's, when its day has come, its acts are issued and it was not exported yet.
    /// - Parameter archive: the bundle as one file.
    /// - Returns: the sending that was started.
    public static func startDue(
        kktu: KKTUDictionary, now: Timestamp, on db: isolated PostgresConnection,
        archive: (VKBundle) throws -> [UInt8]
    ) throws -> PushRecord? {
        let today = try RetailerStore.today(now, on: db)
        guard let day = try day(on: db), today.civil.day >= day,
            let month = AccountingMonth(containing: today + -today.civil.day),
            try MonthClose.state(of: month, on: db) == .actsIssued
        else { return nil }
        let files = try MonthFiles.month(month, kktu: kktu, now: now, on: db)
        let actor = MonthActor(name: "system:push-schedule", at: now, request: "schedule")
        let bundle = try VKBundle.export(files)
        let export = try MonthFiles.recordBundle(
            bundle, zip: try archive(bundle), of: month, edition: files.statement.edition, by: actor, on: db)
        let push = try PushStore.start(export, actor: actor.name, now: now, on: db)
        try AuditLog.record(
            AuditEntry(
                actor: actor.name, action: "push.started", object: "push", id: push.code, advertiser: nil, before: nil,
                after: nil, requestID: "schedule", at: now), on: db)
        return push
    }
}
