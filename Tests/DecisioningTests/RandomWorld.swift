import AdModel
import Decisioning
import Profiles

/// Random worlds made small and crowded on purpose: few bids, few products and few advertisers, so that ties,
/// duplicates, caps and empty leases meet all the time.
struct RandomWorld {
    private var random: SplitMix
    private var world = World()
    private let categories = (1...9).map { "c\($0)" }
    private let brands = (1...4).map { "b\($0)" }
    private let regions = ["RU-MOW", "RU-SPE", "RU", "KZ"]
    private let formats = ["banner", "shelf", "text"]
    private let locations = ["msk", "spb"]
    private let phrases = ["coffee", "Coffee beans", "beans coffee", "ice cream", "green tea", "tea"]

    static func make(seed: UInt64) -> World {
        var maker = RandomWorld(random: SplitMix(seed))
        maker.fill(seed)
        RandomModel.add(to: &maker.world, seed: seed)
        return maker.world
    }

    static func page(seed: UInt64) -> Page {
        var maker = RandomWorld(random: SplitMix(seed))
        return maker.makePage()
    }

    private init(random: SplitMix) { self.random = random }

    private mutating func fill(_ seed: UInt64) {
        world.seed = seed
        var input = SnapshotInput(version: 1)
        input.storefronts = [.init(id: 1, code: "shop"), .init(id: 2, code: "app")]
        input.locations = [
            .init(id: 1, code: "msk", regionCodes: ["RU-MOW"]), .init(id: 2, code: "spb", regionCodes: ["RU-SPE"]),
        ]
        for index in 1...9 {
            input.categories.append(
                .init(
                    id: Int32(index), code: "c\(index)", parentID: index < 3 ? nil : Int32(1 + random.below(index - 1)))
            )
        }
        input.brands = (1...4).map {
            .init(
                id: Int32($0), code: "b\($0)",
                competitorBlock: random.chance(85) ? .none : random.pick([.category, .all]))
        }
        input.audiences = (1...3).map { .init(id: Int32($0), code: "a\($0)") }
        world.isReturning = random.chance(50)
        let productCount = 4 + random.below(9)
        for index in 1...productCount {
            input.products.append(
                .init(
                    id: Int32(index), sku: "s\(index)", brandID: random.chance(80) ? Int32(1 + random.below(4)) : nil,
                    categoryIDs: [Int32(1 + random.below(9))]))
            for location in 1...2 where random.chance(85) {
                world.stock.append(
                    StockRow(
                        locationID: Int32(location), productID: Int32(index), quantity: random.chance(85) ? 5 : 0,
                        price: Micros.roubles(100 + Int64(random.below(3))),
                        asOf: world.now - .hours(random.chance(92) ? 1 : 30)))
            }
        }
        input.formats = [
            .init(name: "banner", priorCTR: 0.01),
            .init(name: "shelf", minimumCards: 2, maximumCards: 3, priorCTR: 0.03),
            .init(name: "text", priorCTR: 0.004),
        ]
        for storefront in 1...2 {
            for index in 1...5 {
                input.placements.append(
                    .init(
                        id: Int32(storefront * 10 + index), storefrontID: Int32(storefront), code: "p\(index)",
                        pageType: .home, formats: Array(Set(random.some(formats, 2))).sorted(),
                        maxAds: 1 + random.below(4), rank: Int32(random.below(3)),
                        floor: Micros(random.chance(60) ? 0 : Int64(random.below(4)) * 30_000_000),
                        repeatAdvertiser: random.chance(60), repeatBrand: random.chance(60),
                        competitorBlock: random.chance(80) ? .none : random.pick([.category, .all])))
            }
        }
        for id in 1...4 {
            input.advertisers.append(.init(id: Int32(id), caps: random.chance(25) ? CapLimits(day: 2) : .none))
            if random.chance(15) { world.advertiserContacts[Int32(id)] = 1 + random.below(2) }
        }
        // Mostly few line items; sometimes so many that a slot cannot keep them all.
        let lineCount = random.chance(10) ? 40 + random.below(60) : 1 + random.below(18)
        let isPlain = random.chance(20)
        for id in 1...lineCount {
            input.lineItems.append(makeLine(Int32(id), input.products.map(\.id), isPlain))
        }
        if random.chance(60) {
            for _ in 0..<(1 + random.below(3)) {
                world.interests.append(
                    ProfileSignal(
                        kind: .productView, categoryID: Int32(1 + random.below(9)), brandID: Int32(1 + random.below(4)),
                        at: world.now))
            }
        }
        // Some campaigns are shown whole or not at all.
        if random.chance(40) {
            let campaigns: Set<Int32> = [1_000, 1_003, 1_004]
            for index in input.lineItems.indices {
                if random.chance(25) { input.lineItems[index].campaignID = Int32(1_003 + random.below(2)) }
                input.lineItems[index].isCompanion = campaigns.contains(input.lineItems[index].campaignID)
            }
        }
        world.input = input
    }

