import AdModel
import ClickModel
import Decisioning
import Profiles
import Simulator

/// A simulated shop whose pages are filled by the decision engine, with the features that its decisions would log.
struct ModelBenchShop {
    private static let opening = Timestamp(micros: 1_788_220_800_000_000)
    private static let formats = ["banner", "brand-shelf", "product-shelf", "sponsored-product", "text"]
    private static let placements: [(page: PageType, code: String, formats: [String], ads: Int)] = [
        (.home, "home.top", ["banner", "text"], 1), (.home, "home.shelf", ["product-shelf", "brand-shelf"], 1),
        (.category, "category.top", ["banner", "text"], 1), (.category, "category.list", ["sponsored-product"], 3),
        (.search, "search.top", ["sponsored-product", "text"], 2), (.product, "product.similar", ["product-shelf"], 1),
        (.product, "product.side", ["banner", "text"], 1), (.cart, "cart.shelf", ["product-shelf", "banner"], 1),
    ]
    private static let categoryCount: Int32 = 60
    private static let brandCount: Int32 = 80
    private static let productCount: Int32 = 3_000
    private static let lineCount: Int32 = 240

    private var simulator: Simulator
    private let snapshot: Snapshot
    private let stock: StockView
    private let input: SnapshotInput
    private let profiles = ProfileStore(maximumProfiles: 400_000)
    private let budget = LeaseTable(maximumLineItemID: Self.lineCount)
    private let scratch = Scratch()
    private let slots: [String: Int32]
    private let formatHashes: [UInt32]
    private let skus: [String: Int32]
    private let shop: SimulatedShop
    private var data = ModelBenchData()
    private let seed: UInt64

    init(seed: UInt64) throws {
        self.seed = seed
        var random = BenchRandom(seed)
        let shop = Self.shop(&random)
        self.shop = shop
        var options = SimulationOptions(from: Self.opening)
        options.seed = seed
        options.pageViewsPerDay = 120_000
        options.invalidTraffic = false
        // Twice the ordinary rates, so that ten thousand clicks per tenth need no hundred million impressions.
        options.effect.clickRates = options.effect.clickRates.mapValues { $0 * 2 }
        options.effect.deviceFactors = [.mobile: 1.15, .desktop: 0.9, .tablet: 0.8]
        options.effect.creativeSpread = 0.5
        options.effect.eveningFactor = 1.25
        options.effect.priceSlope = 0.2
        simulator = Simulator(shop: shop, options: options)
        let input = Self.input(shop, &random)
        self.input = input
        let snapshot = try Snapshot(input)
        self.snapshot = snapshot
        stock = StockView(
            snapshot: snapshot, version: 1,
            rows: (0..<Int32(shop.locations.count)).flatMap { location in
                (0..<Self.productCount).map { product in
                    StockRow(
                        locationID: location + 1, productID: product + 1, quantity: 5,
                        price: shop.locations[Int(location)].prices[Int(product)],
                        asOf: Self.opening + .days(100_000))
                }
            })
        slots = Dictionary(
            uniqueKeysWithValues: Self.placements.map { ($0.code, snapshot.lookup.placements.find($0.code, scope: 0)) })
        formatHashes = Self.formats.map(ClickFeature.hash)
        skus = Dictionary(uniqueKeysWithValues: shop.products.enumerated().map { ($1.sku, Int32($0)) })
        data.lineItems = input.lineItems.count
    }

    // MARK: The shop

    private static func shop(_ random: inout BenchRandom) -> SimulatedShop {
        let products = (0..<productCount).map { number in
            SimulatedShop.Product(
                sku: "s\(number)", group: number / 2, brand: Int32(random.below(Int(brandCount))),
                category: Int32(random.below(Int(categoryCount))))
        }
        let prices = products.indices.map { _ in Micros.roubles(Int64(60 + random.below(60) * random.below(60))) }
        var slots: [PageType: [String]] = [:]
        for placement in placements { slots[placement.page, default: []].append(placement.code) }
        let quantities = [Int32](repeating: 1_000_000, count: products.count)
        return SimulatedShop(
            products: products,
            categories: (0..<categoryCount).map { .init(code: "c\($0)", name: "Полка \($0)") },
            brands: (0..<brandCount).map { .init(name: "Марка \($0)") },
            locations: [
                .init(code: "msk", weight: 2, prices: prices, quantities: quantities),
                .init(code: "spb", weight: 1, prices: prices, quantities: quantities),
            ], placements: slots)
    }

