import AdModel
import ORD
import Postgres

/// Sendings as the sender works on them. Each call is written down and committed, together with the state of what it
/// carries, before it is made; how it ended is written down in one transaction with what follows from it.
public enum PushQueue {
    /// A runner that has said nothing for this long is believed dead, and its calls have an unknown outcome. Longer
    /// than any call.
    public static let runnerLimit: Timestamp.Span = .minutes(2)
    /// Longest pause between tries of one object.
    static let longestPause: Timestamp.Span = .hours(6)

    /// Sendings with something to do now.
    public static func due(now: Timestamp, on db: isolated PostgresConnection) throws -> [Int64] {
        try db.query(
            """
            select p.id from ord_push p
            where p.state in ('sending', 'sent', 'verified') and p.not_before <= $1
                and (p.runner_until is null or p.runner_until <= $1)
                and exists (select 1 from ord_push_item i where i.push_id = p.id
                    and ((p.state = 'sending' and i.state in ('queued', 'unknown') and i.next_at <= $1)
                        or i.state = 'sending' or i.erir_next_at <= $1))
            order by p.id
            """, [.timestamptz(micros: now.micros)]
        ).map { try $0.int64("id") }
    }

    /// Takes a sending for a runner; false when another one works on it. Calls of a runner that died are unknown.
    public static func take(
        _ push: Int64, runner: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Bool {
        let taken = try db.query(
            """
            update ord_push set runner = $2, runner_until = $4
            where id = $1 and state in ('sending', 'sent', 'verified') and not_before <= $3
                and (runner is null or runner = $2 or runner_until <= $3)
            """,
            [
                .int8(push), .text(runner), .timestamptz(micros: now.micros),
                .timestamptz(micros: (now + runnerLimit).micros),
            ])
        guard taken.affected == 1 else { return false }
        try db.query(
            "update ord_push_item set state = 'unknown', next_at = $2 where push_id = $1 and state = 'sending'",
            [.int8(push), .timestamptz(micros: now.micros)])
        try db.query(
            "update ord_call set finished_at = $2, outcome = 'unknown' where push_id = $1 and finished_at is null",
            [.int8(push), .timestamptz(micros: now.micros)])
        return true
    }

    /// The runner is alive; false when the sending was cancelled or taken by another.
    public static func renew(
        _ push: Int64, runner: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Bool {
        try db.query(
            """
            update ord_push set runner_until = $3
            where id = $1 and runner = $2 and state in ('sending', 'sent', 'verified')
            """, [.int8(push), .text(runner), .timestamptz(micros: (now + runnerLimit).micros)]
        ).affected == 1
    }

    /// Lets a sending go, and says where it stands now.
    public static func release(
        _ push: Int64, runner: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> PushRecord.State? {
        let state = try settle(push, now: now, on: db)
        try db.query(
            "update ord_push set runner = null, runner_until = null where id = $1 and runner = $2",
            [.int8(push), .text(runner)])
        return state
    }

    private static func settle(
        _ push: Int64, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> PushRecord.State? {
        guard
            let row = try db.query(
                """
                select p.state, s.* from ord_push p cross join lateral (
                    select count(*) filter (where i.state <> 'accepted') as open,
                        count(*) filter (where i.state = 'refused') as refused,
                        min(i.stage) filter (where i.state = 'refused') as refused_stage,
                        min(i.stage) filter (where i.state in ('queued', 'sending', 'unknown')) as next_stage,
                        count(*) filter (where i.erir_status = 'bad') as bad,
                        count(*) filter (where i.erir_status is null or i.erir_status = 'processing') as waiting
                    from ord_push_item i where i.push_id = p.id) s
                where p.id = $1 for update of p
                """, [.int8(push)]
            ).first, let old = PushRecord.State(rawValue: try row.string("state")),
            old == .sending || old == .sent
        else { return nil }
        let state: PushRecord.State
        if try row.int64("open") == 0 {
            if try row.int64("bad") > 0 {
                state = .rejected
            } else {
                state = try row.int64("waiting") == 0 ? .verified : .sent
            }
        } else if try row.int64("refused") > 0,
            try row.int16IfPresent("next_stage").map({ try $0 > row.int16("refused_stage") }) ?? true
        {
            // Nothing of later stages is sent while something that it may name is refused.
            state = .refused
        } else {
            state = .sending
        }
        if state != old {
            try db.query(
                "update ord_push set state = $2, changed_at = $3, revision = revision + 1 where id = $1",
                [.int8(push), .text(state.rawValue), .timestamptz(micros: now.micros)])
        }
        return state
    }

    // MARK: Work

    /// What is to be sent or asked now: of the first stage that is not through, in order. Empty when that stage waits
    /// or was refused.
    public static func tasks(
        _ push: Int64, now: Timestamp, limit: Int, on db: isolated PostgresConnection
    ) throws -> [PushTask] {
        try db.query(
            """
            \(taskColumns)
            where i.push_id = $1 and i.state in ('queued', 'unknown') and i.next_at <= $2 and i.stage = (
                select min(stage) from ord_push_item where push_id = $1 and state <> 'accepted')
                and exists (select 1 from ord_push p where p.id = $1 and p.state = 'sending' and p.not_before <= $2)
            order by i.place limit $3
            """, [.int8(push), .timestamptz(micros: now.micros), .int(limit)]
        ).map(task)
    }

    /// What the register is to be asked about now.
    public static func looks(
        _ push: Int64, now: Timestamp, limit: Int, on db: isolated PostgresConnection
    ) throws -> [PushTask] {
        try db.query(
            """
            \(taskColumns)
            where i.push_id = $1 and i.erir_next_at <= $2
                and exists (select 1 from ord_push p where p.id = $1 and p.not_before <= $2)
            order by i.erir_next_at, i.place limit $3
            """, [.int8(push), .timestamptz(micros: now.micros), .int(limit)]
        ).map(task)
    }

    private static let taskColumns = """
        select i.push_id, i.place, i.stage, i.state, i.attempts, i.alone, i.erir_looks, i.erir_status, l.external_id,
            l.method, l.path, l.body
        from ord_push_item i join ord_export_line l on l.export_id = i.export_id and l.place = i.place
        """

    private static func task(_ row: PostgresRow) throws -> PushTask {
        PushTask(
            push: try row.int64("push_id"), place: try row.int32("place"),
            line: BundleLine(
                stage: BundleLine.Stage(rawValue: try row.int16("stage")) ?? .persons,
                externalID: try row.string("external_id"), method: try row.string("method"),
                path: try row.string("path"), body: Array(try row.string("body").utf8)),
            state: try row.string("state"), attempts: try row.int("attempts"), isAlone: try row.bool("alone"),
            looks: try row.int("erir_looks"), erirStatus: try row.stringIfPresent("erir_status"))
    }

    /// Contents of a picture; nil when it is gone.
    public static func media(
        sha256: String, on db: isolated PostgresConnection
    ) throws -> (bytes: [UInt8], contentType: String)? {
        guard sha256.utf8.count == 64 else { return nil }
        let rows = try db.query(
            "select bytes, content_type from media where sha256 = $1", [.bytea(Hex.bytes(sha256))])
        return try rows.first.map { (try $0.bytes("bytes"), try $0.string("content_type")) }
    }

    /// Writes a call down before it is made. `claims`: what it carries is under way from now on; false for questions.
    /// - Returns: the number of the call; nil when what it carries was taken up by somebody else, and no call is made.
    public static func begin(
        _ tasks: [PushTask], _ method: String, path: String, claims: Bool, runner: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> Int64? {
        guard let first = tasks.first, try renew(first.push, runner: runner, now: now, on: db) else { return nil }
        if claims {
            let claimed = try db.query(
                """
                update ord_push_item set state = 'sending', attempts = attempts + 1, changed_at = $3
                where push_id = $1 and place = any($2) and state = 'queued'
                """, [.int8(first.push), .int4Array(tasks.map(\.place)), .timestamptz(micros: now.micros)])
            guard claimed.affected == tasks.count else { throw ClaimLost() }
        }
        return try db.query(
            """
            insert into ord_call (push_id, method, path, body_sha256, external_id, objects, started_at)
            values ($1, $2, $3, $4, $5, $6, $7) returning id
            """,
            [
                .int8(first.push), .text(method), .text(path),
                .bytea(orNull: claims && tasks.count == 1 ? first.line.fingerprint : nil),
                .text(first.line.externalID), .int(tasks.count), .timestamptz(micros: now.micros),
            ]
        ).single().int64("id")
    }

    /// Another runner was faster; the transaction is undone.
    public struct ClaimLost: Error {}

    // MARK: Outcomes

    /// The operator has it.
    public static func accept(
        _ tasks: [PushTask], status: Int?, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        guard let push = tasks.first?.push else { return }
        try db.query(
            """
            update ord_push_item set state = 'accepted', status = $4, error_code = null, error_field = null,
                error_message = null, changed_at = $3::timestamptz,
                erir_status = case when stage = any($5) then 'none' end,
                erir_next_at = case when stage <> all($5) then $3::timestamptz end
            where push_id = $1 and place = any($2) and state <> 'accepted'
            """,
            [
                .int8(push), .int4Array(tasks.map(\.place)), .timestamptz(micros: now.micros),
                status.map { .int($0) } ?? .null, PushStore.unregistered,
            ])
        for task in tasks {
            if task.line.stage.isDelete {
                try db.query("delete from ord_object where external_id = $1", [.text(task.line.externalID)])
            } else {
                try RegistrationStore.remember(
                    task.line.externalID, bodyHash: task.line.fingerprint, now: now, on: db)
            }
        }
    }

    /// The operator wants something else. One of several joined rows is found by sending each alone.
    public static func refuse(
        _ tasks: [PushTask], status: Int?, code: String, field: String?, message: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws {
        guard let push = tasks.first?.push else { return }
        guard tasks.count == 1 else {
            try db.query(
                """
                update ord_push_item set state = 'queued', alone = true, next_at = $3, changed_at = $3
                where push_id = $1 and place = any($2) and state in ('sending', 'unknown')
                """, [.int8(push), .int4Array(tasks.map(\.place)), .timestamptz(micros: now.micros)])
            return
        }
        try end(tasks, "refused", next: now, status, (code, field, message), now: now, on: db)
    }

    /// Nobody knows whether the call was treated: the operator is asked next.
    public static func lose(
        _ tasks: [PushTask], message: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try end(
            tasks, "unknown", next: now + pause(tasks), nil, ("no_answer", nil, message), now: now, on: db)
    }

    /// The call was not treated, or the question not answered: tried again later. `everything`: the operator asks for a
    /// pause, so nothing else is sent before either.
    public static func postpone(
        _ tasks: [PushTask], to state: String, status: Int?, code: String, message: String,
        after: Timestamp.Span?, everything: Bool, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        let next = now + (after ?? pause(tasks))
        try end(tasks, state, next: next, status, (code, nil, message), now: now, on: db)
        guard everything, let push = tasks.first?.push else { return }
        try db.query(
            "update ord_push set not_before = greatest(not_before, $2) where id = $1",
            [.int8(push), .timestamptz(micros: next.micros)])
    }

    /// The operator has not received it; sent as if for the first time.
    public static func requeue(
        _ tasks: [PushTask], now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try end(
            tasks, "queued", next: now, nil,
            ("not_arrived", nil, "The operator has not received it; sent again."), now: now, on: db)
    }

    /// Ten seconds, doubled by each try, at most six hours.
    static func pause(_ tasks: [PushTask]) -> Timestamp.Span {
        let attempts = tasks.map(\.attempts).max() ?? 0
        return min(longestPause, .seconds(Int64(10 << min(max(attempts, 0), 12))))
    }

    private static func end(
        _ tasks: [PushTask], _ state: String, next: Timestamp, _ status: Int?,
        _ error: (code: String, field: String?, message: String), now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        guard let push = tasks.first?.push else { return }
        try db.query(
            """
            update ord_push_item set state = $3, next_at = $4, status = $5, error_code = $6, error_field = $7,
                error_message = $8, changed_at = $9
            where push_id = $1 and place = any($2) and state in ('queued', 'sending', 'unknown')
            """,
            [
                .int8(push), .int4Array(tasks.map(\.place)), .text(state), .timestamptz(micros: next.micros),
                status.map { .int($0) } ?? .null, .text(String(error.code.prefix(128))),
                .text(orNull: error.field.map { String($0.prefix(255)) }),
                .text(String(error.message.prefix(1_000))), .timestamptz(micros: now.micros),
            ])
    }
}
