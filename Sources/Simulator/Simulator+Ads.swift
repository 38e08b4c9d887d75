import AdModel

/// What people do with ads, and what ads do to people.
extension Simulator {
    /// A person looks at a page: what he sees is said a moment later, a click after that, then he goes on.
    mutating func look(at ads: [ServedAd], _ session: inout Session, _ id: Int, _ at: Timestamp) {
        var items: [Report.Item] = []
        var counts: [AdCount] = []
        let rendered = after(at, seconds: 0.12, 0.7)
        var clicked: (ad: ServedAd, card: Int?)?
        for ad in ads {
            items.append(.ad(.impression, token: ad.token, card: -1, at: rendered, visitor: nil))
            counts.append(AdCount(lineItem: ad.lineItem, campaign: ad.campaign, kind: .impression))
            guard sees(ad) else { continue }
            let seenAt = after(rendered, seconds: 1.05, 2.2)
            let cards = ad.cards.isEmpty ? [-1] : Array(0..<seenCards(of: ad))
            for (number, card) in cards.enumerated() {
                items.append(.ad(.viewable, token: ad.token, card: card, at: seenAt, visitor: nil))
                counts.append(
                    AdCount(lineItem: ad.lineItem, campaign: ad.campaign, kind: .viewable, isFirst: number == 0))
            }
            let product = product(of: ad)
            let affinity = product.map { session.shopper.affinity(shop.products[Int($0)]) } ?? 1
            if clicked == nil, random.chance(clickRate(ad, affinity, product, session.shopper, at)) {
                clicked = (ad, ad.cards.isEmpty ? nil : random.below(cards.count))
            }
            persuade(ad, product, options.effect.viewLift * affinity, &session, at: seenAt)
        }
        overhear(ads, session, at)
        let told = after(rendered, seconds: 2.3, 3.4)
        items += signals(&session, at: at)
        report(items, counts, session, at: told)
        guard let (ad, card) = clicked else {
            goOn(session, id, clicked: nil, at: after(told, seconds: 1, 45))
            return
        }
        let clickAt = after(told, seconds: 0.5, 14)
        agenda.plan(
            .say(
                .click(token: ad.token, card: card),
                [AdCount(lineItem: ad.lineItem, campaign: ad.campaign, kind: .click)]), at: clickAt)
        let product = card.flatMap { ad.cards.indices.contains($0) ? ad.cards[$0] : nil } ?? product(of: ad) ?? -1
        if product >= 0 {
            persuade(ad, product, options.effect.clickLift, &session, at: clickAt)
        }
        goOn(session, id, clicked: product >= 0 ? product : nil, at: after(clickAt, seconds: 0.2, 1.2))
    }

    /// Sends the report; of a few telephones it goes out hours later, when nothing of it may count any more.
    private mutating func report(
        _ items: [Report.Item], _ counts: [AdCount], _ session: Session, at: Timestamp
    ) {
        let report = Report(visitor: session.visitor, consent: session.consent, caller: session.caller, items: items)
        guard options.invalidTraffic, !counts.isEmpty, random.chance(0.003) else {
            agenda.plan(.say(.report(report), counts), at: at)
            // A beacon whose answer got lost is sent again, and counts once.
            if options.invalidTraffic, random.chance(0.01) {
                var again = report
                again.items.removeAll { if case .signal = $0 { true } else { false } }
                if !again.items.isEmpty { agenda.plan(.say(.report(again), []), at: after(at, seconds: 1, 30)) }
            }
            return
        }
        let late = counts.map { count in
            var count = count
            count.invalid = .late
            return count
        }
        agenda.plan(.say(.report(report), late), at: after(at, seconds: 4_000, 40_000))
    }

    /// Slots further down the page are scrolled to less often.
    private mutating func sees(_ ad: ServedAd) -> Bool { random.chance(Self.seenShare(ad)) }

