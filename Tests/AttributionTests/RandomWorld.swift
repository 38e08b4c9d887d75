import AdModel
import Attribution

extension World {
    /// A small world dense with ties, boundaries to the microsecond, variants, aliases and grants that start and
    /// stop, links before and after, returns beyond the line, unknown SKUs and several advertisers of one brand.
    static func random(_ r: inout SplitMix64, unusualIDs: Bool = true) -> World {
        var world = World()
        let start: Int64 = 1_740_787_200_000_000
        let hour: Int64 = 3_600_000_000
        let day = 24 * hour
        // Few instants, each a window away from another one, give or take a microsecond.
        var instants: [Timestamp] = []
        for base in [0, hour, day, 14 * day, 15 * day, 30 * day, 31 * day, 44 * day] {
            for nudge in [-1, 0, 0, 0, 1] { instants.append(Timestamp(micros: start + base + Int64(nudge))) }
        }
        func id(_ text: String) -> AttributionID { AttributionID(text) }
        let odd = unusualIDs ? ["é", "e\u{301}", "a,b", "q\"q", "a-long-identifier-0123456789", "Z z"] : []
        let skus = (["p1", "p2", "p3", "p4", "p5"] + odd.prefix(3)).map { id($0) }
        let brands = ["B", "C", "D", "X"].map { id($0) }
        let groups = ["g1", "g2", ""].map { id($0) }
        let categories = ["1", "2", "3"].map { id($0) }
        let advertisers = ["a1", "a2", "a3"].map { id($0) }
        let shoppers = (["v1", "v1", "v2", "c1"] + odd.suffix(1)).map { id($0) }
        func some(_ items: [AttributionID], _ most: Int, _ r: inout SplitMix64) -> [AttributionID] {
            (0..<r.below(most + 1)).map { _ in r.pick(items) }
        }
        func interval(_ r: inout SplitMix64) -> (Timestamp?, Timestamp?) {
            let pair = [r.pick(instants), r.pick(instants)].sorted()
            return (r.chance(40) ? nil : pair[0], r.chance(40) ? nil : pair[1])
        }

        // The last SKU is never in the catalogue.
        for sku in skus.dropLast() where r.chance(90) {
            world.products.append(
                ProductRow(
                    sku: sku, groupID: r.pick(groups), brandID: r.chance(10) ? .absent : r.pick(brands),
                    categoryIDs: Array(Set(some(categories, 2, &r))).sorted()))
        }
        let campaigns = (["k1", "k2", "k3", "k4"] + odd.dropFirst(3).prefix(1)).map { id($0) }
        var owner: [AttributionID: AttributionID] = [:]
        for campaign in campaigns {
            owner[campaign] = r.pick(advertisers)
            if r.chance(10) { continue }
            // Versions that follow each other, with or without a gap.
            let cuts = Array(Set([r.pick(instants), r.pick(instants), r.pick(instants)])).sorted()
            let open = r.chance(40)
            let ends: [(Timestamp?, Timestamp?)] =
                open ? [(nil, nil)] : zip(cuts, cuts.dropFirst()).map { ($0, $1) } + [(cuts.last, nil)]
            for (from, to) in ends where r.chance(85) {
                world.campaigns.append(
                    CampaignVersionRow(
                        campaignID: campaign, advertiserID: owner[campaign] ?? .absent, brandIDs: some(brands, 2, &r),
                        listedSKUs: some(skus, 1, &r), listedCategoryIDs: some(categories, 1, &r), validFrom: from,
                        validTo: to))
            }
        }
        for brand in brands where r.chance(40) {
            let cuts = Array(Set([r.pick(instants), r.pick(instants)])).sorted()
            world.aliases.append(
                BrandAliasRow(alias: brand, brandID: r.pick(brands), validFrom: nil, validTo: cuts.first))
            if r.chance(50) {
                world.aliases.append(
                    BrandAliasRow(alias: brand, brandID: r.pick(brands), validFrom: cuts.last, validTo: nil))
            }
        }
        for _ in 0..<(8 + r.below(10)) {
            let (from, to) = interval(&r)
            world.grants.append(
                BrandGrantRow(
                    advertiserID: r.pick(advertisers), brandID: r.pick(brands), validFrom: from, validTo: to))
        }
        for _ in 0..<r.below(4) {
            world.links.append(
                IdentityLinkRow(visitorID: r.pick(shoppers), customerID: r.pick(shoppers), linkedAt: r.pick(instants)))
        }
        world.addTouches(&r, campaigns, owner, shoppers, skus, Array(instants.dropLast(10)), odd)
        world.addOrders(&r, shoppers, skus, Array(instants.dropFirst(10)), odd)
        return world
    }

