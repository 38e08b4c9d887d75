import AdFormats
import AdModel
import Decisioning
import Store

/// `/v1/storefronts/{id}/placements`.
enum PlacementRoutes {
    private static let formatLimit = 64

    static func add(to table: inout RouteTable) {
        table.get("/v1/storefronts/{id}/placements", .catalogue, .everyone) { try await list($0) }
        table.post("/v1/storefronts/{id}/placements", .catalogue, .sellers) { try await create($0) }
        table.get("/v1/storefronts/{id}/placements/{placement}", .catalogue, .everyone) { try await get($0) }
        table.patch("/v1/storefronts/{id}/placements/{placement}", .catalogue, .sellers) { try await update($0) }
        table.delete("/v1/storefronts/{id}/placements/{placement}", .catalogue, .sellers) { try await delete($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        try query.finish()
        let storefront = call.path("id")
        let rows = try await call.read {
            try Placements.list(storefront: storefront, after: page.after, limit: page.fetchLimit, on: $0)
        }
        return .list(rows, call, page, id: { Int64($0.id) }, render)
    }

    private static func get(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let (storefront, code) = (call.path("id"), call.path("placement"))
        let row = try await call.read { try Placements.find(storefront: storefront, code, on: $0) }
        return .json(revision: row.revision) { render(&$0, row) }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let storefront = call.path("id")
        let fields = try await call.body()
        var draft = PlacementRecord(
            storefrontID: 0, storefront: storefront, code: fields.code("id", underscore: true) ?? Code.make("plc"),
            pageType: .other, formats: [])
        if !fields.has("page_type") { fields.problem("page_type", "Required.", code: "required") }
        if !fields.has("formats") { fields.problem("formats", "Required.", code: "required") }
        read(fields, call, into: &draft)
        try fields.finish()
        let made = draft
        return try await call.write { db, change in
            var made = made
            made.storefrontID = try Storefronts.find(storefront, on: db).id
            let row = try Placements.create(made, on: db)
            change.audit("created", "placement", name(row), render, after: row)
            change.servingChanged()
            return .json(
                status: 201, revision: row.revision, location: "/v1/storefronts/\(storefront)/placements/\(row.code)"
            ) { render(&$0, row) }
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let (storefront, code) = (call.path("id"), call.path("placement"))
        let fields = try await call.body()
        fields.readOnly("id", "storefront", "revision")
        // Read into the row itself: what is not given keeps its value. The revision makes sure it is the row meant.
        let before = try await call.read { try Placements.find(storefront: storefront, code, on: $0) }
        var draft = before
        read(fields, call, into: &draft)
        try fields.finish()
        let changed = draft
        return try await call.write { db, change in
            let current = try Placements.find(storefront: storefront, code, lock: true, on: db)
            try change.requireMatch(current.revision)
            guard current.revision == changed.revision else {
                throw Refusal(.preconditionFailed, "It has changed since you read it; read it again, then change it.")
            }
            let row = try Placements.update(changed, on: db)
            change.audit("updated", "placement", name(row), render, before: current, after: row)
            change.servingChanged()
            return .json(revision: row.revision) { render(&$0, row) }
        }
    }

    private static func delete(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let (storefront, code) = (call.path("id"), call.path("placement"))
        return try await call.write { db, change in
            let row = try Placements.find(storefront: storefront, code, lock: true, on: db)
            try change.requireMatch(row.revision)
            try Placements.delete(row, on: db)
            change.audit("deleted", "placement", name(row), render, before: row)
            change.servingChanged()
            return .noContent
        }
    }

    private static func read(_ fields: Fields, _ call: Call, into draft: inout PlacementRecord) {
        if fields.has("page_type") {
            draft.pageType =
                fields.word("page_type", PageType.allCases.map(\.rawValue)).flatMap(PageType.init) ?? .other
        }
        if fields.has("formats") {
            draft.formats =
                call.services.formats.map { fields.words("formats", $0.formats.keys.sorted(), limit: formatLimit) }
                ?? fields.texts("formats", limit: formatLimit)
            if draft.formats.isEmpty { fields.problem("formats", "Name at least one ad format.", code: "too_short") }
        }
        if let ads = fields.intIfPresent("max_ads", 1...Int64(Limits.adsPerSlot)) { draft.maxAds = Int32(ads) }
        if let rank = fields.intIfPresent("rank", 0...1_000_000) { draft.rank = Int32(rank) }
        if let floor = fields.microsIfPresent("floor_micros") { draft.floorMicros = floor }
        if let flag = fields.bool("repeat_advertiser") { draft.repeatAdvertiser = flag }
        if let flag = fields.bool("repeat_brand") { draft.repeatBrand = flag }
        if let block = CompetitorField.read(fields) { draft.competitorBlock = block }
        if let weight = fields.intIfPresent("margin_weight_percent", 0...100) {
            draft.marginWeightPercent = Int32(weight)
        }
        if fields.has("shelf") { draft.shelf = ShelfBody.read(fields) }
    }

    /// How the audit log names a placement: its code is unique within the storefront only.
    private static func name(_ row: PlacementRecord) -> String { "\(row.storefront)/\(row.code)" }

    static func render(_ json: inout JSONText, _ row: PlacementRecord) {
        json.member("id", row.code)
        json.member("storefront", row.storefront)
        json.member("page_type", row.pageType.rawValue)
        json.member("formats", row.formats)
        json.member("max_ads", row.maxAds)
        json.member("rank", row.rank)
        json.member("floor_micros", row.floorMicros)
        json.member("repeat_advertiser", row.repeatAdvertiser)
        json.member("repeat_brand", row.repeatBrand)
        json.member(CompetitorField.name, row.competitorBlock.rawValue)
        json.member("margin_weight_percent", row.marginWeightPercent)
        ShelfBody.render(&json, row.shelf)
        json.member("revision", row.revision)
    }
}
