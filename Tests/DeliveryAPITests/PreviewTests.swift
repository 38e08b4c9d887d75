import AdModel
import Decisioning
import DeliveryAPI
import EventLog
import Foundation
import Logging
import Measurement
import Profiles
import Store
import Synchronization
import Telemetry
import Testing

@Suite("A preview", .blocking) struct PreviewTests {
    static let parameter = PreviewParameter(secret: [UInt8](repeating: 9, count: 32))

    static func draft(_ format: String) -> PreviewCreative {
        let creative = ServingCreative(
            versionID: 77, lineItemID: 5, publicID: "draft-v2", format: format,
            landingURL: "https://brand.test/new", erid: "", fieldsJSON: "{\"alt\":\"Новый\"}", pictures: [],
            advertiserName: "ООО \"Норд\"", advertiserINN: "7736207543")
        let product = ServingProduct(sku: "n1", name: "Новинка", url: "https://shop.test/p/n1", pictureURL: nil)
        let sold = ServingProduct(sku: "n2", name: "Продан", url: nil, pictureURL: nil)
        return PreviewCreative(
            creative: creative, fragment: Fragments.creative(creative),
            cards: [
                .init(
                    fragment: Fragments.product(sold), url: nil,
                    prices: [1: .init(price: .roubles(5), oldPrice: nil, isBuyable: false)]),
                .init(
                    fragment: Fragments.product(product), url: product.url,
                    prices: [1: .init(price: .roubles(10), oldPrice: .roubles(12), isBuyable: true)]),
            ])
    }

    /// A world whose database knows one creative version, and how often it was asked.
    private static func world(_ format: String = "banner") throws -> (EdgeWorld, @Sendable () -> Int) {
        let asked = Counting()
        var backend = DeliveryBackend()
        backend.previewParameter = parameter
        backend.previewCreative = { version, _ in
            asked.add()
            return version == 77 ? draft(format) : nil
        }
        return (try EdgeWorld(backend: backend), { asked.count })
    }

    private final class Counting: Sendable {
        private let number = Atomic(0)
        func add() { number.wrappingAdd(1, ordering: .relaxed) }
        var count: Int { number.load(ordering: .relaxed) }
    }

    private static func body(_ preview: String, slots: String = EdgeWorld.bothSlots) -> String {
        EdgeWorld.page(slots: slots, more: ",\"preview\":\"\(preview)\"")
    }

    private static func signed(_ version: Int32 = 77, until: Timestamp = EdgeWorld.start + .hours(1)) -> String {
        parameter.sign(creativeVersionID: version, until: until)
    }

    @Test("shows a draft in the slot of its format, and nothing of it is counted") func showsADraft() async throws {
        let (world, asked) = try Self.world("shelf")
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            for _ in 0..<3 {
                let answer = try connection.post("/v1/placements", Self.body(Self.signed()))
                #expect(answer.status == 200, "\(answer.text)")
                #expect(answer.value("preview") as? String == "shown")
                #expect(answer.value("slots", "top", "no_fill") as? String == "preview")
                #expect(answer.value("slots", "shelf", "ads", 0, "creative_id") as? String == "draft-v2")
                #expect(answer.value("slots", "shelf", "ads", 0, "preview") as? Bool == true)
                #expect(answer.value("slots", "shelf", "ads", 0, "label", "erid") as? String == "")
                let cards = answer.value("slots", "shelf", "ads", 0, "products") as? [[String: Any]] ?? []
                #expect(cards.map { $0["sku"] as? String } == ["n1", "n2"], "what can be bought goes first")
                #expect(cards.map { $0["price"] as? String } == ["10.00", "5.00"])
            }
            let token = "preview-" + Self.signed()
            for type in ["impression", "viewable", "click"] {
                let event = "{\"storefront\":\"shop\",\"events\":[{\"type\":\"\(type)\",\"token\":\"\(token)\"}]}"
                let answer = try connection.post("/v1/events", event)
                #expect(answer.value("results", 0, "status") as? String == "refused")
                #expect(answer.value("results", 0, "code") as? String == "preview")
            }
            #expect(try connection.get("/v1/pixel/\(token)").status == 200)
            let click = try connection.get("/v1/click/\(token)")
            #expect(click.status == 302)
            #expect(click.header("location") == "https://brand.test/new")
            #expect(try connection.get("/v1/click/\(token)/1").header("location") == "https://shop.test/p/n1")
        }
        #expect(asked() == 1, "the creative is remembered for a moment")
        #expect(world.sink.single.isEmpty, "no decision")
        #expect(world.sink.batched == 0, "no event")
        #expect(world.serving.leases.remaining(2, now: EdgeWorld.start) == .roubles(100))
        #expect(world.profiles.read(world.environment.shopperHash("v1")) == nil)
    }

    @Test(
        "that is forged, expired or unknown changes nothing and says why",
        arguments: [
            ("forged", String(Self.signed().reversed())),
            ("expired", Self.signed(until: EdgeWorld.start - .seconds(2))),
            ("unknown", Self.signed(78)), ("forged", "x"),
        ])
    func isIgnored(word: String, parameter: String) async throws {
        let (world, _) = try Self.world()
        try await world.serving { port in
            let answer = try RawConnection(port: port).post("/v1/placements", Self.body(parameter))
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.value("preview") as? String == word)
            #expect(answer.value("slots", "top", "ads", 0, "creative_id") as? String == "c1-v1")
            #expect(answer.value("slots", "top", "ads", 0, "preview") == nil)
        }
        #expect(world.sink.decisions.count == 1, "a page like any other")
    }

    @Test func withoutASlotOfItsFormatNothingIsShown() async throws {
        let (world, _) = try Self.world("shelf")
        try await world.serving { port in
            let answer = try RawConnection(port: port).post(
                "/v1/placements", Self.body(Self.signed(), slots: #"[{"name":"home.top"}]"#))
            #expect(answer.value("preview") as? String == "no_slot")
            #expect(answer.value("slots", "home.top", "no_fill") as? String == "preview")
        }
    }
}
