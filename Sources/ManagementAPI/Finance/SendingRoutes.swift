import AdModel
import FinanceExports
import ORD
import Postgres
import Store

/// Exports of months, their sending to the operator, and the journal of all calls to him.
enum SendingRoutes {
    private static let push = "/v1/finance/pushes/{id}"

    static func add(to table: inout RouteTable) {
        table.get("/v1/finance/months/{month}/exports", .finance, FinanceCalls.readers) { call in
            let query = try call.query()
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let month = try FinanceCalls.month(call, on: db)
                let rows = try ExportStore.list(month: month, after: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: { $0.id }) { FinanceJSON.export(&$0, $1) }
            }
        }
        table.post("/v1/finance/months/{month}/exports", .finance, .treasurers) { call in
            try call.requireNoQuery()
            let body = Fields(try await call.membersIfPresent())
            try body.finish()
            return try await call.write { db, change in
                let made = try export(call, FinanceCalls.month(call, on: db), &change, on: db)
                return .json(status: 201) { FinanceJSON.export(&$0, made) }
            }
        }
        table.post("/v1/finance/months/{month}/pushes", .finance, .treasurers, start)
        table.get("/v1/finance/pushes", .finance, FinanceCalls.readers) { call in
            let query = try call.query()
            let month = try FinanceCalls.month(query)
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let rows = try PushStore.list(month: month, after: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: { $0.id }) { FinanceJSON.push(&$0, $1) }
            }
        }
        table.get(push, .finance, FinanceCalls.readers) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                let found = try PushStore.find(call.path("id"), on: db)
                return .json { FinanceJSON.push(&$0, found) }
            }
        }
        table.get("\(push)/objects", .finance, FinanceCalls.readers, objects)
        table.post("\(push)/retry", .finance, .treasurers) { call in
            try await change(call, "push.retried") { try PushStore.retry($0, now: call.now, on: $1) }
        }
        table.post("\(push)/cancel", .finance, .treasurers) { call in
            try await change(call, "push.cancelled") { try PushStore.cancel($0, now: call.now, on: $1) }
        }
        table.get("/v1/finance/operator-calls", .finance, FinanceCalls.readers, journal)
    }

    /// The bundle of the newest version, written down; the same bytes again are the same export.
    private static func export(
        _ call: Call, _ month: AccountingMonth, _ change: inout Change, on db: isolated PostgresConnection
    ) throws -> ExportRecord {
        let files = try MonthFiles.month(month, kktu: FinanceCalls.kktu(call, on: db), now: call.now, on: db)
        let bundle: VKBundle
        do { bundle = try VKBundle.export(files) } catch { throw FinanceCalls.refusal(error) }
        let zip = try MonthFormat.archive(bundle.suggestedName, bundle.files, manifest: bundle.manifest, nil)[0]
        let made = try MonthFiles.recordBundle(
            bundle, zip: zip.bytes, of: month, edition: files.statement.edition,
            by: MonthActor(name: call.actor.name, at: call.now, request: call.requestID), on: db)
        change.audit(
            "export.made", object: "export", id: made.code,
            after: JSONText.object { FinanceJSON.export(&$0, made) })
        return made
    }

    /// The one button: exports the newest version unless it was, and sends it.
    @Sendable private static func start(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = Fields(try await call.membersIfPresent())
        let code = body.textIfPresent("export", limit: 64)
        try body.finish()
        return try await call.write { db, change in
            let month = try FinanceCalls.month(call, on: db)
            let chosen: ExportRecord
            if let code {
                do { chosen = try ExportStore.find(code, on: db) } catch is Refusal {
                    throw Refusal.unknownReference("export", code)
                }
                guard chosen.month == month else { throw Refusal.unknownReference("export", code) }
            } else {
                chosen = try export(call, month, &change, on: db)
            }
            let made = try PushStore.start(chosen, actor: call.actor.name, now: call.now, on: db)
            change.audit(
                "push.started", object: "push", id: made.code, after: JSONText.object { FinanceJSON.push(&$0, made) })
            return .json(status: 201, location: "/v1/finance/pushes/\(made.code)") { FinanceJSON.push(&$0, made) }
        }
    }

    private static func change(
        _ call: Call, _ action: String,
        _ body: @Sendable (PushRecord, isolated PostgresConnection) throws -> PushRecord
    ) async throws -> Answer {
        try call.requireNoQuery()
        try Fields(try await call.membersIfPresent()).finish()
        return try await call.write { db, change in
            let before = try PushStore.find(call.path("id"), on: db)
            let after = try body(before, db)
            change.audit(
                action, object: "push", id: after.code, before: JSONText.object { FinanceJSON.push(&$0, before) },
                after: JSONText.object { FinanceJSON.push(&$0, after) })
            return .json { FinanceJSON.push(&$0, after) }
        }
    }

    @Sendable private static func objects(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let state = try query.word("state", ["queued", "sending", "unknown", "accepted", "refused"])
        let register = try query.word("register_status", ["processing", "verified", "bad", "none"])
        let page = try query.page()
        try query.finish()
        return try await call.read { db in
            let push = try PushStore.find(call.path("id"), on: db)
            let rows = try PushStore.items(
                of: push, state: state, erirStatus: register, after: page.after, limit: page.fetchLimit, on: db)
            return .list(rows, call, page, id: { Int64($0.place) + 1 }) { FinanceJSON.item(&$0, $1) }
        }
    }

    @Sendable private static func journal(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let push = try query.text("push", limit: 64)
        let outcome = try query.word("outcome", ["open", "accepted", "refused", "unknown", "failed"])
        let page = try query.page()
        try query.finish()
        return try await call.read { db in
            let sending = try push.map { try PushStore.find($0, on: db).id }
            let rows = try PushStore.journal(
                push: sending, outcome: outcome, after: page.after, limit: page.fetchLimit, on: db)
            return .list(rows, call, page, id: { $0.id }) { FinanceJSON.call(&$0, $1) }
        }
    }
}
