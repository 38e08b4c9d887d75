import AdModel

/// Orders, what becomes of them, and shelves that run empty.
extension Simulator {
    /// The cart of a session is ordered; the thank-you page follows.
    mutating func buy(session id: Int, _ at: Timestamp) -> Step.Action? {
        guard var session = sessions[id] else { return nil }
        let action = order(
            session.cart, session.shopper, visitor: session.consent ? session.visitor : nil, channel: .online, at)
        session.cart = []
        session.hasOrdered = true
        session.pagesLeft = 0
        session.page = .checkoutSuccess
        session.category = -1
        session.product = -1
        session.query = nil
        sessions[id] = session
        agenda.plan(.visit(session: id), at: after(at, seconds: 0.3, 1.5))
        return action
    }

    /// Back for what an ad showed: to the shop, or to a store with the card.
    mutating func comeBack(_ number: Int, _ visitor: String, _ purchase: Purchase, _ at: Timestamp) -> Step.Action? {
        let shopper = person(number)
        if shopper.isLoyal, random.chance(0.3) {
            return order([purchase], shopper, visitor: nil, channel: .offline, at)
        }
        var session = Session(shopper: shopper, visitor: visitor, consent: shopper.consents, pagesLeft: 1)
        session.wishes = [purchase]
        openProduct(&session, purchase.product)
        truth.sessions += 1
        open(session, at: at)
        return nil
    }

    /// Somebody with a card buys in a store, without having been on the site.
    mutating func storeVisit(_ at: Timestamp) -> Step.Action? {
        for _ in 0..<8 {
            let shopper = somebody()
            guard shopper.isLoyal else { continue }
            var cart: [Purchase] = []
            for _ in 0..<(1 + random.below(3)) {
                if let product = wanted(by: shopper, in: -1) { cart.append(Purchase(product: product)) }
            }
            return order(cart, shopper, visitor: nil, channel: .offline, at)
        }
        return nil
    }

    /// Sells what is still there. Nil when nothing is.
    private mutating func order(
        _ cart: [Purchase], _ shopper: Shopper, visitor: String?, channel: OrderChannel, _ at: Timestamp
    ) -> Step.Action? {
        var lines: [OrderReport.Line] = []
        let location = Int(shopper.location)
        // A promotional code takes a tenth off.
        let percent: Int64 = random.chance(0.1) ? 90 : 100
        for purchase in cart {
            let product = Int(purchase.product)
            let left = shop.locations[location].quantities[product]
            let units = min(purchase.units, left)
            guard units > 0 else { continue }
            shop.locations[location].quantities[product] = left - units
            if left == units { runsOut(purchase.product, location, at) }
            let gross = shop.locations[location].prices[product].value * Int64(units)
            let net = gross * percent / (100 + shop.vatPercent)
            lines.append(
                OrderReport.Line(
                    number: Int32(lines.count + 1), sku: shop.products[product].sku, units: units,
                    gross: Micros(gross * percent / 100), net: Micros(net)))
            truth.units += Int64(units)
            truth.net = truth.net + Micros(net)
            if let cause = purchase.cause { book(cause, units, Micros(net)) }
        }
        guard !lines.isEmpty else { return nil }
        orderNumber += 1
        truth.orders += 1
        let id = "z-" + Self.padded(orderNumber)
        planReturns(of: id, lines, at)
        return .order(
            OrderReport(
                id: id, visitor: visitor, customer: shopper.isLoyal ? shopper.customer : nil, channel: channel,
                orderedAt: at, lines: lines))
    }

    private mutating func book(_ cause: Purchase.Cause, _ units: Int32, _ net: Micros) {
        let change: (inout Truth.Ads) -> Void = { it in
            it.causedUnits += Int64(units)
            it.causedNet = it.causedNet + net
            if cause.isSister { it.causedHaloUnits += Int64(units) }
        }
        change(&truth.byLineItem[cause.lineItem, default: Truth.Ads()])
        change(&truth.byCampaign[cause.campaign, default: Truth.Ads()])
    }

    private static func padded(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 6 - text.count)) + text
    }

    // MARK: Afterwards

    private mutating func planReturns(of id: String, _ lines: [OrderReport.Line], _ at: Timestamp) {
        if random.chance(options.cancelled) {
            let when = after(at, seconds: 900, 18_000)
            let units = lines.reduce(0) { $0 + $1.units }
            agenda.plan(
                .returned(
                    AdjustmentReport(
                        id: "a-\(id)", order: id, line: nil, kind: .cancel, units: nil, occurredAt: when),
                    units: units), at: when)
            return
        }
        for line in lines where random.chance(options.returned) {
            let when = after(at, seconds: 86_400, 864_000)
            let units = line.units == 1 ? 1 : 1 + Int32(random.below(Int(line.units)))
            agenda.plan(
                .returned(
                    AdjustmentReport(
                        id: "a-\(id)-\(line.number)", order: id, line: line.number, kind: .return, units: units,
                        occurredAt: when), units: units), at: when)
        }
    }

    private mutating func runsOut(_ product: Int32, _ location: Int, _ at: Timestamp) {
        truth.stockOuts += 1
        tellStock(
            [.init(product: product, quantity: 0, price: shop.locations[location].prices[Int(product)])], location,
            after(at, seconds: 0.1, 2))
    }

    private mutating func tellStock(_ items: [StockReport.Item], _ location: Int, _ at: Timestamp) {
        agenda.plan(.say(.stock(StockReport(location: Int32(location), items: items)), []), at: at)
    }

    /// A lorry comes for two thirds of what has run out; everything that was touched is counted. The day's visits to
    /// stores are planned, too.
    mutating func morning(_ at: Timestamp) -> Step.Action? {
        agenda.plan(.morning, at: at + .days(1))
        for location in shop.locations.indices {
            var items: [StockReport.Item] = []
            for product in shop.products.indices {
                let price = shop.locations[location].prices[product]
                guard price > .zero else { continue }
                if shop.locations[location].quantities[product] == 0, random.chance(0.66) {
                    shop.locations[location].quantities[product] = 12 + Int32(random.below(36))
                }
                items.append(
                    .init(
                        product: Int32(product), quantity: shop.locations[location].quantities[product], price: price))
            }
            if !items.isEmpty { tellStock(items, location, after(at, seconds: 1, 90)) }
        }
        let ordersPerDay = options.pageViewsPerDay / Self.pagesPerSession * 0.12
        let visits = Int(ordersPerDay * options.offline * random.between(0.8, 1.2))
        for _ in 0..<visits { agenda.plan(.storeVisit, at: after(at, seconds: 9 * 3_600, 21 * 3_600)) }
        return nil
    }
}
