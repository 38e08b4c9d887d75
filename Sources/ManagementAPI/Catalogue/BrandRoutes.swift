import Decisioning
import Store

/// `/v1/brands` and the spellings of the catalogue that wait for a brand.
enum BrandRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/brands", .catalogue, .everyone) { try await list($0) }
        table.post("/v1/brands", .catalogue, .sellers) { try await create($0) }
        table.get("/v1/brands/{id}", .catalogue, .everyone) { try await get($0) }
        table.patch("/v1/brands/{id}", .catalogue, .sellers) { try await update($0) }
        table.delete("/v1/brands/{id}", .catalogue, .sellers) { try await delete($0) }
        table.get("/v1/brand-proposals", .catalogue, .retailer) { try await proposals($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        let search = try query.text("q", limit: 100)
        try query.finish()
        let rows = try await call.read {
            try Brands.list(search: search, after: page.after, limit: page.fetchLimit, on: $0)
        }
        return .list(rows, call, page, id: { Int64($0.id) }, render)
    }

    private static func get(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let row = try await call.read { try Brands.find(id, on: $0) }
        return .json(revision: row.revision) { render(&$0, row) }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        let draft = BrandRecord(
            code: fields.code("id", underscore: true) ?? Code.make("brd"), name: fields.text("name") ?? "",
            competitorBlock: CompetitorField.read(fields) ?? .none)
        try fields.finish()
        return try await call.write { db, change in
            let row = try Brands.create(draft, now: call.now, on: db)
            change.audit("created", "brand", row.code, render, after: row)
            change.servingChanged()
            return .json(status: 201, revision: row.revision, location: "/v1/brands/\(row.code)") { render(&$0, row) }
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let fields = try await call.body()
        fields.readOnly("id", "revision")
        let name = fields.has("name") ? fields.text("name") : nil
        let block = CompetitorField.read(fields)
        try fields.finish()
        return try await call.write { db, change in
            let before = try Brands.find(id, lock: true, on: db)
            try change.requireMatch(before.revision)
            var row = before
            row.name = name ?? row.name
            row.competitorBlock = block ?? row.competitorBlock
            let after = try Brands.update(row, on: db)
            change.audit("updated", "brand", id, render, before: before, after: after)
            change.servingChanged()
            return .json(revision: after.revision) { render(&$0, after) }
        }
    }

    private static func delete(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        return try await call.write { db, change in
            let row = try Brands.find(id, lock: true, on: db)
            try change.requireMatch(row.revision)
            try Brands.delete(row, on: db)
            change.audit("deleted", "brand", id, render, before: row)
            change.servingChanged()
            return .noContent
        }
    }

    private static func proposals(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        try query.finish()
        let rows = try await call.read {
            try BrandProposals.list(now: call.now, after: page.after, limit: page.fetchLimit, on: $0)
        }
        // Proposals have no ids: the cursor counts those that were shown.
        return .list(rows, call, page, id: { _ in page.after + Int64(page.limit) }) { json, row in
            json.member("alias", row.raw)
            json.member("products", row.products)
            json.member("suggested_brand", row.suggestedBrand)
        }
    }

    static func render(_ json: inout JSONText, _ row: BrandRecord) {
        json.member("id", row.code)
        json.member("name", row.name)
        json.member(CompetitorField.name, row.competitorBlock.rawValue)
        json.member("revision", row.revision)
    }
}
