import Foundation
import TestKit
import Testing

/// A fresh `nimb dev` has something to show on every page, in every region.
@Suite(.serialized) struct DemoFillTests {
    private static let regions = [("msk", "RU-MOW"), ("spb", "RU-SPE"), ("ekb", "RU-SVE")]
    /// Context that a page of the type has.
    private static let contexts = [
        "home": "", "category": #","category":"coffee-beans""#, "search": #","query":"кофе""#,
        "cart": "", "checkout_success": "",
    ]

    @Test func everyPlacementServesInEveryRegion() async throws {
        let dev = try TourTests.Dev()
        defer { dev.remove() }
        let nimb = try dev.start()
        _ = try await nimb.line(within: .seconds(120)) { $0.contains("Ctrl-C ends everything") }
        let secrets = try dev.environment()
        let key = ["Authorization": "Bearer \(try #require(secrets["NIMB_KEY_RETAILER"]))"]
        let management = HTTPClient(
            base: try #require(URL(string: "http://127.0.0.1:\(dev.ports[1])")),
            document: try OpenAPIDocument(named: "management"))
        let delivery = HTTPClient(
            base: try #require(URL(string: "http://127.0.0.1:\(dev.ports[0])")),
            document: try OpenAPIDocument(named: "delivery"))
        let placements = try await management.get("/v1/storefronts/shop/placements?limit=100", headers: key)
        let items = placements.json["items"].array
        #expect(items.count >= 8, "\(placements.text)")
        let product = try await management.get(
            "/v1/products?category=coffee-beans&brand=zernosvet&limit=1", headers: key)
        let sku = try #require(product.json["items"].array.first?["sku"].string)
        let pages = Dictionary(grouping: items) { $0["page_type"].string ?? "" }
        for (location, region) in Self.regions {
            for (type, slots) in pages {
                let context =
                    Self.contexts[type]
                    ?? #","product":"\#(sku)","category":"coffee-beans","brand":"zernosvet""#
                let names = slots.compactMap { $0["id"].string }.map { #"{"name":"\#($0)"}"# }
                let answer = try await delivery.post(
                    "/v1/placements",
                    """
                    {"storefront":"shop","page":{"type":"\(type)"\(context)},"slots":[\(names.joined(separator: ","))],
                     "shopper":{"visitor_id":"fill-\(location)-\(type)","consent":true,"device":"desktop"},
                     "location":"\(location)","region":"\(region)"}
                    """)
                #expect(answer.status == 200, "\(answer.text)")
                for slot in slots.compactMap({ $0["id"].string }) {
                    let ads = answer.json["slots"][slot]["ads"].array
                    #expect(!ads.isEmpty, "\(slot) is empty in \(location): \(answer.json["slots"][slot])")
                    #expect(ads.allSatisfy { $0["label"]["erid"].string?.isEmpty == false })
                }
            }
        }
        nimb.send(SIGINT)
        #expect(try await nimb.exit(within: .seconds(20)) == 0)
    }
}
