import AdModel
import Foundation
import Measurement
import Postgres
import Store
import TestKit
import Testing

@Suite(.database) struct IdentitySessionTests {
    @Test func aPersonSignsInSeesWhoHeIsAndSignsOut() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let person = Person(probe)
            let answer = try await person.signIn("  Maria@People.test ", IdentityWorld.password("maria"))
            #expect(answer.status == 200)
            let cookie = answer.headers["set-cookie"] ?? ""
            #expect(cookie.hasPrefix("__Host-nimb="))
            for word in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
                #expect(cookie.contains("; \(word)"), "\(word)")
            }
            #expect(!cookie.contains("Domain"))
            #expect(answer.headers["cache-control"] == "no-store")
            let session = try await person.get("/v1/session")
            #expect(session.status == 200)
            #expect(session.json["csrf_token"] as? String == person.csrfToken)
            #expect((session.json["user"] as? [String: Any])?["id"] as? String == "usr-maria")
            #expect(session["side"] == "advertiser")
            let advertisers = session.json["advertisers"] as? [[String: Any]] ?? []
            #expect(advertisers.map { $0["id"] as? String } == ["a1"])
            #expect(advertisers.map { $0["role"] as? String } == ["advertiser_manager"])
            let out = try await person.send("DELETE", "/v1/session")
            #expect(out.status == 204)
            #expect(out.headers["set-cookie"]?.contains("Max-Age=0") == true)
            #expect(try await person.get("/v1/session").status == 401)
        }
    }

    @Test func theCookieIsWorthNothingInTheDatabase() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let person = try await world.person("maria", probe)
            let token = String(person.cookieHeader.dropFirst("__Host-nimb=".count))
            let stored = try await TestDatabase.current.pool.withConnection { db in
                try db.query("select row_to_json(s)::text as t from user_session s").single().string("t")
            }
            #expect(!stored.contains(token))
            #expect(!stored.contains(person.csrfToken))
            let key = try await probe.get("/v1/session", key: token)
            #expect(key.status == 401, "a session is no API key")
        }
    }

    @Test func unknownWrongAndDisabledAreAnsweredAlikeWithTheSameWork() async throws {
        let world = try await IdentityWorld()
        try await TestDatabase.current.pool.withConnection {
            _ = try $0.query("update app_user set password_hash = null where code = 'usr-berta'")
        }
        try await world.serving { probe in
            var seen: [String] = []
            for (email, password) in [
                ("nobody@people.test", "correct horse nobody"), (IdentityWorld.email("maria"), "wrong horse maria"),
                (IdentityWorld.email("off"), IdentityWorld.password("off")),
                (IdentityWorld.email("berta"), IdentityWorld.password("berta")), ("not an address", "correct horse"),
            ] {
                let answer = try await Person(probe).signIn(email, password, headers: ["X-Request-Id": "same"])
                #expect(answer.status == 401)
                #expect(answer["code"] == "invalid_credentials")
                #expect(world.hasher.takeChecks() == 1, "one scrypt for \(email)")
                var headers = answer.headers
                for name in ["date", "ratelimit-remaining"] { headers[name] = nil }
                seen.append("\(headers.sorted { $0.key < $1.key })\(answer.text)")
            }
            #expect(Set(seen).count == 1)
        }
    }

    @Test func guessesAreSlowedAndARightPasswordWorksAfterTheDelay() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            // Alike for those who exist and those who do not.
            for email in [IdentityWorld.email("ana"), "nobody@people.test"] {
                for _ in 0..<6 {
                    #expect(try await Person(probe).signIn(email, "wrong horse battery").status == 401)
                }
                _ = world.hasher.takeChecks()
                let early = try await Person(probe).signIn(email, IdentityWorld.password("ana"))
                #expect(early.status == 429)
                #expect(early["code"] == "too_many_attempts")
                #expect(early.headers["retry-after"] == "1")
                #expect(world.hasher.takeChecks() == 0, "nothing is tried too early")
            }
            world.clock.advance(.seconds(1))
            #expect(
                try await Person(probe).signIn(IdentityWorld.email("ana"), IdentityWorld.password("ana")).status == 200)
            #expect(try await Person(probe).signIn(IdentityWorld.email("ana"), "wrong again, sorry").status == 401)
        }
    }

    @Test func theDelaySurvivesARestart() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            for _ in 0..<6 { try await Person(probe).signIn(IdentityWorld.email("ana"), "wrong horse battery") }
        }
        try await world.serving { probe in
            let answer = try await Person(probe).signIn(IdentityWorld.email("ana"), IdentityWorld.password("ana"))
            #expect(answer.status == 429)
        }
    }

    @Test func strangersWhoGuessCannotMakeTheOwnerWaitAtHome() async throws {
        var world = try await IdentityWorld()
        world.proxies = try #require(TrustedProxies(["127.0.0.0/8"]))
        let home = ["X-Forwarded-For": "192.0.2.7"]
        let stranger = ["X-Forwarded-For": "198.51.100.9"]
        try await world.serving { probe in
            let (email, password) = (IdentityWorld.email("maria"), IdentityWorld.password("maria"))
            #expect(try await Person(probe).signIn(email, password, headers: home).status == 200)
            for _ in 0..<8 { try await Person(probe).signIn(email, "wrong horse battery", headers: stranger) }
            #expect(try await Person(probe).signIn(email, password, headers: stranger).status == 429)
            #expect(try await Person(probe).signIn(email, password, headers: home).status == 200)
        }
    }

    @Test func aNetworkThatGuessesManyAccountsIsSlowed() async throws {
        var world = try await IdentityWorld()
        world.proxies = try #require(TrustedProxies(["127.0.0.0/8"]))
        try await world.serving { probe in
            var statuses: [Int] = []
            for n in 0..<24 {
                // One /24, many hosts.
                let headers = ["X-Forwarded-For": "198.51.100.\(n)"]
                let answer = try await Person(probe).signIn("user\(n)@people.test", "wrong horse", headers: headers)
                statuses.append(answer.status)
            }
            #expect(statuses.prefix(21).allSatisfy { $0 == 401 })
            #expect(statuses.dropFirst(21).allSatisfy { $0 == 429 })
            let elsewhere = ["X-Forwarded-For": "203.0.113.5"]
            #expect(
                try await Person(probe).signIn("x@people.test", "wrong horse", headers: elsewhere).status == 401)
        }
    }

    @Test func aForwardedAddressIsBelievedFromATrustedProxyOnly() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            for n in 0..<21 {
                try await Person(probe).signIn(
                    "user\(n)@people.test", "wrong horse", headers: ["X-Forwarded-For": "10.\(n).0.1"])
            }
            let answer = try await Person(probe).signIn(
                "last@people.test", "wrong horse", headers: ["X-Forwarded-For": "10.99.0.1"])
            #expect(answer.status == 429)
        }
    }

    @Test func aSessionEndsWhenIdleAndWhenOld() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let idle = try await world.person("maria", probe)
            world.clock.advance(.seconds(59 * 60 + 59))
            #expect(try await idle.get("/v1/session").status == 200)
            world.clock.advance(.seconds(60 * 60 + 1))
            #expect(try await idle.get("/v1/session").status == 401)
            let busy = try await world.person("maria", probe)
            var hours = 0
            while try await busy.get("/v1/session").status == 200 {
                world.clock.advance(.minutes(30))
                hours += 1
                guard hours < 100 else { break }
            }
            #expect(hours == 24, "twelve hours in halves")
        }
    }

    @Test func aStrongerHashTakesThePlaceOfAWeakOneAtTheNextSignIn() async throws {
        let world = try await IdentityWorld(hasher: CountingHasher(ScryptParameters(log2N: 5, r: 1, p: 1)))
        let weak = try await ScryptHasher(parameters: ScryptParameters(log2N: 4, r: 1, p: 1))
            .hash(IdentityWorld.password("maria"))
        try await TestDatabase.current.pool.withConnection {
            _ = try $0.query("update app_user set password_hash = $1 where code = 'usr-maria'", [.text(weak)])
        }
        try await world.serving { probe in
            _ = try await world.person("maria", probe)
            let stored = try await TestDatabase.current.pool.withConnection { db in
                try db.query("select password_hash from app_user where code = 'usr-maria'").single().string(0)
            }
            #expect(stored.hasPrefix("scrypt$5$"))
            _ = try await world.person("maria", probe)
        }
    }

    // MARK: CSRF

    struct CSRFCase: Codable, Sendable, CustomTestStringConvertible {
        var name: String
        var headers: [String: String]
        var status: Int
        var testDescription: String { name }
    }

    static let cases: [CSRFCase] = {
        struct File: Codable { var cases: [CSRFCase] }
        let url = Repository.root.appendingPathComponent("Tests/ManagementAPITests/Cases/csrf.json")
        let data = (try? Data(contentsOf: url)) ?? Data()
        return (try? JSONDecoder().decode(File.self, from: data).cases) ?? []
    }()

    @Test func changesOfASessionComeFromOurOwnPage() async throws {
        #expect(Self.cases.count > 10)
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let person = try await world.person("maria", probe)
            for one in Self.cases {
                let headers = one.headers.mapValues { value in
                    value == "OWN" ? person.origin : value == "TOKEN" ? person.csrfToken : value
                }
                let answer = try await person.send("PATCH", "/v1/session", ["language": "ru"], headers: headers)
                #expect(answer.status == one.status, "\(one.name): \(answer.text)")
                if one.status == 403 { #expect(answer["code"] == "csrf_failed", "\(one.name)") }
            }
            // Reading needs none of it, and a token belongs to its own session.
            let read = try await person.send("GET", "/v1/session", headers: ["Origin": "", "X-CSRF-Token": ""])
            #expect(read.status == 200)
            let other = try await world.person("berta", probe)
            let crossed = try await person.send(
                "PATCH", "/v1/session", ["language": "ru"], headers: ["X-CSRF-Token": other.csrfToken])
            #expect(crossed.status == 403)
        }
    }

    @Test func anotherSiteCannotSignSomebodyIn() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let (email, password) = (IdentityWorld.email("maria"), IdentityWorld.password("maria"))
            for headers in [["Origin": "https://evil.test"], ["Origin": "", "Sec-Fetch-Site": "cross-site"]] {
                let answer = try await Person(probe).signIn(email, password, headers: headers)
                #expect(answer.status == 403)
                #expect(answer["code"] == "csrf_failed")
            }
            #expect(try await Person(probe).signIn(email, password, headers: ["Origin": ""]).status == 200)
        }
    }

    @Test func twoCookiesOrABrokenOneAreNobody() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let person = try await world.person("maria", probe)
            let good = person.cookieHeader
            for header in ["\(good); \(good)", "\(good)x", "__Host-nimb=", "nimb=\(good.dropFirst(12))"] {
                let answer = try await person.send("GET", "/v1/session", headers: ["Cookie": header])
                #expect(answer.status == 401, "\(header.prefix(20))")
            }
            #expect(try await person.send("GET", "/v1/session", headers: ["Cookie": "a=b; \(good)"]).status == 200)
            let both = try await person.send("GET", "/v1/session", headers: ["Authorization": "Bearer nk_adv_wrong"])
            #expect(both.status == 401, "a key that is presented is judged, not passed over")
        }
    }

    // MARK: Agencies

    @Test func anAgencySwitchesBetweenItsAdvertisers() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let agency = try await world.person("agency", probe)
            let both = try await agency.get("/v1/session")
            #expect((both.json["advertisers"] as? [[String: Any]])?.count == 2)
            #expect(both.json["advertiser"] is NSNull)
            // Manager of the first, analyst of the second: of the second nothing that only a manager may.
            let people = try await agency.get("/v1/users")
            #expect(Set(people.rowIDs()) == ["usr-maria", "usr-ana", "usr-agency"])
            let only = try await agency.send("PATCH", "/v1/session", ["advertiser": "a2"])
            #expect(only.status == 200)
            #expect(only["advertiser"] == "a2")
            #expect((only.json["advertisers"] as? [[String: Any]])?.count == 2, "he can switch back")
            #expect(try await agency.get("/v1/users").status == 403)
            #expect(try await agency.send("PATCH", "/v1/session", ["advertiser": "a1"]).status == 200)
            #expect(try await agency.get("/v1/users").status == 200)
            #expect(try await agency.send("PATCH", "/v1/session", ["advertiser": NSNull()]).status == 200)
            let own = try await world.person("maria", probe)
            var answers: [String] = []
            for code in ["a2", "a9"] {
                let answer = try await own.send(
                    "PATCH", "/v1/session", ["advertiser": code], headers: ["X-Request-Id": "same"])
                #expect(answer.status == 422)
                answers.append(answer.text.replacing(code, with: "?"))
            }
            #expect(answers[0] == answers[1], "foreign and absent alike")
        }
    }
}
