/// What a product costs in a region.
public struct ShopOffer: Sendable, Equatable {
    /// Shelf price with VAT, micro-roubles.
    public var priceMicros: Int64
    /// Higher than the price, or nil.
    public var oldPriceMicros: Int64?
    public var isBuyable: Bool

    public init(priceMicros: Int64, oldPriceMicros: Int64? = nil, isBuyable: Bool) {
        self.priceMicros = priceMicros
        self.oldPriceMicros = oldPriceMicros.flatMap { $0 > priceMicros ? $0 : nil }
        self.isBuyable = isBuyable
    }

    /// Whole percent, rounded down: a discount is never announced higher than it is.
    public var discountPercent: Int64 {
        oldPriceMicros.map { ($0 - priceMicros) * 100 / $0 } ?? 0
    }
}

public struct ShopProduct: Sendable, Equatable {
    public var sku: String
    /// Variants of one product share it.
    public var group: String?
    public var name: String
    /// As the feed writes it; empty = none.
    public var brand: String
    /// Code of the brand that this spelling means now.
    public var brandCode: String?
    public var categories: [String]
    public var pictureURL: String?
    /// By code of the stock location.
    public var offers: [String: ShopOffer]

    public init(
        sku: String, group: String? = nil, name: String, brand: String = "", brandCode: String? = nil,
        categories: [String] = [], pictureURL: String? = nil, offers: [String: ShopOffer] = [:]
    ) {
        self.sku = sku
        self.group = group
        self.name = name
        self.brand = brand
        self.brandCode = brandCode
        self.categories = categories
        self.pictureURL = pictureURL
        self.offers = offers
    }
}

public struct ShopCategory: Sendable, Equatable {
    public var code: String
    public var name: String
    public var parent: String?

    public init(code: String, name: String, parent: String? = nil) {
        self.code = code
        self.name = name
        self.parent = parent
    }
}

/// The whole assortment of the shop at one moment, in memory. A new one replaces it at every reading.
public struct ShopCatalogue: Sendable {
    /// Products that a shop holds; more are left out.
    public static let productLimit = 50_000
    /// Categories that a shop holds; more are left out.
    public static let categoryLimit = 5_000

    public enum Order: String, Sendable, CaseIterable {
        case popular, cheap, dear, discount
    }

    public let locations: [DemoShopOptions.Location]
    /// Codes of the storefront's placements: only these are asked for.
    public let placements: Set<String>
    public let products: [String: ShopProduct]
    /// Categories with something in their subtree.
    public let categories: [String: ShopCategory]
    /// Top of the tree, in the order of the feed.
    public let top: [ShopCategory]
    /// Where product pictures lie beside the shop itself.
    public let pictureOrigins: [String]
    private let children: [String: [ShopCategory]]
    /// SKUs of a category's subtree, the most popular first.
    private let shelves: [String: [String]]
    private let all: [String]
    private let groups: [String: [String]]

    public init(
        locations: [DemoShopOptions.Location], placements: Set<String>, categories list: [ShopCategory],
        products stock: [ShopProduct]
    ) {
        self.locations = locations
        self.placements = placements
        let codes = Set(locations.map(\.code))
        var products: [String: ShopProduct] = [:]
        for product in stock where product.offers.keys.contains(where: codes.contains) {
            if products.count < Self.productLimit { products[product.sku] = product }
        }
        let popular = products.values.sorted {
            let (a, b) = (Self.popularity($0.sku), Self.popularity($1.sku))
            return a == b ? $0.sku < $1.sku : a > b
        }
        let known = Dictionary(list.prefix(Self.categoryLimit).map { ($0.code, $0) }) { first, _ in first }
        var shelves: [String: [String]] = [:]
        var groups: [String: [String]] = [:]
        for product in popular {
            var seen: Set<String> = []
            for code in product.categories {
                var next: String? = code
                while let at = next, let category = known[at], seen.insert(at).inserted {
                    shelves[at, default: []].append(product.sku)
                    next = category.parent
                }
            }
            if let group = product.group { groups[group, default: []].append(product.sku) }
        }
        self.products = products
        pictureOrigins = ShopPictures.origins(popular.lazy.compactMap(\.pictureURL))
        self.shelves = shelves
        self.groups = groups
        all = popular.map(\.sku)
        let filled = list.prefix(Self.categoryLimit).filter { shelves[$0.code] != nil }
        self.categories = Dictionary(filled.map { ($0.code, $0) }) { first, _ in first }
        let below = Dictionary(grouping: filled.filter { $0.parent != nil }) { $0.parent ?? "" }
        children = below
        let roots = filled.filter { category in category.parent.map { shelves[$0] == nil } ?? true }
        // A feed's one root, "all goods", is no choice.
        if let root = roots.first, roots.count == 1, let rest = below[root.code] { top = rest } else { top = roots }
    }

