import DemoShop
import Foundation
import TestKit
import Testing

@Suite("Buying", .serialized) struct ShopOrderTests {
    @Sendable private static func coffee(_ location: String) -> [[String: Any]] {
        [
            ShopWorld.product("c-1", "Кофе, 250 г", price: 449_990_000, location: location),
            ShopWorld.product("c-2", "Чай, 100 г", price: 100_000_000, buyable: location == "spb", location: location),
        ]
    }

    private static func orderID(_ page: String) throws -> String {
        let mark = try #require(page.range(of: "name=\"order\" value=\""))
        return String(page[mark.upperBound...].prefix { $0 != "\"" })
    }

    @Test("An order is sent with the shop's key, priced in the region, without what cannot be bought there")
    func order() async throws {
        try await ShopWorld.with(products: Self.coffee) { shop in
            let cookies = ["shop-cart=c-1*3!c-2*1", "shop-consent=yes", "shop-visitor=v-12345678"]
            let cart = try await shop.get("/shop/cart", cookies: cookies)
            #expect(cart.text.contains("1\u{202F}349,97\u{A0}₽"))
            #expect(cart.text.contains("В заказ не войдёт"))
            let id = try Self.orderID(cart.text)
            let done = try await shop.post("/shop/checkout", "order=\(id)", cookies: cookies)
            #expect(done.status == 303)
            #expect(done.all("location") == ["/shop/thanks/\(id)"])
            #expect(done.cookies == ["shop-cart="])
            let sent = try #require(shop.delivery.requests.first { $0.uri == "/v1/orders" })
            #expect(sent.header("authorization") == "Bearer shop-key")
            let body = try #require(try JSONSerialization.jsonObject(with: Data(sent.body)) as? [String: Any])
            #expect(body["order_id"] as? String == id)
            #expect(body["visitor_id"] as? String == "v-12345678")
            #expect((body["ordered_at"] as? String)?.contains(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) == true)
            let lines = try #require(body["lines"] as? [[String: Any]])
            #expect(lines.count == 1)
            #expect(lines[0]["gross_amount_micros"] as? Int == 1_349_970_000)
            #expect(lines[0]["net_amount_micros"] as? Int == 1_106_532_787)
            let thanks = try await shop.get("/shop/thanks/\(id)")
            #expect(thanks.text.contains(id) && thanks.text.contains("1\u{202F}349,97\u{A0}₽"))
        }
    }

    @Test("The same cart page sent twice is one order for the ad server")
    func twice() async throws {
        try await ShopWorld.with(products: Self.coffee) { shop in
            let id = try Self.orderID(try await shop.get("/shop/cart", cookies: ["shop-cart=c-1*1"]).text)
            for _ in 0..<2 { _ = try await shop.post("/shop/checkout", "order=\(id)", cookies: ["shop-cart=c-1*1"]) }
            let ids = try shop.delivery.requests.map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.body)) as? [String: Any])["order_id"]
                    as? String
            }
            #expect(ids == [id, id])
        }
    }

    @Test("When the ad server is away or refuses, the cart stays and the page says so", arguments: [503, 400])
    func refused(status: Int) async throws {
        let refuse: LocalServer.Handler = { _ in
            .response(status, body: Array("{\"code\":\"unknown_product\"}".utf8))
        }
        try await ShopWorld.with(products: Self.coffee, orders: refuse) { shop in
            let cookies = ["shop-cart=c-1*1"]
            let id = try Self.orderID(try await shop.get("/shop/cart", cookies: cookies).text)
            let answer = try await shop.post("/shop/checkout", "order=\(id)", cookies: cookies)
            #expect(answer.status == (status == 503 ? 503 : 502))
            #expect(answer.text.contains("role=\"alert\"") && answer.cookies.isEmpty)
            // Sent again, it must be the same order if the first one may have arrived.
            #expect(try Self.orderID(answer.text) == id || status == 400)
        }
    }

    @Test("Adding and changing keeps to what the shop sells and to its limits")
    func changes() async throws {
        try await ShopWorld.with(products: Self.coffee) { shop in
            #expect(try await shop.post("/shop/cart/add", "sku=c-1&units=2").cookies == ["shop-cart=c-1*2"])
            #expect(try await shop.post("/shop/cart/add", "sku=none").status == 404)
            let more = try await shop.post("/shop/cart/add", "sku=c-1&units=500", cookies: ["shop-cart=c-1*2"])
            #expect(more.cookies == ["shop-cart=c-1*99"])
            let less = try await shop.post("/shop/cart/change", "sku=c-1&units=0", cookies: ["shop-cart=c-1*2!c-2*1"])
            #expect(less.cookies == ["shop-cart=c-2*1"])
        }
    }
}
