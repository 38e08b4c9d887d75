import Store

/// `/v1/grants`: which advertiser owns which brand. Advertisers see their own only.
enum GrantRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/grants", .catalogue, .everyone) { try await list($0) }
        table.post("/v1/grants", .catalogue, .sellers) { try await create($0) }
        table.get("/v1/grants/{id}", .catalogue, .everyone) { try await get($0) }
        table.patch("/v1/grants/{id}", .catalogue, .sellers) { try await update($0) }
        table.delete("/v1/grants/{id}", .catalogue, .sellers) { try await delete($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        let advertiser = try query.text("advertiser", limit: 64)
        let brand = try query.text("brand", limit: 64)
        let at = try query.instant("at")
        try query.finish()
        let rows = try await call.read {
            try BrandGrants.list(
                advertiser: advertiser, brand: brand, at: at, after: page.after, limit: page.fetchLimit, on: $0)
        }
        return .list(rows, call, page, id: { Int64($0.id) }, render)
    }

    private static func get(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let row = try await call.read { try BrandGrants.find(id, on: $0) }
        return .json(revision: row.revision) { render(&$0, row) }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        fields.readOnly("id", "revision")
        let advertiser = fields.text("advertiser", limit: 64) ?? ""
        let brand = fields.text("brand", limit: 64) ?? ""
        // Null means always, left out means from now on.
        let from = fields.isNull("valid_from") ? nil : fields.instantIfPresent("valid_from") ?? call.now
        let to = fields.instantIfPresent("valid_to")
        try fields.finish()
        return try await call.write { db, change in
            let row = try BrandGrants.create(
                advertiser: advertiser, brand: brand, from: from, to: to, now: call.now, on: db)
            change.audit("created", "grant", row.code, render, after: row, advertiser: row.advertiserID)
            return .json(status: 201, revision: row.revision, location: "/v1/grants/\(row.code)") { render(&$0, row) }
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let fields = try await call.body()
        fields.readOnly("id", "advertiser", "brand", "brand_name", "valid_from", "revision")
        let isGiven = fields.has("valid_to")
        let to = fields.instantIfPresent("valid_to")
        try fields.finish()
        return try await call.write { db, change in
            let before = try BrandGrants.find(id, lock: true, on: db)
            try change.requireMatch(before.revision)
            let after = try BrandGrants.end(before, at: isGiven ? to : before.validity.to, now: call.now, on: db)
            change.audit("updated", "grant", id, render, before: before, after: after, advertiser: after.advertiserID)
            return .json(revision: after.revision) { render(&$0, after) }
        }
    }

    private static func delete(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        return try await call.write { db, change in
            let row = try BrandGrants.find(id, lock: true, on: db)
            try change.requireMatch(row.revision)
            try BrandGrants.delete(row, now: call.now, on: db)
            change.audit("deleted", "grant", id, render, before: row, advertiser: row.advertiserID)
            return .noContent
        }
    }

    static func render(_ json: inout JSONText, _ row: BrandGrantRecord) {
        json.member("id", row.code)
        json.member("advertiser", row.advertiser)
        json.member("brand", row.brand)
        json.member("brand_name", row.brandName)
        json.validity(row.validity)
        json.member("revision", row.revision)
    }
}