    private static func input(_ shop: SimulatedShop, _ random: inout BenchRandom) -> SnapshotInput {
        var input = SnapshotInput(version: 1)
        input.stockMaxAge = .days(1_000)
        input.storefronts = [.init(id: 1, code: "shop")]
        input.locations = shop.locations.enumerated().map { .init(id: Int32($0 + 1), code: $1.code) }
        input.categories = shop.categories.enumerated().map { .init(id: Int32($0 + 1), code: $1.code) }
        input.brands = (1...brandCount).map { .init(id: $0, code: "b\($0)") }
        for (index, product) in shop.products.enumerated() {
            var made = SnapshotInput.Product(
                id: Int32(index + 1), sku: product.sku, brandID: product.brand + 1, categoryIDs: [product.category + 1])
            made.price = shop.locations[0].prices[index]
            input.products.append(made)
        }
        input.formats = formats.map { name in
            name.hasSuffix("shelf")
                ? .init(name: name, minimumCards: 2, maximumCards: 6) : .init(name: name)
        }
        input.placements = placements.enumerated().map {
            .init(
                id: Int32($0 + 1), storefrontID: 1, code: $1.code, pageType: $1.page, formats: $1.formats,
                maxAds: $1.ads, rank: Int32($0))
        }
        input.advertisers = (1...30).map { .init(id: $0) }
        for id in 1...lineCount {
            var line = SnapshotInput.LineItem(id: id, campaignID: id, advertiserID: 1 + id % 30)
            line.pricing = id % 2 == 0 ? .cpc : .cpm
            line.bid =
                line.pricing == .cpc
                ? .roubles(Int64(8 + random.below(14))) : .roubles(Int64(80 + random.below(140)))
            let brand = Int32(random.below(Int(brandCount)))
            let own = shop.products.indices.filter { shop.products[$0].brand == brand }
            line.promotedProductIDs = own.prefix(8).map { Int32($0 + 1) }
            // Line items take turns, so that creatives are seen in all kinds of company.
            line.isPacedEvenly = true
            let format = formats[Int(id) % formats.count]
            line.creatives = (0..<(1 + random.below(2))).map { .init(versionID: id * 10 + Int32($0), format: format) }
            input.lineItems.append(line)
        }
        return input
    }

    // MARK: Its life

    /// Lives until so many impressions were rendered.
    mutating func live(impressions: Int) throws -> ModelBenchData {
        for id in 1...Self.lineCount { budget.setPassShare(id, UInt32.max / 3) }
        data.examples.reserveCapacity(impressions)
        data.truth.reserveCapacity(impressions)
        var at = Self.opening
        while data.examples.count < impressions, let step = simulator.next(before: .init(micros: .max)) {
            at = step.at
            switch step.action {
            case .page(let page): answer(page, at)
            case .report(let report): signals(report)
            case .click(let token, _):
                guard let index = Int(token), !data.examples[index].isClicked else { continue }
                data.examples[index].isClicked = true
                data.clicks += 1
            default: break
            }
        }
        data.days = (at - Self.opening).micros / 86_400_000_000
        return data
    }

    /// Every ad that is answered is rendered: an impression follows within a second.
    private mutating func answer(_ page: PageRequest, _ at: Timestamp) {
        scratch.request.clear()
        let local = floorDivide(at.micros + Timestamp.Span.hours(3).micros, 60_000_000)
        scratch.request.pageType = page.pageType
        scratch.request.device = page.device
        scratch.request.location = page.location
        scratch.request.minuteOfWeek = Int32((local + 3 * 1_440) % 10_080)
        scratch.request.shopper = page.consent ? Self.key(page.visitor) : 0
        if page.category >= 0 { scratch.request.categories.append(page.category) }
        if page.product >= 0 {
            scratch.request.products.append(snapshot.lookup.products.find(shop.products[Int(page.product)].sku))
        }
        for code in page.slots { scratch.request.slots.append(.init(placement: slots[code] ?? -1)) }
        let number = UInt64(data.examples.count) &+ UInt64(bitPattern: at.micros) &* 31 &+ seed
        Decider.decide(
            scratch.request, snapshot: snapshot, stock: stock, profiles: page.consent ? profiles : nil, budget: budget,
            now: at, seed: number, scratch: scratch)
        let result = scratch.result
        var ads: [ServedAd] = []
        for (index, slot) in result.slots.enumerated() {
            for place in slot.firstAd..<(slot.firstAd + slot.adCount) {
                let ad = result.ads[Int(place)]
                let line = input.lineItems[Int(ad.line)]
                let creative = snapshot.creatives[Int(ad.creative)]
                let parts = ClickParts(raw: ad.parts)
                let context = ClickContext(
                    placementID: snapshot.placements[Int(slot.placement)].id,
                    format: formatHashes[Int(creative.format)], creativeVersionID: creative.versionID,
                    position: ad.position, category: parts.category, brand: parts.brand, device: page.device,
                    hour: UInt8(scratch.request.minuteOfWeek / 60 % 24), price: parts.price, isKnown: result.isKnown)
                var served = ServedAd(
                    token: String(data.examples.count), slot: index, position: Int(ad.position),
                    format: Self.formats[Int(creative.format)], campaign: line.campaignID, lineItem: line.id,
                    cards: (ad.firstCard..<(ad.firstCard + ad.cardCount)).map {
                        snapshot.products[Int(result.cards[Int($0)].product)].id - 1
                    }, promoted: line.promotedProductIDs.map { $0 - 1 })
                served.creative = creative.versionID
                ads.append(served)
                data.examples.append(ClickExample(context, isClicked: false))
            }
        }
        data.truth.append(contentsOf: simulator.clickProbabilities(of: ads).map { Float($0) })
        simulator.answer(ads)
    }

    private func signals(_ report: Report) {
        guard report.consent else { return }
        let shopper = Self.key(report.visitor)
        for case .signal(let kind, let sku, let category, _, let at) in report.items {
            let product = sku.flatMap { skus[$0] }
            let facts = product.map { shop.products[Int($0)] }
            let shelf = category.flatMap { Int32($0.dropFirst()) } ?? facts?.category
            profiles.apply(
                ProfileSignal(
                    kind: kind, productID: (product ?? -1) + 1, categoryID: (shelf ?? -1) + 1,
                    brandID: (facts?.brand ?? -1) + 1, at: at), shopper: shopper)
        }
    }

    private static func key(_ visitor: String) -> UInt64 {
        visitor.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } | 1
    }
}
