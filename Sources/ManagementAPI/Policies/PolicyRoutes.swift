import AdModel
import Attribution
import Postgres
import Store

/// Attribution policies: the retailer adds and allows them, advertisers choose among the allowed ones.
enum PolicyRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/attribution-policies", .attribution, .everyone) { try await list($0) }
        table.post("/v1/attribution-policies", .attribution, .sellers) { try await create($0) }
        table.get("/v1/attribution-policies/{id}", .attribution, .everyone) { try await show($0) }
        table.patch("/v1/attribution-policies/{id}", .attribution, .sellers) { try await update($0) }
        table.delete("/v1/attribution-policies/{id}", .attribution, .sellers) { try await remove($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let allowed = try query.bool("allowed")
        try query.finish()
        // At most `Policies.limit` of them, so that they fit one page.
        let rows = try await call.read { try Policies.installed(on: $0).policies }
        return .json { json in
            json.member("items", array: rows.filter { allowed == nil || $0.isAllowed == allowed }) { json, policy in
                json.object { render(&$0, policy, call) }
            }
            json.member("next_cursor", raw: nil)
        }
    }

    private static func show(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        guard let found = try await call.read({ try Policies.find(call.path("id"), on: $0) }) else {
            throw Refusal.notFound
        }
        return .json(revision: found.revision) { render(&$0, found, call) }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body(limit: 2 * AttributionPolicy.documentLimit)
        fields.readOnly("id", "preset", "for_all", "created_by", "created_at", "revision")
        let isAllowed = fields.bool("allowed") ?? true
        var policy: AttributionPolicy?
        if let definition = fields.json("definition") {
            do { policy = try AttributionPolicy.parse(json: Array(definition.canonicalText.utf8)) } catch {
                for problem in error.problems {
                    let field = problem.field.isEmpty ? "definition" : "definition.\(problem.field)"
                    fields.problem(field, problem.detail, code: problem.code)
                }
            }
        } else {
            fields.problem("definition", "Required.", code: "required")
        }
        try fields.finish()
        guard let policy else { throw Refusal.field("definition", "required", "Required.") }
        return try await call.write { db, change in
            let made = try Policies.create(
                policy, isAllowed: isAllowed, createdBy: call.actor.name, now: call.now, on: db)
            change.audit(
                "attribution_policy.created", object: "attribution_policy", id: made.code, after: text(made, call))
            return .json(
                status: 201, revision: made.revision, location: "/v1/attribution-policies/\(made.code)"
            ) { render(&$0, made, call) }
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        fields.readOnly("id", "definition", "preset", "created_by", "created_at", "revision")
        for key in ["allowed", "for_all"] where fields.isNull(key) {
            fields.problem(key, "Cannot be cleared.", code: "required")
        }
        let isAllowed = fields.bool("allowed")
        let isForAll = fields.bool("for_all")
        try fields.finish()
        return try await call.write { db, change in
            let before = try Policies.lock(call.path("id"), on: db)
            try change.requireMatch(before.revision)
            let after = try Policies.change(before, isAllowed: isAllowed, isForAll: isForAll, now: call.now, on: db)
            change.audit(
                "attribution_policy.updated", object: "attribution_policy", id: after.code, before: text(before, call),
                after: text(after, call))
            return .json(revision: after.revision) { render(&$0, after, call) }
        }
    }

    private static func remove(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        return try await call.write { db, change in
            let before = try Policies.lock(call.path("id"), on: db)
            try change.requireMatch(before.revision)
            try Policies.remove(before, on: db)
            change.audit(
                "attribution_policy.removed", object: "attribution_policy", id: before.code, before: text(before, call))
            return .noContent
        }
    }

    private static func text(_ policy: InstalledPolicy, _ call: Call) -> String {
        var json = JSONText()
        json.object { render(&$0, policy, call) }
        return json.text
    }

    private static func render(_ json: inout JSONText, _ policy: InstalledPolicy, _ call: Call) {
        json.member("id", policy.code)
        json.member("definition", raw: policy.policy.json)
        json.member("preset", policy.isPreset)
        json.member("allowed", policy.isAllowed)
        json.member("for_all", policy.isForAll(at: call.now))
        json.member("created_at", policy.createdAt.rfc3339)
        json.member("revision", policy.revision)
    }
}
