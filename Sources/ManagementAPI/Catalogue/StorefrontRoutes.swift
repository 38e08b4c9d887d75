import AdModel
import ORD
import Store

/// `/v1/storefronts` and the pads that they are to the operator.
enum StorefrontRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/storefronts", .catalogue, .everyone) { try await list($0) }
        table.post("/v1/storefronts", .catalogue, .sellers) { try await create($0) }
        table.get("/v1/storefronts/{id}", .catalogue, .everyone) { try await get($0) }
        table.patch("/v1/storefronts/{id}", .catalogue, .sellers) { try await update($0) }
        table.delete("/v1/storefronts/{id}", .catalogue, .sellers) { try await delete($0) }
        table.get("/v1/pads", .catalogue, .retailer) { try await pads($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        try query.finish()
        let rows = try await call.read { try Storefronts.list(after: page.after, limit: page.fetchLimit, on: $0) }
        return .list(rows, call, page, id: { Int64($0.id) }, render)
    }

    private static func get(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let row = try await call.read { try Storefronts.find(id, on: $0) }
        return .json(revision: row.revision) { render(&$0, row) }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        var draft = StorefrontRecord(code: fields.code("id") ?? Code.make("sf"), name: "", url: "")
        draft.name = fields.text("name", limit: 100) ?? ""
        draft.url = fields.text("url", limit: 2_000) ?? ""
        read(fields, into: &draft)
        try fields.finish()
        let made = draft
        return try await call.write { db, change in
            let row = try Storefronts.create(made, on: db)
            change.audit("created", "storefront", row.code, render, after: row)
            change.servingChanged()
            return .json(status: 201, revision: row.revision, location: "/v1/storefronts/\(row.code)") {
                render(&$0, row)
            }
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        fields.readOnly("id", "pad", "revision")
        let id = call.path("id")
        var patch = StorefrontRecord(code: id, name: "", url: "")
        let hasName = fields.has("name")
        let hasURL = fields.has("url")
        if hasName { patch.name = fields.text("name", limit: 100) ?? "" }
        if hasURL { patch.url = fields.text("url", limit: 2_000) ?? "" }
        let given = Set(["kind", "zone", "default_location", "landing_hosts"].filter(fields.has))
        read(fields, into: &patch)
        try fields.finish()
        let read = patch
        return try await call.write { db, change in
            let before = try Storefronts.find(id, lock: true, on: db)
            try change.requireMatch(before.revision)
            var row = before
            if hasName { row.name = read.name }
            if hasURL { row.url = read.url }
            if given.contains("kind") { row.kind = read.kind }
            if given.contains("zone") { row.zone = read.zone }
            if given.contains("default_location") { row.defaultLocation = read.defaultLocation }
            if given.contains("landing_hosts") { row.landingHosts = read.landingHosts }
            let after = try Storefronts.update(row, on: db)
            change.audit("updated", "storefront", id, render, before: before, after: after)
            change.servingChanged()
            return .json(revision: after.revision) { render(&$0, after) }
        }
    }

    /// What has a default.
    private static func read(_ fields: Fields, into draft: inout StorefrontRecord) {
        draft.kind = fields.wordIfPresent("kind", Pad.types) ?? "web"
        draft.zone = fields.textIfPresent("zone", limit: 64) ?? "Europe/Moscow"
        draft.defaultLocation = fields.textIfPresent("default_location", limit: 64)
        draft.landingHosts = fields.texts("landing_hosts", limit: Storefronts.landingHostLimit, itemLimit: 253)
    }

    private static func delete(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        return try await call.write { db, change in
            let row = try Storefronts.find(id, lock: true, on: db)
            try change.requireMatch(row.revision)
            try Storefronts.delete(row, on: db)
            change.audit("deleted", "storefront", id, render, before: row)
            change.servingChanged()
            return .noContent
        }
    }

    private static func pads(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        try query.finish()
        let rows = try await call.read { try Storefronts.list(after: page.after, limit: page.fetchLimit, on: $0) }
        return .list(rows, call, page, id: { Int64($0.id) }) { json, row in
            json.member("id", row.padID)
            json.member("storefront", row.code)
            json.member("type", row.kind)
            json.member("name", row.name)
            json.member("url", row.url)
            json.member("findings", array: row.padFindings) { json, finding in
                json.object {
                    $0.member("code", finding.code)
                    $0.member("field", finding.field)
                    $0.member("detail", finding.message)
                }
            }
        }
    }

    static func render(_ json: inout JSONText, _ row: StorefrontRecord) {
        json.member("id", row.code)
        json.member("name", row.name)
        json.member("url", row.url)
        json.member("kind", row.kind)
        json.member("zone", row.zone)
        json.member("default_location", row.defaultLocation)
        json.member("landing_hosts", row.landingHosts)
        json.member("pad", row.padID)
        json.member("revision", row.revision)
    }
}
