import AdModel

/// Whether a shopper has been here before.
public enum ShopperKind: String, CaseIterable, Sendable {
    /// In the first session that is known of the shopper.
    case new
    /// In a later one.
    case returning
}

/// Values wanted, dimension by dimension; an empty list does not restrict. Codes as the shop gives them.
///
/// What is known of the shopper (`audiences`, `shoppers`, `signedIn`) is only known with consent: without it, whoever
/// wants a value of these gets nobody, and whoever excludes one loses nobody.
public struct TargetingValues: Equatable, Sendable {
    public var pageTypes: [PageType] = []
    /// Placement codes; a code means that placement in every storefront.
    public var placements: [String] = []
    /// Category codes; each means its whole subtree.
    public var categories: [String] = []
    public var brands: [String] = []
    /// SKUs of the product that the page is about.
    public var products: [String] = []
    /// What the shopper searched for on this page.
    public var phrases: [PhraseTarget] = []
    /// Codes of audiences that the shopper is in.
    public var audiences: [String] = []
    /// ISO 3166-2 ("RU-MOW") or 3166-1 ("RU") codes.
    public var regions: [String] = []
    /// Codes of stock locations: the cities and stores that the shop itself tells apart.
    public var locations: [String] = []
    public var devices: [Device] = []
    public var dayparts: [Daypart] = []
    public var shoppers: [ShopperKind] = []
    /// Whether the shopper is signed in; nil does not restrict.
    public var signedIn: Bool?
    /// The shop's own keys of a page. Each key is a dimension of its own: AND over keys, OR over the values of one.
    public var keys: [String: [String]] = [:]

    public init() {}

    /// True when nothing is restricted.
    public var isEmpty: Bool { self == TargetingValues() }
}

/// The shop's own keys of a page.
public enum TargetingKey {
    /// `a-z 0-9 _ . -`, 1 to 32 of them.
    public static func isKey(_ bytes: some Collection<UInt8>) -> Bool {
        (1...32).contains(bytes.count)
            && bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x61...0x7A, 0x5F, 0x2E, 0x2D: true
                default: false
                }
            }
    }

    /// 1 to 64 bytes without control characters.
    public static func isValue(_ bytes: some Collection<UInt8>) -> Bool {
        (1...64).contains(bytes.count) && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}
