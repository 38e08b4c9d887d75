import AdModel
import ClickModel
import Decisioning
import Profiles
import Stemmer

/// A case in terms of a small fixed shop; what a case does not say is ordinary.
struct CaseFile: Decodable {
    var rule: String
    var placements: [PlacementPart]?
    var brands: [BrandPart]?
    var advertisers: [AdvertiserPart]?
    var line_items: [LinePart]
    var stock: [StockPart]?
    var shelves: ShelfCase?
    var seed: UInt64?
    /// Weights of a click model; absent = none.
    var model: [WeightPart]?
    /// What the shop keeps of a product's price, per cent, by SKU.
    var margins: [String: Double]?
    var steps: [Step]

    struct WeightPart: Decodable {
        /// `bias`, `placement`, `format`, `creative` or `category`.
        var feature: String
        /// Code of a placement, name of a format, creative version or `Interest.code`.
        var value: String?
        var weight: Float
        /// Clicks, about, that it was seen with; much unless said otherwise.
        var evidence: Float?

        static func weights(_ parts: [WeightPart], _ input: SnapshotInput) -> ClickWeights {
            let entries = parts.map { part in
                let value = part.value ?? ""
                let index: UInt32 =
                    switch part.feature {
                    case "placement":
                        ClickFeature.placement.index(UInt64(input.placements.first { $0.code == value }?.id ?? 0))
                    case "format": ClickFeature.format.index(UInt64(ClickFeature.hash(value)))
                    case "creative": ClickFeature.creative.index(UInt64(value) ?? 0)
                    case "category": ClickFeature.category.index(UInt64(value) ?? 0)
                    default: ClickFeature.bias.index(0)
                    }
                return ClickWeights.Entry(index: index, weight: part.weight, evidence: part.evidence ?? 1_000)
            }
            return ClickWeights(version: 1, entries: entries.sorted { $0.index < $1.index })
        }
    }

    struct PlacementPart: Decodable {
        var code: String
        var formats: [String]?
        var max_ads: Int?
        var rank: Int32?
        var floor: Int64?
        var repeat_advertiser: Bool?
        var repeat_brand: Bool?
        /// Per cent.
        var margin_weight: Double?
        var competitor_block: String?
        var shelf: ShelfCase.Plan?
    }
    struct BrandPart: Decodable {
        var code: String
        var competitor_block: String
    }
    struct AdvertiserPart: Decodable {
        var id: Int32
        var caps: Caps?
        /// Nothing of the advertiser that costs money may serve.
        var wallet_spent: Bool?
    }
    struct Caps: Decodable {
        var hour: UInt16?
        var day: UInt16?
        var session: UInt16?
        var lifetime: UInt16?
        var limits: CapLimits {
            CapLimits(hour: hour ?? 0, day: day ?? 0, session: session ?? 0, lifetime: lifetime ?? 0)
        }
    }
    struct LinePart: Decodable {
        var id: Int32
        var advertiser: Int32?
        /// The line item's own unless given.
        var campaign: Int32?
        var companion: Bool?
        /// Per cent of shoppers that are held out: 0 or 100.
        var holdout: Int32?
        var goal: Int64?
        var goal_reached: Bool?
        var tier: String?
        var pricing: String?
        /// Roubles.
        var bid: Int64?
        var paused: Bool?
        var approved: Bool?
        var kktu: Bool?
        var starts_in_seconds: Int64?
        var ends_in_seconds: Int64?
        /// Micro-roubles; null = spends without a lease.
        var lease_micros: Int64?
        var lease_ends_in_seconds: Int64?
        var budget_exhausted: Bool?
        /// Per cent of opportunities.
        var pass: UInt32?
        var caps: Caps?
        var targeting: Targeting?
        var products: [String]?
        var creatives: [CreativePart]?
        var shelf: ShelfCase.Plan?
    }
    struct CreativePart: Decodable {
        var version: Int32?
        var format: String?
        var servable: Bool?
        var ctr: Double?
    }
    struct StockPart: Decodable {
        var location: String?
        var sku: String
        var quantity: Int32?
        /// Roubles.
        var price: Int64?
        var hours_old: Int64?
    }
    struct Step: Decodable {
        var after_seconds: Int64?
        var signals: [Signal]?
        var confirm: [Int32]?
        var page: PagePart?
        var expect: [Expected]?
    }
    struct Signal: Decodable {
        var kind: String?
        var product: String?
        var category: String?
        var brand: String?
    }
    struct PagePart: Decodable {
        var type: String?
        var device: String?
        var location: String?
        var region: String?
        /// ISO day 1...7 and hour of the storefront.
        var day: Int32?
        var hour: Int32?
        var consent: Bool?
        var category: String?
        var brand: String?
        var product: String?
        var phrase: String?
        var keys: [String: [String]]?
        var audiences: [String]?
        var signed_in: Bool?
        var slots: [String]
        var counts: [Int32]?

