import AdModel

/// One product of a feed, checked.
public struct CatalogueOffer: Sendable, Equatable {
    public var sku: String
    public var groupID: String?
    public var name: String
    public var brand: String?
    public var url: String?
    public var pictureURL: String?
    public var categoryCodes: [String]
    /// A flat JSON object of texts.
    public var attributesJSON: String
    public var quantity: Int32
    public var priceMicros: Int64
    public var oldPriceMicros: Int64?
    /// What the shop paid; nil = not said.
    public var purchasePriceMicros: Int64?

    public init(
        sku: String, groupID: String? = nil, name: String, brand: String? = nil, url: String? = nil,
        pictureURL: String? = nil, categoryCodes: [String] = [], attributesJSON: String = "{}", quantity: Int32,
        priceMicros: Int64, oldPriceMicros: Int64? = nil, purchasePriceMicros: Int64? = nil
    ) {
        self.sku = sku
        self.groupID = groupID
        self.name = name
        self.brand = brand
        self.url = url
        self.pictureURL = pictureURL
        self.categoryCodes = categoryCodes
        self.attributesJSON = attributesJSON
        self.quantity = quantity
        self.priceMicros = priceMicros
        self.oldPriceMicros = oldPriceMicros
        self.purchasePriceMicros = purchasePriceMicros
    }
}

/// One category of a feed; every parent is in the feed and there are no cycles.
public struct CatalogueCategory: Sendable, Equatable {
    public var code: String
    public var parentCode: String?
    public var name: String

    public init(code: String, parentCode: String?, name: String) {
        self.code = code
        self.parentCode = parentCode
        self.name = name
    }
}

/// What a feed says beside its offers, known when it has been read to its end.
public struct CatalogueFeedSummary: Sendable {
    /// When the shop says the feed was true; not in the future.
    public var date: Timestamp
    public var categories: [CatalogueCategory]
    /// Offers seen, good and bad.
    public var offers: Int
    /// Offers that were skipped, by reason.
    public var badOffers: [String: Int]

    public init(date: Timestamp, categories: [CatalogueCategory], offers: Int, badOffers: [String: Int]) {
        self.date = date
        self.categories = categories
        self.offers = offers
        self.badOffers = badOffers
    }
}

/// What a full feed did to the catalogue of a location.
public struct CatalogueChange: Sendable, Equatable {
    /// Offers in the catalogue after the import.
    public var accepted = 0
    /// Later offers that repeat an id; the first one stays.
    public var duplicates = 0
    /// Offers accepted without a category that the feed or the catalogue knows.
    public var withoutCategory = 0
    public var productsCreated = 0
    public var productsChanged = 0
    /// Stock rows that are newer than the feed and stayed as they were.
    public var keptNewer = 0
    /// Products that could be bought here and are not in the feed: now out of stock.
    public var removed = 0
    /// Line items whose promoted products changed with the catalogue.
    public var lineItemsChanged = 0
    public var stockVersion: Int64?
    public var controlVersion: Int64?

    public init() {}
}

/// Why a feed changed nothing.
public enum CatalogueError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknownStorefront(String)
    case unknownLocation(String)
    /// Not one offer could be used.
    case nothingAccepted
    case removesTooMuch(removed: Int, buyable: Int)

    /// Stable code.
    public var code: String {
        switch self {
        case .unknownStorefront: "unknown_storefront"
        case .unknownLocation: "unknown_location"
        case .nothingAccepted: "nothing_accepted"
        case .removesTooMuch: "removes_too_much"
        }
    }
    public var isRetryable: Bool { false }

    public var description: String {
        switch self {
        case .unknownStorefront(let code): "there is no storefront “\(code)”; create it with nimb seed"
        case .unknownLocation(let code): "there is no stock location “\(code)”; create it with nimb seed"
        case .nothingAccepted: "not one offer of the feed could be used, so nothing was changed"
        case .removesTooMuch(let removed, let buyable):
            "the feed would take \(removed) of \(buyable) buyable products out of stock, more than allowed, so nothing "
                + "was changed; check the feed, or raise --max-removed-share"
        }
    }
}
