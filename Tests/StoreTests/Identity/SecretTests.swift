import AdModel
import Postgres
import Store
import TestKit
import Testing

@Suite(.database) struct IdentitySecretTests {
    init() async throws { try await IdentityFixture.load() }

    private var pool: PostgresPool { TestDatabase.current.pool }

    @Test func aResetLinkWorksOnceHoweverManyTry() async throws {
        let token = try await pool.transaction { db in
            try PasswordResets.make(try IdentityFixture.user("anna", on: db).id, now: identityStart, on: db)
        }
        let pool = pool
        let won = try await withThrowingTaskGroup(of: Bool.self) { group in
            for n in 0..<12 {
                group.addTask {
                    try await pool.transaction { db in
                        try PasswordResets.complete(token, hash: "new\(n)", now: identityStart, on: db) != nil
                    }
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(won == 1)
    }

    @Test func anInvitationWorksOnceHoweverManyTry() async throws {
        let token = try await invite("bert")
        let pool = pool
        let won = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<12 {
                group.addTask {
                    try await pool.transaction { try Invitations.use(token, now: identityStart, on: $0) != nil }
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(won == 1)
    }

    private func invite(_ name: String) async throws -> SecretToken {
        let email = try #require(EmailAddress("\(name)@people.test"))
        return try await pool.transaction { db in
            try Invitations.create(
                code: "inv-\(name)",
                .init(email: email, role: "advertiser_analyst", advertiser: 1, language: "ru", invitedBy: "user:x"),
                base: "https://ads.shop.test", now: identityStart, on: db
            ).token
        }
    }

    @Test func linksEndWithTime() async throws {
        let invitation = try await invite("bert")
        try await pool.transaction { db in
            let anna = try IdentityFixture.user("anna", on: db)
            let reset = try PasswordResets.make(anna.id, now: identityStart, on: db)
            let almost = identityStart + PasswordResets.life - .seconds(1)
            #expect(try PasswordResets.user(of: reset, now: almost, on: db)?.code == anna.code)
            let over = identityStart + PasswordResets.life
            #expect(try PasswordResets.user(of: reset, now: over, on: db) == nil)
            #expect(try PasswordResets.complete(reset, hash: "new", now: over, on: db) == nil)
            #expect(try Invitations.open(invitation, now: identityStart + .days(6), on: db) != nil)
            #expect(try Invitations.open(invitation, now: identityStart + .days(7), on: db) == nil)
            #expect(try Invitations.use(invitation, now: identityStart + .days(7), on: db) == nil)
        }
    }

    @Test func aNewPasswordEndsSessionsAndOtherLinks() async throws {
        try await pool.transaction { db in
            let anna = try IdentityFixture.user("anna", on: db)
            let session = try Sessions.begin(user: anna.id, network: "local", now: identityStart, on: db)
            let first = try PasswordResets.make(anna.id, now: identityStart, on: db)
            let second = try PasswordResets.make(anna.id, now: identityStart, on: db)
            #expect(try Principals.owner(ofSession: session, now: identityStart, on: db) != nil)
            #expect(try PasswordResets.complete(first, hash: "new", now: identityStart, on: db) != nil)
            #expect(try Principals.owner(ofSession: session, now: identityStart, on: db) == nil)
            #expect(try PasswordResets.complete(second, hash: "evil", now: identityStart, on: db) == nil)
            #expect(try Users.isCurrent(anna.id, hash: "new", on: db))
        }
    }

    @Test func sessionsEndByIdlenessAndByAge() async throws {
        try await pool.transaction { db in
            let anna = try IdentityFixture.user("anna", on: db)
            let idle = try Sessions.begin(user: anna.id, network: "local", now: identityStart, on: db)
            let edge = identityStart + Sessions.idle
            #expect(try Principals.owner(ofSession: idle, now: edge - .seconds(1), on: db) != nil)
            #expect(try Principals.owner(ofSession: idle, now: edge + .seconds(1), on: db) != nil, "it was used since")
            #expect(try Principals.owner(ofSession: idle, now: edge + Sessions.idle + .minutes(2), on: db) == nil)

            let busy = try Sessions.begin(user: anna.id, network: "local", now: identityStart, on: db)
            var now = identityStart
            while now + .minutes(30) < identityStart + Sessions.absolute {
                now = now + .minutes(30)
                #expect(try Principals.owner(ofSession: busy, now: now, on: db) != nil)
            }
            #expect(try Principals.owner(ofSession: busy, now: identityStart + Sessions.absolute, on: db) == nil)
        }
    }

    @Test func theOldestOfTooManySessionsEnds() async throws {
        try await pool.transaction { db in
            let anna = try IdentityFixture.user("anna", on: db)
            var tokens: [SecretToken] = []
            for n in 0..<(Sessions.perUser + 2) {
                tokens.append(
                    try Sessions.begin(
                        user: anna.id, network: "local", now: identityStart + .seconds(Int64(n)), on: db))
            }
            let now = identityStart + .minutes(1)
            let living = try tokens.map { try Principals.owner(ofSession: $0, now: now, on: db) != nil }
            #expect(living.prefix(2) == [false, false])
            #expect(living.dropFirst(2).allSatisfy { $0 })
        }
    }

    @Test func secretsAreStoredAsHashesOnly() async throws {
        let (session, key, dump) = try await pool.transaction { db in
            let anna = try IdentityFixture.user("anna", on: db)
            let session = try Sessions.begin(user: anna.id, network: "local", now: identityStart, on: db)
            let key = try APIKeys.create(
                code: "k", name: "K", owner: .advertiser(1), role: "advertiser_analyst", scopes: ["reports:read"],
                expiresAt: nil, createdBy: "user:usr-anna", now: identityStart, on: db)
            let dump = try db.query(
                "select row_to_json(k)::text || row_to_json(s)::text as t from api_key k, user_session s"
            ).single().string("t")
            return (session, key, dump)
        }
        #expect(!dump.contains(session.text))
        #expect(!dump.contains(key.text))
        #expect(!dump.contains(key.text.dropFirst(12)))
        #expect(key.text.hasPrefix(key.record.prefix))
    }

    @Test func theLastUseOfAKeyIsWrittenOnceAMinute() async throws {
        try await pool.transaction { db in
            let (_, text) = try APIKeys.create(
                code: "k", name: "K", owner: .advertiser(1), role: "advertiser_manager", scopes: ["*"],
                expiresAt: identityStart + .days(1), createdBy: "user:x", now: identityStart, on: db)
            #expect(try APIKeys.find("k", on: db)?.lastUsedAt == nil)
            for (seconds, written) in [(0, 0), (59, 0), (60, 60), (61, 60)] as [(Int64, Int64)] {
                _ = try Principals.holder(ofKey: text, now: identityStart + .seconds(seconds), on: db)
                #expect(try APIKeys.find("k", on: db)?.lastUsedAt == identityStart + .seconds(written))
            }
            #expect(try Principals.holder(ofKey: text, now: identityStart + .days(1), on: db) == nil)
        }
    }

    @Test func keysFromBeforeScopesMayWhatTheirKindMay() async throws {
        try await pool.transaction { db in
            try db.script(
                """
                insert into api_key (prefix, hash, kind, advertiser_id)
                    values ('nk_adv', sha256('nk_adv_old'), 'advertiser', 1);
                insert into api_key (prefix, hash, kind) values ('nk_ret', sha256('nk_ret_old'), 'retailer');
                insert into api_key (prefix, hash, kind, storefront_id)
                    values ('nk_shop', sha256('nk_shop_old'), 'shop', 1);
                """)
            let advertiser = try #require(try Principals.holder(ofKey: "nk_adv_old", now: identityStart, on: db))
            #expect(advertiser.advertisers.map(\.role) == ["advertiser_manager"])
            #expect(advertiser.advertisers.map(\.advertiserCode) == ["a1"])
            #expect(advertiser.scopes == nil)
            let retailer = try #require(try Principals.holder(ofKey: "nk_ret_old", now: identityStart, on: db))
            #expect(retailer.retailerRoles == ["admin"])
            #expect(try Principals.holder(ofKey: "nk_shop_old", now: identityStart, on: db) == nil)
        }
    }
}
