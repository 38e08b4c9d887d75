import AdModel
import ORD
import Postgres
import Store

/// `POST /v1/finance/kktu/refresh`: takes over an operator's dictionary. Nothing is deleted.
enum KKTURefreshRoutes {
    /// Codes of one dictionary, at most.
    static let codeLimit = 5_000

    static func add(to table: inout RouteTable) {
        table.post("/v1/finance/kktu/refresh", .finance, .treasurers) { call in
            let query = try call.query()
            let isDry = try query.bool("dry_run") ?? false
            try query.finish()
            let body = try await call.body()
            let entries = body.objects("items", limit: codeLimit)
            var listed: [(code: String, name: String)] = []
            for entry in entries {
                listed.append((entry.text("code", limit: 16) ?? "", entry.text("name", limit: 1_000) ?? ""))
            }
            if entries.isEmpty { body.problem("items", "Required.", code: "required") }
            try body.finish()
            let codes = listed
            if isDry {
                return try await call.read { db in
                    let known = try FinanceCalls.kktu(call, on: db)
                    return answer(try KKTUStore.diff(codes, with: known), isDry: true)
                }
            }
            return try await call.write { db, change in
                let known = try FinanceCalls.kktu(call, on: db)
                let diff = try KKTUStore.diff(codes, with: known)
                guard !diff.isEmpty else {
                    change.nothingChanged()
                    return answer(diff, isDry: false)
                }
                try KKTUStore.apply(diff, to: known, today: try RetailerStore.today(call.now, on: db), on: db)
                change.audit(
                    "kktu.refreshed", object: "kktu", id: "dictionary", after: JSONText.object { render(&$0, diff) })
                return answer(diff, isDry: false)
            }
        }
    }

    private static func answer(_ diff: KKTUDiff, isDry: Bool) -> Answer {
        .json { json in
            json.member("dry_run", isDry)
            render(&json, diff)
        }
    }

    private static func render(_ json: inout JSONText, _ diff: KKTUDiff) {
        for (name, changes) in [("added", diff.added), ("renamed", diff.renamed)] {
            json.member(name, array: changes) { json, change in
                json.object {
                    $0.member("code", change.code)
                    $0.member("name", change.name)
                }
            }
        }
        json.member("vanished", diff.vanished)
        json.member("returned", diff.returned)
    }
}
