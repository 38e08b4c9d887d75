/// What is kept away from a page that is about a brand: line items that promote another one.
public enum CompetitorBlock: String, CaseIterable, Sendable {
    case none
    /// Other brands in the page's category, in one above it or in one below it.
    case category
    /// All other brands.
    case all

    /// Higher is stricter.
    @inlinable
    var level: UInt8 {
        switch self {
        case .none: 0
        case .category: 1
        case .all: 2
        }
    }
}
