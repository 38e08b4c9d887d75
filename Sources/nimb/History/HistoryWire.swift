import AdModel
import Simulator

/// Writes what the simulator says as requests of the delivery API.
struct HistoryWire {
    let storefront: String
    /// Key of the shop's server.
    let key: String
    let shop: SimulatedShop
    /// Prices before discounts, by location and product; stock reports repeat them.
    let oldPrices: [[Micros?]]

    private static let agents: [Device: String] = [
        .desktop: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        .mobile:
            "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
        .tablet:
            "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/604.1",
    ]
    private static let robot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

    // MARK: Requests

    func placements(_ page: PageRequest) -> [UInt8] {
        var body = "{\"storefront\":\(quoted(storefront)),\"page\":{\"type\":\"\(page.pageType.rawValue)\""
        if page.product >= 0 {
            body += ",\"product\":\(quoted(shop.products[Int(page.product)].sku))"
        } else if page.category >= 0 {
            body += ",\"category\":\(quoted(shop.categories[Int(page.category)].code))"
        }
        if let query = page.query { body += ",\"query\":\(quoted(query))" }
        body += "},\"slots\":["
        for (index, slot) in page.slots.enumerated() { body += "\(index == 0 ? "" : ",")\(named("name", slot))" }
        body += "],\"shopper\":{\"visitor_id\":\(quoted(page.visitor)),\"consent\":\(page.consent)"
        body += ",\"device\":\"\(page.device.rawValue)\"},\"location\":"
        body += quoted(shop.locations[Int(page.location)].code) + "}"
        return post(
            "/v1/placements", body, agent: agent(page.caller, page.device), isPrefetch: page.caller == .prefetch)
    }

    func report(_ report: Report) -> [UInt8] {
        var body = "{\"storefront\":\(quoted(storefront)),\"events\":["
        for (index, item) in report.items.enumerated() {
            body += index == 0 ? "{" : ",{"
            switch item {
            case .ad(let kind, let token, let card, let at, let visitor):
                body += "\"type\":\"\(kind.name)\",\"token\":\"\(token)\""
                if card >= 0 { body += ",\"card\":\(card)" }
                body += ",\"occurred_at\":\"\(at.rfc3339)\""
                if let visitor { body += ",\"visitor_id\":\(quoted(visitor))" }
            case .signal(let kind, let sku, let category, let query, let at):
                body += "\"type\":\"\(kind.rawValue)\""
                if let sku { body += ",\"sku\":\(quoted(sku))" }
                if let category { body += ",\"category\":\(quoted(category))" }
                if let query { body += ",\"query\":\(quoted(query))" }
                body += ",\"occurred_at\":\"\(at.rfc3339)\",\"visitor_id\":\(quoted(report.visitor))"
            }
            body += ",\"consent\":\(report.consent)}"
        }
        return post(
            "/v1/events", body + "]}", agent: agent(report.caller, .desktop), isPrefetch: report.caller == .prefetch)
    }

    func click(token: String, card: Int?) -> [UInt8] {
        let step = card.map { "/\($0)" } ?? ""
        return Array(
            "GET /v1/click/\(token)\(step) HTTP/1.1\r\nhost: localhost\r\nuser-agent: \(agent(.browser, .desktop))\r\n\r\n"
                .utf8)
    }

    func order(_ order: OrderReport) -> [UInt8] {
        var body = "{\"order_id\":\(quoted(order.id)),\"channel\":\"\(order.channel.rawValue)\""
        if let visitor = order.visitor { body += ",\"visitor_id\":\(quoted(visitor))" }
        if let customer = order.customer { body += ",\"customer_id\":\(quoted(customer))" }
        body += ",\"ordered_at\":\"\(order.orderedAt.rfc3339)\",\"lines\":["
        for (index, line) in order.lines.enumerated() {
            body +=
                "\(index == 0 ? "" : ","){\"line_no\":\(line.number),\"sku\":\(quoted(line.sku)),\"units\":\(line.units)"
            body += ",\"gross_amount_micros\":\(line.gross.value),\"net_amount_micros\":\(line.net.value)}"
        }
        return post("/v1/orders", body + "]}", key: key)
    }

    func adjustment(_ it: AdjustmentReport) -> [UInt8] {
        var body = "{\"adjustment_id\":\(quoted(it.id)),\"kind\":\"\(it.kind.rawValue)\""
        if let line = it.line { body += ",\"line_no\":\(line)" }
        if let units = it.units { body += ",\"units\":\(units)" }
        return post(
            "/v1/orders/\(it.order)/adjustments", body + ",\"occurred_at\":\"\(it.occurredAt.rfc3339)\"}", key: key)
    }

    func link(visitor: String, customer: String, at: Timestamp) -> [UInt8] {
        post(
            "/v1/links",
            "{\"visitor_id\":\(quoted(visitor)),\"customer_id\":\(quoted(customer)),\"linked_at\":\"\(at.rfc3339)\"}",
            key: key)
    }

    /// In calls of at most so many items.
    func stock(_ stock: StockReport, at: Timestamp, itemsPerCall: Int = 2_000) -> [[UInt8]] {
        let location = Int(stock.location)
        return stride(from: 0, to: stock.items.count, by: itemsPerCall).map { first in
            var body = "{\"location\":\(quoted(shop.locations[location].code)),\"as_of\":\"\(at.rfc3339)\",\"items\":["
            for (index, item) in stock.items[first..<min(first + itemsPerCall, stock.items.count)].enumerated() {
                let product = Int(item.product)
                body += "\(index == 0 ? "" : ","){\"sku\":\(quoted(shop.products[product].sku)),"
                body += "\"quantity\":\(item.quantity),\"price_micros\":\(item.price.value)"
                if let old = oldPrices[location][product] { body += ",\"old_price_micros\":\(old.value)" }
                body += ",\"version\":\(at.micros)}"
            }
            return post("/v1/stock", body + "]}", key: key)
        }
    }

    // MARK: Parts

    private func agent(_ caller: Caller, _ device: Device) -> String {
        caller == .declaredBot ? Self.robot : Self.agents[device] ?? Self.agents[.desktop] ?? ""
    }

    private func post(
        _ path: String, _ body: String, agent: String? = nil, isPrefetch: Bool = false, key: String? = nil
    ) -> [UInt8] {
        var head = "POST \(path) HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        if let agent { head += "user-agent: \(agent)\r\n" }
        if isPrefetch { head += "sec-purpose: prefetch\r\n" }
        if let key { head += "authorization: Bearer \(key)\r\n" }
        let bytes = Array(body.utf8)
        return Array("\(head)content-length: \(bytes.count)\r\n\r\n".utf8) + bytes
    }

    private func named(_ name: String, _ value: String) -> String { "{\"\(name)\":\(quoted(value))}" }

    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20: result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