    /// A number that stays with a product: a demo has no sales to count.
    private static func popularity(_ sku: String) -> UInt64 { ProductPicture.hash("popular " + sku) }

    public func children(of code: String) -> [ShopCategory] { children[code] ?? [] }

    /// From the top down to the category itself.
    public func path(to code: String) -> [ShopCategory] {
        var path: [ShopCategory] = []
        var next: String? = code
        while let at = next, let category = categories[at], !path.contains(category) {
            path.insert(category, at: 0)
            next = category.parent
        }
        return path.count > 1 && !top.contains { $0.code == path[0].code } ? Array(path.dropFirst()) : path
    }

    /// The category that a product's page belongs to: the deepest of its own.
    public func home(of product: ShopProduct) -> ShopCategory? {
        product.categories.compactMap { categories[$0] }.max { path(to: $0.code).count < path(to: $1.code).count }
    }

    /// Products of a category's subtree, or all, that a region knows; what can be bought there comes first.
    public func list(in code: String? = nil, location: String, order: Order = .popular) -> [ShopProduct] {
        sorted((code.map { shelves[$0] ?? [] } ?? all).compactMap { products[$0] }, location: location, order: order)
    }

    /// The products among these that a region knows, in an order; what can be bought comes first.
    public func sorted(_ list: [ShopProduct], location: String, order: Order) -> [ShopProduct] {
        let offered = list.enumerated().compactMap { index, product in
            product.offers[location].map { (index: index, product: product, offer: $0) }
        }
        return offered.sorted { a, b in
            if a.offer.isBuyable != b.offer.isBuyable { return a.offer.isBuyable }
            let (left, right): (Int64, Int64) =
                switch order {
                case .popular: (0, 0)
                case .cheap: (a.offer.priceMicros, b.offer.priceMicros)
                case .dear: (b.offer.priceMicros, a.offer.priceMicros)
                case .discount: (b.offer.discountPercent, a.offer.discountPercent)
                }
            return left == right ? a.index < b.index : left < right
        }.map(\.product)
    }

    /// One product per group, so that a shelf is not one product in five sizes.
    public func diverse(_ list: [ShopProduct], limit: Int, except: Set<String> = []) -> [ShopProduct] {
        var seen: Set<String> = except
        var brands: [String: Int] = [:]
        var chosen: [ShopProduct] = []
        for product in list where chosen.count < limit {
            guard !except.contains(product.sku), seen.insert(product.group ?? product.sku).inserted,
                brands[product.brand, default: 0] < max(2, limit / 3)
            else { continue }
            brands[product.brand, default: 0] += 1
            chosen.append(product)
        }
        return chosen
    }

    /// The product itself and its variants, by name.
    public func variants(of product: ShopProduct) -> [ShopProduct] {
        guard let group = product.group else { return [product] }
        return (groups[group] ?? []).compactMap { products[$0] }.sorted {
            let (a, b) = (price($0), price($1))
            return a == b ? $0.sku < $1.sku : a < b
        }
    }

    private func price(_ product: ShopProduct) -> Int64 {
        locations.lazy.compactMap { product.offers[$0.code]?.priceMicros }.first ?? 0
    }
}
