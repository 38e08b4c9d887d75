import AdModel

/// The shop that shoppers walk through: its catalogue, what it has where, and its slots. Everything is named by index.
public struct SimulatedShop: Sendable {
    public struct Product: Sendable {
        public var sku: String
        /// Variants of one product share it; -1 = has none.
        public var group: Int32
        /// Index into `brands`; -1 = unknown.
        public var brand: Int32
        /// Index into `categories`.
        public var category: Int32

        public init(sku: String, group: Int32 = -1, brand: Int32 = -1, category: Int32) {
            self.sku = sku
            self.group = group
            self.brand = brand
            self.category = category
        }
    }

    public struct Category: Sendable {
        public var code: String
        public var name: String
        /// Index; -1 for a root.
        public var parent: Int32

        public init(code: String, name: String, parent: Int32 = -1) {
            self.code = code
            self.name = name
            self.parent = parent
        }
    }

    public struct Brand: Sendable {
        /// As the shop's pages name it.
        public var name: String

        public init(name: String) { self.name = name }
    }

    /// What one place sells.
    public struct Location: Sendable {
        public var code: String
        /// Share of shoppers who live there, relative to the others.
        public var weight: Double
        /// Price of each product with VAT; 0 = not sold there.
        public var prices: [Micros]
        /// Units of each product on the shelf.
        public var quantities: [Int32]

        public init(code: String, weight: Double, prices: [Micros], quantities: [Int32]) {
            self.code = code
            self.weight = weight
            self.prices = prices
            self.quantities = quantities
        }
    }

    public var products: [Product]
    public var categories: [Category]
    public var brands: [Brand]
    public var locations: [Location]
    /// Codes of the slots of each kind of page, in the order in which they are asked for.
    public var placements: [PageType: [String]]
    /// Value-added tax included in prices, per cent.
    public var vatPercent: Int64

    public init(
        products: [Product], categories: [Category], brands: [Brand], locations: [Location],
        placements: [PageType: [String]], vatPercent: Int64 = 22
    ) {
        self.products = products
        self.categories = categories
        self.brands = brands
        self.locations = locations
        self.placements = placements
        self.vatPercent = vatPercent
    }
}

/// What is looked up of a shop again and again, computed once.
struct ShopIndex: Sendable {
    /// Products of each category itself, by category.
    let byCategory: [[Int32]]
    /// Categories that hold products, the ones with more of them earlier.
    let shelves: [Int32]
    let byBrand: [[Int32]]

    init(_ shop: SimulatedShop) {
        var byCategory = [[Int32]](repeating: [], count: shop.categories.count)
        var byBrand = [[Int32]](repeating: [], count: shop.brands.count)
        for (index, product) in shop.products.enumerated() {
            if product.category >= 0 { byCategory[Int(product.category)].append(Int32(index)) }
            if product.brand >= 0 { byBrand[Int(product.brand)].append(Int32(index)) }
        }
        self.byCategory = byCategory
        self.byBrand = byBrand
        shelves = byCategory.indices.filter { !byCategory[$0].isEmpty }
            .sorted { (byCategory[$1].count, $0) < (byCategory[$0].count, $1) }.map { Int32($0) }
    }
}
