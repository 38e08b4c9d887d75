import AdModel
import Store

/// `/v1/erasures`: forgetting a shopper who asked for it.
enum ErasureRoutes {
    static func add(to table: inout RouteTable) {
        table.post("/v1/erasures", .operations, [.admin]) { try await request($0) }
        table.get("/v1/erasures/{id}", .operations, [.admin]) { try await find($0) }
    }

    private static func request(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        let visitor = id("visitor_id", fields)
        let customer = id("customer_id", fields)
        if visitor == nil, customer == nil {
            fields.problem("visitor_id", "Name a visitor or a customer.", code: "required")
        }
        try fields.finish()
        let keys = call.services.shopperKeys
        return try await call.write { db, change in
            let erasure = try Erasures.request(
                visitor: visitor, customer: customer, keys: keys, actor: call.actor.name, now: call.now, on: db)
            // Whom it was about is the one thing that must not be kept.
            change.audit("erasure.requested", object: "erasure", id: erasure.code)
            change.servingChanged()
            return .json(status: 201, location: "/v1/erasures/\(erasure.code)") { render(&$0, erasure) }
        }
    }

    private static func id(_ key: String, _ fields: Fields) -> String? {
        guard let text = fields.textIfPresent(key, limit: CallerID.limit) else { return nil }
        guard CallerID.isAcceptable(Array(text.utf8)) else {
            fields.problem(key, "Not an id as shops may send them.")
            return nil
        }
        return text
    }

    private static func find(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let erasure = try await call.read { try Erasures.find(id, on: $0) }
        return .json { render(&$0, erasure) }
    }

    private static func render(_ json: inout JSONText, _ erasure: ErasureRecord) {
        json.member("id", erasure.code)
        json.member("requested_at", erasure.requestedAt.rfc3339)
        json.member("done_at", erasure.doneAt?.rfc3339)
    }
}