        /// - Parameter stem: what the edge does with the words of a search.
        func page(_ stem: (String) -> String) -> Page {
            var page = Page()
            page.pageType = type.flatMap(PageType.init(rawValue:)) ?? .home
            page.device = device.flatMap(Device.init(rawValue:)) ?? .desktop
            page.location = location ?? "msk"
            page.region = region
            page.minuteOfWeek = ((day ?? 1) - 1) * 1_440 + (hour ?? 12) * 60
            page.hasShopper = consent ?? true
            page.categories = category.map { [$0] } ?? []
            page.brands = brand.map { [$0] } ?? []
            page.product = product
            page.phrase = phrase.map { PhraseWords.of($0).map(stem).joined(separator: " ") }
            page.keys = keys ?? [:]
            page.audiences = audiences ?? []
            page.signedIn = signed_in
            page.slots = slots.enumerated().map { ($1, counts?[$0] ?? 0) }
            return page
        }
    }
    struct Expected: Decodable {
        var ads: [ExpectedAd]?
        var no_fill: String?
        var losers: [String]?
    }
    struct ExpectedAd: Decodable {
        var line: Int32
        var price_micros: Int64?
        var reserved_micros: Int64?
        var products: [String]?
        /// Shelf prices of the cards.
        var prices_micros: [Int64]?
        var version: Int32?
    }

    static let categories: [(id: Int32, code: String, parent: Int32?)] = [
        (1, "food", nil), (2, "coffee", 1), (3, "beans", 2), (4, "tea", 1), (5, "home", nil),
    ]
    static let brands = ["norda", "other"]
    static let products: [(sku: String, brand: Int32, category: Int32)] = [
        ("n1", 1, 3), ("n2", 1, 3), ("n3", 1, 3), ("n4", 1, 2), ("o1", 2, 4), ("o2", 2, 4), ("o3", 2, 4),
        ("o4", 2, 2),
    ]
    static func category(_ code: String) -> Int32 { categories.first { $0.code == code }?.id ?? 0 }
    static func brand(_ code: String) -> Int32 { Int32((brands.firstIndex(of: code) ?? -1) + 1) }
    static func product(_ sku: String) -> Int32 { Int32((products.firstIndex { $0.sku == sku } ?? -1) + 1) }

