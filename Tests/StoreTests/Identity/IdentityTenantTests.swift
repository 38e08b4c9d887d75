import AdModel
import Postgres
import Store
import TestKit
import Testing

/// What the policies of the tables of identity hold back, whatever a route forgets.
@Suite(.database) struct IdentityTenantTests {
    init() async throws {
        try await IdentityFixture.load()
        try await TestDatabase.current.pool.transaction { db in
            _ = try IdentityFixture.user("root", on: db)
            _ = try IdentityFixture.user("anna", role: "advertiser_manager", advertiser: 1, on: db)
            let agency = try IdentityFixture.user("agency", role: "advertiser_manager", advertiser: 1, on: db)
            _ = try Memberships.create(
                code: "mem-agency-2", user: agency, advertiser: 2, role: "advertiser_analyst", now: identityStart,
                on: db)
            _ = try IdentityFixture.user("berta", role: "advertiser_manager", advertiser: 2, on: db)
            _ = try Sessions.begin(user: agency.id, network: "local", now: identityStart, on: db)
            _ = try PasswordResets.make(agency.id, now: identityStart, on: db)
            _ = try GuessThrottle.begin([.network("local")], now: identityStart, on: db)
            try MailOutbox.enqueue(
                to: "a@people.test", subject: "S", body: "B", kind: "identity.test", at: identityStart, on: db)
            for advertiser: Int32? in [nil, 1, 2] {
                try AuditLog.record(
                    AuditEntry(
                        actor: "user:usr-root", side: .retailer, action: "campaign.updated", object: "campaign",
                        id: "k\(advertiser ?? 0)", advertiser: advertiser, before: "{}", after: "{}", requestID: "r",
                        at: identityStart), on: db)
            }
        }
    }

    private func seen<R: Sendable>(
        _ scope: TenantScope?, _ body: @Sendable (isolated PostgresConnection) throws -> R
    ) async throws -> R {
        let pool = PostgresPool(
            PostgresOptions(url: TestDatabase.current.url).asManagement, maximumConnections: 1)
        let result: Result<R, any Error>
        do {
            result = .success(
                try await pool.transaction { db in
                    try db.query("select set_config('nimb.scope', '', true)")
                    try scope?.enter(on: db)
                    return try body(db)
                })
        } catch { result = .failure(error) }
        await pool.close()
        return try result.get()
    }

    @Test(arguments: [
        "app_user", "membership", "user_session", "login_guess", "invitation", "password_reset", "audit_entry",
        "mail_outbox", "api_key",
    ])
    func withoutATenantThereIsNothing(table: String) async throws {
        let count = try await seen(nil) { try $0.query("select count(*) as n from \(table)").single().int64("n") }
        #expect(count == 0)
    }

    @Test func anAdvertiserSeesItsPeopleAndOfTheirMembershipsItsOwn() async throws {
        let users = try await seen(.advertisers([1])) { db in
            try Users.list(.init(), after: nil, limit: 100, on: db)
        }
        #expect(users.map(\.code) == ["usr-anna", "usr-agency"])
        #expect(users[1].memberships.map(\.advertiserCode) == ["a1"])
        let foreign = try await seen(.advertisers([1])) { db in
            (try Users.find("usr-berta", on: db), try Memberships.find("mem-agency-2", on: db))
        }
        #expect(foreign.0 == nil)
        #expect(foreign.1 == nil)
    }

    @Test func anAdvertiserCannotReachSessionsLinksGuessesOrMail() async throws {
        for table in ["user_session", "password_reset", "login_guess", "mail_outbox"] {
            let count = try await seen(.advertisers([1, 2])) { db in
                try db.query("select count(*) as n from \(table)").single().int64("n")
            }
            #expect(count == 0, "\(table)")
        }
        await #expect(throws: PostgresError.self) {
            _ = try await seen(.advertisers([1])) { db in
                try db.query(
                    """
                    insert into membership (code, user_id, side, role, created_at)
                    values ('evil', 2, 'retailer', 'admin', now())
                    """)
            }
        }
        let changed = try await seen(.advertisers([1])) { db in
            try db.query("update app_user set disabled = true").affected
        }
        #expect(changed == 0)
    }

    @Test func theAuditLogTakesNoChangesFromAnybody() async throws {
        for statement in ["update audit_entry set actor = 'x'", "delete from audit_entry"] {
            await #expect(throws: PostgresError.self) {
                _ = try await seen(.retailer) { try $0.query(statement) }
            }
            await #expect(throws: PostgresError.self, "the owner of the tables too") {
                _ = try await TestDatabase.current.pool.withConnection { try $0.query(statement) }
            }
        }
    }

    @Test func anAdvertiserIsToldOfTheRetailersPeopleAsRetailer() async throws {
        let theirs = try await seen(.advertisers([1])) { db in
            try AuditLog.list(.init(), hidesStaff: true, before: nil, limit: 10, on: db)
        }
        #expect(theirs.map(\.objectID) == ["k1"])
        #expect(theirs.map(\.actor) == ["retailer"])
        let search = try await seen(.advertisers([1])) { db in
            try AuditLog.list(.init(actor: "user:usr-root"), hidesStaff: true, before: nil, limit: 10, on: db)
        }
        #expect(search.isEmpty)
        let all = try await seen(.retailer) { db in
            try AuditLog.list(.init(actor: "user:usr-root"), hidesStaff: false, before: nil, limit: 10, on: db)
        }
        #expect(all.map(\.objectID) == ["k2", "k1", "k0"])
    }

    @Test func theTenantOfTheTransactionSaysOnWhoseBehalf() async throws {
        for (scope, side) in [(TenantScope.retailer, "retailer"), (.advertisers([1]), "advertiser")] {
            let written = try await seen(scope) { db in
                try AuditLog.record(
                    AuditEntry(
                        actor: "user:x", action: "a.b", object: "a", id: "1", advertiser: 1, before: nil, after: nil,
                        requestID: "r", at: identityStart), on: db)
                return try db.query("select side from audit_entry order by id desc limit 1").single().string("side")
            }
            #expect(written == side)
        }
    }

    @Test func theLastAdminStays() async throws {
        await #expect(throws: Refusal.self) {
            try await TestDatabase.current.pool.transaction { db in
                let root = try Users.lock("usr-root", on: db)
                _ = try Users.update(root, .init(disabled: true), now: identityStart, on: db)
            }
        }
        await #expect(throws: Refusal.self) {
            try await TestDatabase.current.pool.transaction { db in
                try Memberships.delete(try Memberships.lock("mem-root", on: db), on: db)
            }
        }
        try await TestDatabase.current.pool.transaction { db in
            _ = try IdentityFixture.user("second", on: db)
            try Memberships.delete(try Memberships.lock("mem-root", on: db), on: db)
        }
    }

    @Test func nobodyIsOnBothSides() async throws {
        await #expect(throws: Refusal.self) {
            try await TestDatabase.current.pool.transaction { db in
                let anna = try Users.lock("usr-anna", on: db)
                _ = try Memberships.create(
                    code: "m", user: anna, advertiser: nil, role: "admin", now: identityStart, on: db)
            }
        }
    }
}
