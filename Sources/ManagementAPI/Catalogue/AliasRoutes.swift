import Store

/// `/v1/brand-aliases`: creating one is the approval of a spelling.
enum AliasRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/brand-aliases", .catalogue, .retailer) { try await list($0) }
        table.post("/v1/brand-aliases", .catalogue, .sellers) { try await create($0) }
        table.get("/v1/brand-aliases/{id}", .catalogue, .retailer) { try await get($0) }
        table.patch("/v1/brand-aliases/{id}", .catalogue, .sellers) { try await update($0) }
        table.delete("/v1/brand-aliases/{id}", .catalogue, .sellers) { try await delete($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        let brand = try query.text("brand", limit: 64)
        let alias = try query.text("alias")
        try query.finish()
        let rows = try await call.read {
            try BrandAliases.list(brand: brand, alias: alias, after: page.after, limit: page.fetchLimit, on: $0)
        }
        return .list(rows, call, page, id: { Int64($0.id) }, render)
    }

    private static func get(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let row = try await call.read { try BrandAliases.find(id, on: $0) }
        return .json(revision: row.revision) { render(&$0, row) }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        fields.readOnly("id", "revision")
        let alias = fields.text("alias") ?? ""
        let brand = fields.text("brand", limit: 64) ?? ""
        // Null means always, left out means from now on.
        let from = fields.isNull("valid_from") ? nil : fields.instantIfPresent("valid_from") ?? call.now
        let to = fields.instantIfPresent("valid_to")
        try fields.finish()
        return try await call.write { db, change in
            let row = try BrandAliases.create(alias: alias, brand: brand, from: from, to: to, now: call.now, on: db)
            change.audit("created", "brand_alias", row.code, render, after: row)
            change.servingChanged()
            return .json(status: 201, revision: row.revision, location: "/v1/brand-aliases/\(row.code)") {
                render(&$0, row)
            }
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let fields = try await call.body()
        fields.readOnly("id", "alias", "brand", "valid_from", "revision")
        let isGiven = fields.has("valid_to")
        let to = fields.instantIfPresent("valid_to")
        try fields.finish()
        return try await call.write { db, change in
            let before = try BrandAliases.find(id, lock: true, on: db)
            try change.requireMatch(before.revision)
            let after = try BrandAliases.end(
                before, at: isGiven ? to : before.validity.to, now: call.now, on: db)
            change.audit("updated", "brand_alias", id, render, before: before, after: after)
            change.servingChanged()
            return .json(revision: after.revision) { render(&$0, after) }
        }
    }

    private static func delete(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        return try await call.write { db, change in
            let row = try BrandAliases.find(id, lock: true, on: db)
            try change.requireMatch(row.revision)
            try BrandAliases.delete(row, now: call.now, on: db)
            change.audit("deleted", "brand_alias", id, render, before: row)
            return .noContent
        }
    }

    static func render(_ json: inout JSONText, _ row: BrandAliasRecord) {
        json.member("id", row.code)
        json.member("alias", row.alias)
        json.member("brand", row.brand)
        json.validity(row.validity)
        json.member("revision", row.revision)
    }
}
