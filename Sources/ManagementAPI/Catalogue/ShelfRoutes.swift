import AdModel
import Store

/// `/v1/shelves`: what the algorithms of shelves know.
enum ShelfRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/shelves", .catalogue, .retailer) { call in
            try call.requireNoQuery()
            let build = try await call.read { try ShelfStore.latest(on: $0) }
            return .json { json in
                json.member("version", build?.version ?? 0)
                json.member("computed_at", build?.computedAt.rfc3339)
                json.member("products", build?.products ?? 0)
                json.member("orders", build?.orders ?? 0)
                json.member("views", build?.views ?? 0)
                json.member("neighbours", build?.neighbours ?? 0)
            }
        }
    }
}
