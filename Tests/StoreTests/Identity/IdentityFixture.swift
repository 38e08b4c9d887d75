import AdModel
import Postgres
import Store
import TestKit

/// Where the clock of these tests begins.
let identityStart = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)

/// A retailer with two advertisers, for tests of people and keys.
enum IdentityFixture {
    static func load() async throws {
        try await TestDatabase.current.pool.withConnection { db in
            try db.script(
                """
                insert into counterparty (code, kind, name, inn, roles)
                    values ('cp', 'juridical', 'ООО Опыт', '7707083893', '{ors,rr}');
                insert into retailer (code, name, counterparty_id) values ('retailer', 'Магазин', 1);
                insert into storefront (code, name, url) values ('shop', 'Shop', 'https://shop.test');
                insert into advertiser (code, name, counterparty_id) values ('a1', 'A1', 1), ('a2', 'A2', 1);
                """)
        }
    }

    /// A user with one role; advertiser 0 = the retailer.
    static func user(
        _ name: String, role: String = "admin", advertiser: Int32 = 0, on db: isolated PostgresConnection
    ) throws -> UserRecord {
        guard let email = EmailAddress("\(name)@people.test") else { throw DeadlineError(description: "bad address") }
        let user = try Users.create(
            code: "usr-\(name)", email: email, name: name, language: "en",
            side: advertiser == 0 ? .retailer : .advertiser, passwordHash: "old", now: identityStart, on: db)
        _ = try Memberships.create(
            code: "mem-\(name)", user: user, advertiser: advertiser == 0 ? nil : advertiser, role: role,
            now: identityStart, on: db)
        return try Users.find(user.code, on: db) ?? user
    }
}

/// Small seeded generator; tests print the seed they ran with.
struct IdentityRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
