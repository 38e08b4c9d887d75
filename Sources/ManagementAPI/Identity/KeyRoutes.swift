import AdModel
import Postgres
import Store

/// Keys for programs: the retailer's admin for shops, advertisers and the retailer, a manager for his advertiser.
enum KeyRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/api-keys", .identity, Grants.givers) { try await list($0) }
        table.post("/v1/api-keys", .identity, Grants.givers) { try await create($0) }
        table.get("/v1/api-keys/{id}", .identity, Grants.givers) { try await show($0) }
        table.patch("/v1/api-keys/{id}", .identity, Grants.givers) { try await update($0) }
        table.post("/v1/api-keys/{id}/revoke", .identity, Grants.givers) { try await revoke($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let kind = try query.word("kind", ["shop", "advertiser", "retailer"])
        let advertiser = try query.text("advertiser", limit: 64)
        let revoked = try query.bool("revoked")
        let page = try query.page()
        try query.finish()
        let rows = try await call.read { db in
            try APIKeys.list(
                kind: kind, advertiser: advertiser, revoked: revoked, after: page.after, limit: Int(page.fetchLimit),
                on: db)
        }
        return .list(rows, call, page, id: { Int64($0.id) }, IdentityJSON.key)
    }

    private static func show(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let code = call.path("id")
        let found = try await call.read { try APIKeys.find(code, on: $0) }
        guard let found else { throw Refusal.notFound }
        return .json(revision: found.revision) { IdentityJSON.key(&$0, found) }
    }

    private struct Draft {
        var code: String
        var name: String
        var kind: String
        var storefront: String?
        var advertiser: String?
        var role: String?
        var scopes: [String]?
        var expiresAt: Timestamp?
    }

    private static func draft(_ fields: Fields, _ call: Call) throws -> Draft {
        let kinds = call.actor.isRetailer ? ["shop", "advertiser", "retailer"] : ["advertiser"]
        let kind = fields.word("kind", kinds) ?? ""
        var draft = Draft(
            code: Grants.code(fields, call, prefix: "key"), name: fields.text("name", limit: 120) ?? "", kind: kind)
        draft.storefront = fields.textIfPresent("storefront", limit: 64)
        draft.advertiser = fields.textIfPresent("advertiser", limit: 64)
        draft.role = fields.wordIfPresent("role", kind == "retailer" ? AccessRoles.retailer : AccessRoles.advertiser)
        let scopes = fields.words("scopes", KeyScopes.all, limit: 32)
        draft.scopes = scopes.isEmpty ? nil : scopes
        draft.expiresAt = fields.instantIfPresent("expires_at")
        for (key, given, wanted) in [
            ("storefront", draft.storefront != nil, kind == "shop"),
            ("advertiser", draft.advertiser != nil, kind == "advertiser"),
            ("role", draft.role != nil, kind != "shop"), ("scopes", draft.scopes != nil, kind != "shop"),
        ] where !kind.isEmpty && given != wanted {
            if wanted {
                fields.problem(key, "Required for this kind of key.", code: "required")
            } else {
                fields.problem(key, "Not for this kind of key.", code: "not_allowed")
            }
        }
        requireFuture(draft.expiresAt, fields, call)
        try fields.finish()
        return draft
    }

    private static func requireFuture(_ end: Timestamp?, _ fields: Fields, _ call: Call) {
        if let end, end <= call.now { fields.problem("expires_at", "Must be in the future.", code: "out_of_range") }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        try Grants.requireFullPower(call)
        let draft = try draft(try await call.body(), call)
        return try await call.write { db, change in
            let owner: APIKeys.Owner
            if let code = draft.storefront {
                guard let row = try db.query("select id from storefront where code = $1", [.text(code)]).first else {
                    throw Refusal.unknownReference("storefront", code)
                }
                owner = .shop(storefront: try row.int32("id"))
            } else if let advertiser = try Grants.advertiser(draft.advertiser, on: db) {
                owner = .advertiser(advertiser)
            } else {
                owner = .retailer
            }
            try requireNoLongerThanCaller(draft.expiresAt, call, on: db)
            let (made, text) = try APIKeys.create(
                code: draft.code, name: draft.name, owner: owner, role: draft.role, scopes: draft.scopes,
                expiresAt: draft.expiresAt, createdBy: call.actor.name, now: call.now, on: db)
            change.audit(
                "api_key.created", object: "api_key", id: made.code, advertiser: made.advertiserID,
                after: IdentityJSON.text(made))
            if made.kind == "shop" { change.servingChanged() }
            var answer = Answer.json(
                status: 201, revision: made.revision, location: "/v1/api-keys/\(made.code)"
            ) { json in
                IdentityJSON.key(&json, made)
                json.member("key", text)
            }
            answer.holdsSecret = true
            return answer
        }
    }

    /// A key that ends must not leave one behind that does not.
    private static func requireNoLongerThanCaller(
        _ end: Timestamp?, _ call: Call, on db: isolated PostgresConnection
    ) throws {
        guard call.actor.name.hasPrefix("key:"),
            let own = try APIKeys.find(String(call.actor.name.dropFirst(4)), on: db)?.expiresAt
        else { return }
        guard let end, end <= own else {
            throw Refusal.field(
                "expires_at", "out_of_range", "Must not be after the end of the key that you use, \(own.rfc3339).")
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        try Grants.requireFullPower(call)
        let fields = try await call.body()
        fields.readOnly(
            "id", "prefix", "kind", "storefront", "advertiser", "role", "created_at", "last_used_at", "revoked_at",
            "revision")
        let name = fields.textIfPresent("name", limit: 120)
        let scopes = fields.words("scopes", KeyScopes.all, limit: 32)
        let changesScopes = fields.has("scopes")
        if changesScopes, scopes.isEmpty { fields.problem("scopes", "Give at least one.", code: "required") }
        let changesEnd = fields.has("expires_at")
        let end = fields.instantIfPresent("expires_at")
        requireFuture(end, fields, call)
        if fields.isNull("name") { fields.problem("name", "Cannot be cleared.", code: "required") }
        try fields.finish()
        let code = call.path("id")
        return try await call.write { db, change in
            let before = try APIKeys.lock(code, on: db)
            try change.requireMatch(before.revision)
            if changesScopes, before.kind == "shop" {
                throw Refusal.field("scopes", "not_allowed", "A shop's key has no scopes.")
            }
            if changesEnd { try requireNoLongerThanCaller(end, call, on: db) }
            let after = try APIKeys.update(
                before, name: name, scopes: changesScopes ? scopes : nil, expiresAt: changesEnd ? .some(end) : nil,
                on: db)
            change.audit(
                "api_key.updated", object: "api_key", id: code, advertiser: before.advertiserID,
                before: IdentityJSON.text(before), after: IdentityJSON.text(after))
            if after.kind == "shop", changesEnd { change.servingChanged() }
            return .json(revision: after.revision) { IdentityJSON.key(&$0, after) }
        }
    }

    private static func revoke(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let code = call.path("id")
        return try await call.write { db, change in
            let before = try APIKeys.lock(code, on: db)
            let after = try APIKeys.revoke(before, now: call.now, on: db)
            if before.revokedAt == nil {
                change.audit(
                    "api_key.revoked", object: "api_key", id: code, advertiser: before.advertiserID,
                    before: IdentityJSON.text(before), after: IdentityJSON.text(after))
                if after.kind == "shop" { change.servingChanged() }
            } else {
                change.nothingChanged()
            }
            return .json(revision: after.revision) { IdentityJSON.key(&$0, after) }
        }
    }
}
