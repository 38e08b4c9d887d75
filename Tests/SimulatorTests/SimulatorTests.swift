import AdModel
import Simulator
import Testing

@Suite("Simulator") struct SimulatorTests {
    @Test("The same seed and the same answers give the same steps; another seed gives others")
    func deterministic() {
        let first = ToyShop.live(seed: 7, days: 2).steps
        #expect(first == ToyShop.live(seed: 7, days: 2).steps)
        #expect(first != ToyShop.live(seed: 8, days: 2).steps)
        #expect(first.count > 2_000)
    }

    @Test("Steps come in the order of their time, from the opening on, and no event is said before it happened")
    func ordered() {
        var last = ToyShop.opening
        for step in ToyShop.live(seed: 1, days: 2).steps {
            #expect(step.at >= last)
            last = step.at
            guard case .report(let report) = step.action else { continue }
            for item in report.items {
                switch item {
                case .ad(_, _, _, let at, _), .signal(_, _, _, _, let at): #expect(at <= step.at)
                }
            }
        }
    }

    @Test("The night is quiet, the evening busy, and there are about as many pages as were asked for")
    func diurnal() {
        let days = 14
        let life = ToyShop.live(seed: 3, days: days)
        var hours = [Int](repeating: 0, count: 24)
        for step in life.steps {
            guard case .page(let page) = step.action, page.caller == .browser else { continue }
            hours[Int((step.at.micros / 3_600_000_000 + 3) % 24)] += 1
        }
        #expect(hours[19...21].reduce(0, +) > 6 * hours[2...4].reduce(0, +))
        let perDay = Double(life.truth.pageViews) / Double(days)
        #expect(perDay > ToyShop.pageViewsPerDay * 0.8 && perDay < ToyShop.pageViewsPerDay * 1.2, "\(perDay)")
    }

    @Test("The week's busiest day is a Saturday, on average over the year")
    func weekly() {
        let curve = DemandCurve(zoneOffset: .hours(3))
        var days = [Double](repeating: 0, count: 7)
        let monday = Timestamp(micros: 1_798_405_200_000_000)  // 2026-12-28 00:00 in Moscow
        for hour in 0..<(364 * 24) {
            days[hour / 24 % 7] += curve.intensity(at: monday + .hours(Int64(hour)))
        }
        #expect(days.max() == days[5])
        let mean: Double = days.reduce(0, +) / Double(364 * 24)
        #expect(mean > 0.97 && mean < 1.03, "\(mean)")
    }

    @Test("0.3 to 3 % of the impressions are clicked, in every format")
    func clickRates() {
        for format in ["banner", "product-shelf", "sponsored-product", "text"] {
            let total = ToyShop.live(seed: 11, days: 10, format: format).truth.total
            let rate = Double(total.clicks) / Double(total.impressions)
            #expect(rate > 0.003 && rate < 0.03, "\(format): \(rate)")
        }
    }

    @Test("What the truth counts is what the steps say, event by event")
    func tallies() {
        let life = ToyShop.live(seed: 5, days: 8)
        var orders: Int64 = 0
        var units: Int64 = 0
        var net: Int64 = 0
        var seen: [String: Set<AdEventKind>] = [:]
        var clicks: Int64 = 0
        var bots: Int64 = 0
        for step in life.steps {
            switch step.action {
            case .order(let order):
                orders += 1
                units += order.lines.reduce(0) { $0 + Int64($1.units) }
                net += order.lines.reduce(0) { $0 + $1.net.value }
            case .click: clicks += 1
            case .report(let report):
                for case .ad(let kind, let token, _, _, let visitor) in report.items {
                    if report.caller != .browser {
                        bots += 1
                    } else if visitor == nil {
                        seen[token, default: []].insert(kind)
                    }
                }
            default: break
            }
        }
        let truth = life.truth
        #expect(truth.orders == orders)
        #expect(truth.units == units)
        #expect(truth.net.value == net)
        #expect(truth.total.clicks == clicks)
        #expect((truth.invalid[.botAgent] ?? 0) + (truth.invalid[.prefetch] ?? 0) == bots)
        #expect((truth.invalid[.botAgent] ?? 0) > 0 && (truth.invalid[.replay] ?? 0) > 0)
        #expect((truth.invalid[.rate] ?? 0) > 0)
        let impressions = Int64(seen.values.filter { $0.contains(.impression) }.count)
        #expect(truth.total.impressions <= impressions && truth.total.impressions > impressions * 95 / 100)
        #expect(truth.byCampaign.values.reduce(0) { $0 + $1.causedUnits } == truth.total.causedUnits)
    }

    @Test("Nothing is sold that is not on the shelf, and what runs out comes back")
    func stock() {
        let life = ToyShop.live(seed: 2, days: 6, quantity: 3)
        #expect(life.truth.stockOuts > 10)
        var restocked = 0
        for step in life.steps {
            guard case .stock(let stock) = step.action else { continue }
            restocked += stock.items.filter { $0.quantity >= 12 }.count
            for item in stock.items { #expect(item.quantity >= 0) }
        }
        #expect(restocked > 10)
    }

    @Test("The known effect of ads is found again by setting a shop with ads beside the same shop without")
    func effect() {
        let days = 30
        let with = ToyShop.live(seed: 21, days: days, lift: 0.05).truth
        var without: Int64 = 0
        var plain: Int64 = 0
        // Several shops without, because one varies from the next by chance.
        for seed in UInt64(30)..<34 {
            without += ToyShop.live(seed: seed, days: days, format: nil).truth.units
            plain += 1
        }
        let gained = with.units - without / plain
        #expect(with.total.causedUnits > 300)
        #expect(
            abs(gained - with.total.causedUnits) < with.total.causedUnits / 2, "\(gained) of \(with.total.causedUnits)")
        #expect(with.total.causedHaloUnits > 0 && with.total.causedHaloUnits < with.total.causedUnits)
    }

    @Test("People come back, have cards, and some are not to be known")
    func people() {
        var visits: [String: Int] = [:]
        var linked: Set<String> = []
        var refused = 0
        var channels: [OrderChannel: Int] = [:]
        var returns = 0
        for step in ToyShop.live(seed: 13, days: 12).steps {
            switch step.action {
            case .page(let page) where page.caller == .browser:
                visits[page.visitor, default: 0] += 1
                if !page.consent { refused += 1 }
            case .link(let visitor, let customer):
                #expect(linked.insert(visitor).inserted)
                #expect(customer.hasPrefix("c."))
            case .order(let order): channels[order.channel, default: 0] += 1
            case .adjustment(let adjustment): returns += adjustment.kind == .return ? 1 : 0
            default: break
            }
        }
        #expect(visits.values.filter { $0 > 20 }.count > 5)
        #expect(!linked.isEmpty && refused > 0 && returns > 0)
        #expect((channels[.offline] ?? 0) > 0 && (channels[.online] ?? 0) > (channels[.offline] ?? 0))
    }
}
