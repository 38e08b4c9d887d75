import AdModel
import Postgres
import Store

/// Users. The retailer's admin keeps them; an advertiser's manager sees those of his advertiser.
enum UserRoutes {
    /// Memberships that a new user may get at once.
    static let membershipsAtOnce = 20

    static func add(to table: inout RouteTable) {
        table.get("/v1/users", .identity, Grants.givers) { try await list($0) }
        table.post("/v1/users", .identity, [.admin]) { try await create($0) }
        table.get("/v1/users/{id}", .identity, Grants.givers) { try await show($0) }
        table.patch("/v1/users/{id}", .identity, [.admin]) { try await update($0) }
        table.delete("/v1/users/{id}", .identity, [.admin]) { try await delete($0) }
        table.post("/v1/users/{id}/password-reset", .identity, [.admin]) { try await sendReset($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let filter = Users.Filter(
            advertiser: try query.text("advertiser", limit: 64),
            role: try query.word("role", AccessRoles.retailer + AccessRoles.advertiser),
            disabled: try query.bool("disabled"), text: try query.text("text", limit: 100))
        let page = try query.page()
        try query.finish()
        let rows = try await call.read { db in
            try Users.list(filter, after: page.after, limit: Int(page.fetchLimit), on: db)
        }
        return .list(rows, call, page, id: { Int64($0.id) }, IdentityJSON.user)
    }

    private static func show(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let code = call.path("id")
        let found = try await call.read { try Users.find(code, on: $0) }
        guard let found else { throw Refusal.notFound }
        return .json(revision: found.revision) { IdentityJSON.user(&$0, found) }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        try Grants.requireFullPower(call)
        let fields = try await call.body(limit: 65_536)
        let code = Grants.code(fields, call, prefix: "usr")
        let text = fields.text("email", limit: 254)
        let email = text.flatMap { EmailAddress($0) }
        if text != nil, email == nil { fields.problem("email", "Must be an e-mail address like anna@shop.example.") }
        let name = fields.text("name", limit: 120)
        let language = fields.wordIfPresent("language", ["ru", "en"]) ?? "ru"
        let given = fields.objects("memberships", limit: membershipsAtOnce)
        if given.isEmpty { fields.problem("memberships", "Give at least one role.", code: "required") }
        let memberships = given.map { Grants.role($0, call) }
        try fields.finish()
        guard let email, let name else { throw Refusal.notFound }
        return try await call.write { db, change in
            let side: AuditEntry.Side = AccessRoles.isAdvertiser(memberships[0].role) ? .advertiser : .retailer
            let user = try Users.create(
                code: code, email: email, name: name, language: language, side: side, now: call.now, on: db)
            for (index, membership) in memberships.enumerated() {
                let advertiser = try Grants.advertiser(
                    membership.advertiser, field: "memberships[\(index)].advertiser", on: db)
                _ = try Memberships.create(
                    code: Code.make("mem"), user: user, advertiser: advertiser, role: membership.role, now: call.now,
                    on: db)
            }
            _ = try PasswordResets.welcome(user, base: call.services.managementBaseURL, now: call.now, on: db)
            guard let made = try Users.find(code, on: db) else { throw Refusal.notFound }
            change.audit("user.created", object: "user", id: code, after: IdentityJSON.text(made))
            return .json(status: 201, revision: made.revision, location: "/v1/users/\(code)") {
                IdentityJSON.user(&$0, made)
            }
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        fields.readOnly("id", "email", "side", "has_password", "memberships", "created_at", "revision")
        let patch = Users.Patch(
            name: fields.textIfPresent("name", limit: 120), language: fields.wordIfPresent("language", ["ru", "en"]),
            disabled: fields.bool("disabled"))
        for key in ["name", "language", "disabled"] where fields.isNull(key) {
            fields.problem(key, "Cannot be cleared.", code: "required")
        }
        try fields.finish()
        let code = call.path("id")
        return try await call.write { db, change in
            let before = try Users.lock(code, on: db)
            try change.requireMatch(before.revision)
            let after = try Users.update(before, patch, now: call.now, on: db)
            change.audit(
                "user.updated", object: "user", id: code, before: IdentityJSON.text(before),
                after: IdentityJSON.text(after))
            return .json(revision: after.revision) { IdentityJSON.user(&$0, after) }
        }
    }

    private static func delete(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let code = call.path("id")
        return try await call.write { db, change in
            let before = try Users.lock(code, on: db)
            try change.requireMatch(before.revision)
            try Users.delete(before, on: db)
            change.audit("user.deleted", object: "user", id: code, before: IdentityJSON.text(before))
            return .noContent
        }
    }

    /// Sends the user a link with which he chooses a new password; the old one works until he does.
    private static func sendReset(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let code = call.path("id")
        return try await call.write { db, change in
            let user = try Users.lock(code, on: db)
            guard !user.disabled, let email = EmailAddress(user.email) else {
                throw Refusal(.invalidState, "The user is disabled; enable him first.")
            }
            try PasswordResets.request(email, base: call.services.managementBaseURL, now: call.now, on: db)
            change.audit("user.reset_sent", object: "user", id: code)
            return Answer(status: 202)
        }
    }
}
