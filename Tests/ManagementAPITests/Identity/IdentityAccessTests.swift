import AdModel
import Foundation
import ManagementAPI
import Postgres
import Store
import TestKit
import Testing

@Suite(.database) struct IdentityAccessTests {
    // MARK: Users and memberships

    @Test func anAdminKeepsUsers() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let root = try await world.person("root", probe)
            let body: [String: Any] = [
                "id": "usr-new", "email": "new@people.test", "name": "New", "memberships": [["role": "adops"]],
            ]
            let made = try await root.send("POST", "/v1/users", body)
            #expect(made.status == 201)
            #expect(made.headers["location"] == "/v1/users/usr-new")
            let again = try await root.send("POST", "/v1/users", body)
            #expect(again.status == 409)
            let unmatched = try await root.send("PATCH", "/v1/users/usr-new", ["name": "Newer"])
            #expect(unmatched.status == 428)
            let changed = try await root.send("PATCH", "/v1/users/usr-new", ["name": "Newer"], match: made.tag)
            #expect(changed["name"] == "Newer")
            let lost = try await root.send("PATCH", "/v1/users/usr-new", ["name": "Lost"], match: made.tag)
            #expect(lost.status == 412)
            let fixed = try await root.send(
                "PATCH", "/v1/users/usr-new", ["email": "other@people.test"], match: changed.tag)
            #expect(fixed.status == 422)
            let gone = try await root.send("DELETE", "/v1/users/usr-new", match: changed.tag)
            #expect(gone.status == 204)
            #expect(try await root.get("/v1/users/usr-new").status == 404)
            for path in ["?disabled=true", "?role=finance", "?advertiser=a2", "?text=MARIA"] {
                #expect(try await root.get("/v1/users\(path)").rows.isEmpty == false, "\(path)")
            }
        }
    }

    @Test func disablingAUserEndsHisSessionsAtOnce() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let root = try await world.person("root", probe)
            let finance = try await world.person("finance", probe)
            let user = try await root.get("/v1/users/usr-finance")
            let off = try await root.send("PATCH", "/v1/users/usr-finance", ["disabled": true], match: user.tag)
            #expect(off.status == 200)
            #expect(try await finance.get("/v1/session").status == 401)
            let on = try await root.send("PATCH", "/v1/users/usr-finance", ["disabled": false], match: off.tag)
            #expect(on.status == 200)
            #expect(try await finance.get("/v1/session").status == 401, "the old session stays ended")
        }
    }

    @Test func theLastAdminStays() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let root = try await world.person("root", probe)
            let user = try await root.get("/v1/users/usr-root")
            let member = try await root.get("/v1/memberships/mem-root")
            for answer in [
                try await root.send("PATCH", "/v1/users/usr-root", ["disabled": true], match: user.tag),
                try await root.send("DELETE", "/v1/users/usr-root", match: user.tag),
                try await root.send("PATCH", "/v1/memberships/mem-root", ["role": "adops"], match: member.tag),
                try await root.send("DELETE", "/v1/memberships/mem-root", match: member.tag),
            ] {
                #expect(answer.status == 409)
                #expect(answer["code"] == "last_admin")
            }
            #expect(try await root.get("/v1/session").status == 200)
        }
    }

    @Test func aManagerSeesHisPeopleAndChangesTheirRolesOnly() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let maria = try await world.person("maria", probe)
            #expect(Set(try await maria.get("/v1/users").rowIDs()) == ["usr-maria", "usr-ana", "usr-agency"])
            #expect(try await maria.get("/v1/users?advertiser=a2").rows.isEmpty)
            var answers: [String] = []
            for code in ["usr-berta", "usr-root", "usr-none"] {
                let answer = try await maria.send("GET", "/v1/users/\(code)", headers: ["X-Request-Id": "same"])
                #expect(answer.status == 404)
                answers.append(answer.text)
            }
            #expect(Set(answers).count == 1)
            let user = try await maria.get("/v1/users/usr-ana")
            #expect(user.status == 200)
            #expect(
                try await maria.send("PATCH", "/v1/users/usr-ana", ["disabled": true], match: user.tag).status == 403)
            let member = try await maria.get("/v1/memberships/mem-ana")
            let up = try await maria.send(
                "PATCH", "/v1/memberships/mem-ana", ["role": "advertiser_manager"], match: member.tag)
            #expect(up["role"] == "advertiser_manager")
            let over = try await maria.send("PATCH", "/v1/memberships/mem-ana", ["role": "admin"], match: up.tag)
            #expect(over.status == 422)
            #expect(try await maria.send("DELETE", "/v1/memberships/mem-berta", match: up.tag).status == 404)
            #expect(try await maria.send("DELETE", "/v1/memberships/mem-ana", match: up.tag).status == 204)
            #expect(Set(try await maria.get("/v1/users").rowIDs()) == ["usr-maria", "usr-agency"])
            #expect(
                try await maria.send("POST", "/v1/memberships", ["user": "usr-berta", "role": "advertiser_analyst"])
                    .status == 403)
        }
    }

    @Test func somebodyWithoutARoleSeesNothingButCanLeave() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let ana = try await world.person("ana", probe)
            try await TestDatabase.current.pool.withConnection {
                _ = try $0.query("delete from membership where code = 'mem-ana'")
            }
            #expect(try await ana.get("/v1/audit").status == 403)
            #expect(try await ana.get("/v1/session").status == 200)
            #expect(try await ana.send("DELETE", "/v1/session").status == 204)
        }
    }

    @Test func anIDThatNobodyCanHaveIsNotFound() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let root = try await world.person("root", probe)
            for id in ["%00", "%FF", "%C3%A9", "a%20b", "%27%3B--", String(repeating: "x", count: 2_000)] {
                #expect(try await root.get("/v1/users/\(id)").status == 404, "\(id.prefix(20))")
            }
        }
    }

    @Test func onlyAdminsAndManagersLetOthersIn() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            for name in ["finance", "ana"] {
                let person = try await world.person(name, probe)
                for path in ["/v1/users", "/v1/memberships", "/v1/invitations", "/v1/api-keys"] {
                    #expect(try await person.get(path).status == 403, "\(name) \(path)")
                }
            }
        }
    }

    // MARK: Keys

    @Test func aKeyIsShownOnceAndWorksWithinItsScopes() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let maria = try await world.person("maria", probe)
            let body: [String: Any] = [
                "kind": "advertiser", "name": "Reports", "advertiser": "a1", "role": "advertiser_manager",
                "scopes": ["identity:read"],
            ]
            let headers = ["Idempotency-Key": "once"]
            let made = try await maria.send("POST", "/v1/api-keys", body, headers: headers)
            #expect(made.status == 201, "\(made.text)")
            let key = made["key"]
            #expect(key.hasPrefix("nk_adv_") && key.hasPrefix(made["prefix"]))
            let repeated = try await maria.send("POST", "/v1/api-keys", body, headers: headers)
            #expect(repeated.status == 409)
            #expect(repeated["code"] == "secret_already_shown")
            let shown = try await maria.get("/v1/api-keys/\(made["id"])")
            #expect(!shown.text.contains(key))
            #expect(shown.json["last_used_at"] is NSNull)

            #expect(try await probe.get("/v1/users", key: key).status == 200)
            let session = try await probe.get("/v1/session", key: key)
            #expect((session.json["key"] as? [String: Any])?["id"] as? String == made["id"])
            #expect(session.json["csrf_token"] is NSNull)
            let narrow = try await probe.send(
                "POST", "/v1/api-keys/\(made["id"])/revoke", key: key, headers: ["Origin": "https://evil.test"])
            #expect(narrow.status == 403)
            #expect(narrow["code"] == "insufficient_scope")
            #expect(try await probe.get("/v1/reports/performance", key: key).status == 403)
            #expect(try await maria.get("/v1/api-keys/\(made["id"])")["last_used_at"] == "2026-11-21T10:00:00Z")

            let ended = try await maria.send("POST", "/v1/api-keys/\(made["id"])/revoke")
            #expect(ended["revoked_at"] == "2026-11-21T10:00:00Z")
            #expect(try await probe.get("/v1/users", key: key).status == 401)
            #expect(try await maria.send("POST", "/v1/api-keys/\(made["id"])/revoke").status == 200)
        }
    }

    @Test func aManagerMakesKeysOfHisAdvertiserOnly() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let maria = try await world.person("maria", probe)
            for (body, field) in [
                (["kind": "retailer", "role": "admin"], "kind"), (["kind": "shop", "storefront": "shop"], "kind"),
                (["kind": "advertiser", "advertiser": "a2", "role": "advertiser_analyst"], "advertiser"),
                (["kind": "advertiser", "advertiser": "a1", "role": "admin"], "role"),
            ] {
                var whole: [String: Any] = body
                whole["name"] = "K"
                if body["kind"] != "shop" { whole["scopes"] = ["*"] }
                let answer = try await maria.send("POST", "/v1/api-keys", whole)
                #expect(answer.status == 422)
                #expect(answer["field"] == field, "\(answer.text)")
            }
            let root = try await world.person("root", probe)
            let shop = try await root.send(
                "POST", "/v1/api-keys", ["kind": "shop", "name": "Site", "storefront": "shop"])
            #expect(shop.status == 201)
            #expect(try await probe.get("/v1/session", key: shop["key"]).status == 401, "delivery only")
            #expect(try await maria.get("/v1/api-keys").rows.isEmpty)
        }
    }

    @Test func aNarrowKeyCannotWidenItself() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let root = try await world.person("root", probe)
            func key(_ scopes: [String], until: String) async throws -> String {
                try await root.send(
                    "POST", "/v1/api-keys",
                    ["kind": "retailer", "name": "K", "role": "admin", "scopes": scopes, "expires_at": until])["key"]
            }
            let narrow = try await key(["identity:write"], until: "2026-12-01T00:00:00Z")
            let json = ["Content-Type": "application/json"]
            for (path, body) in [
                ("/v1/api-keys", #"{"kind":"retailer","name":"K","role":"admin","scopes":["*"]}"#),
                ("/v1/invitations", #"{"email":"x@people.test","role":"admin"}"#),
                ("/v1/users", #"{"email":"x@people.test","name":"X","memberships":[{"role":"admin"}]}"#),
                ("/v1/memberships", #"{"user":"usr-finance","role":"admin"}"#),
            ] {
                let answer = try await probe.send("POST", path, key: narrow, body: Data(body.utf8), headers: json)
                #expect(answer.status == 403, "\(path)")
            }
            let wide = try await key(["*"], until: "2026-12-01T00:00:00Z")
            for (end, status) in [
                ("", 422), (#","expires_at":"2027-01-01T00:00:00Z""#, 422),
                (#","expires_at":"2026-11-30T00:00:00Z""#, 201),
            ] {
                let body = #"{"kind":"retailer","name":"K","role":"admin","scopes":["*"]\#(end)}"#
                let answer = try await probe.send(
                    "POST", "/v1/api-keys", key: wide, body: Data(body.utf8), headers: json)
                #expect(answer.status == status, "\(end): \(answer.text)")
            }
            world.clock.advance(.days(20))
            #expect(try await probe.get("/v1/session", key: wide).status == 401, "its time is over")
        }
    }

    @Test func aKeyIsChangedButNotWhatItIsFor() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let root = try await world.person("root", probe)
            let made = try await root.send(
                "POST", "/v1/api-keys",
                ["id": "k1", "kind": "retailer", "name": "K", "role": "analyst", "scopes": ["reports:read"]])
            let changed = try await root.send(
                "PATCH", "/v1/api-keys/k1",
                ["name": "L", "scopes": ["reports:read", "wallet:read"], "expires_at": "2026-12-01T00:00:00Z"],
                match: made.tag)
            #expect(changed.json["scopes"] as? [String] == ["reports:read", "wallet:read"])
            #expect(changed["expires_at"] == "2026-12-01T00:00:00Z")
            let cleared = try await root.send(
                "PATCH", "/v1/api-keys/k1", ["expires_at": NSNull()], match: changed.tag)
            #expect(cleared.json["expires_at"] is NSNull)
            let role = try await root.send("PATCH", "/v1/api-keys/k1", ["role": "admin"], match: cleared.tag)
            #expect(role.status == 422)
            let old = try await root.get("/v1/api-keys/root-key")
            #expect(old.json["scopes"] as? [String] == ["*"], "a key from before scopes")
            #expect(old["role"] == "admin")
        }
    }

    @Test func theScopesOfKeysAreTheAreasOfTheAPI() {
        #expect(KeyScopes.areas == Area.allCases.map(\.rawValue).sorted())
        #expect(AccessRoles.retailer + AccessRoles.advertiser == Role.allCases.map(\.rawValue))
    }

    // MARK: Audit

    @Test func everyChangeIsInTheLogWithoutSecrets() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let root = try await world.person("root", probe)
            let maria = try await world.person("maria", probe)
            let key = try await maria.send(
                "POST", "/v1/api-keys",
                [
                    "kind": "advertiser", "name": "K", "advertiser": "a1", "role": "advertiser_analyst",
                    "scopes": ["reports:read"],
                ])
            _ = try await root.send(
                "POST", "/v1/invitations",
                ["email": "guest@people.test", "role": "advertiser_analyst", "advertiser": "a1"])
            let user = try await root.get("/v1/users/usr-ana")
            _ = try await root.send("PATCH", "/v1/users/usr-ana", ["name": "Anna"], match: user.tag)

            let all = try await root.get("/v1/audit")
            #expect(
                all.rows.map { $0["action"] as? String } == [
                    "user.updated", "invitation.created", "api_key.created", "session.started", "session.started",
                ])
            let update = all.rows[0]
            #expect((update["before"] as? [String: Any])?["name"] as? String == "ana")
            #expect((update["after"] as? [String: Any])?["name"] as? String == "Anna")
            #expect(update["actor"] as? String == "user:usr-root")
            let stored = try await TestDatabase.current.pool.withConnection { db in
                try db.query("select string_agg(row_to_json(e)::text, ' ') as t from audit_entry e").single()
                    .string("t")
            }
            let token = try #require(try await IdentityWorld.mailedToken(to: "guest@people.test"))
            for secret in [key["key"], token, "scrypt", root.csrfToken, root.cookieHeader] {
                #expect(!secret.isEmpty && !stored.contains(secret))
            }

            let theirs = try await maria.get("/v1/audit")
            #expect(theirs.rows.map { $0["action"] as? String } == ["invitation.created", "api_key.created"])
            #expect(theirs.rows.map { $0["actor"] as? String } == ["retailer", "user:usr-maria"])
            #expect(!theirs.text.contains("usr-root"))
            #expect(try await maria.get("/v1/audit?actor=user:usr-root").rows.isEmpty)
            let berta = try await world.person("berta", probe)
            #expect(try await berta.get("/v1/audit").rows.isEmpty)
        }
    }

    @Test func theLogIsFilteredAndWalkedByCursor() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let root = try await world.person("root", probe)
            for n in 0..<3 {
                world.clock.advance(.minutes(1))
                _ = try await root.send(
                    "POST", "/v1/invitations",
                    ["id": "inv-\(n)", "email": "g\(n)@people.test", "role": "advertiser_analyst", "advertiser": "a1"])
            }
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await root.get("/v1/audit?object=invitation&limit=2\(cursor)")
                seen += page.rowIDs()
                cursor = page.json["next_cursor"] is NSNull ? "" : "&cursor=\(page["next_cursor"])"
            } while !cursor.isEmpty
            #expect(seen == ["inv-2", "inv-1", "inv-0"])
            for (query, count) in [
                ("action=invitation.created", 3), ("id=inv-1", 1), ("advertiser=a1", 3), ("advertiser=a2", 0),
                ("from=2026-11-21T10:02:00Z", 2), ("to=2026-11-21T10:02:00Z&object=invitation", 1),
                ("actor=user:usr-root&object=invitation", 3),
            ] {
                #expect(try await root.get("/v1/audit?\(query)").rows.count == count, "\(query)")
            }
            #expect(try await root.get("/v1/audit?colour=red").status == 400)
        }
    }
}
