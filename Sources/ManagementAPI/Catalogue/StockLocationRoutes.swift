import Store

/// `/v1/stock-locations`.
enum StockLocationRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/stock-locations", .catalogue, .everyone) { try await list($0) }
        table.post("/v1/stock-locations", .catalogue, .sellers) { try await create($0) }
        table.get("/v1/stock-locations/{id}", .catalogue, .everyone) { try await get($0) }
        table.patch("/v1/stock-locations/{id}", .catalogue, .sellers) { try await update($0) }
        table.delete("/v1/stock-locations/{id}", .catalogue, .sellers) { try await delete($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        try query.finish()
        let rows = try await call.read { try StockLocations.list(after: page.after, limit: page.fetchLimit, on: $0) }
        return .list(rows, call, page, id: { Int64($0.id) }, render)
    }

    private static func get(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let row = try await call.read { try StockLocations.find(id, on: $0) }
        return .json(revision: row.revision) { render(&$0, row) }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        let draft = StockLocationRecord(
            code: fields.code("id", underscore: true) ?? Code.make("loc"), name: fields.text("name") ?? "",
            regions: fields.texts("regions", limit: StockLocations.regionLimit, itemLimit: 8))
        try fields.finish()
        return try await call.write { db, change in
            let row = try StockLocations.create(draft, on: db)
            change.audit("created", "stock_location", row.code, render, after: row)
            change.servingChanged()
            return .json(status: 201, revision: row.revision, location: "/v1/stock-locations/\(row.code)") {
                render(&$0, row)
            }
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let fields = try await call.body()
        fields.readOnly("id", "revision")
        let name = fields.has("name") ? fields.text("name") : nil
        let regions =
            fields.has("regions") ? fields.texts("regions", limit: StockLocations.regionLimit, itemLimit: 8) : nil
        try fields.finish()
        return try await call.write { db, change in
            let before = try StockLocations.find(id, lock: true, on: db)
            try change.requireMatch(before.revision)
            var row = before
            row.name = name ?? row.name
            row.regions = regions ?? row.regions
            let after = try StockLocations.update(row, on: db)
            change.audit("updated", "stock_location", id, render, before: before, after: after)
            change.servingChanged()
            return .json(revision: after.revision) { render(&$0, after) }
        }
    }

    private static func delete(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        return try await call.write { db, change in
            let row = try StockLocations.find(id, lock: true, on: db)
            try change.requireMatch(row.revision)
            try StockLocations.delete(row, on: db)
            change.audit("deleted", "stock_location", id, render, before: row)
            change.servingChanged()
            return .noContent
        }
    }

    static func render(_ json: inout JSONText, _ row: StockLocationRecord) {
        json.member("id", row.code)
        json.member("name", row.name)
        json.member("regions", row.regions)
        json.member("revision", row.revision)
    }
}
