import AdModel
import ORD
import Postgres

/// One call to the operator as the job makes it.
public struct RegistrationCall: Equatable, Sendable {
    public enum Method: String, Sendable { case get = "GET", put = "PUT" }

    public enum Outcome: String, Sendable {
        /// 2xx.
        case accepted
        /// The operator wants something else: 4xx.
        case refused
        /// Nobody knows whether it arrived: time-out, connection lost.
        case unknown
        /// It did not arrive or was not treated: refused connection, 5xx, 429.
        case failed
    }
}

/// What a registration is about when the job takes it up.
public struct RegistrationTask: Sendable {
    /// Internal id of the version.
    public var version: Int32
    /// `cr-<code>-v<n>`.
    public var externalID: String
    /// State before it was taken up.
    public var state: String
    public var attempts: Int
    public var creative: String
    public var number: Int32
    public var advertiser: Int32
}

/// The registration of approved versions with the operator: what is due, what came of it. Every call is written down
/// and committed before it is made.
public enum RegistrationStore {
    /// Calls that failed in a row before the advertiser is told; trying goes on.
    public static let attemptsBeforeNotice = 5
    /// Longest pause between tries.
    static let longestPause: Timestamp.Span = .hours(6)
    /// A call that has not ended after this long is one whose outcome nobody knows.
    public static let callLimit: Timestamp.Span = .minutes(5)

    /// Queues a version that was approved and has no token.
    public static func enqueue(_ version: Int32, now: Timestamp, on db: isolated PostgresConnection) throws {
        try db.query(
            """
            insert into ord_registration (creative_version_id, state, next_at, changed_at)
            select id, 'queued', $2, $2 from creative_version
            where id = $1 and approved_at is not null and revoked_at is null
                and (erid is null or erid_status = 'bad')
            on conflict (creative_version_id) do update set state = 'queued', next_at = excluded.next_at,
                changed_at = excluded.changed_at, attempts = 0, error_code = null, error_field = null,
                error_message = null
            where ord_registration.state in ('refused', 'queued', 'done')
            """, [.int4(version), .timestamptz(micros: now.micros)])
    }

    /// Queues approved versions that nobody has queued, of the seed file for example.
    public static func enqueueForgotten(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        try db.query(
            """
            insert into ord_registration (creative_version_id, state, next_at, changed_at)
            select v.id, 'queued', $1, $1 from creative_version v
            join creative c on c.id = v.creative_id join line_item l on l.id = c.line_item_id
            join campaign k on k.id = l.campaign_id
            where v.state = 'approved' and v.erid is null and k.kktu is not null
                and k.state not in ('finished', 'archived')
                and not exists (select 1 from ord_registration r where r.creative_version_id = v.id)
            order by v.id limit 500
            """, [.timestamptz(micros: now.micros)]
        ).affected
    }

    /// Takes up what is due, oldest first; others do not take it up at the same time.
    public static func due(now: Timestamp, limit: Int, on db: isolated PostgresConnection) throws -> [RegistrationTask]
    {
        // A call that never ended is unknown: the operator is asked before anything is sent again.
        try db.query(
            """
            update ord_registration set state = 'unknown', changed_at = $1
            where state = 'sending' and started_at < $2
            """, [.timestamptz(micros: now.micros), .timestamptz(micros: (now - callLimit).micros)])
        try db.query(
            "update ord_call set finished_at = $1, outcome = 'unknown' where finished_at is null and started_at < $2",
            [.timestamptz(micros: now.micros), .timestamptz(micros: (now - callLimit).micros)])
        return try db.query(
            """
            select r.creative_version_id, r.state, r.attempts, c.code, v.version, c.advertiser_id
            from ord_registration r join creative_version v on v.id = r.creative_version_id
            join creative c on c.id = v.creative_id
            where r.next_at <= $1 and r.state in ('queued', 'unknown', 'registered')
                and v.revoked_at is null
            order by r.next_at, r.creative_version_id limit $2
            """, [.timestamptz(micros: now.micros), .int(limit)]
        ).map { row in
            let number = try row.int32("version")
            let code = try row.string("code")
            return RegistrationTask(
                version: try row.int32("creative_version_id"),
                externalID: ExternalIDs.creative(code, version: number), state: try row.string("state"),
                attempts: try row.int("attempts"), creative: code, number: number,
                advertiser: try row.int32("advertiser_id"))
        }
    }

