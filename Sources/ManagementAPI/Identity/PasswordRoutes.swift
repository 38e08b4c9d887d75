import AdModel
import Postgres
import Store

/// A forgotten password, and the first one of a new user.
enum PasswordRoutes {
    static func add(to table: inout RouteTable) {
        table.open("POST", "/v1/password-resets") { try await request($0) }
        table.open("POST", "/v1/password-resets/complete") { try await complete($0) }
    }

    static let invalidToken = Refusal(.invalidToken, "The link was used, withdrawn or is too old; ask for another.")

    /// Answers alike whether or not somebody has the address.
    private static func request(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body(limit: SessionRoutes.bodyLimit)
        let text = fields.text("email", limit: 254)
        let email = text.flatMap { EmailAddress($0) }
        if text != nil, email == nil { fields.problem("email", "Must be an e-mail address like anna@shop.example.") }
        try fields.finish()
        guard let email else { throw Refusal.notFound }
        let wait: Timestamp? = try await call.asSystem { db in
            if let wait = try GuessThrottle.begin([.resets(call.network)], now: call.now, on: db) { return wait }
            try PasswordResets.request(email, base: call.services.managementBaseURL, now: call.now, on: db)
            return nil
        }
        if let wait { throw SignIn.tooEarly(until: wait, now: call.now) }
        return Answer(status: 202)
    }

    private static func complete(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body(limit: SessionRoutes.bodyLimit)
        let text = fields.text("token", limit: 64)
        let password = fields.text("password", limit: PasswordRules.maximumBytes)
        try fields.finish()
        guard let text, let password, let token = SecretToken(text),
            let user = try await call.asSystem({ try PasswordResets.user(of: token, now: call.now, on: $0) })
        else { throw invalidToken }
        if let problem = PasswordRules.problem(with: password, email: user.email) {
            throw Refusal.field("password", "weak", problem)
        }
        let hash = try await call.hashing { try await call.services.passwords.hash(password) }
        try await call.asSystem { db in
            guard let user = try PasswordResets.complete(token, hash: hash, now: call.now, on: db) else {
                throw invalidToken
            }
            if let email = EmailAddress(user.email) {
                try GuessThrottle.succeed(account: .account(email), others: [], now: call.now, on: db)
            }
            try call.record("user.password_changed", by: user, object: "user", id: user.code, on: db)
        }
        return .noContent
    }
}
