import AdModel
import Store

/// The audit log, the newest first.
enum AuditRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/audit", .identity, .everyone) { try await list($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let filter = AuditLog.Filter(
            actor: try query.text("actor", limit: 128), action: try query.text("action", limit: 64),
            object: try query.text("object", limit: 64), objectID: try query.text("id", limit: 256),
            advertiser: try query.text("advertiser", limit: 64), from: try query.instant("from"),
            to: try query.instant("to"))
        let page = try query.page()
        try query.finish()
        let hides = !call.actor.isRetailer
        let rows = try await call.read { db in
            try AuditLog.list(
                filter, hidesStaff: hides, before: page.after == 0 ? nil : page.after, limit: Int(page.fetchLimit),
                on: db)
        }
        return .list(rows, call, page, id: \.id) { json, row in
            json.member("at", row.at.rfc3339)
            json.member("actor", row.actor)
            json.member("side", row.side.rawValue)
            json.member("action", row.action)
            json.member("object", row.object)
            json.member("id", row.objectID)
            json.member("advertiser", row.advertiserCode)
            json.member("before", raw: row.before)
            json.member("after", raw: row.after)
            json.member("request_id", row.requestID)
        }
    }
}
