import AdModel
import ORD
import Postgres

/// Sendings as people start, watch and end them.
public enum PushStore {
    /// Starts sending an export. What the operator has in the very form of a line is not sent again.
    ///
    /// - Throws: `invalid_state` for a rehearsal, for an export without calls, for one that is older than what was sent
    ///   already, and while a sending of the month goes on.
    public static func start(
        _ export: ExportRecord, actor: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> PushRecord {
        try db.query("select pg_advisory_xact_lock(hashtext('nimb push ' || $1))", [.text(export.month.description)])
        guard export.lines > 0, !export.isRehearsal else {
            throw Refusal(
                .invalidState,
                export.isRehearsal
                    ? "This export is a rehearsal of a month that was not frozen; it is never sent."
                    : "This export holds no calls; send the bundle (profile vk).")
        }
        let others = try db.query(
            """
            select p.code, p.state, e.correction, e.id as export from ord_push p join ord_export e on e.id = p.export_id
            where p.month = $1 and p.state <> 'cancelled' order by p.id
            """, [.date(days: export.month.first.number)])
        for other in others {
            let code = try other.string("code")
            if try other.string("state") == "sending" {
                throw Refusal(.invalidState, "Sending \(code) of this month goes on; wait for it or cancel it.")
            }
            let isOlder = try export.correction < other.int("correction")
            if try isOlder || (export.correction == other.int("correction") && export.id < other.int64("export")) {
                throw Refusal(.invalidState, "A newer export of this month was sent by \(code); send the newest.")
            }
        }
        try db.query(
            """
            update ord_push set state = 'cancelled', changed_at = $2, revision = revision + 1
            where month = $1 and state in ('refused', 'sent', 'rejected', 'verified')
            """, [.date(days: export.month.first.number), .timestamptz(micros: now.micros)])
        let code = Code.make("psh")
        let id = try db.query(
            """
            insert into ord_push (code, export_id, month, state, started_at, changed_at, actor)
            values ($1, $2, $3, 'sending', $4, $4, $5) returning id
            """,
            [
                .text(code), .int8(export.id), .date(days: export.month.first.number),
                .timestamptz(micros: now.micros), .text(actor),
            ]
        ).single().int64("id")
        // What the operator has in this form counts as accepted; whether the register took it is asked all the same.
        try db.query(
            """
            insert into ord_push_item (push_id, export_id, place, stage, state, unchanged, next_at, erir_next_at,
                erir_status, changed_at)
            select $1, l.export_id, l.place, l.stage,
                case when o.external_id is null then 'queued' else 'accepted' end, o.external_id is not null, $3::timestamptz,
                case when o.external_id is not null and l.stage <> all($4) then $3::timestamptz end,
                case when l.stage = any($4) then 'none' end, $3::timestamptz
            from ord_export_line l
            left join ord_object o on o.external_id = l.external_id and o.body_sha256 = l.body_sha256
                and l.stage > $5
                -- What is taken back first has to come again.
                and not exists (select 1 from ord_export_line d
                    where d.export_id = l.export_id and d.stage <= $5 and d.external_id = l.external_id)
            where l.export_id = $2
            """,
            [
                .int8(id), .int8(export.id), .timestamptz(micros: now.micros),
                unregistered, .int2(BundleLine.Stage.deletedActs.rawValue),
            ])
        return try find(code, on: db)
    }

    /// Gives a sending up: nothing more is sent; what was sent stays with the operator.
    public static func cancel(
        _ push: PushRecord, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> PushRecord {
        guard [.sending, .refused].contains(push.state) else {
            throw Refusal(.invalidState, "Sending \(push.code) is \(push.state.rawValue); there is nothing to give up.")
        }
        try move(push, to: .cancelled, now: now, on: db)
        return try find(push.code, on: db)
    }

    /// Sends refused objects again, after the operator's side was corrected; those that the register refused too.
    public static func retry(
        _ push: PushRecord, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> PushRecord {
        guard [.refused, .rejected].contains(push.state) else {
            throw Refusal(
                .invalidState, "Sending \(push.code) is \(push.state.rawValue); only what was refused is sent again.")
        }
        try db.query(
            """
            update ord_push_item set state = 'queued', attempts = 0, next_at = $2, erir_status = null, erir_looks = 0,
                erir_next_at = null, unchanged = false, changed_at = $2
            where push_id = $1 and (state = 'refused' or erir_status = 'bad')
            """, [.int8(push.id), .timestamptz(micros: now.micros)])
        try move(push, to: .sending, now: now, on: db)
        return try find(push.code, on: db)
    }

    /// Stages of which the register has no word.
    static let unregistered = PostgresValue.int2Array(
        BundleLine.Stage.allCases.filter { $0.registerType == nil }.map(\.rawValue))

    static func move(
        _ push: PushRecord, to state: PushRecord.State, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try db.query(
            """
            update ord_push set state = $2, changed_at = $3, not_before = '-infinity', revision = revision + 1
            where id = $1
            """, [.int8(push.id), .text(state.rawValue), .timestamptz(micros: now.micros)])
    }

    // MARK: Reading

    /// One sending; `not_found` when there is none.
    public static func find(_ code: String, on db: isolated PostgresConnection) throws -> PushRecord {
        guard let row = try db.query("\(columns) where p.code = $1", [.text(code)]).first else {
            throw Refusal.notFound
        }
        return try counted([record(row)], on: db)[0]
    }

    /// Sendings in the order of their start, of one month or of all.
    public static func list(
        month: AccountingMonth?, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [PushRecord] {
        let rows = try db.query(
            "\(columns) where p.id > $1 and ($2::date is null or p.month = $2) order by p.id limit $3",
            [.int8(after), .date(orNull: month?.first.number), .int8(limit)])
        return try counted(try rows.map(record), on: db)
    }

    /// Objects of a sending in order, all or those of one state or of one word of the register.
    public static func items(
        of push: PushRecord, state: String? = nil, erirStatus: String? = nil, after: Int64, limit: Int64,
        on db: isolated PostgresConnection
    ) throws -> [PushItem] {
        // Places begin at 0, cursors too: the cursor of a row is its place + 1.
        try db.query(
            """
            select i.*, l.external_id, l.method, l.path from ord_push_item i
            join ord_export_line l on l.export_id = i.export_id and l.place = i.place
            where i.push_id = $1 and i.place >= $2 and ($3::text is null or i.state = $3)
                and ($4::text is null or i.erir_status = $4)
            order by i.place limit $5
            """,
            [.int8(push.id), .int8(after), .text(orNull: state), .text(orNull: erirStatus), .int8(limit)]
        ).map { row in
            PushItem(
                place: try row.int32("place"),
                stage: BundleLine.Stage(rawValue: try row.int16("stage")) ?? .persons,
                externalID: try row.string("external_id"), method: try row.string("method"),
                path: try row.string("path"), state: try row.string("state"), attempts: try row.int("attempts"),
                isUnchanged: try row.bool("unchanged"), nextAt: Timestamp(micros: try row.micros("next_at")),
                status: try row.intIfPresent("status"), errorCode: try row.stringIfPresent("error_code"),
                errorField: try row.stringIfPresent("error_field"),
                errorMessage: try row.stringIfPresent("error_message"),
                erirStatus: try row.stringIfPresent("erir_status"), erirMessages: try row.stringArray("erir_messages"),
                changedAt: Timestamp(micros: try row.micros("changed_at")))
        }
    }

    private static let columns = """
        select p.*, e.code as export, e.correction from ord_push p join ord_export e on e.id = p.export_id
        """

    private static func record(_ row: PostgresRow) throws -> PushRecord {
        guard let month = AccountingMonth(containing: Day(number: try row.days("month"))) else {
            throw FinanceError(code: "month", message: "a sending of no month")
        }
        let notBefore = try row.micros("not_before")
        return PushRecord(
            id: try row.int64("id"), code: try row.string("code"), export: try row.string("export"),
            exportID: try row.int64("export_id"), month: month, correction: try row.int("correction"),
            state: PushRecord.State(rawValue: try row.string("state")) ?? .cancelled,
            notBefore: notBefore == .min ? nil : Timestamp(micros: notBefore),
            startedAt: Timestamp(micros: try row.micros("started_at")),
            changedAt: Timestamp(micros: try row.micros("changed_at")), actor: try row.string("actor"),
            revision: try row.int64("revision"), objects: [:], register: [:])
    }

    private static func counted(
        _ pushes: [PushRecord], on db: isolated PostgresConnection
    ) throws -> [PushRecord] {
        var pushes = pushes
        let rows = try db.query(
            """
            select push_id, state, coalesce(erir_status, 'waiting') as erir, count(*) as n from ord_push_item
            where push_id = any($1) group by 1, 2, 3
            """, [.int8Array(pushes.map(\.id))])
        for row in rows {
            let id = try row.int64("push_id")
            guard let place = pushes.firstIndex(where: { $0.id == id }) else { continue }
            let state = try row.string("state")
            let count = try row.int64("n")
            pushes[place].objects[state, default: 0] += count
            if state == "accepted" { pushes[place].register[try row.string("erir"), default: 0] += count }
        }
        return pushes
    }

    // MARK: Journal

    /// Calls to the operator, oldest first: of one sending, or all.
    public static func journal(
        push: Int64? = nil, outcome: String? = nil, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [OperatorCallRecord] {
        try db.query(
            """
            select c.*, p.code as push_code, k.code as creative from ord_call c
            left join ord_push p on p.id = c.push_id
            left join creative_version v on v.id = c.creative_version_id left join creative k on k.id = v.creative_id
            where c.id > $1 and ($2::bigint is null or c.push_id = $2)
                and ($3::text is null or coalesce(c.outcome, 'open') = $3)
            order by c.id limit $4
            """, [.int8(after), .int8(orNull: push), .text(orNull: outcome), .int8(limit)]
        ).map { row in
            OperatorCallRecord(
                id: try row.int64("id"), method: try row.string("method"), path: try row.string("path"),
                push: try row.stringIfPresent("push_code"), creative: try row.stringIfPresent("creative"),
                externalID: try row.stringIfPresent("external_id"), objects: try row.int("objects"),
                startedAt: Timestamp(micros: try row.micros("started_at")),
                finishedAt: try row.microsIfPresent("finished_at").map(Timestamp.init(micros:)),
                outcome: try row.stringIfPresent("outcome"), status: try row.intIfPresent("status"),
                errorCode: try row.stringIfPresent("error_code"))
        }
    }
}
