import AdModel
import Postgres
import Store

/// Signing in and out, and who one is.
enum SessionRoutes {
    /// Bytes of a body with a password in it.
    static let bodyLimit = 8_192

    static func add(to table: inout RouteTable) {
        table.open("POST", "/v1/session") { try await begin($0) }
        table.own("GET", "/v1/session", .identity) { try await show($0) }
        table.own("PATCH", "/v1/session", .identity) { try await change($0) }
        table.own("DELETE", "/v1/session", .identity) { try await end($0) }
        table.own("PUT", "/v1/session/password", .identity) { try await changePassword($0) }
    }

    private static func begin(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        // Another site must not be able to sign somebody in as somebody else.
        guard !RequestOrigin(call.request, ownBase: call.services.managementBaseURL).isForeign else {
            throw Refusal(.csrfFailed, "The request comes from a page of another address.")
        }
        let fields = try await call.body(limit: bodyLimit)
        let email = fields.text("email", limit: 254)
        let password = fields.text("password", limit: PasswordRules.maximumBytes)
        try fields.finish()
        guard let email, let password else { throw SignIn.refusal }
        let signIn = SignIn(call: call)
        let checked = try await signIn.check(email, password)
        let (token, principal) = try await call.asSystem { db in
            try signIn.confirm(checked, on: db)
            let token = try Sessions.begin(user: checked.user, network: call.network, now: call.now, on: db)
            let principal = try Principals.owner(ofSession: token, now: call.now, on: db)
            if let person = principal?.person, let user = try Users.find(person.code, on: db) {
                try call.record("session.started", by: user, object: "user", id: user.code, on: db)
            }
            return (token, principal)
        }
        guard let principal else { throw SignIn.refusal }
        if call.services.passwords.needsRenewal(checked.hash) {
            let renewed = try await call.hashing { try await call.services.passwords.hash(password) }
            try await call.asSystem { try Users.renewHash(checked.user, from: checked.hash, to: renewed, on: $0) }
        }
        var answer = Answer.json { IdentityJSON.session(&$0, principal, token) }
        answer.headers["set-cookie"] = SessionCookie.setting(token)
        return answer
    }

    private static func show(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let principal = try await principal(call)
        let token = principal.session == nil ? nil : SessionCookie.token(in: call.header("cookie"))
        return .json { IdentityJSON.session(&$0, principal, token) }
    }

    private static func change(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let before = try await principal(call)
        guard let session = before.session, let person = before.person else { throw needsSession }
        let fields = try await call.body(limit: bodyLimit)
        let language = fields.wordIfPresent("language", ["ru", "en"])
        let limits = fields.has("advertiser")
        let advertiser = fields.textIfPresent("advertiser", limit: 64)
        try fields.finish()
        var only: Int32?
        if let advertiser {
            guard let found = before.advertisers.first(where: { $0.advertiserCode == advertiser }) else {
                throw Refusal.unknownReference("advertiser", advertiser)
            }
            only = found.advertiserID
        }
        let limit = only
        try await call.asSystem { db in
            if limits { try Sessions.limit(session.id, toAdvertiser: limit, on: db) }
            guard let language, language != person.language else { return }
            let user = try Users.lock(person.code, on: db)
            let after = try Users.update(user, .init(language: language), now: call.now, on: db)
            try call.record(
                "user.updated", by: user, object: "user", id: user.code, before: IdentityJSON.text(user),
                after: IdentityJSON.text(after), on: db)
        }
        return try await show(call)
    }

    private static func end(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let principal = try await principal(call)
        guard let session = principal.session, let person = principal.person else { throw needsSession }
        try await call.asSystem { db in
            try Sessions.end(session.id, now: call.now, on: db)
            if let user = try Users.find(person.code, on: db) {
                try call.record("session.ended", by: user, object: "user", id: user.code, on: db)
            }
        }
        var answer = Answer.noContent
        answer.headers["set-cookie"] = SessionCookie.clearing
        return answer
    }

    private static func changePassword(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        guard let person = try await principal(call).person else { throw needsSession }
        let fields = try await call.body(limit: bodyLimit)
        let old = fields.text("current_password", limit: PasswordRules.maximumBytes)
        let new = fields.text("password", limit: PasswordRules.maximumBytes)
        if let new, let problem = PasswordRules.problem(with: new, email: person.email) {
            fields.problem("password", problem, code: "weak")
        }
        try fields.finish()
        guard let old, let new else { throw SignIn.refusal }
        let signIn = SignIn(call: call)
        let checked = try await signIn.check(person.email, old)
        let hash = try await call.hashing { try await call.services.passwords.hash(new) }
        try await call.asSystem { db in
            try signIn.confirm(checked, on: db)
            guard let user = try Users.find(person.code, on: db) else { throw SignIn.refusal }
            try Users.changePassword(user, hash: hash, now: call.now, on: db)
            try call.record("user.password_changed", by: user, object: "user", id: user.code, on: db)
        }
        var answer = Answer.noContent
        answer.headers["set-cookie"] = SessionCookie.clearing
        return answer
    }

    static let needsSession = Refusal(.forbidden, "This is for people who are signed in, not for keys.")

    private static func principal(_ call: Call) async throws -> Principal {
        guard
            let found = try await Authenticator(services: call.services).principal(of: call.request, now: call.now)
        else { throw Refusal(.unauthorized, "Sign in again.") }
        return found
    }
}
