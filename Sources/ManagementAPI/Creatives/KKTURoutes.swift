import AdModel
import ORD
import Postgres
import Store

/// The classifier of goods and services (ККТУ): search by words, suggestions, and what the retailer's categories are
/// called in it.
enum KKTURoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/kktu", .campaigns, .everyone, search)
        table.get("/v1/kktu/{code}", .campaigns, .everyone, find)
        table.get("/v1/campaigns/{id}/kktu-suggestions", .campaigns, .everyone, suggest)
        table.get("/v1/category-kktu", .catalogue, .retailer, mapping)
        table.put("/v1/category-kktu/{category}", .catalogue, .sellers, map)
    }

    /// With refreshes that another node has taken over.
    private static func dictionary(_ call: Call) async throws -> KKTUDictionary {
        try await call.read { db in try FinanceCalls.kktu(call, on: db) }
    }

    private static func render(_ json: inout JSONText, _ entry: KKTUDictionary.Entry) {
        json.member("code", entry.code)
        json.member("level", entry.level)
        json.member("parent", entry.parent)
        json.member("name", entry.displayName)
        json.member("usable", entry.isUsable)
        json.member("vanished_on", entry.vanishedOn?.description)
    }

    @Sendable private static func search(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let text = try query.text("q", limit: 100)
        let parent = try query.text("parent", limit: 16)
        let usable = try query.bool("usable")
        let limit = try query.int("limit", 1...500) ?? 50
        try query.finish()
        let dictionary = try await dictionary(call)
        var entries = text.map { dictionary.search($0, limit: 500) } ?? dictionary.entries
        if let parent { entries = entries.filter { $0.parent == parent } }
        if let usable { entries = entries.filter { $0.isUsable == usable } }
        return .json { json in
            json.member("items", array: entries.prefix(limit)) { json, entry in json.object { render(&$0, entry) } }
            json.member("next_cursor", raw: nil)
        }
    }

    @Sendable private static func find(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        guard let entry = try await dictionary(call).entry(call.path("code")) else { throw Refusal.notFound }
        return .json { render(&$0, entry) }
    }

    @Sendable private static func suggest(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let dictionary = try await dictionary(call)
        return try await call.read { db in
            guard
                let row = try db.query("select id, kktu from campaign where code = $1", [.text(call.path("id"))]).first
            else { throw Refusal.notFound }
            let suggestions = try KKTUSuggestions.suggest(
                campaign: try row.int32("id"), dictionary: dictionary, on: db)
            let chosen = try row.stringIfPresent("kktu")
            return .json { json in
                json.member("chosen", chosen)
                json.member("items", array: suggestions) { json, found in
                    json.object {
                        $0.member("code", found.code)
                        $0.member("name", found.name)
                        $0.member("source", found.source)
                        $0.member("categories", found.categories)
                        $0.member("products", found.products)
                    }
                }
            }
        }
    }

    // MARK: Mapping

    private static func render(_ json: inout JSONText, _ category: CategoryKKTU) {
        json.member("category", category.category)
        json.member("category_name", category.name)
        json.member("kktu", category.kktu)
        json.member("source", category.source)
        json.member("approvals", category.approvals)
    }

    @Sendable private static func mapping(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        try query.finish()
        return try await call.read { db in
            let rows = try KKTUSuggestions.mapping(after: page.after, limit: page.fetchLimit, on: db)
            return .list(rows, call, page, id: { Int64($0.id) }) { render(&$0, $1) }
        }
    }

    @Sendable private static func map(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        let clears = body.isNull("kktu")
        let code = clears ? nil : body.text("kktu", limit: 16)
        if let code, try await dictionary(call).entry(code)?.canBeChosen != true {
            body.problem("kktu", "Must be a third-level code of the dictionary.", code: "unknown_reference")
        }
        try body.finish()
        return try await call.write { db, change in
            let before = try KKTUSuggestions.find(category: call.path("category"), on: db)
            let after = try KKTUSuggestions.set(category: before, kktu: code, now: call.now, on: db)
            func audited(_ category: CategoryKKTU) -> String {
                var json = JSONText()
                json.object { render(&$0, category) }
                return json.text
            }
            change.audit(
                "category.kktu_set", object: "category", id: after.category, before: audited(before),
                after: audited(after))
            return .json { render(&$0, after) }
        }
    }
}
