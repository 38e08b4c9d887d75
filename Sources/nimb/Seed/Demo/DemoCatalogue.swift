import Foundation

/// Regions of the demo shop: the codes of its stock locations.
enum DemoRegion: String, CaseIterable {
    case msk, spb, ekb

    /// As shoppers read it.
    var name: String {
        switch self {
        case .msk: "Москва"
        case .spb: "Санкт-Петербург"
        case .ekb: "Екатеринбург"
        }
    }

    /// ISO 3166-2 code of its city.
    var region: String {
        switch self {
        case .msk: "RU-MOW"
        case .spb: "RU-SPE"
        case .ekb: "RU-SVE"
        }
    }

    /// Hundredths of Moscow's prices.
    var level: Int {
        switch self {
        case .msk: 100
        case .spb: 98
        case .ekb: 93
        }
    }

    /// Products in a hundred that are sold out.
    var soldOut: Int { self == .ekb ? 9 : 6 }
}

/// What a region asks for a product.
struct DemoOffer {
    /// Kopecks, with VAT.
    var price: Int
    var oldPrice: Int?
    var quantity: Int
}

/// One SKU of the demo shop.
struct DemoProduct {
    var sku: String
    var group: String
    var name: String
    /// As the feed spells it.
    var vendor: String
    var brand: String
    var category: String
    var attributes: [(name: String, value: String)]
    /// Regions that have it in their assortment.
    var offers: [DemoRegion: DemoOffer]
}

/// The demo shop's products, made of word lists: plausible, written for Nimb, and the same every time.
struct DemoCatalogue {
    let words: DemoWords
    let products: [DemoProduct]

    init(words: DemoWords) {
        self.words = words
        products = words.leaves.flatMap { Self.products(of: $0, words) }
    }

    static func shipped() throws -> DemoCatalogue { DemoCatalogue(words: try DemoWords.shipped()) }

    // MARK: A leaf

    /// Each brand has most of the kinds, each kind most of the packages: a full grid looks like no shop.
    private static func products(of leaf: DemoWords.Leaf, _ words: DemoWords) -> [DemoProduct] {
        leaf.brands.compactMap { words.brands[$0] }.flatMap { brand in
            let numbered = Array(leaf.kinds.enumerated())
            var kept = numbered.filter { number, _ in
                var dice = DemoRandom("kind \(leaf.id) \(brand.id) \(number)")
                return dice.number(1...100) <= 78
            }
            if kept.count < 2 { kept = Array(numbered.prefix(2)) }
            return kept.flatMap { number, kind in sizes(leaf, brand, number, kind) }
        }
    }

    private static func sizes(
        _ leaf: DemoWords.Leaf, _ brand: DemoWords.Brand, _ number: Int, _ kind: DemoWords.Kind
    ) -> [DemoProduct] {
        let stem = "\(leaf.id)-\(brand.id)-\(number + 1)"
        // One roll for all packages, or the large one could be cheaper than the small one.
        var dice = DemoRandom("price \(stem)")
        let level = brand.level * dice.number(94...107)
        let kept = leaf.sizes.filter { size in
            var dice = DemoRandom("size \(stem) \(size.text)")
            return dice.number(1...100) <= 93
        }
        return (kept.isEmpty ? Array(leaf.sizes.prefix(1)) : kept).map { size in
            let sku = size.text.isEmpty ? stem : "\(stem)-\(DemoText.slug(size.text))"
            let head = leaf.what.map { "\($0) «\(brand.name)» \(kind.text)" } ?? "\(kind.text) «\(brand.name)»"
            // Kopecks × four factors in hundredths.
            let price = size.roubles * 100 * kind.factor / 100 * level / 10_000
            var attributes: [(name: String, value: String)] = []
            if leaf.what != nil { attributes.append(("Вид", kind.text)) }
            if !size.text.isEmpty { attributes.append((DemoText.measure(size.text), size.text)) }
            return DemoProduct(
                sku: sku, group: leaf.groupsKinds ? "\(leaf.id)-\(brand.id)" : stem,
                name: size.text.isEmpty ? head : "\(head), \(size.text)", vendor: vendor(brand, sku), brand: brand.id,
                category: leaf.id, attributes: attributes, offers: offers(sku, price))
        }
    }

    /// Now and then another spelling, as in every shop's feed; the aliases bring them together.
    private static func vendor(_ brand: DemoWords.Brand, _ sku: String) -> String {
        var dice = DemoRandom("vendor \(sku)")
        guard !brand.aliases.isEmpty, dice.number(1...100) <= 8 else { return brand.name }
        return brand.aliases[dice.number(0...brand.aliases.count - 1)]
    }

    // MARK: Regions

    private static func offers(_ sku: String, _ price: Int) -> [DemoRegion: DemoOffer] {
        var dice = DemoRandom("offers \(sku)")
        let discount = dice.number(1...100) <= 18 ? dice.number(8...28) : 0
        var offers: [DemoRegion: DemoOffer] = [:]
        for region in assortment(dice.number(1...100)) {
            let here = DemoText.nicePrice(price * region.level * dice.number(98...102) / 10_000)
            // A discount of one region only, now and then.
            let isReduced = discount > 0 && dice.number(1...100) <= 85
            let old = isReduced ? DemoText.nicePrice(here * 100 / (100 - discount)) : here
            let isSoldOut = dice.number(1...100) <= region.soldOut
            let count = dice.number(3...160)
            offers[region] = DemoOffer(price: here, oldPrice: old > here ? old : nil, quantity: isSoldOut ? 0 : count)
        }
        return offers
    }

    /// Most products are everywhere, some miss one region, a few are regional.
    private static func assortment(_ roll: Int) -> [DemoRegion] {
        switch roll {
        case ...82: [.msk, .spb, .ekb]
        case ...87: [.msk, .spb]
        case ...90: [.msk, .ekb]
        case ...92: [.spb, .ekb]
        case ...95: [.msk]
        case ...97: [.spb]
        default: [.ekb]
        }
    }
}
