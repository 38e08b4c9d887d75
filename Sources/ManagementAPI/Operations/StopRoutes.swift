import AdModel
import Store

/// The switch that stops all ads, of one storefront or everywhere.
enum StopRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/stop", .operations, .retailer) { call in try await list(call) }
        table.put("/v1/stop", .operations, .sellers) { call in try await stop(call, nil) }
        table.delete("/v1/stop", .operations, .sellers) { call in try await release(call, nil) }
        table.put("/v1/storefronts/{id}/stop", .operations, .sellers) { call in
            try await stop(call, call.path("id"))
        }
        table.delete("/v1/storefronts/{id}/stop", .operations, .sellers) { call in
            try await release(call, call.path("id"))
        }
    }

    private static func list(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let stops = try await call.read { db in try StopSwitch.list(on: db) }
        return .json { json in
            json.member("items", array: stops) { json, stop in json.object { write(stop, to: &$0) } }
        }
    }

    private static func stop(_ call: Call, _ storefront: String?) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        let reason = fields.text("reason", limit: 500)
        try fields.finish()
        guard let reason else { throw Refusal.field("reason", "required", "Say why.") }
        return try await call.write { db, change in
            let (before, after) = try StopSwitch.stop(
                storefront, reason: reason, actor: call.actor.name, now: call.now, on: db)
            change.audit(
                "serving.stopped", object: "serving", id: storefront ?? "everything", before: before.map(text),
                after: text(after))
            return .json { write(after, to: &$0) }
        }
    }

    private static func release(_ call: Call, _ storefront: String?) async throws -> Answer {
        try call.requireNoQuery()
        return try await call.write { db, change in
            if let before = try StopSwitch.release(storefront, on: db) {
                change.audit(
                    "serving.released", object: "serving", id: storefront ?? "everything", before: text(before))
            } else {
                change.nothingChanged()
            }
            return .noContent
        }
    }

    private static func text(_ stop: StopSwitch.Stop) -> String {
        var json = JSONText()
        json.object { write(stop, to: &$0) }
        return json.text
    }

    private static func write(_ stop: StopSwitch.Stop, to json: inout JSONText) {
        json.member("storefront", stop.storefront)
        json.member("reason", stop.reason)
        json.member("actor", stop.actor)
        json.member("stopped_at", stop.stoppedAt.rfc3339)
    }
}
