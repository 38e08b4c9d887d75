import AdModel
import Decisioning
import DeliveryAPI
import Foundation
import Logging
import Measurement
import Profiles
import Store
import Telemetry
import Testing

@Suite("POST /v1/placements", .blocking) struct PlacementsTests {
    @Test func theAnswerIsWhatTheDecisionSays() async throws {
        let world = try EdgeWorld()
        let state = try #require(world.serving.state)
        let twin = Scratch()
        var request = DecisionRequest()
        request.pageType = .home
        request.location = 0
        request.slots = [.init(placement: 0), .init(placement: 1)]
        let leases = LeaseTable(maximumLineItemID: 10)
        for id: Int32 in 1...2 { leases.grant(id, .roubles(100)) }
        Decider.decide(
            request, snapshot: state.snapshot, stock: state.stock, profiles: nil, budget: leases, now: EdgeWorld.start,
            seed: 1, scratch: twin)
        try await world.serving { port in
            let answer = try RawConnection(port: port).post(
                "/v1/placements", EdgeWorld.page(visitor: nil, consent: false, slots: EdgeWorld.bothSlots))
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.header("set-cookie") == nil, "nothing is kept without consent")
            #expect(answer.value("slots", "top", "ads", 0, "creative_id") as? String == "c1-v1")
            let label = answer.value("slots", "top", "ads", 0, "label") as? [String: String]
            #expect(
                label == ["text": "Реклама", "advertiser": "ООО \"Норд\"", "inn": "7736207543", "erid": "2VtzqErid1"])
            let cards = answer.value("slots", "shelf", "ads", 0, "products") as? [[String: Any]] ?? []
            #expect(cards.map { $0["sku"] as? String } == ["p1", "p2"])
            #expect(cards.map { ($0["price_micros"] as? NSNumber)?.int64Value } == twin.result.cards.map(\.price))
            #expect(cards.map { $0["price"] as? String } == ["900.00", "99.90"])
            #expect(cards.map { ($0["old_price_micros"] as? NSNumber)?.int64Value } == [1_000_000_000, nil])
            // The token opens to the decision, with the price that nobody outside can read.
            let wire = try #require(answer.value("slots", "shelf", "ads", 0, "token") as? String)
            let token = try world.environment.tokens.open(wire)
            #expect(token.decisionID.hex == answer.string("decision_id"))
            #expect(token.productIDs == [1, 2])
            #expect(token.price.value == twin.result.ads[1].price)
            #expect(token.placementID == 2)
            #expect(token.shopperHash == 0)
            let tracking = answer.value("slots", "shelf", "ads", 0, "tracking") as? [String: String]
            #expect(tracking?["click"] == "https://ads.test/v1/click/\(wire)")
            #expect(tracking?["viewable"] == "https://ads.test/v1/pixel/\(wire)?kind=viewable")
            #expect(cards.first?["url"] as? String == "https://ads.test/v1/click/\(wire)/0")
        }
        let record = try #require(world.sink.decisions.first)
        #expect(record.visitorID == nil)
        #expect(record.locationID == 1)
        #expect(record.snapshotVersion == 7)
        #expect(record.stockVersion == 3)
        #expect(record.slots.map(\.placementID) == [1, 2])
        #expect(record.slots[1].ads.first?.productIDs == [1, 2])
    }

    @Test func aShopperWithoutIdGetsACookieOnceHeConsents() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let first = try connection.post("/v1/placements", EdgeWorld.page(visitor: nil))
            let cookie = try #require(first.header("set-cookie"))
            #expect(cookie.hasPrefix("nimb_vid=nv-"))
            #expect(cookie.contains("; SameSite=Lax") && cookie.contains("; HttpOnly") && cookie.contains("; Secure"))
            let pair = String(cookie.prefix { $0 != ";" })
            let second = try connection.post(
                "/v1/placements", EdgeWorld.page(visitor: nil), headers: ["Cookie": "a=b; \(pair)"])
            #expect(second.header("set-cookie") == nil)
            let visitors = world.sink.decisions.map(\.visitorID)
            #expect(visitors[0] != nil && visitors[0] == visitors[1])
            // A declared id wins over the cookie, and a cookie that breaks the rules of ids is none.
            _ = try connection.post("/v1/placements", EdgeWorld.page(visitor: "own"), headers: ["Cookie": pair])
            #expect(world.sink.decisions.last?.visitorID == "own")
            let forged = try connection.post(
                "/v1/placements", EdgeWorld.page(visitor: nil), headers: ["Cookie": "nimb_vid=a@b.ru"])
            #expect(forged.header("set-cookie") != nil)
        }
    }

    @Test func withoutConsentNothingOfTheShopperIsReadOrKept() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            for _ in 0..<5 {
                let answer = try connection.post(
                    "/v1/placements", EdgeWorld.page(visitor: "v1", consent: false),
                    headers: ["Cookie": "nimb_vid=nv-1"])
                #expect((answer.value("slots", "home.top", "ads") as? [Any])?.count == 1, "no cap without a shopper")
            }
            #expect(world.profiles.count == 0)
            #expect(world.sink.decisions.allSatisfy { $0.visitorID == nil })
        }
    }

    @Test func aCapHoldsFromTheDecisionOn() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let reasons = try (0..<4).map { _ in
                try connection.post("/v1/placements", EdgeWorld.page()).value("slots", "home.top", "no_fill") as? String
            }
            #expect(reasons == [nil, nil, nil, "frequency_capped"])
        }
    }

    @Test func aFullLogServesNothingAndGivesEverythingBack() async throws {
        let world = try EdgeWorld()
        world.sink.mode = .full
        let before = world.serving.leases.remaining(1, now: EdgeWorld.start)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            for _ in 0..<5 {
                let answer = try connection.post("/v1/placements", EdgeWorld.page())
                #expect(answer.status == 200, "a page must not break")
                #expect(answer.value("slots", "home.top", "no_fill") as? String == "log_full")
            }
            #expect(world.serving.leases.remaining(1, now: EdgeWorld.start) == before)
            world.sink.mode = .immediate
            let answer = try connection.post("/v1/placements", EdgeWorld.page())
            #expect((answer.value("slots", "home.top", "ads") as? [Any])?.count == 1, "caps were given back too")
        }
    }

    @Test func theLocationIsDeclaredOrThatOfTheRegionOrTheDefault() async throws {
        let world = try EdgeWorld { data in data.input.storefronts[0].defaultLocationID = nil }
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            func location(_ more: String) throws -> Int32? {
                _ = try connection.post("/v1/placements", EdgeWorld.page(more: more))
                return world.sink.decisions.last?.locationID
            }
            #expect(try location(#","location":"msk""#) == 1)
            #expect(try location(#","region":"RU-MOW""#) == 1)
            #expect(try location(#","region":"RU-SPE""#) == 0)
            #expect(try location("") == 0)
        }
    }

    @Test func theRegionOfTheAddressCountsOnlyThroughTrustedProxies() async throws {
        var backend = DeliveryBackend()
        backend.region = { $0.network == "9.8.7.0/24" ? RegionCode("RU-MOW") : nil }
        let world = try EdgeWorld(backend: backend) { data in data.input.storefronts[0].defaultLocationID = nil }
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            _ = try connection.post("/v1/placements", EdgeWorld.page(), headers: ["X-Forwarded-For": "9.8.7.6"])
            #expect(world.sink.decisions.last?.locationID == 0)
        }
        let proxies = try #require(TrustedProxies(["127.0.0.0/8", "10.0.0.0/8"]))
        let peer = try #require(ClientAddress("127.0.0.1"))
        func client(_ header: String) -> String? { proxies.client(peer: peer, forwardedFor: header)?.network }
        #expect(client("9.8.7.6") == "9.8.7.0/24")
        #expect(client("1.1.1.1, 9.8.7.6, 10.0.0.1") == "9.8.7.0/24", "what the client itself claims is not believed")
        #expect(client("9.8.7.6,,10.0.0.1, 10.0.0.2") == "9.8.7.0/24")
        #expect(client("9.8.7.6, nonsense, 10.0.0.1") == "10.0.0.0/24", "behind nonsense nothing is believed")
        #expect(client("") == "127.0.0.0/24")
        #expect(client("nonsense") == "127.0.0.0/24")
        #expect(proxies.client(peer: ClientAddress("8.8.8.8"), forwardedFor: "9.8.7.6")?.network == "8.8.8.0/24")
        #expect(TrustedProxies(["300.0.0.1"]) == nil)
    }

    @Test func aSignedCustomerIsBelievedAndAForgedOneRefused() async throws {
        let world = try EdgeWorld()
        let signed = SignedCustomerID.sign("c1", expiry: EdgeWorld.start + .days(1), secret: EdgeWorld.secret)
        let forged = SignedCustomerID.sign(
            "c1", expiry: EdgeWorld.start + .days(1), secret: [UInt8](repeating: 9, count: 32))
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            func body(_ customer: String) -> String {
                EdgeWorld.page().replacingOccurrences(
                    of: "\"consent\"", with: "\"customer\":\"\(customer)\",\"consent\"")
            }
            for _ in 0..<2 { #expect(try connection.post("/v1/placements", body(signed)).status == 200) }
            let links = world.sink.single.filter { if case .link = $0 { true } else { false } }
            #expect(links.count == 1, "the same pair is linked once")
            let refused = try connection.post("/v1/placements", body(forged))
            #expect(refused.code == "invalid_customer_signature")
            #expect(refused.string("field") == "shopper.customer")
        }
    }

    @Test func readyMadeMarkupComesOnRequestOnly() async throws {
        var backend = DeliveryBackend()
        backend.renderHTML = { format, ad in
            let object = (try? JSONSerialization.jsonObject(with: Data(ad))) as? [String: Any]
            return "<p>\(format) \(object?["creative_id"] ?? "not an object")</p>"
        }
        let world = try EdgeWorld(backend: backend)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let plain = try connection.post("/v1/placements", EdgeWorld.page())
            #expect(plain.value("slots", "home.top", "ads", 0, "html") == nil)
            let asked = try connection.post("/v1/placements", EdgeWorld.page(more: ",\"html\":true"))
            #expect(asked.value("slots", "home.top", "ads", 0, "html") as? String == "<p>banner c1-v1</p>")
        }
    }

    @Test(arguments: [
        (#"{"#, "invalid_json", nil), (#"[]"#, "invalid_field", ""),
        (#"{"storefront":"shop"}"#, "missing_field", "page"),
        (#"{"storefront":"shop","page":{"type":"home"},"slots":[]}"#, "missing_field", "slots"),
        (#"{"storefront":"nope","page":{"type":"home"},"slots":[{"name":"a"}]}"#, "unknown_storefront", "storefront"),
        (#"{"storefront":"shop","page":{"type":"home"},"slots":[{"name":"a"}]}"#, "unknown_placement", "slots[0].name"),
        (
            #"{"storefront":"shop","page":{"type":"home"},"slots":[{"name":"a","placement":"b"}]}"#,
            "unknown_placement",
            "slots[0].placement"
        ),
        (#"{"storefront":"shop","page":{"type":"moon"},"slots":[{"name":"a"}]}"#, "invalid_field", "page.type"),
        (#"{"storefront":"shop","page":{"type":"home","x":1},"slots":[{"name":"a"}]}"#, "unknown_field", "page.x"),
        (#"{"storefront":"shop","page":{"type":"home"},"slots":[{"name":"a b"}]}"#, "invalid_field", "slots[0].name"),
        (
            #"{"storefront":"shop","page":{"type":"home"},"slots":[{"name":"home.top"},{"name":"home.top"}]}"#,
            "duplicate_field", "slots[1].name"
        ),
        (#"{"storefront":"shop","storefront":"shop"}"#, "duplicate_field", "storefront"),
        (
            #"{"storefront":"shop","page":{"type":"home"},"slots":[{"name":"home.top","count":0}]}"#, "invalid_field",
            "slots[0].count"
        ),
        (
            #"{"storefront":"shop","page":{"type":"home"},"slots":[{"name":"home.top"}],"location":"mars"}"#,
            "unknown_location", "location"
        ),
        (
            #"{"storefront":"shop","page":{"type":"home"},"slots":[{"name":"home.top"}],"shopper":{"visitor_id":"a@b.ru"}}"#,
            "personal_data", "shopper.visitor_id"
        ),
        (
            #"{"storefront":"shop","page":{"type":"home"},"slots":[{"name":"home.top"}],"shopper":{"visitor_id":"79161234567"}}"#,
            "personal_data", "shopper.visitor_id"
        ),
    ])
    func badInputIsNamed(body: String, code: String, field: String?) async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let answer = try RawConnection(port: port).post("/v1/placements", body)
            #expect(answer.status == 400)
            #expect(answer.code == code, "\(answer.text)")
            if let field { #expect(answer.string("field") == field) }
            if code == "invalid_json" { #expect(answer.string("detail")?.contains("byte") == true) }
        }
    }

    @Test func seventeenSlotsAreTooMany() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let slots = (0..<17).map { #"{"name":"s\#($0)","placement":"home.top"}"# }.joined(separator: ",")
            let answer = try RawConnection(port: port).post("/v1/placements", EdgeWorld.page(slots: "[\(slots)]"))
            #expect(answer.code == "too_many")
        }
    }

    @Test func beforeTheFirstLoadTheEdgeSaysSo() async throws {
        let world = try EdgeWorld()
        let empty = DeliveryEnvironment(
            settings: world.environment.settings, serving: ServingHolder(), profiles: world.profiles, log: world.sink,
            tokens: world.environment.tokens, shopperHash: world.environment.shopperHash,
            agents: try UserAgentClassifier(list: "bot\n"), metrics: MetricsRegistry(), clock: { EdgeWorld.start })
        let server = DeliveryServer(environment: empty, host: "127.0.0.1", port: 0, logger: .init(label: "test"))
        let port = try await server.start()
        let connection = try RawConnection(port: port)
        let health = try connection.get("/v1/health")
        #expect(health.status == 503)
        #expect(health.text.contains("\"starting\""))
        #expect(try connection.post("/v1/placements", EdgeWorld.page()).code == "not_ready")
        await server.stop()
    }
}