    private static func seenShare(_ ad: ServedAd) -> Double {
        max(0.3, 0.9 - 0.22 * Double(ad.slot) - 0.05 * Double(ad.position))
    }

    /// How likely each of these ads is to be clicked once it is rendered on the page that was asked for last: the truth
    /// that a model should find. Empty when no page waits for its answer.
    public func clickProbabilities(of ads: [ServedAd]) -> [Double] {
        guard let page = waitingPage else { return [] }
        var stillOpen = 1.0
        return ads.map { ad in
            let products = Self.products(of: ad)
            let rates = products.map { product in
                clickRate(
                    ad, page.shopper.affinity(shop.products[Int(product)]), product, page.shopper, page.at)
            }
            let rate =
                rates.isEmpty
                ? clickRate(ad, 1, nil, page.shopper, page.at) : rates.reduce(0, +) / Double(rates.count)
            // A shopper follows one ad of a page at most.
            let own = Self.seenShare(ad) * rate * stillOpen
            stillOpen -= own
            return own
        }
    }

    /// Cards of a shelf that came into view; the others lie beyond the edge of the screen.
    private mutating func seenCards(of ad: ServedAd) -> Int { min(ad.cards.count, 1 + random.below(2)) }

    private func clickRate(
        _ ad: ServedAd, _ affinity: Double, _ product: Int32?, _ shopper: Shopper, _ at: Timestamp
    ) -> Double {
        let effect = options.effect
        var rate = effect.clickRates[ad.format] ?? effect.otherClickRate
        rate *= affinity * max(0.5, 1 - 0.1 * Double(ad.position)) * (effect.deviceFactors[shopper.device] ?? 1)
        if effect.creativeSpread > 0 {
            let number = UInt64(UInt32(bitPattern: ad.creative == 0 ? ad.lineItem : ad.creative))
            let appeal = Double(SeededRandom.mix(number &+ 0xA77E) >> 11) * 0x1p-53
            rate *= 1 + effect.creativeSpread * (2 * appeal - 1)
        }
        if effect.eveningFactor != 1 {
            let local = at.micros + options.zoneOffset.micros
            if floorDivide(local, 3_600_000_000) % 24 >= 18 { rate *= effect.eveningFactor }
        }
        if effect.priceSlope != 0, let product {
            let price = shop.locations[Int(shopper.location)].prices[Int(product)]
            if price < .roubles(200) { rate *= 1 + effect.priceSlope }
            if price > .roubles(1_000) { rate *= 1 - effect.priceSlope }
        }
        return min(0.2, rate)
    }

    /// The product that an ad makes one think of.
    private mutating func product(of ad: ServedAd) -> Int32? {
        let known = Self.products(of: ad)
        return known.isEmpty ? nil : known[random.below(known.count)]
    }

    private static func products(of ad: ServedAd) -> [Int32] {
        ad.cards.contains { $0 >= 0 } ? ad.cards.filter { $0 >= 0 } : ad.promoted
    }

    /// The ad's true effect: with this probability the shopper buys what he would not have bought.
    private mutating func persuade(
        _ ad: ServedAd, _ product: Int32?, _ probability: Double, _ session: inout Session, at: Timestamp
    ) {
        guard let product, random.chance(min(0.9, probability)) else { return }
        let location = session.shopper.location
        let isSister = random.chance(options.effect.sisterShare)
        let bought = isSister ? sister(of: product, at: location) : product
        guard isBuyable(bought, at: location) else { return }
        let purchase = Purchase(
            product: bought,
            cause: Purchase.Cause(lineItem: ad.lineItem, campaign: ad.campaign, isSister: bought != product))
        if random.chance(options.effect.sameSessionShare) {
            session.wishes.append(purchase)
        } else {
            let hours = min(70, random.exponential(mean: 16))
            agenda.plan(
                .comeback(shopper: session.shopper.number, visitor: session.visitor, purchase),
                at: after(at, seconds: hours * 3_600, hours * 3_600 + 600))
        }
    }
}
