import AdModel
import Audiences
import Decisioning
import DeliveryAPI
import Foundation
import Measurement
import Profiles
import Store
import TestKit
import Testing

/// Line items aimed at audiences, from the signal to the very next request.
@Suite("Audiences at the edge", .blocking) struct AudienceEdgeTests {
    private static func event(_ type: AudienceEventType, products: [String] = []) -> AudienceCondition {
        var events = CountedEvents(type: type)
        events.products = products
        return .event(EventCondition(events: events))
    }

    /// The banner is for audience 5 alone.
    private static func world(_ condition: AudienceCondition, log: (any EventSink)? = nil) throws -> EdgeWorld {
        let world = try EdgeWorld(log: log) { data in
            data.input.audiences = [.init(id: 4, code: "nobody"), .init(id: 5, code: "aimed-at")]
            data.input.lineItems[0].targeting.wanted.audiences = ["aimed-at"]
        }
        let book = AudienceBook([AudienceDefinition(id: 5, condition: condition)]) { atom in
            var filter = EventFilter()
            if !atom.events.products.isEmpty { filter.skus = Set(atom.events.products.map { TextKey.of($0) }) }
            return filter
        }
        let installed = LiveAudiences.Installed(facts: AudienceFacts(book)) { $0.utcDay }
        #expect(world.environment.audiences.install(installed, after: EdgeWorld.start))
        return world
    }

    private func isShown(_ connection: RawConnection, visitor: String = "v1", consent: Bool = true) throws -> Bool {
        let answer = try connection.post("/v1/placements", EdgeWorld.page(visitor: visitor, consent: consent))
        return answer.value("slots", "home.top", "no_fill") == nil
    }

    @Test func theVeryNextRequestKnowsOfASignal() async throws {
        let file = try TestLog()
        let world = try Self.world(Self.event(.productView, products: ["p2"]), log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let other = try RawConnection(port: port)
            #expect(try !isShown(connection))
            let view = { (sku: String) in
                #"{"type":"product_view","visitor_id":"v1","consent":true,"sku":"\#(sku)"}"#
            }
            _ = try connection.post("/v1/events", EventTests.batch(view("p1")))
            #expect(try !isShown(other), "another product")
            _ = try connection.post("/v1/events", EventTests.batch(view("p2")))
            #expect(try isShown(other))
            #expect(try !isShown(other, visitor: "v2"))
            #expect(try !isShown(other, consent: false), "without consent nothing is known of anybody")
        }
    }

    @Test func anOrderOfTheServerCountsAndThePagesWordDoesNot() async throws {
        let file = try TestLog()
        let world = try Self.world(Self.event(.order, products: ["p1"]), log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            _ = try connection.post(
                "/v1/events", EventTests.batch(#"{"type":"order","visitor_id":"v1","consent":true,"sku":"p1"}"#))
            #expect(try !isShown(connection))
            let answer = try connection.post(
                "/v1/orders", EdgeWorld.order(), headers: ["Authorization": "Bearer \(EdgeWorld.serverKey)"])
            #expect(answer.status == 200)
            #expect(try isShown(connection))
            #expect(world.profiles.read(world.environment.shopperHash("v1"))?.orders.count == 1)
        }
    }

    @Test func whatAnAdDidCountsAndALoginBringsTheCustomersOrders() async throws {
        let file = try TestLog()
        let world = try Self.world(
            .any([Self.event(.click), Self.event(.order)]), log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            #expect(try !isShown(connection, visitor: "v7"))
            let headers = ["Authorization": "Bearer \(EdgeWorld.serverKey)"]
            let order = EdgeWorld.order("o7").replacingOccurrences(
                of: #""visitor_id":"v1""#, with: #""customer_id":"c7""#)
            #expect(try connection.post("/v1/orders", order, headers: headers).status == 200)
            #expect(try !isShown(connection, visitor: "v7"))
            let link = #"{"visitor_id":"v7","customer_id":"c7","linked_at":"\#(EdgeWorld.start.rfc3339)"}"#
            #expect(try connection.post("/v1/links", link, headers: headers).status == 200)
            #expect(try isShown(connection, visitor: "v7"))
            // The shelf is open to everybody: clicking it is what the audience asks for.
            let page = EdgeWorld.page(visitor: "v8", slots: EdgeWorld.bothSlots)
            let answer = try connection.post("/v1/placements", page)
            let ads = try #require(answer.value("slots", "shelf", "ads") as? [[String: Any]])
            let token = try #require(ads.first?["token"] as? String)
            #expect(try !isShown(connection, visitor: "v8"))
            _ = try connection.get("/v1/click/\(token)")
            #expect(try isShown(connection, visitor: "v8"))
        }
    }
}
