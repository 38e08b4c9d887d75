import Foundation
import Outbound
import Synchronization

/// An order as the shop's server sends it.
public struct ShopOrder: Sendable, Equatable {
    public struct Line: Sendable, Equatable {
        public var sku: String
        public var name: String
        public var units: Int
        public var grossMicros: Int64
        /// Without VAT.
        public var netMicros: Int64
    }

    public var id: String
    public var lines: [Line]

    /// Percent of VAT in the shop's prices.
    public static let vatPercent: Int64 = 22

    public init(id: String, lines priced: [Cart.Priced]) {
        self.id = id
        lines = priced.map {
            Line(
                sku: $0.product.sku, name: $0.product.name, units: $0.units, grossMicros: $0.totalMicros,
                netMicros: Self.withoutVAT($0.totalMicros))
        }
    }

    /// An amount less the VAT in it, rounded half up to whole micro-roubles.
    public static func withoutVAT(_ gross: Int64) -> Int64 {
        (gross * 100 + (100 + vatPercent) / 2) / (100 + vatPercent)
    }

    public var totalMicros: Int64 { lines.reduce(0) { $0 + $1.grossMicros } }
}

/// Takes orders and tells the ad server about them, with the shop's server key.
final class OrderDesk: Sendable {
    enum Outcome: Equatable, Sendable {
        case taken
        /// Try again later; nothing is lost.
        case away
        /// The ad server did not want it; its word for why.
        case refused(String)
    }

    /// Orders whose thank-you pages can still be shown.
    static let rememberedLimit = 1_000

    private let options: DemoShopOptions
    private let client: OutboundClient
    private let recent = Mutex<(byID: [String: ShopOrder], order: [String])>(([:], []))

    init(options: DemoShopOptions, client: OutboundClient) {
        self.options = options
        self.client = client
    }

    func order(_ id: String) -> ShopOrder? { recent.withLock { $0.byID[id] } }

    /// The same order sent twice counts once, so a doubled click or a repeated form does no harm.
    func send(_ order: ShopOrder, visitor: String?) async -> Outcome {
        var body: [String: Any] = [
            "order_id": order.id, "channel": "online",
            "ordered_at": Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)),
            "lines": order.lines.enumerated().map { index, line in
                [
                    "line_no": index + 1, "sku": line.sku, "units": line.units,
                    "gross_amount_micros": line.grossMicros, "net_amount_micros": line.netMicros,
                ] as [String: Any]
            },
        ]
        if let visitor { body["visitor_id"] = visitor }
        guard let bytes = try? JSONSerialization.data(withJSONObject: body) else { return .refused("not_json") }
        let request = OutboundRequest(
            .post, options.deliveryURL + "/v1/orders",
            headers: [("Authorization", "Bearer \(options.shopKey)"), ("Content-Type", "application/json")],
            body: [UInt8](bytes), timeout: .seconds(5))
        guard let answer = try? await client.send(request) else { return .away }
        switch answer.status {
        case 200:
            remember(order)
            return .taken
        case 409 where self.order(order.id) != nil:
            // The page was sent again after the cart had changed: the first order stands.
            return .taken
        case 429, 500...: return .away
        default:
            let object = try? JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any]
            return .refused(object?["code"] as? String ?? "\(answer.status)")
        }
    }

    private func remember(_ order: ShopOrder) {
        recent.withLock { recent in
            if recent.byID.updateValue(order, forKey: order.id) == nil { recent.order.append(order.id) }
            if recent.order.count > Self.rememberedLimit { recent.byID[recent.order.removeFirst()] = nil }
        }
    }
}
