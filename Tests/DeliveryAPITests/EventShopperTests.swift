import AdModel
import DeliveryAPI
import Foundation
import Measurement
import Profiles
import TestKit
import Testing

/// Who an event is believed to be of, and what that changes.
@Suite("Shoppers of events", .blocking) struct EventShopperTests {
    static func signals(_ file: TestLog) throws -> [SignalRecord] {
        try file.records().compactMap { if case .signal(let signal) = $0 { signal } else { nil } }
    }

    static func links(_ file: TestLog) throws -> [LinkRecord] {
        try file.records().compactMap { if case .link(let link) = $0 { link } else { nil } }
    }

    @Test func aForeignCookieContradictsNoToken() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let tokens = try EventTests.tokens(connection)
            _ = try connection.get("/v1/pixel/\(tokens.banner)", headers: ["Cookie": "nimb_vid=v2"])
            _ = try connection.get("/v1/click/\(tokens.banner)", headers: ["Cookie": "nimb_vid=v1"])
            let events = try file.adEvents()
            #expect(events.map(\.invalid) == [nil, nil])
            #expect(events.map(\.visitorID) == [nil, "v1"], "a cookie only ever confirms")
        }
    }

    @Test func refusedConsentLeavesTheShopperOutOfAnAdEvent() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let tokens = try EventTests.tokens(connection)
            let answer = try connection.post(
                "/v1/events",
                EventTests.batch(
                    #"{"type":"impression","token":"\#(tokens.banner)","visitor_id":"v1","consent":false}"#,
                    #"{"type":"viewable","token":"\#(tokens.banner)","visitor_id":"v1","id":"e1"}"#,
                    #"{"type":"click","token":"\#(tokens.banner)","customer":"c1.1.aa"}"#),
                headers: ["Cookie": "nimb_vid=v1"])
            #expect(EventTests.statuses(answer) == ["accepted", "accepted", "invalid unknown_field"])
            #expect(try file.adEvents().map(\.visitorID) == [nil, "v1"])
        }
    }

    @Test func silenceIsNoConsentOfASignal() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let answer = try connection.post(
                "/v1/events",
                EventTests.batch(
                    #"{"type":"page_view","visitor_id":"v1"}"#,
                    #"{"type":"page_view","visitor_id":"v1","consent":false}"#,
                    #"{"type":"page_view","visitor_id":"v1","consent":true}"#, #"{"type":"page_view","consent":true}"#),
                headers: ["Cookie": "nimb_vid=v3"])
            #expect(EventTests.statuses(answer) == Array(repeating: "accepted", count: 4))
            #expect(try Self.signals(file).map(\.visitorID) == [nil, nil, "v1", "v3"])
        }
    }

    @Test func aBotTeachesNobodyNotEvenAfterARestart() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            let view = #"{"type":"product_view","visitor_id":"v1","consent":true,"sku":"p2"}"#
            let answer = try RawConnection(port: port).post(
                "/v1/events", EventTests.batch(view), headers: ["User-Agent": "some bot"])
            #expect(EventTests.statuses(answer) == ["accepted"])
            #expect(try Self.signals(file).map(\.visitorID) == [nil])
            #expect(world.profiles.read(world.environment.shopperHash("v1")) == nil)
        }
    }

    @Test func aSignedCustomerOfASignalIsLinkedOnce() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        let signed = SignedCustomerID.sign("c1", expiry: EdgeWorld.start + .days(1), secret: EdgeWorld.secret)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            func view(_ customer: String, consent: Bool = true) -> String {
                #"{"type":"page_view","id":"a","visitor_id":"v1","customer":"\#(customer)","consent":\#(consent)}"#
            }
            func send(_ events: String...) throws -> [String] {
                EventTests.statuses(
                    try connection.post("/v1/events", "{\"storefront\":\"shop\",\"events\":[\(events[0])]}"))
            }
            #expect(try send(view("c1.1.aa")) == ["refused invalid_customer_signature"])
            #expect(
                try send(view(signed, consent: false).replacingOccurrences(of: #""id":"a","#, with: "")) == ["accepted"]
            )
            #expect(try Self.links(file).isEmpty)
            #expect(try send(view(signed)) == ["accepted"], "a refused event does not use its id up")
            #expect(try send(view(signed).replacingOccurrences(of: #""id":"a""#, with: #""id":"b""#)) == ["accepted"])
            let links = try Self.links(file)
            #expect(links.map(\.visitorID) == ["v1"])
            #expect(links.map(\.customerID) == ["c1"])
        }
    }

    @Test func profilesLearnWhatIsDurableAndBeforeItIsAnswered() async throws {
        let world = try EdgeWorld()
        let view = EventTests.batch(#"{"type":"product_view","visitor_id":"v1","consent":true,"sku":"p2"}"#)
        let shopper = world.environment.shopperHash("v1")
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            world.sink.mode = .failing
            #expect(try connection.post("/v1/events", view).status == 503)
            #expect(world.profiles.read(shopper) == nil, "what was lost taught nothing")
            world.sink.mode = .held
            connection.send(RawConnection.request("POST", "/v1/events", body: view))
            try await eventually(within: .seconds(5)) { world.sink.heldCount == 1 }
            #expect(world.profiles.read(shopper) == nil)
            world.sink.release()
            #expect(world.profiles.read(shopper) != nil, "the log's thread taught it before it answered")
            #expect(try connection.receive().status == 200)
        }
    }

    @Test(arguments: [#"\u0000"#, #"\n"#, #"\u001f"#, #"\u007f"#])
    func noTextOfAnEventHasControlCharacters(character: String) async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let fields = [
                (#""type":"search","query""#, "query"), (#""type":"product_view","sku""#, "sku"),
                (#""type":"category_view","category""#, "category"), (#""type":"page_view","id""#, "id"),
                (#""type":"page_view","visitor_id""#, "visitor_id"), (#""type":"page_view","customer""#, "customer"),
                (#""type":"click","token""#, "token"),
            ]
            for (members, field) in fields {
                let answer = try connection.post(
                    "/v1/events", EventTests.batch("{\(members):\"a\(character)b\"}"))
                #expect(EventTests.statuses(answer) == ["invalid invalid_field"], "\(field)")
                #expect(answer.text.contains("events[0].\(field)"))
            }
            let page = EdgeWorld.page().replacingOccurrences(
                of: #""type":"home""#, with: #""type":"home","query":"a\#(character)b""#)
            let refused = try connection.post("/v1/placements", page)
            #expect(refused.code == "invalid_field")
            #expect(refused.string("field") == "page.query")
            for field in ["brand", "category", "product"] {
                let other = page.replacingOccurrences(of: "query", with: field)
                #expect(try connection.post("/v1/placements", other).string("field") == "page.\(field)")
            }
            for (part, field) in [
                (#""order_id":"o1""#, "order_id"), (#""visitor_id":"v1""#, "visitor_id"),
                (#""sku":"p1""#, "lines[0].sku"),
            ] {
                let order = EdgeWorld.order().replacingOccurrences(
                    of: part, with: part.dropLast(1) + character + "\"")
                let answer = try connection.post("/v1/orders", order, headers: OrderTests.key)
                #expect(answer.status == 400)
                #expect(answer.string("field") == field)
            }
        }
    }
}
