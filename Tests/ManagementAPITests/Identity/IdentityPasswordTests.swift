import AdModel
import Foundation
import Postgres
import Store
import TestKit
import Testing

@Suite(.database) struct IdentityPasswordTests {
    private let new = "another fine password"

    @Test func aNewPasswordEndsEverySessionOfTheUserAndNoOther() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let here = try await world.person("maria", probe)
            let there = try await world.person("maria", probe)
            let other = try await world.person("ana", probe)
            let wrong = try await here.send(
                "PUT", "/v1/session/password", ["current_password": "not it at all", "password": new])
            #expect(wrong.status == 401)
            let weak = try await here.send(
                "PUT", "/v1/session/password",
                ["current_password": IdentityWorld.password("maria"), "password": "short"])
            #expect(weak.status == 422)
            #expect(weak["field"] == "password")
            let answer = try await here.send(
                "PUT", "/v1/session/password", ["current_password": IdentityWorld.password("maria"), "password": new])
            #expect(answer.status == 204)
            #expect(try await here.get("/v1/session").status == 401)
            #expect(try await there.get("/v1/session").status == 401)
            #expect(try await other.get("/v1/session").status == 200)
            #expect(try await Person(probe).signIn(IdentityWorld.email("maria"), new).status == 200)
            #expect(
                try await Person(probe).signIn(IdentityWorld.email("maria"), IdentityWorld.password("maria")).status
                    == 401)
        }
    }

    @Test func aResetIsAskedForAlikeAndWorksOnce() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let visitor = Person(probe)
            var answers: [String] = []
            for email in ["nobody@people.test", IdentityWorld.email("off"), IdentityWorld.email("maria")] {
                let answer = try await visitor.send("POST", "/v1/password-resets", ["email": email])
                #expect(answer.status == 202)
                answers.append(answer.text)
            }
            #expect(Set(answers).count == 1)
            #expect(try await IdentityWorld.count("select count(*) from mail_outbox") == 1)
            let token = try #require(try await IdentityWorld.mailedToken(to: IdentityWorld.email("maria")))

            let weak = try await visitor.send(
                "POST", "/v1/password-resets/complete", ["token": token, "password": "aaaaaaaaaaaaaaaa"])
            #expect(weak.status == 422, "a refused password does not use the link up")
            let done = try await visitor.send(
                "POST", "/v1/password-resets/complete", ["token": token, "password": new])
            #expect(done.status == 204)
            for text in [token, SecretToken().text, "nonsense"] {
                let again = try await visitor.send(
                    "POST", "/v1/password-resets/complete", ["token": text, "password": new])
                #expect(again.status == 400)
                #expect(again["code"] == "invalid_token")
            }
            #expect(try await visitor.signIn(IdentityWorld.email("maria"), new).status == 200)
        }
    }

    @Test func nobodyIsFloodedWithLinks() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            for _ in 0..<8 {
                let answer = try await Person(probe).send(
                    "POST", "/v1/password-resets", ["email": IdentityWorld.email("maria")])
                #expect(answer.status == 202)
            }
            #expect(
                try await IdentityWorld.count("select count(*) from mail_outbox") == Int64(PasswordResets.perUser))
            var statuses: [Int] = []
            for n in 0..<6 {
                statuses.append(
                    try await Person(probe).send("POST", "/v1/password-resets", ["email": "u\(n)@people.test"]).status)
            }
            #expect(statuses == [202, 202, 202, 429, 429, 429])
        }
    }

    @Test func aNewUserChoosesHisPasswordByALink() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let root = try await world.person("root", probe)
            let made = try await root.send(
                "POST", "/v1/users",
                [
                    "email": "New@People.test", "name": "New", "language": "ru",
                    "memberships": [
                        ["role": "advertiser_manager", "advertiser": "a1"],
                        ["role": "advertiser_analyst", "advertiser": "a2"],
                    ],
                ])
            #expect(made.status == 201, "\(made.text)")
            #expect(made["email"] == "new@people.test")
            #expect(made.json["has_password"] as? Bool == false)
            let token = try #require(try await IdentityWorld.mailedToken(to: "new@people.test"))
            #expect(!made.text.contains(token))
            let done = try await Person(probe).send(
                "POST", "/v1/password-resets/complete", ["token": token, "password": new])
            #expect(done.status == 204)
            let person = Person(probe)
            let session = try await person.signIn("new@people.test", new)
            #expect((session.json["advertisers"] as? [[String: Any]])?.count == 2)
        }
    }

    // MARK: Invitations

    @Test func aManagerInvitesToHisOwnAdvertiserOnly() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let maria = try await world.person("maria", probe)
            for (role, advertiser, status) in [
                ("advertiser_analyst", "a1", 201), ("advertiser_manager", "a1", 201), ("advertiser_analyst", "a2", 422),
                ("advertiser_analyst", "a9", 422), ("admin", "", 422), ("analyst", "", 422), ("admin", "a1", 422),
            ] {
                var body: [String: Any] = ["email": "guest@people.test", "role": role]
                if !advertiser.isEmpty { body["advertiser"] = advertiser }
                let answer = try await maria.send("POST", "/v1/invitations", body)
                #expect(answer.status == status, "\(role) \(advertiser): \(answer.text)")
            }
            let chosen = try await maria.send(
                "POST", "/v1/invitations",
                ["id": "mine", "email": "x@people.test", "role": "advertiser_analyst", "advertiser": "a1"])
            #expect(chosen.status == 422)
            let ana = try await world.person("ana", probe)
            let refused = try await ana.send(
                "POST", "/v1/invitations",
                ["email": "x@people.test", "role": "advertiser_analyst", "advertiser": "a1"])
            #expect(refused.status == 403)
            let berta = try await world.person("berta", probe)
            #expect(try await berta.get("/v1/invitations").rows.isEmpty)
        }
    }

    @Test func invitingSomebodyTellsNothingAboutHim() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let maria = try await world.person("maria", probe)
            var shapes: [String] = []
            for email in ["nobody@people.test", IdentityWorld.email("berta"), IdentityWorld.email("root")] {
                let answer = try await maria.send(
                    "POST", "/v1/invitations", ["email": email, "role": "advertiser_analyst", "advertiser": "a1"])
                #expect(answer.status == 201)
                shapes.append(
                    answer.text.replacing(email, with: "?").replacing(answer["id"], with: "?"))
            }
            #expect(Set(shapes).count == 1)
        }
    }

    @Test func aNewPersonAcceptsOnce() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let maria = try await world.person("maria", probe)
            let made = try await maria.send(
                "POST", "/v1/invitations",
                ["email": "guest@people.test", "role": "advertiser_analyst", "advertiser": "a1", "language": "en"])
            let token = try #require(try await IdentityWorld.mailedToken(to: "guest@people.test"))
            #expect(!made.text.contains(token))
            let visitor = Person(probe)
            let seen = try await visitor.send("POST", "/v1/invitations/preview", ["token": token])
            #expect(seen.status == 200)
            #expect(seen.json["has_account"] as? Bool == false)
            #expect(seen["advertiser_name"] == "A1")
            let nameless = try await visitor.send(
                "POST", "/v1/invitations/accept", ["token": token, "password": new])
            #expect(nameless.status == 422)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await Person(probe).send(
                            "POST", "/v1/invitations/accept", ["token": token, "name": "Guest", "password": new]
                        ).status
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 204 }.count == 1)
            #expect(statuses.allSatisfy { $0 == 204 || $0 == 400 || $0 == 401 }, "\(statuses)")
            #expect(
                try await IdentityWorld.count(
                    "select count(*) from membership m join app_user u on u.id = m.user_id where u.email = 'guest@people.test'"
                )
                    == 1)
            let session = try await visitor.signIn("guest@people.test", new)
            #expect(session.status == 200)
            let list = try await maria.get("/v1/invitations?state=accepted")
            #expect(list.rows.count == 1)
            let people = try await maria.get("/v1/users?text=guest")
            #expect(people.rows.count == 1)
        }
    }

    @Test func aPersonWithAnAccountAcceptsWithHisPassword() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let maria = try await world.person("maria", probe)
            let body: [String: Any] = [
                "email": IdentityWorld.email("berta"), "role": "advertiser_analyst", "advertiser": "a1",
            ]
            #expect(try await maria.send("POST", "/v1/invitations", body).status == 201)
            let token = try #require(try await IdentityWorld.mailedToken(to: IdentityWorld.email("berta")))
            let wrong = try await Person(probe).send(
                "POST", "/v1/invitations/accept", ["token": token, "name": "Evil", "password": new])
            #expect(wrong.status == 401)
            let right = try await Person(probe).send(
                "POST", "/v1/invitations/accept", ["token": token, "password": IdentityWorld.password("berta")])
            #expect(right.status == 204)
            let berta = try await world.person("berta", probe)
            let advertisers = try await berta.get("/v1/session").json["advertisers"] as? [[String: Any]]
            #expect(advertisers?.map { $0["id"] as? String } == ["a2", "a1"])
            // Her other membership is nobody else's business.
            let seen = try await maria.get("/v1/users?text=berta")
            #expect((seen.rows.first?["memberships"] as? [[String: Any]])?.count == 1)
            #expect(!seen.text.contains("a2"))
        }
    }

    @Test func staffOfTheRetailerCannotBecomeAnAdvertisersPeople() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let maria = try await world.person("maria", probe)
            let body: [String: Any] = [
                "email": IdentityWorld.email("finance"), "role": "advertiser_manager", "advertiser": "a1",
            ]
            #expect(try await maria.send("POST", "/v1/invitations", body).status == 201)
            let token = try #require(try await IdentityWorld.mailedToken(to: IdentityWorld.email("finance")))
            let answer = try await Person(probe).send(
                "POST", "/v1/invitations/accept", ["token": token, "password": IdentityWorld.password("finance")])
            #expect(answer.status == 422)
            #expect(try await maria.get("/v1/invitations?state=open").rows.count == 1, "nothing was used up")
        }
    }

    @Test func aWithdrawnInvitationWorksNoMore() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let maria = try await world.person("maria", probe)
            let made = try await maria.send(
                "POST", "/v1/invitations",
                ["email": "guest@people.test", "role": "advertiser_analyst", "advertiser": "a1"])
            let token = try #require(try await IdentityWorld.mailedToken(to: "guest@people.test"))
            let berta = try await world.person("berta", probe)
            #expect(try await berta.send("POST", "/v1/invitations/\(made["id"])/revoke").status == 404)
            #expect(try await maria.send("POST", "/v1/invitations/\(made["id"])/revoke").status == 200)
            #expect(try await maria.send("POST", "/v1/invitations/\(made["id"])/revoke").status == 409)
            let answer = try await Person(probe).send(
                "POST", "/v1/invitations/accept", ["token": token, "name": "Guest", "password": new])
            #expect(answer.status == 400)
        }
    }
}
