import AdModel
import Store

/// `/v1/categories` and `/v1/products`: what advertisers aim at and promote. Quantities are the retailer's business,
/// whether something can be bought is shown on his own site.
enum SearchRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/categories", .catalogue, .everyone) { try await categories($0) }
        table.get("/v1/products", .catalogue, .everyone) { try await products($0) }
        table.get("/v1/products/{sku}", .catalogue, .everyone) { try await product($0) }
    }

    private static func categories(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        let parent = try query.text("parent", limit: 64)
        let roots = try query.bool("roots") ?? false
        let words = try query.text("q", limit: 100)
        try query.finish()
        let filters: [Categories.Filter] =
            (parent.map { [.children($0)] } ?? []) + (roots ? [.roots] : []) + (words.map { [.words($0)] } ?? [])
        guard filters.count <= 1 else {
            throw Refusal(.invalidParameter, field: "q", "Give one of parent, roots and q.")
        }
        let rows = try await call.read {
            try Categories.list(filters.first ?? .all, after: page.after, limit: page.fetchLimit, on: $0)
        }
        return .list(rows, call, page, id: { Int64($0.id) }) { json, row in
            json.member("id", row.code)
            json.member("name", row.name)
            json.member("parent", row.parent)
            json.member("path", row.path)
            json.member("children", row.children)
            json.member("products", row.products)
        }
    }

    private static func products(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        var filter = ProductFilter()
        filter.words = try query.text("q", limit: 100)
        filter.skuPrefix = try query.text("sku", limit: Limits.sku)
        filter.brand = try query.text("brand", limit: 64)
        filter.category = try query.text("category", limit: 64)
        filter.location = try query.text("location", limit: 64)
        filter.onlyBuyable = try query.bool("buyable") ?? false
        try query.finish()
        guard !filter.onlyBuyable || filter.location != nil else {
            throw Refusal(.invalidParameter, field: "buyable", "Give location, too: stock is told per location.")
        }
        let wanted = filter
        do {
            let rows = try await call.read {
                try ProductSearch.list(wanted, now: call.now, after: page.after, limit: page.fetchLimit, on: $0)
            }
            return .list(rows, call, page, id: { Int64($0.id) }) { json, row in
                render(&json, row)
                json.member("offer", raw: row.offer.map { CatalogueRoutes.text($0, render) })
            }
        } catch let refusal as Refusal where refusal.code == .invalidFields {
            // The store speaks of fields; here they are parameters.
            throw Refusal(.invalidParameter, field: refusal.field, refusal.detail)
        }
    }

    private static func product(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let sku = call.path("sku")
        let (row, offers) = try await call.read { try ProductSearch.find(sku: sku, now: call.now, on: $0) }
        return .json { json in
            render(&json, row)
            json.member("offers", array: offers) { json, offer in json.object { render(&$0, offer) } }
        }
    }

    private static func render(_ json: inout JSONText, _ row: ProductRecord) {
        json.member("sku", row.sku)
        json.member("group", row.groupID)
        json.member("name", row.name)
        json.member("feed_brand", row.rawBrand)
        json.member("brand", row.brand)
        json.member("categories", row.categories)
        json.member("url", row.url)
        json.member("picture_url", row.pictureURL)
    }

    private static func render(_ json: inout JSONText, _ offer: ProductOffer) {
        json.member("location", offer.location)
        json.member("buyable", offer.isBuyable)
        json.member("price_micros", offer.priceMicros)
        json.member("old_price_micros", offer.oldPriceMicros)
        json.member("as_of", offer.asOf.rfc3339)
    }
}