    /// Claims one task; false when somebody else has, or it is no longer what it was.
    public static func claim(
        _ task: RegistrationTask, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Bool {
        try db.query(
            """
            update ord_registration set state = case when state = 'queued' then 'sending' else state end,
                attempts = attempts + 1, started_at = $3, changed_at = $3,
                next_at = case when state = 'queued' then next_at else $4 end
            where creative_version_id = $1 and state = $2 and next_at <= $3
            """,
            [
                .int4(task.version), .text(task.state), .timestamptz(micros: now.micros),
                .timestamptz(micros: (now + callLimit).micros),
            ]
        ).affected == 1
    }

    // MARK: Journal

    /// Writes a call down before it is made; returns its number.
    public static func begin(
        _ method: RegistrationCall.Method, path: String, bodyHash: [UInt8]?, version: Int32, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> Int64 {
        try db.query(
            """
            insert into ord_call (creative_version_id, method, path, body_sha256, started_at)
            values ($1, $2, $3, $4, $5) returning id
            """,
            [
                .int4(version), .text(method.rawValue), .text(path), .bytea(orNull: bodyHash),
                .timestamptz(micros: now.micros),
            ]
        ).single().int64("id")
    }

    /// Writes down how a call ended.
    public static func end(
        _ call: Int64, _ outcome: RegistrationCall.Outcome, status: Int?, errorCode: String?, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws {
        try db.query(
            """
            update ord_call set finished_at = $2, outcome = $3, status = $4, error_code = $5
            where id = $1 and finished_at is null
            """,
            [
                .int8(call), .timestamptz(micros: now.micros), .text(outcome.rawValue),
                status.map { .int($0) } ?? .null, .text(orNull: errorCode.map { String($0.prefix(128)) }),
            ])
    }

    /// Whether the last write to a path has an outcome that nobody knows; it may have been treated.
    public static func isUncertain(
        path: String, bodyHash: [UInt8], on db: isolated PostgresConnection
    ) throws -> Bool {
        let last = try db.query(
            """
            select body_sha256, coalesce(outcome, 'unknown') as outcome from ord_call
            where path = $1 and method = 'PUT' order by id desc limit 1
            """, [.text(path)]
        ).first
        return try last?.string("outcome") == "unknown" && last?.bytesIfPresent("body_sha256") == bodyHash
    }

    /// Whether the operator has an object in this very form already.
    public static func isKnown(
        _ externalID: String, bodyHash: [UInt8], on db: isolated PostgresConnection
    ) throws -> Bool {
        try !db.query(
            "select 1 from ord_object where external_id = $1 and body_sha256 = $2",
            [.text(externalID), .bytea(bodyHash)]
        ).isEmpty
    }

    /// Notes that the operator has an object in this form.
    public static func remember(
        _ externalID: String, bodyHash: [UInt8], now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try db.query(
            """
            insert into ord_object (external_id, body_sha256, accepted_at) values ($1, $2, $3)
            on conflict (external_id) do update set body_sha256 = excluded.body_sha256,
                accepted_at = excluded.accepted_at
            """, [.text(externalID), .bytea(bodyHash), .timestamptz(micros: now.micros)])
    }

    // MARK: Outcomes

    /// The operator has given a token. Serving is told by the caller's `bump`.
    /// - Returns: false when the version has another token by now; it keeps that one.
    public static func attach(
        erid: String, to task: RegistrationTask, kktu: String?, now: Timestamp, firstLook: Timestamp.Span,
        on db: isolated PostgresConnection
    ) throws -> Bool {
        let attached =
            try db.query(
                """
                update creative_version set erid = $2, erid_status = 'new', erid_source = 'operator',
                    revision = revision + 1
                where id = $1 and (erid is null or erid_status = 'bad' or erid = $2)
                    and not exists (select 1 from creative_version o where o.erid = $2 and o.id <> $1)
                """, [.int4(task.version), .text(erid)]
            ).affected == 1
        try move(
            task.version, to: attached ? "registered" : "refused", next: now + firstLook, now: now,
            error: attached
                ? nil
                : ("erid_conflict", "erid", "The operator's token is not the one that this version has, or another's."),
            on: db)
        try db.query(
            "update ord_registration set kktu = $2, attempts = 0 where creative_version_id = $1",
            [.int4(task.version), .text(orNull: kktu)])
        if attached {
            try db.query("update creative set revision = revision + 1 where code = $1", [.text(task.creative)])
            try db.query("select bump_control_version('control')")
        } else {
            try notify(task, code: "erid_conflict", now: now, on: db)
        }
        return attached
    }

    /// What the register says of a token: `processing`, `verified` or `bad` with messages.
    public static func settle(
        _ task: RegistrationTask, status: String, messages: [String], now: Timestamp, again: Timestamp.Span,
        on db: isolated PostgresConnection
    ) throws {
        guard status == "verified" || status == "bad" else {
            return try move(task.version, to: "registered", next: now + again, now: now, error: nil, on: db)
        }
        try db.query(
            "update creative_version set erid_status = $2, revision = revision + 1 where id = $1 and erid is not null",
            [.int4(task.version), .text(status)])
        let isBad = status == "bad"
        try move(
            task.version, to: isBad ? "refused" : "done", next: now, now: now,
            error: isBad ? ("register_refused", nil, messages.first ?? "The register refused the creative.") : nil,
            on: db)
        try db.query(
            "update ord_registration set erir_messages = to_jsonb($2::text[]) where creative_version_id = $1",
            [.int4(task.version), .textArray(messages.prefix(20).map { String($0.prefix(500)) })])
        try db.query("update creative set revision = revision + 1 where code = $1", [.text(task.creative)])
        try db.query("select bump_control_version('control')")
        if isBad { try notify(task, code: "register_refused", now: now, on: db) }
    }

    /// The operator wants a correction: nothing is sent again until somebody asks for it.
    public static func refuse(
        _ task: RegistrationTask, code: String, field: String?, message: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws {
        try move(task.version, to: "refused", next: now, now: now, error: (code, field, message), on: db)
        try notify(task, code: code, now: now, on: db)
    }

    /// Nobody knows whether the call arrived: the operator is asked next.
    public static func lose(
        _ task: RegistrationTask, message: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try move(
            task.version, to: "unknown", next: now + pause(task.attempts), now: now,
            error: ("no_answer", nil, message), on: db)
        try notifyAfterTries(task, code: "no_answer", now: now, on: db)
    }

    /// The call did not arrive or was not treated: it is made again later. `state` is where the task goes back to.
    public static func postpone(
        _ task: RegistrationTask, to state: String, code: String, message: String, after: Timestamp.Span?,
        now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try move(
            task.version, to: state, next: now + (after ?? pause(task.attempts)), now: now,
            error: (code, nil, message), on: db)
        try notifyAfterTries(task, code: code, now: now, on: db)
    }

    /// Thirty seconds, doubled by each try, at most six hours.
    static func pause(_ attempts: Int) -> Timestamp.Span {
        min(longestPause, .seconds(Int64(30 << min(max(attempts, 0), 12))))
    }

    private static func move(
        _ version: Int32, to state: String, next: Timestamp, now: Timestamp,
        error: (code: String, field: String?, message: String)?, on db: isolated PostgresConnection
    ) throws {
        try db.query(
            """
            update ord_registration set state = $2, next_at = $3, changed_at = $4, started_at = null, error_code = $5,
                error_field = $6, error_message = $7
            where creative_version_id = $1
            """,
            [
                .int4(version), .text(state), .timestamptz(micros: next.micros), .timestamptz(micros: now.micros),
                .text(orNull: error.map { String($0.code.prefix(128)) }),
                .text(orNull: error?.field.map { String($0.prefix(255)) }),
                .text(orNull: error.map { String($0.message.prefix(1_000)) }),
            ])
    }

    private static func notifyAfterTries(
        _ task: RegistrationTask, code: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        if task.attempts + 1 == attemptsBeforeNotice { try notify(task, code: code, now: now, on: db) }
    }

    private static func notify(
        _ task: RegistrationTask, code: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        let word = code.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        try Notices.raise(
            kind: .eridFailed, advertiser: task.advertiser, object: "creative", id: task.creative,
            detailsJSON: #"{"version":\#(task.number),"error":"\#(word)"}"#,
            dedupeKey: String("erid_failed:\(task.creative):\(task.number):\(word)".prefix(255)), now: now, on: db)
    }

    // MARK: People

    /// A token typed by finance, case kept.
    /// - Throws: `invalid_fields` when its form is wrong or another version has it; `invalid_state` when the version is
    ///   not approved, or has a token that the operator has not refused.
    public static func type(
        erid: String, for version: CreativeVersionRecord, of creative: CreativeRecord, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws {
        guard ERID.isPlausible(erid) else {
            throw Refusal.field("erid", "erid_format", "Must have 6 to 128 letters, digits, - or _; the case counts.")
        }
        guard version.state == .approved else {
            throw Refusal(.invalidState, "Version \(version.version) is \(version.state.rawValue), not approved.")
        }
        if let known = version.erid, version.eridStatus != "bad" {
            guard known != erid else { return }
            throw Refusal(.invalidState, "Version \(version.version) has its token already; a token never changes.")
        }
        if version.registration?.state == "sending" || version.registration?.state == "unknown" {
            throw Refusal(
                .invalidState,
                "A registration is under way and may yet bring a token; wait until the operator's answer is known.")
        }
        guard
            try db.query(
                "select 1 from creative_version where erid = $1 and id <> $2", [.text(erid), .int4(version.id)]
            ).isEmpty
        else { throw Refusal.field("erid", "taken", "Another version has this token; each needs its own.") }
        try db.query(
            """
            update creative_version set erid = $2, erid_status = 'new', erid_source = 'typed', revision = revision + 1
            where id = $1
            """, [.int4(version.id), .text(erid)])
        try db.query(
            """
            update ord_registration set state = 'done', changed_at = $2, error_code = null, error_field = null,
                error_message = null
            where creative_version_id = $1
            """, [.int4(version.id), .timestamptz(micros: now.micros)])
        try db.query("update creative set revision = revision + 1 where id = $1", [.int4(creative.id)])
    }

    /// Sends a refused registration again, after somebody has corrected what was wrong.
    public static func retry(
        _ version: CreativeVersionRecord, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        guard version.state == .approved, version.registration?.state == "refused" || version.registration == nil,
            version.erid == nil || version.eridStatus == "bad"
        else {
            throw Refusal(.invalidState, "Only a refused registration of an approved version is sent again.")
        }
        try enqueue(version.id, now: now, on: db)
    }

    /// Calls made for a version, newest last.
    public static func calls(
        of version: Int32, on db: isolated PostgresConnection
    ) throws -> [(
        id: Int64, method: String, path: String, startedAt: Timestamp, outcome: String?, status: Int?,
        errorCode: String?
    )] {
        try db.query(
            """
            select * from (select * from ord_call where creative_version_id = $1 order by id desc limit 100) x order by id
            """, [.int4(version)]
        ).map { row in
            (
                try row.int64("id"), try row.string("method"), try row.string("path"),
                Timestamp(micros: try row.micros("started_at")), try row.stringIfPresent("outcome"),
                try row.intIfPresent("status"), try row.stringIfPresent("error_code")
            )
        }
    }
}
