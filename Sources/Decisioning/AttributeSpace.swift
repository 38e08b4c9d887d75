import AdModel

/// All attribute values in one dense numbering, so that a request is a set of numbers and a clause a list of them.
/// Dimensions of known size come first, each a range; categories and brands have room for more behind them. What line items name one by one (regions, products, keys,
/// phrases) is numbered as it is met, so that more of it moves nothing.
struct AttributeSpace: Sendable {
    /// Attribute that every request has.
    static let any: Int32 = 0
    let devices: Int32
    let shoppers: Int32
    let locations: Int32
    let placements: Int32
    let categories: Int32
    let brands: Int32
    let audiences: Int32
    /// The first attribute that is named one by one.
    let firstNamed: Int32
    private(set) var count: Int32

    init(locations: Int, placements: Int, categories: Int, brands: Int, audiences: Int) {
        devices = 1 + Int32(PageType.allCases.count)
        shoppers = devices + Int32(Device.allCases.count)
        self.locations = shoppers + 4
        self.placements = self.locations + Int32(locations)
        self.categories = self.placements + Int32(placements)
        self.brands = self.categories + Self.withRoom(categories)
        self.audiences = self.brands + Self.withRoom(brands)
        firstNamed = self.audiences + Int32(audiences)
        count = firstNamed
    }

    /// A number of things, and as many more as may come before the index is built anew.
    private static func withRoom(_ count: Int) -> Int32 { Int32(count + max(64, count / 8)) }

    var categoryLimit: Int { Int(brands - categories) }
    var brandLimit: Int { Int(audiences - brands) }

    /// One more attribute, beyond all that there are.
    mutating func add() -> Int32 {
        defer { count += 1 }
        return count
    }

    func pageType(_ value: PageType) -> Int32 { 1 + value.ordinal }
    func device(_ value: Device) -> Int32 { devices + value.ordinal }
    func shopper(isNew: Bool) -> Int32 { shoppers + (isNew ? 0 : 1) }
    func signedIn(_ value: Bool) -> Int32 { shoppers + (value ? 2 : 3) }
}

extension PageType {
    /// Position in the declaration, without searching.
    var ordinal: Int32 {
        switch self {
        case .home: 0
        case .category: 1
        case .product: 2
        case .search: 3
        case .cart: 4
        case .checkoutSuccess: 5
        case .emptyCart: 6
        case .article: 7
        case .notFound: 8
        case .other: 9
        case .inStore: 10
        }
    }
}

extension Device {
    var ordinal: Int32 {
        switch self {
        case .desktop: 0
        case .mobile: 1
        case .tablet: 2
        case .app: 3
        case .tv: 4
        case .other: 5
        }
    }
}