    private mutating func addTouches(
        _ r: inout SplitMix64, _ campaigns: [AttributionID], _ owner: [AttributionID: AttributionID],
        _ shoppers: [AttributionID], _ skus: [AttributionID], _ instants: [Timestamp], _ odd: [String]
    ) {
        for i in 0..<(8 + r.below(24)) {
            let campaign = r.pick(campaigns)
            let name = odd.isEmpty || r.chance(85) ? "t\(i)" : "t\(i)\(r.pick(odd))"
            touches.append(
                TouchRow(
                    touchID: AttributionID(name), shopperID: r.chance(3) ? .absent : r.pick(shoppers),
                    occurredAt: r.pick(instants), kind: r.chance(50) ? .click : .view,
                    advertiserID: owner[campaign] ?? .absent, campaignID: campaign,
                    lineItemID: AttributionID("l\(r.below(2))"),
                    promotedSKUs: (0..<r.below(4)).map { _ in r.pick(skus) }
                ))
            if r.chance(5), let last = touches.last { touches.append(last) }
            // The same contact with another campaign: nothing but the id can tell the two apart.
            if r.chance(30), var twin = touches.last {
                twin.touchID = AttributionID("t\(i)-\(r.pick(["", "0", "1", "a"]))x")
                twin.campaignID = r.pick(campaigns)
                twin.advertiserID = owner[twin.campaignID] ?? .absent
                touches.append(twin)
            }
        }
    }

    private mutating func addOrders(
        _ r: inout SplitMix64, _ shoppers: [AttributionID], _ skus: [AttributionID], _ instants: [Timestamp],
        _ odd: [String]
    ) {
        for i in 0..<(1 + r.below(4)) {
            let order = AttributionID(odd.isEmpty || r.chance(80) ? "o\(i)" : "o\(i)\(r.pick(odd))")
            let shopper = r.chance(3) ? AttributionID.absent : r.pick(shoppers)
            let at = r.pick(instants)
            let channel: OrderChannel = r.chance(50) ? .online : .offline
            let numbers = [1, 2, 10].prefix(1 + r.below(3))
            for number in numbers {
                let units = Int64([1, 1, 2, 3, 7, 0, -1][r.below(7)])
                let amount = r.pick([100, 0, 1, 99, -5, 1_000_003, Int64.max / 4])
                lines.append(
                    OrderLineRow(
                        orderID: order, lineNumber: Int64(number), shopperID: shopper, orderedAt: at, channel: channel,
                        sku: r.chance(4) ? .absent : r.pick(skus), units: units, netAmountMicros: amount))
                if r.chance(5), let last = lines.last { lines.append(last) }
            }
            for _ in 0..<r.below(5) {
                let name = AttributionID("r\(adjustments.count)")
                let target = r.chance(10) ? AttributionID("o99") : order
                let line = r.chance(10) ? Int64(77) : Int64(r.pick(Array(numbers)))
                let when = r.pick(instants)
                switch r.below(4) {
                case 0:
                    adjustments.append(
                        AdjustmentRow(
                            adjustmentID: name, orderID: target, lineNumber: nil, occurredAt: when, kind: .cancel))
                case 1:
                    adjustments.append(
                        AdjustmentRow(
                            adjustmentID: name, orderID: target, lineNumber: line, occurredAt: when, kind: .price,
                            units: r.chance(50) ? nil : 0,
                            amountMicros: r.pick([-30, 30, -300, 1, 0, Int64.max / 8])))
                default:
                    adjustments.append(
                        AdjustmentRow(
                            adjustmentID: name, orderID: target, lineNumber: line, occurredAt: when,
                            kind: r.chance(70) ? .return : .cancel, units: r.chance(20) ? nil : Int64(r.below(4)),
                            amountMicros: r.chance(60) ? nil : r.pick([0, 20, 1_000_000_000])))
                }
            }
        }
    }

    /// A policy that is none of the presets.
    static func policy(_ r: inout SplitMix64) throws -> AttributionPolicy {
        let windows: [Timestamp.Span?] = [.hours(1), .hours(24), .days(14), .days(30)]
        var precedence: [AttributionPolicy.Comparator] = [.match, .interaction, .recency]
        precedence.shuffle(using: &r)
        precedence.removeLast(r.below(3))
        let levels: [[MatchLevel]] = [
            [.sku], [.sku, .variant], [.sku, .variant, .listed], [.sku, .variant, .brand],
            [.sku, .variant, .listed, .brand], [.sku, .variant, .listed, .brand, .order], [.order], [.variant],
        ]
        return try AttributionPolicy(
            name: "custom-\(r.below(9))@\(1 + r.below(20))", clickWindow: r.pick(windows),
            viewWindow: r.chance(30) ? nil : r.pick(windows), levels: r.pick(levels), precedence: precedence,
            scope: r.pick(AttributionPolicy.Scope.allCases), separatesInteractions: r.chance(30),
            basis: r.chance(80) ? .net : .gross)
    }
}
