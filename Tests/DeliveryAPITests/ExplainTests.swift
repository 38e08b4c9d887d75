import AdModel
import DeliveryAPI
import Foundation
import Measurement
import Synchronization
import TestKit
import Testing

@Suite("Placements that say why", .blocking) struct ExplainTests {
    static let path = "/v1/placements?explain=1"

    /// Remembers what it was asked to describe.
    final class Told: Sendable {
        let records = Mutex<[DecisionRecord]>([])
    }

    static func world(_ told: Told, fails: Bool = false) throws -> EdgeWorld {
        struct Away: Error {}
        var backend = DeliveryBackend()
        backend.explain = { record in
            told.records.withLock { $0.append(record) }
            if fails { throw Away() }
            return "{\"id\":\"\(record.id.hex)\"}"
        }
        return try EdgeWorld(backend: backend)
    }

    @Test func theOwnerOfTheShopIsToldWhyAndThePageIsServedAsEver() async throws {
        let told = Told()
        let world = try Self.world(told)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let answer = try connection.post(
                Self.path, EdgeWorld.page(slots: EdgeWorld.bothSlots), headers: OrderTests.key)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.value("slots", "top", "ads", 0, "creative_id") as? String == "c1-v1")
            let id = try #require(answer.string("decision_id"))
            #expect(answer.value("explain", "id") as? String == id)
            // The very record that the log has, so the decision counts like any other.
            #expect(world.sink.decisions == told.records.withLock { $0 })
            let record = try #require(world.sink.decisions.first)
            #expect(record.detail != nil)
            #expect((record.slots[1].ads.first?.parts ?? 0) > 0)
            for _ in 0..<2 { _ = try connection.post(Self.path, EdgeWorld.page(), headers: OrderTests.key) }
            let capped = try connection.post(Self.path, EdgeWorld.page(), headers: OrderTests.key)
            #expect(capped.value("slots", "home.top", "no_fill") as? String == "frequency_capped")
            let last = try #require(world.sink.decisions.last)
            #expect(last.detail?.stopped.map(\.lineItemID) == [1])
            #expect(last.slots[0].reasons.map(\.reason) == [13])
        }
    }

    @Test func nobodyElseIs() async throws {
        let told = Told()
        let world = try Self.world(told)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let anonymous = try connection.post(Self.path, EdgeWorld.page())
            #expect(anonymous.status == 401)
            #expect(anonymous.code == "unauthorized")
            let foreign = try connection.post(
                Self.path, EdgeWorld.page().replacing("\"storefront\":\"shop\"", with: "\"storefront\":\"other\""),
                headers: OrderTests.key)
            #expect(foreign.status == 401, "a key of one storefront explains no other")
            #expect(told.records.withLock { $0.isEmpty })
            // Other values ask for nothing.
            let plain = try connection.post("/v1/placements?explain=0", EdgeWorld.page())
            #expect(plain.status == 200)
            #expect(plain.value("explain") == nil)
        }
    }

    @Test func adsDoNotWaitForADatabaseThatIsAway() async throws {
        let told = Told()
        let world = try Self.world(told, fails: true)
        try await world.serving { port in
            let answer = try RawConnection(port: port).post(Self.path, EdgeWorld.page(), headers: OrderTests.key)
            #expect(answer.status == 200)
            #expect(answer.value("slots", "home.top", "ads", 0, "creative_id") as? String == "c1-v1")
            #expect(answer.value("explain") is NSNull)
        }
    }
}
