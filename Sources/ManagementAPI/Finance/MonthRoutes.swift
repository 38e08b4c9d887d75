import AdModel
import FinanceExports
import ORD
import Postgres
import Store

/// `/v1/finance/months`: where each month stands, what is missing, and the steps that close it.
enum MonthRoutes {
    private static let one = "/v1/finance/months/{month}"

    static func add(to table: inout RouteTable) {
        table.get("/v1/finance/months", .finance, FinanceCalls.readers, list)
        table.get(one, .finance, FinanceCalls.readers) { call in
            try call.requireNoQuery()
            return try await call.read { db in try overview(call, FinanceCalls.month(call, on: db), on: db) }
        }
        table.get("\(one)/statistics", .finance, FinanceCalls.readers, statistics)
        table.get("\(one)/statistics/{row}/charges", .finance, FinanceCalls.readers, charges)
        table.get("\(one)/files/{format}", .finance, FinanceCalls.readers, file)
        table.get("\(one)/diff", .finance, FinanceCalls.readers, diff)
        table.get("/v1/finance/levy", .finance, FinanceCalls.readers) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                let levy = try ActStore.levy(on: db)
                return .json { json in
                    json.member("items", array: levy) { json, forecast in
                        json.object { FinanceJSON.levy(&$0, forecast) }
                    }
                }
            }
        }
        steps(&table)
    }

    // MARK: Reading

    @Sendable private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let before = try FinanceCalls.month(query, "before")
        let limit = try query.int("limit", 1...100) ?? 24
        try query.finish()
        return try await call.read { db in
            let months = try MonthOverview.list(before: before, limit: limit, on: db)
            return .json { json in
                json.member("items", array: months) { json, status in json.object { FinanceJSON.status(&$0, status) } }
            }
        }
    }

    private static func overview(
        _ call: Call, _ month: AccountingMonth, on db: isolated PostgresConnection
    ) throws -> Answer {
        let overview = try MonthOverview.read(month, kktu: FinanceCalls.kktu(call, on: db), now: call.now, on: db)
        let exports = try ExportStore.list(month: month, on: db)
        let pushes = try PushStore.list(month: month, after: 0, limit: 100, on: db)
        return .json { json in
            FinanceJSON.overview(&json, overview)
            json.member("exports", array: exports) { json, export in json.object { FinanceJSON.export(&$0, export) } }
            json.member("pushes", array: pushes) { json, push in json.object { FinanceJSON.push(&$0, push) } }
        }
    }

    @Sendable private static func statistics(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let act = try query.text("act", limit: 100)
        let page = try query.page()
        try query.finish()
        return try await call.read { db in
            let month = try FinanceCalls.month(call, on: db)
            let files = try MonthFiles.month(month, kktu: FinanceCalls.kktu(call, on: db), now: call.now, on: db)
            let settlement = files.settlement()
            var acts: [String: String] = [:]
            for act in settlement.acts {
                for id in act.items.flatMap(\.creativeIDs) { acts[id] = act.id }
            }
            let rows = settlement.rows.enumerated()
                .filter { act == nil || acts[$0.element.creativeID] == act }.dropFirst(0)
                .filter { Int64($0.offset) >= page.after }.prefix(page.limit + 1)
            return .list(Array(rows), call, page, id: { Int64($0.offset) + 1 }) { json, row in
                FinanceJSON.row(&json, row.element, act: row.element.amount == nil ? nil : acts[row.element.creativeID])
            }
        }
    }

    @Sendable private static func charges(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        try query.finish()
        return try await call.read { db in
            let month = try FinanceCalls.month(call, on: db)
            let parts = call.path("row").split(separator: "_", omittingEmptySubsequences: true).map(String.init)
            guard parts.count == 2,
                let rows = try ChargeTrace.row(
                    creative: parts[0], pad: parts[1], month: month, after: page.after, limit: page.fetchLimit, on: db)
            else { throw Refusal.notFound }
            return .list(rows, call, page, id: { $0.id }) { WalletJSON.charge(&$0, $1) }
        }
    }

    @Sendable private static func file(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let version = try query.int("version", 1...1_000_000)
        try query.finish()
        guard let format = MonthFormat(rawValue: call.path("format")) else { throw Refusal.notFound }
        let month = try await call.read { db in
            let month = try FinanceCalls.month(call, on: db)
            let files = try MonthFiles.month(
                month, version: version.map(Int32.init), kktu: FinanceCalls.kktu(call, on: db), now: call.now, on: db)
            if format.needsGate, files.isFinal {
                // What goes to an operator leaves the house by an export that is written down.
                let state = try MonthClose.state(of: month, on: db)
                guard [.actsIssued, .exported, .accepted].contains(state) else {
                    throw Refusal(
                        .invalidState, field: "month",
                        "\(month) is \(state.rawValue): reconcile it and issue its acts first.")
                }
            }
            return files
        }
        let files = try await FinanceCalls.files(format, of: month)
        return try FinanceCalls.answer(files, stem: "\(format.rawValue)-\(month.statement.month)")
    }

    /// What changed between two versions of a month, row by row.
    @Sendable private static func diff(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let from = try query.int("from", 1...1_000_000)
        let to = try query.int("to", 1...1_000_000)
        try query.finish()
        return try await call.read { db in
            let month = try FinanceCalls.month(call, on: db)
            guard let after = try FrozenMonth.read(month, version: to.map(Int32.init), on: db),
                let before = try FrozenMonth.read(month, version: from.map(Int32.init) ?? after.version - 1, on: db)
            else { throw Refusal.notFound }
            let diff = after.changes(since: before)
            return .json { json in
                json.member("from", before.version)
                json.member("to", after.version)
                json.member("reason", after.reason)
                json.member("rows", array: diff.rows) { json, change in
                    json.object { json in
                        json.member("id", change.id)
                        part(&json, "before", change.before) { FinanceJSON.row(&$0, $1, act: nil) }
                        part(&json, "after", change.after) { FinanceJSON.row(&$0, $1, act: nil) }
                    }
                }
                json.member("acts", array: diff.acts) { json, change in
                    json.object { json in
                        json.member("id", change.id)
                        part(&json, "before", change.before) { FinanceJSON.amount(&$0, $1.services) }
                        part(&json, "after", change.after) { FinanceJSON.amount(&$0, $1.services) }
                    }
                }
            }
        }
    }

    private static func part<V>(
        _ json: inout JSONText, _ name: String, _ value: V?, _ render: (inout JSONText, V) -> Void
    ) {
        guard let value else { return json.member(name, raw: nil) }
        json.member(name) { render(&$0, value) }
    }

    // MARK: Steps

    private static func steps(_ table: inout RouteTable) {
        table.post("\(one)/freeze", .finance, .treasurers) { call in
            try await step(call, nil) { month, actor, _, db in
                try MonthClose.freeze(month, by: actor, on: db)
            }
        }
        table.post("\(one)/reconcile", .finance, .treasurers) { call in
            try await step(call, nil) { month, actor, _, db in
                let kktu = try FinanceCalls.kktu(call, on: db)
                try MonthClose.reconcile(month, kktu: kktu, by: actor, on: db)
            }
        }
        table.post("\(one)/issue-acts", .finance, .treasurers) { call in
            try await step(call, nil) { month, actor, _, db in
                try MonthClose.issueActs(month, by: actor, on: db)
            }
        }
        table.post("\(one)/accept", .finance, .treasurers) { call in
            try await step(call, nil) { month, actor, _, db in
                try MonthClose.markAccepted(month, by: actor, on: db)
            }
        }
        table.post("\(one)/return", .finance, .treasurers) { call in
            try await step(call, nil, reads: ["reason"]) { month, actor, body, db in
                try MonthClose.returnToFrozen(month, reason: body["reason"] ?? "", by: actor, on: db)
            }
        }
        table.post("\(one)/correct", .finance, .treasurers) { call in
            try await step(call, nil, reads: ["reason"]) { month, actor, body, db in
                try MonthClose.correct(month, reason: body["reason"] ?? "", by: actor, on: db)
            }
        }
        table.post("\(one)/node-losses", .finance, .treasurers) { call in
            try await step(call, "month.node_declared_lost", reads: ["node", "reason"]) { month, actor, body, db in
                try FreezeConditions.declareLost(
                    node: body["node"] ?? "", month: month, reason: body["reason"] ?? "", by: actor, on: db)
            }
        }
        table.post("\(one)/overrides", .finance, .treasurers) { call in
            try await step(call, "month.warning_overridden", reads: ["code", "object", "field", "reason"]) {
                month, actor, body, db in
                let overview = try MonthOverview.read(
                    month, kktu: FinanceCalls.kktu(call, on: db), now: call.now, on: db)
                try MonthOverrides.add(
                    code: body["code"] ?? "", object: body["object"] ?? "", field: body["field"] ?? "",
                    reason: body["reason"] ?? "", month: month, among: overview.findings, by: actor, on: db)
            }
        }
        table.post("\(one)/act-dates", .finance, .treasurers) { call in
            try await step(call, "month.act_dated", reads: ["contract", "date"]) { month, actor, body, db in
                guard let day = Day(body["date"] ?? "") else {
                    throw Refusal.field("date", "invalid", "Must be a date like 2026-12-01.")
                }
                try MonthSettings.setActDate(day, contract: body["contract"] ?? "", month: month, by: actor, on: db)
            }
        }
    }

    /// One step of a month: done, audited with what was given, answered with where the month stands then.
    /// - Parameter action: for the audit log; nil where the step audits itself, as each change of the state does.
    private static func step(
        _ call: Call, _ action: String?, reads names: [String] = [],
        _ body: @Sendable (AccountingMonth, MonthActor, [String: String], isolated PostgresConnection) throws -> Void
    ) async throws -> Answer {
        try call.requireNoQuery()
        let fields = Fields(names.isEmpty ? try await call.membersIfPresent() : try await call.members())
        var given: [String: String] = [:]
        for name in names {
            // The field of a finding about a whole object is empty.
            let text = name == "field" ? fields.textIfPresent(name) : fields.text(name, limit: MonthClose.reasonLimit)
            given[name] = text ?? ""
        }
        try fields.finish()
        let values = given
        return try await call.write { db, change in
            let month = try FinanceCalls.month(call, on: db)
            let before = try MonthClose.status(of: month, on: db)
            try body(month, MonthActor(name: call.actor.name, at: call.now, request: call.requestID), values, db)
            let after = try MonthClose.status(of: month, on: db)
            if let action {
                change.audit(
                    action, object: "month", id: month.description, before: audited(before, [:]),
                    after: audited(after, values))
            } else {
                change.audited()
            }
            return .json { FinanceJSON.status(&$0, after) }
        }
    }

    private static func audited(_ status: MonthStatus, _ given: [String: String]) -> String {
        JSONText.object { json in
            FinanceJSON.status(&json, status)
            for (name, value) in given.sorted(by: { $0.key < $1.key }) { json.member(name, value) }
        }
    }
}