    private mutating func makeLine(_ id: Int32, _ products: [Int32], _ isPlain: Bool) -> SnapshotInput.LineItem {
        var line = SnapshotInput.LineItem(id: id, campaignID: id, advertiserID: Int32(1 + random.below(4)))
        // Few campaigns with several line items each, some held out from half of the shoppers.
        if random.chance(25) {
            line.campaignID = Int32(1_000 + random.below(3))
            line.holdout = Holdout(share: 5_000, salt: world.seed &+ UInt64(line.campaignID))
        }
        line.tier = random.pick([.auction, .auction, .auction, .auction, .sponsorship, .guaranteed, .house])
        line.pricing = random.pick([.cpm, .cpm, .cpc, .cpc, .fixed])
        line.bid =
            switch line.pricing {
            case .cpm: Micros(Int64(random.below(6)) * 40_000_000 + Int64(random.below(3)))
            case .cpc: Micros(Int64(random.below(6)) * 4_000_000 + Int64(random.below(3)))
            case .fixed: Micros.roubles(Int64(random.below(4)) * 100_000)
            }
        if !isPlain {
            line.isPaused = random.chance(5)
            line.isApproved = !random.chance(4)
            line.hasKKTU = !random.chance(4)
            if random.chance(8) { line.startsAt = world.now + .seconds(Int64(random.below(3)) - 1) }
            if random.chance(8) { line.endsAt = world.now + .seconds(Int64(random.below(3)) - 1) }
            line.needsLease = random.chance(50)
            line.isPacedEvenly = random.chance(15)
            if random.chance(20) {
                line.caps = random.pick([CapLimits(hour: 1), CapLimits(day: 2), CapLimits(session: 2, lifetime: 3)])
            }
            if random.chance(80) { line.targeting = makeTargeting() }
        }
        if line.needsLease, line.pricing != .fixed, line.tier != .house {
            world.leases[id] = random.pick([0, 1_000, 100_000, 2_000_000, 1_000_000_000])
            if random.chance(8) { world.exhausted.insert(id) }
        } else {
            line.needsLease = false
        }
        if !isPlain, random.chance(10) {
            line.goalImpressions = 100
            if random.chance(40) { world.goalsReached.insert(id) }
        }
        if line.isPacedEvenly { world.passShares[id] = UInt32(truncatingIfNeeded: random.next()) }
        if !line.caps.isNone, random.chance(50) { world.lineContacts[id] = 1 + random.below(2) }
        if random.chance(70) {
            var chosen: [Int32] = []
            for product in random.some(products, 5) where !chosen.contains(product) { chosen.append(product) }
            line.promotedProductIDs = chosen
        }
        for number in 0...random.below(3) {
            line.creatives.append(
                .init(
                    versionID: id * 10 + Int32(number), format: random.pick(formats), isServable: random.chance(92),
                    priorCTR: random.chance(30) ? Double(1 + random.below(20)) / 500 : nil))
        }
        return line
    }

    private mutating func makeTargeting() -> Targeting {
        var targeting = Targeting(
            wanted: makeValues(22), excluded: random.chance(40) ? makeValues(10) : TargetingValues())
        if random.chance(35) { addNamed(22, to: &targeting.wanted) }
        if random.chance(20) { addNamed(20, to: &targeting.excluded) }
        return targeting
    }

    private mutating func makeValues(_ percent: Int) -> TargetingValues {
        var values = TargetingValues()
        if random.chance(percent) { values.pageTypes = random.some([.home, .category, .product], 2) }
        if random.chance(percent) { values.placements = random.some((1...6).map { "p\($0)" }, 3) }
        if random.chance(percent) { values.categories = random.some(categories + ["gone"], 2) }
        if random.chance(percent) { values.brands = random.some(brands + ["gone"], 2) }
        if random.chance(percent) { values.regions = random.some(regions, 2) }
        if random.chance(percent) { values.devices = random.some([.desktop, .mobile], 1) }
        if random.chance(percent) {
            values.dayparts = [
                Daypart(
                    days: random.chance(50) ? [] : random.some([1, 2, 7], 2), fromHour: random.below(24),
                    toHour: 1 + random.below(24))
            ]
        }
        return values
    }

    /// Products, phrases, keys, and what is known of the shopper.
    private mutating func addNamed(_ percent: Int, to values: inout TargetingValues) {
        if random.chance(percent) { values.products = random.some((1...14).map { "s\($0)" }, 3) }
        if random.chance(percent) {
            values.phrases = random.some(phrases, 2).map {
                PhraseTarget($0, match: random.chance(40) ? .exact : .contains)
            }
        }
        if random.chance(percent) { values.locations = random.some(locations + ["gone"], 1) }
        if random.chance(percent) { values.audiences = random.some(["a1", "a2", "a3", "gone"], 2) }
        if random.chance(percent) { values.shoppers = random.some(ShopperKind.allCases, 1) }
        if random.chance(percent) { values.signedIn = random.chance(50) }
        if random.chance(percent) { values.keys["season"] = random.some(["winter", "summer"], 2) }
        if random.chance(percent) { values.keys["shop"] = random.some(["big", "small"], 2) }
    }

    private mutating func makePage() -> Page {
        var page = Page()
        page.storefront = random.chance(80) ? "shop" : "app"
        page.pageType = random.pick([.home, .category, .product])
        page.device = random.pick([.desktop, .mobile])
        page.location = random.chance(92) ? random.pick(locations) : nil
        page.region = random.chance(70) ? random.pick(regions) : nil
        page.minuteOfWeek = Int32(random.below(10_080))
        page.hasShopper = random.chance(70)
        if random.chance(60) { page.categories = random.some(categories, 2) }
        if random.chance(50) { page.brands = random.some(brands, 1) }
        if random.chance(30) { page.product = "s\(1 + random.below(13))" }
        if random.chance(60) {
            page.phrase = random.some(["coffee", "beans", "tea", "green", "ICE", "cream"], 4).joined(separator: ", ")
        }
        if random.chance(50) { page.audiences = random.some(["a1", "a2", "a3"], 2) }
        if random.chance(60) { page.signedIn = random.chance(50) }
        if random.chance(50) { page.keys["season"] = random.some(["winter", "summer", "spring"], 2) }
        if random.chance(30) { page.keys["shop"] = [random.pick(["big", "small"])] }
        page.slots = random.some((1...5).map { "p\($0)" }, 4).map { ($0, Int32(random.below(4))) }
        return page
    }
}
