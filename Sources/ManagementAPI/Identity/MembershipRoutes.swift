import AdModel
import Postgres
import Store

/// Who may act for whom. A manager changes and ends memberships of his own advertiser; new ones come by invitation.
enum MembershipRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/memberships", .identity, Grants.givers) { try await list($0) }
        table.post("/v1/memberships", .identity, [.admin]) { try await create($0) }
        table.get("/v1/memberships/{id}", .identity, Grants.givers) { try await show($0) }
        table.patch("/v1/memberships/{id}", .identity, Grants.givers) { try await update($0) }
        table.delete("/v1/memberships/{id}", .identity, Grants.givers) { try await delete($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let user = try query.text("user", limit: 64)
        let advertiser = try query.text("advertiser", limit: 64)
        let page = try query.page()
        try query.finish()
        let rows = try await call.read { db in
            try Memberships.list(
                user: user, advertiser: advertiser, after: page.after, limit: Int(page.fetchLimit), on: db)
        }
        return .list(rows, call, page, id: { Int64($0.id) }, IdentityJSON.membership)
    }

    private static func show(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let code = call.path("id")
        let found = try await call.read { try Memberships.find(code, on: $0) }
        guard let found else { throw Refusal.notFound }
        return .json(revision: found.revision) { IdentityJSON.membership(&$0, found) }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        try Grants.requireFullPower(call)
        let fields = try await call.body()
        let code = Grants.code(fields, call, prefix: "mem")
        let userCode = fields.text("user", limit: 64)
        let (role, advertiser) = Grants.role(fields, call)
        try fields.finish()
        guard let userCode else { throw Refusal.notFound }
        return try await call.write { db, change in
            guard let user = try Users.find(userCode, on: db) else {
                throw Refusal.unknownReference("user", userCode)
            }
            let made = try Memberships.create(
                code: code, user: user, advertiser: try Grants.advertiser(advertiser, on: db), role: role,
                now: call.now, on: db)
            change.audit(
                "membership.created", object: "membership", id: code, advertiser: made.advertiserID,
                after: IdentityJSON.text(made))
            return .json(status: 201, revision: made.revision, location: "/v1/memberships/\(code)") {
                IdentityJSON.membership(&$0, made)
            }
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        try Grants.requireFullPower(call)
        let fields = try await call.body()
        fields.readOnly("id", "user", "advertiser", "advertiser_name", "created_at", "revision")
        let role = fields.word("role", AccessRoles.retailer + AccessRoles.advertiser)
        try fields.finish()
        let code = call.path("id")
        guard let role else { throw Refusal.notFound }
        return try await call.write { db, change in
            let before = try Memberships.lock(code, on: db)
            try change.requireMatch(before.revision)
            let after = try Memberships.setRole(before, role, on: db)
            change.audit(
                "membership.updated", object: "membership", id: code, advertiser: before.advertiserID,
                before: IdentityJSON.text(before), after: IdentityJSON.text(after))
            return .json(revision: after.revision) { IdentityJSON.membership(&$0, after) }
        }
    }

    private static func delete(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let code = call.path("id")
        return try await call.write { db, change in
            let before = try Memberships.lock(code, on: db)
            try change.requireMatch(before.revision)
            try Memberships.delete(before, on: db)
            change.audit(
                "membership.deleted", object: "membership", id: code, advertiser: before.advertiserID,
                before: IdentityJSON.text(before))
            return .noContent
        }
    }
}
