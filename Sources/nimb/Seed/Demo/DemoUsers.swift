import AdModel
import Postgres
import Store

/// The people of the demo, made at the console like the first admin of any installation.
struct DemoUser {
    /// Word of its variable.
    var id: String
    var email: String
    var name: String
    var role: String
    /// Codes of advertisers; none for the retailer's side.
    var advertisers: [String] = []

    static let all = [
        DemoUser(id: "admin", email: "admin@demo.example", name: "Анна Полкина", role: "admin"),
        DemoUser(
            id: "agency", email: "agency@demo.example", name: "Лада Медиева, агентство «Медиалад»",
            role: "advertiser_manager", advertisers: ["molokodol", "hrustolyub"]),
        DemoUser(
            id: "zernosvet", email: "zernosvet@demo.example", name: "Егор Зёрнов", role: "advertiser_manager",
            advertisers: ["zernosvet"]),
    ]

    /// A password that can be typed.
    static func password() -> String {
        var generator = SystemRandomNumberGenerator()
        let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")
        let groups = (0..<4).map { _ in
            String((0..<5).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] })
        }
        return groups.joined(separator: "-")
    }

    /// Makes the user with a password, or sets the password of one who is there.
    func ensure(password: String, pool: PostgresPool, now: Timestamp) async throws {
        guard let email = EmailAddress(email) else { throw Refusal("\(email) is no address.") }
        let hash = try await ScryptHasher().hash(password)
        try await pool.transaction { db in
            if let user = try Users.find(email: email, on: db) {
                try Users.setPassword(user.id, hash: hash, now: now, on: db)
                return
            }
            let user = try Users.create(
                code: id, email: email, name: name, language: "ru", side: advertisers.isEmpty ? .retailer : .advertiser,
                passwordHash: hash, now: now, on: db)
            for advertiser in advertisers.isEmpty ? [nil] : advertisers.map(Optional.some) {
                let row = try advertiser.map {
                    try db.query("select id from advertiser where code = $1", [.text($0)]).single().int32("id")
                }
                _ = try Memberships.create(
                    code: Code.make("mem"), user: user, advertiser: row, role: role, now: now, on: db)
            }
            try PasswordInput.record("user.created", user, on: db)
        }
    }
}
