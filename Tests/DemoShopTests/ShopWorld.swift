import DemoShop
import Foundation
import Logging
import Outbound
import Synchronization
import TestKit

/// The demo shop on a free port, over stand-ins of the management and the delivery API.
struct ShopWorld {
    let management: LocalServer
    let delivery: LocalServer
    let base: String
    private let client = OutboundClient(policy: OutboundPolicy(allowedHosts: ["127.0.0.1"]))

    struct Page {
        var status: Int
        var text: String
        var headers: [(name: String, value: String)]

        func all(_ name: String) -> [String] { headers.filter { $0.name.lowercased() == name }.map(\.value) }
        /// `name=value` of the cookies that were set.
        var cookies: [String] { all("set-cookie").map { String($0.prefix { $0 != ";" }) } }
    }

    /// - Parameter products: by stock location.
    static func with(
        products: @escaping @Sendable (_ location: String) -> [[String: Any]] = { _ in [] },
        management isUp: Bool = true, orders: @escaping LocalServer.Handler = { _ in .response(200) },
        _ body: (ShopWorld) async throws -> Void
    ) async throws {
        try await LocalServer.with { request in
            isUp ? answer(request, products) : .response(503)
        } _: { management in
            try await LocalServer.with(orders) { delivery in
                let port = Mutex(0)
                let options = DemoShopOptions(
                    port: 0, deliveryURL: delivery.url, mediaURL: "http://media.test", managementURL: management.url,
                    retailerKey: "retailer-key", shopKey: "shop-key", refreshSeconds: 3_600)
                let shop = DemoShop(options: options, logger: Logger(label: "test")) { bound in
                    port.withLock { $0 = bound }
                }
                let running = Task { try await shop.run() }
                defer { running.cancel() }
                let bound = try await eventualValue(within: .seconds(60), "the shop's port") {
                    port.withLock { $0 > 0 ? $0 : nil }
                }
                let world = ShopWorld(management: management, delivery: delivery, base: "http://127.0.0.1:\(bound)")
                if isUp {
                    try await eventually(within: .seconds(60), "the catalogue") {
                        try await world.get("/shop/").status == 200
                    }
                }
                try await body(world)
            }
        }
    }

    func get(_ path: String, cookies: [String] = []) async throws -> Page {
        try await send(OutboundRequest(.get, base + path, headers: headers(cookies)))
    }

    func post(_ path: String, _ form: String, cookies: [String] = []) async throws -> Page {
        try await send(
            OutboundRequest(
                .post, base + path,
                headers: headers(cookies) + [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array(form.utf8)))
    }

    private func headers(_ cookies: [String]) -> [(name: String, value: String)] {
        cookies.isEmpty ? [] : [(name: "Cookie", value: cookies.joined(separator: "; "))]
    }

    private func send(_ request: OutboundRequest) async throws -> Page {
        let answer = try await client.send(request)
        return Page(
            status: answer.status, text: String(decoding: answer.body, as: UTF8.self), headers: answer.headers)
    }

    /// A product as the management API lists it.
    static func product(
        _ sku: String, _ name: String, brand: String = "Зерносвет", group: String? = nil, category: String = "coffee",
        price: Int64, old: Int64? = nil, buyable: Bool = true, location: String
    ) -> [String: Any] {
        [
            "sku": sku, "group": group ?? NSNull(), "name": name, "feed_brand": brand, "brand": NSNull(),
            "categories": [category], "url": NSNull(), "picture_url": NSNull(),
            "offer": [
                "location": location, "buyable": buyable, "price_micros": price, "old_price_micros": old ?? NSNull(),
                "as_of": "2026-11-22T00:00:00Z",
            ] as [String: Any],
        ]
    }

    /// A decision that the management API explains.
    static let decision = "00065b1c3f00000000010000000000aa"

    private static let explained = """
        {"id":"\(decision)","auction":{"slots":[{"placement":"home.top","no_fill":null,
         "ads":[{"line_item":"l1","campaign":"camp","advertiser":"a","creative":"c-v1","price_micros":777,"score":5.5,
           "score_parts":{"click_probability":0.01,"category_interest":3,"brand_interest":0,"price_level":1,"draw":0},"products":["p1"]}],
         "candidates":[{"line_item":"rival-line","campaign":"rival","advertiser":"b","outcome":"outbid","score":4.4}],
         "reasons":[{"reason":"paced","count":3}]}]}}
        """

    private static func answer(
        _ request: LocalServer.Request, _ products: (String) -> [[String: Any]]
    ) -> LocalServer.Reply {
        guard request.header("authorization") == "Bearer retailer-key" else { return .response(401) }
        let path = request.uri.prefix { $0 != "?" }
        let query = request.uri.dropFirst(path.count + 1).split(separator: "&")
        let location = query.first { $0.hasPrefix("location=") }.map { String($0.dropFirst(9)) }
        let items: [[String: Any]]
        if path == "/v1/decisions/\(decision)" { return .response(200, body: [UInt8](explained.utf8)) }
        switch path {
        case "/v1/stock-locations": items = [["id": "msk", "name": "Москва"], ["id": "spb", "name": "Петербург"]]
        case "/v1/storefronts/shop/placements": items = [["id": "home.top"], ["id": "search.sponsored"]]
        case "/v1/categories":
            items = [
                ["id": "food", "name": "Еда", "parent": NSNull()],
                ["id": "drinks", "name": "Напитки", "parent": "food"],
                ["id": "coffee", "name": "Кофе", "parent": "drinks"],
                ["id": "empty", "name": "Пустой раздел", "parent": NSNull()],
            ]
        case "/v1/products": items = products(location ?? "msk")
        default: return .response(404)
        }
        let body: [String: Any] = ["items": items, "next_cursor": NSNull()]
        let bytes = (try? JSONSerialization.data(withJSONObject: body)) ?? Data()
        return .response(200, headers: [(name: "Content-Type", value: "application/json")], body: [UInt8](bytes))
    }
}
