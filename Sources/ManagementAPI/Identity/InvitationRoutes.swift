import AdModel
import Postgres
import Store

/// Invitations: the retailer's admin to any role, an advertiser's manager to roles of his advertiser.
enum InvitationRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/invitations", .identity, Grants.givers) { try await list($0) }
        table.post("/v1/invitations", .identity, Grants.givers) { try await create($0) }
        table.get("/v1/invitations/{id}", .identity, Grants.givers) { try await show($0) }
        table.post("/v1/invitations/{id}/revoke", .identity, Grants.givers) { try await revoke($0) }
        table.open("POST", "/v1/invitations/preview") { try await preview($0) }
        table.open("POST", "/v1/invitations/accept") { try await accept($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let state = try query.word("state", InvitationRecord.State.allCases.map(\.rawValue))
        let advertiser = try query.text("advertiser", limit: 64)
        let page = try query.page()
        try query.finish()
        let rows = try await call.read { db in
            try Invitations.list(
                state: state.flatMap(InvitationRecord.State.init(rawValue:)), advertiser: advertiser, now: call.now,
                after: page.after, limit: Int(page.fetchLimit), on: db)
        }
        return .list(rows, call, page, id: { Int64($0.id) }, IdentityJSON.invitation)
    }

    private static func show(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let code = call.path("id")
        let found = try await call.read { try Invitations.find(code, now: call.now, on: $0) }
        guard let found else { throw Refusal.notFound }
        return .json { IdentityJSON.invitation(&$0, found) }
    }

    /// Says nothing about whether the address has a user already.
    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        try Grants.requireFullPower(call)
        let fields = try await call.body()
        let code = Grants.code(fields, call, prefix: "inv")
        let text = fields.text("email", limit: 254)
        let email = text.flatMap { EmailAddress($0) }
        if text != nil, email == nil { fields.problem("email", "Must be an e-mail address like anna@shop.example.") }
        let (role, advertiser) = Grants.role(fields, call)
        let language = fields.wordIfPresent("language", ["ru", "en"]) ?? "ru"
        try fields.finish()
        guard let email else { throw Refusal.notFound }
        return try await call.write { db, change in
            let draft = Invitations.Draft(
                email: email, role: role, advertiser: try Grants.advertiser(advertiser, on: db), language: language,
                invitedBy: call.actor.name)
            let (made, _) = try Invitations.create(
                code: code, draft, base: call.services.managementBaseURL, now: call.now, on: db)
            change.audit(
                "invitation.created", object: "invitation", id: code, advertiser: made.advertiserID,
                after: IdentityJSON.text(made))
            return .json(status: 201, location: "/v1/invitations/\(code)") { IdentityJSON.invitation(&$0, made) }
        }
    }

    private static func revoke(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let code = call.path("id")
        return try await call.write { db, change in
            let (before, after) = try Invitations.revoke(code, now: call.now, on: db)
            change.audit(
                "invitation.revoked", object: "invitation", id: code, advertiser: before.advertiserID,
                before: IdentityJSON.text(before), after: IdentityJSON.text(after))
            return .json { IdentityJSON.invitation(&$0, after) }
        }
    }

    // MARK: By the invited person

    private static func preview(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body(limit: SessionRoutes.bodyLimit)
        let text = fields.text("token", limit: 64)
        try fields.finish()
        guard let token = text.flatMap({ SecretToken($0) }) else { throw PasswordRoutes.invalidToken }
        let (found, known) = try await call.asSystem { db in
            let found = try Invitations.open(token, now: call.now, on: db)
            let email = found.flatMap { EmailAddress($0.email) }
            return (found, try email.map { try Users.find(email: $0, on: db) != nil } ?? false)
        }
        guard let found else { throw PasswordRoutes.invalidToken }
        return .json { json in
            json.member("email", found.email)
            json.member("language", found.language)
            json.member("role", found.role)
            json.member("advertiser", found.advertiserCode)
            json.member("advertiser_name", found.advertiserName)
            json.member("has_account", known)
            json.member("expires_at", found.expiresAt.rfc3339)
        }
    }

    /// A new person chooses a password; one with an account shows that it is his by his password.
    private static func accept(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body(limit: SessionRoutes.bodyLimit)
        let text = fields.text("token", limit: 64)
        let name = fields.textIfPresent("name", limit: 120)
        let password = fields.text("password", limit: PasswordRules.maximumBytes)
        try fields.finish()
        guard let token = text.flatMap({ SecretToken($0) }), let password else { throw PasswordRoutes.invalidToken }
        let (open, known) = try await call.asSystem { db in
            let open = try Invitations.open(token, now: call.now, on: db)
            let email = open.flatMap { EmailAddress($0.email) }
            return (open, try email.flatMap { try Users.find(email: $0, on: db) })
        }
        guard let open, let email = EmailAddress(open.email) else { throw PasswordRoutes.invalidToken }
        if known != nil {
            let signIn = SignIn(call: call)
            let checked = try await signIn.check(open.email, password)
            try await call.asSystem { db in
                try signIn.confirm(checked, on: db)
                try join(call, token, email, newcomer: nil, on: db)
            }
            return .noContent
        }
        if let problem = PasswordRules.problem(with: password, email: open.email) {
            throw Refusal.field("password", "weak", problem)
        }
        guard let name else { throw Refusal.field("name", "required", "Tell your name.") }
        let hash = try await call.hashing { try await call.services.passwords.hash(password) }
        try await call.asSystem { db in
            try join(call, token, email, newcomer: (name, hash), on: db)
        }
        return .noContent
    }

    private static func join(
        _ call: Call, _ token: SecretToken, _ email: EmailAddress, newcomer: (name: String, hash: String)?,
        on db: isolated PostgresConnection
    ) throws {
        guard let invitation = try Invitations.use(token, now: call.now, on: db) else {
            throw PasswordRoutes.invalidToken
        }
        let user: UserRecord
        if let newcomer {
            user = try Users.create(
                code: Code.make("usr"), email: email, name: newcomer.name, language: invitation.language,
                side: invitation.advertiserID == nil ? .retailer : .advertiser, passwordHash: newcomer.hash,
                now: call.now, on: db)
            try call.record(
                "user.created", by: user, object: "user", id: user.code, after: IdentityJSON.text(user), on: db)
        } else {
            guard let known = try Users.find(email: email, on: db) else { throw PasswordRoutes.invalidToken }
            user = known
        }
        let held = user.memberships.first {
            $0.advertiserID == invitation.advertiserID && (invitation.advertiserID != nil || $0.role == invitation.role)
        }
        let membership: MembershipRecord
        if let held {
            membership = held.role == invitation.role ? held : try Memberships.setRole(held, invitation.role, on: db)
        } else {
            membership = try Memberships.create(
                code: Code.make("mem"), user: user, advertiser: invitation.advertiserID, role: invitation.role,
                now: call.now, on: db)
        }
        try call.record(
            "invitation.accepted", by: user, object: "invitation", id: invitation.code,
            advertiser: invitation.advertiserID, before: held.map(IdentityJSON.text),
            after: IdentityJSON.text(membership), on: db)
    }
}
