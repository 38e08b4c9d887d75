import AdModel
import Foundation
import ORD
import Postgres

/// The second stage of a sending: tokens, and what the register (ЕРИР) says of each object.
public enum PushRegister {
    /// Pause before the register is asked again: ten minutes, doubled up to six hours.
    static func pause(_ looks: Int) -> Timestamp.Span {
        min(PushQueue.longestPause, .minutes(Int64(10 << min(max(looks, 0), 8))))
    }

    /// Compares the operator's token with that of the creative's version, or gives it to a version that has none.
    /// - Returns: false when the version has another token.
    public static func attach(
        erid: String, to externalID: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Bool {
        guard let version = try version(externalID, on: db) else { return true }
        if version.erid == erid { return true }
        guard ERID.isPlausible(erid), version.erid == nil || version.status == "bad",
            try db.query("select 1 from creative_version where erid = $1", [.text(erid)]).isEmpty
        else { return false }
        try db.query(
            """
            update creative_version set erid = $2, erid_status = 'new', erid_source = 'operator',
                revision = revision + 1
            where id = $1
            """, [.int4(version.id), .text(erid)])
        try db.query("update creative set revision = revision + 1 where id = $1", [.int4(version.creative)])
        try db.query("select bump_control_version('control')")
        return true
    }

    /// What the register says of one object: `processing`, `verified` or `bad` with messages.
    public static func settle(
        _ task: PushTask, status: String, messages: [String], now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        let word = ["verified", "bad"].contains(status) ? status : "processing"
        // What the register has taken is settled, but for acts: the levy on them is charged later.
        var next: Timestamp?
        if word == "processing" { next = now + pause(task.looks) }
        if word == "verified", task.line.stage == .invoices { next = now + levyPause }
        try db.query(
            """
            update ord_push_item set erir_status = $3, erir_messages = $4, erir_looks = erir_looks + 1,
                erir_next_at = $5, changed_at = $6
            where push_id = $1 and place = $2
            """,
            [
                .int8(task.push), .int4(task.place), .text(word),
                .textArray(messages.prefix(20).map { String($0.prefix(500)) }),
                next.map { .timestamptz(micros: $0.micros) } ?? .null,
                .timestamptz(micros: now.micros),
            ])
        // Whatever the register refuses is sent in full the next time, also when it is the same.
        if word == "bad" {
            try db.query("delete from ord_object where external_id = $1", [.text(task.line.externalID)])
        }
        if task.line.stage == .cids, word != "processing" {
            try db.query(
                "update agency_cid set status = $2, revision = revision + 1 where cid = $1 and status <> $2",
                [.text(task.line.externalID), .text(word)])
        }
        guard task.line.stage == .creatives, word != "processing",
            let version = try version(task.line.externalID, on: db), version.erid != nil, version.status != word
        else { return }
        try db.query(
            "update creative_version set erid_status = $2, revision = revision + 1 where id = $1",
            [.int4(version.id), .text(word)])
        try db.query("update creative set revision = revision + 1 where id = $1", [.int4(version.creative)])
        try db.query("select bump_control_version('control')")
    }

    /// Pause between two questions about the levy on an act.
    public static let levyPause: Timestamp.Span = .hours(24)

    /// What the operator says of the levy on an act (`erir_tax_status`); nil where he says nothing. A charged levy locks
    /// the act for good, and is not asked for again.
    public static func settleLevy(
        _ task: PushTask, status: String?, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        let status = status.flatMap { LevyLocks.statuses.contains($0) ? $0 : nil }
        if let status,
            let row = try db.query(
                "select month from ord_push where id = $1", [.int8(task.push)]
            ).first, let month = AccountingMonth(containing: Day(number: try row.days("month")))
        {
            let before = try LevyLocks.statuses(month, on: db)[task.line.externalID]
            if before != status, before != "blocked" {
                let actor = MonthActor(name: MonthPush.operatorName, at: now)
                try LevyLocks.set(act: task.line.externalID, month: month, status: status, by: actor, on: db)
                try AuditLog.record(
                    AuditEntry(
                        actor: actor.name, action: "act.levy_set", object: "act", id: task.line.externalID,
                        advertiser: nil, before: before.map { "{\"levy\":\"\($0)\"}" },
                        after: "{\"levy\":\"\(status)\"}", requestID: "register", at: now), on: db)
            }
        }
        try db.query(
            "update ord_push_item set erir_next_at = $3, erir_looks = erir_looks + 1 where push_id = $1 and place = $2",
            [
                .int8(task.push), .int4(task.place),
                status == "blocked" ? .null : .timestamptz(micros: (now + levyPause).micros),
            ])
    }

    /// The register could not be asked.
    public static func postpone(
        _ task: PushTask, after: Timestamp.Span?, everything: Bool, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        let next = now + (after ?? pause(task.looks))
        try db.query(
            "update ord_push_item set erir_next_at = $3, erir_looks = erir_looks + 1 where push_id = $1 and place = $2",
            [.int8(task.push), .int4(task.place), .timestamptz(micros: next.micros)])
        guard everything else { return }
        try db.query(
            "update ord_push set not_before = greatest(not_before, $2) where id = $1",
            [.int8(task.push), .timestamptz(micros: next.micros)])
    }

    /// The version behind `cr-<code>-v<n>`.
    private static func version(
        _ externalID: String, on db: isolated PostgresConnection
    ) throws -> (id: Int32, creative: Int32, erid: String?, status: String?)? {
        guard let mark = externalID.range(of: "-v", options: .backwards), externalID.hasPrefix("cr-"),
            let number = Int32(externalID[mark.upperBound...])
        else { return nil }
        let code = String(externalID[..<mark.lowerBound].dropFirst(3))
        return try db.query(
            """
            select v.id, v.creative_id, v.erid, v.erid_status from creative_version v
            join creative c on c.id = v.creative_id where c.code = $1 and v.version = $2 for update of v
            """, [.text(code), .int4(number)]
        ).first.map { row in
            (
                try row.int32("id"), try row.int32("creative_id"), try row.stringIfPresent("erid"),
                try row.stringIfPresent("erid_status")
            )
        }
    }
}