    func world() -> World {
        var world = World()
        world.seed = seed ?? 1
        var input = SnapshotInput(version: 1)
        input.storefronts = [.init(id: 1, code: "shop")]
        input.locations = [
            .init(id: 1, code: "msk", regionCodes: ["RU-MOW"]), .init(id: 2, code: "spb", regionCodes: ["RU-SPE"]),
        ]
        input.categories = Self.categories.map { .init(id: $0.id, code: $0.code, parentID: $0.parent) }
        input.brands = Self.brands.enumerated().map { index, code in
            let block = brands?.first { $0.code == code }.flatMap { CompetitorBlock(rawValue: $0.competitor_block) }
            return .init(id: Int32(index + 1), code: code, competitorBlock: block ?? .none)
        }
        input.audiences = ["coffee-lovers", "tea-lovers", "sleeping"].enumerated().map {
            .init(id: Int32($0 + 1), code: $1)
        }
        for (index, product) in Self.products.enumerated() {
            input.products.append(
                .init(
                    id: Int32(index + 1), sku: product.sku, brandID: product.brand, categoryIDs: [product.category]))
        }
        input.formats = [
            .init(name: "banner", priorCTR: 0.01),
            .init(name: "shelf", minimumCards: 2, maximumCards: 3, priorCTR: 0.02),
        ]
        for (index, part) in (placements ?? [PlacementPart(code: "top")]).enumerated() {
            input.placements.append(
                .init(
                    id: Int32(index + 1), storefrontID: 1, code: part.code, pageType: .home,
                    formats: part.formats ?? ["banner"], maxAds: part.max_ads ?? 1, rank: part.rank ?? 100,
                    floor: .roubles(part.floor ?? 0), repeatAdvertiser: part.repeat_advertiser ?? true,
                    repeatBrand: part.repeat_brand ?? true,
                    competitorBlock: part.competitor_block.flatMap(CompetitorBlock.init(rawValue:)) ?? .none))
        }
        for (index, part) in (placements ?? []).enumerated() {
            input.placements[index].shelf = part.shelf?.plan
            input.placements[index].marginWeight = (part.margin_weight ?? 0) / 100
        }
        for (sku, margin) in margins ?? [:] { input.products[Int(Self.product(sku)) - 1].margin = margin / 100 }
        if let model { input.clickWeights = WeightPart.weights(model, input) }
        if let shelves { world.shelves = shelves.tables }
        for id in 1...4 {
            input.advertisers.append(
                .init(id: Int32(id), caps: advertisers?.first { $0.id == Int32(id) }?.caps?.limits ?? .none))
        }
        for location in input.locations {
            for (index, product) in Self.products.enumerated() {
                let change = stock?.first { $0.sku == product.sku && $0.location ?? "msk" == location.code }
                world.stock.append(
                    StockRow(
                        locationID: location.id, productID: Int32(index + 1), quantity: change?.quantity ?? 5,
                        price: .roubles(change?.price ?? 100), asOf: world.now - .hours(change?.hours_old ?? 1)))
            }
        }
        for part in line_items { input.lineItems.append(line(part, &world)) }
        world.input = input
        return world
    }

    private func line(_ part: LinePart, _ world: inout World) -> SnapshotInput.LineItem {
        var line = SnapshotInput.LineItem(
            id: part.id, campaignID: part.campaign ?? part.id, advertiserID: part.advertiser ?? 1)
        line.isCompanion = part.companion ?? false
        line.holdout = part.holdout.map { Holdout(share: $0 * 100, salt: 1) }
        line.goalImpressions = part.goal
        if part.goal_reached ?? false { world.goalsReached.insert(part.id) }
        line.tier = part.tier.flatMap(Tier.init(rawValue:)) ?? .auction
        line.pricing = part.pricing.flatMap(Pricing.init(rawValue:)) ?? .cpm
        line.bid = .roubles(part.bid ?? 100)
        line.isPaused = part.paused ?? false
        line.isApproved = part.approved ?? true
        line.hasKKTU = part.kktu ?? true
        if let seconds = part.starts_in_seconds { line.startsAt = world.now + .seconds(seconds) }
        if let seconds = part.ends_in_seconds { line.endsAt = world.now + .seconds(seconds) }
        if let lease = part.lease_micros {
            line.needsLease = true
            world.leases[part.id] = lease
        }
        if let seconds = part.lease_ends_in_seconds { world.leaseEnds[part.id] = world.now + .seconds(seconds) }
        let isWalletSpent = advertisers?.first { $0.id == part.advertiser ?? 1 }?.wallet_spent ?? false
        if part.budget_exhausted ?? isWalletSpent {
            line.needsLease = true
            world.exhausted.insert(part.id)
        }
        if let pass = part.pass {
            line.isPacedEvenly = true
            world.passShares[part.id] = pass >= 100 ? .max : UInt32(UInt64(UInt32.max) * UInt64(pass) / 100)
        }
        line.caps = part.caps?.limits ?? .none
        line.targeting = (part.targeting ?? Targeting()).wordsReplaced(WordStemmer().stem)
        line.shelf = part.shelf?.plan
        line.promotedProductIDs = (part.products ?? []).map(Self.product)
        line.creatives = (part.creatives ?? [CreativePart()]).enumerated().map {
            .init(
                versionID: $1.version ?? part.id * 10 + Int32($0), format: $1.format ?? "banner",
                isServable: $1.servable ?? true, priorCTR: $1.ctr)
        }
        return line
    }
}
