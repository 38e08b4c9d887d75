/// How the cards of a shelf are chosen among the products that its line item promotes. Raw values are kept in
/// packed plans: they never change their meaning.
public enum ShelfAlgorithm: UInt8, CaseIterable, Sendable {
    /// What the shopper's interests and recently viewed products point to.
    case personal = 1
    /// What sells most in the page's category; everywhere when the page has none.
    case popularInCategory = 2
    /// What sells more than it used to, there.
    case trendingInCategory = 3
    /// What is like the page's product.
    case similar = 4
    /// What is bought with the page's product and with what lies in the cart.
    case boughtTogether = 5
    /// What is like the page's product and better: dearer.
    case upsell = 6
    /// What the shopper has looked at, the latest first.
    case recentlyViewed = 7

    /// Stable name, as the API has it.
    public var name: String {
        switch self {
        case .personal: "personal"
        case .popularInCategory: "popular_in_category"
        case .trendingInCategory: "trending_in_category"
        case .similar: "similar"
        case .boughtTogether: "bought_together"
        case .upsell: "upsell"
        case .recentlyViewed: "recently_viewed"
        }
    }

    /// nil for a name that is none.
    public init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}
