/// A feed that cannot be read as a whole; nothing was changed.
public enum FeedError: Error, Sendable, Equatable, CustomStringConvertible {
    case cannotOpen
    /// Line of the file, what the parser said.
    case notWellFormed(line: Int, reason: String)
    /// The first element is not `yml_catalog`.
    case notAFeed(root: String)
    case entityDeclaration
    case prologTooLong
    case encoding(String)
    case date(String)
    case tooDeep(line: Int)
    case tooManyOffers
    case tooManyCategories

    /// Stable code.
    public var code: String {
        switch self {
        case .cannotOpen: "feed_cannot_open"
        case .notWellFormed: "feed_not_well_formed"
        case .notAFeed: "feed_wrong_root"
        case .entityDeclaration: "feed_entity_declaration"
        case .prologTooLong: "feed_prolog_too_long"
        case .encoding: "feed_encoding"
        case .date: "feed_date"
        case .tooDeep: "feed_too_deep"
        case .tooManyOffers: "feed_too_many_offers"
        case .tooManyCategories: "feed_too_many_categories"
        }
    }
    public var isRetryable: Bool { false }

    public var description: String {
        switch self {
        case .cannotOpen: "the feed cannot be opened; check the path and its permissions"
        case .notWellFormed(let line, let reason):
            "line \(line): the feed is not well-formed XML (\(reason)); it may be cut off, fetch it again"
        case .notAFeed(let root): "the file is not a YML feed: its first element is \(root), not yml_catalog"
        case .entityDeclaration: "the feed declares XML entities, which are refused; remove <!ENTITY …>"
        case .prologTooLong:
            "no yml_catalog element within the first \(FeedLimits.prolog) bytes; the file is not a YML feed"
        case .encoding(let name):
            "the encoding “\(name)” is not accepted; use UTF-8 or windows-1251"
        case .date(let text): "the date “\(text)” of yml_catalog is not like 2026-11-21T19:00+03:00"
        case .tooDeep(let line): "line \(line): elements are nested deeper than \(FeedLimits.depth)"
        case .tooManyOffers: "the feed has more than \(FeedLimits.offers) offers"
        case .tooManyCategories: "the feed has more than \(FeedLimits.categories) categories"
        }
    }
}

/// What a feed may ask of us.
public enum FeedLimits {
    /// Bytes before the first element.
    public static let prolog = 65_536
    /// Nesting of elements.
    public static let depth = 32
    public static let offers = 5_000_000
    public static let categories = 100_000
    /// Bytes of one text that is kept (name, url, vendor, …); a longer one makes the offer bad.
    public static let text = 4_096
    /// Bytes of an offer's id and of a group id.
    public static let id = 128
    /// Params of one offer that are kept; the rest is left out.
    public static let params = 64
    /// Categories of one offer that are kept.
    public static let offerCategories = 16
    /// Largest count and price.
    public static let count = 1_000_000_000
    public static let priceMicros: Int64 = 1_000_000_000_000_000
}

/// Why an offer was skipped. Raw values are stored and shown.
public enum BadOffer: String, CaseIterable, Sendable {
    case missingID = "missing_id"
    case missingName = "missing_name"
    case missingPrice = "missing_price"
    /// Price or count is not a number, negative or absurd.
    case badNumber = "bad_number"
    /// An id or a text that is kept is too long.
    case tooLong = "too_long"
    /// A later offer with an id that was already there.
    case duplicateID = "duplicate_id"
}

/// What is odd about an offer or a category that was taken all the same.
public enum FeedRemark: String, CaseIterable, Sendable {
    /// Price 0 of an available offer: taken as out of stock, because nobody sells for nothing.
    case zeroPriceAvailable = "zero_price_available"
    /// The price stands in another currency and was taken as a number.
    case currencyNotConverted = "currency_not_converted"
    /// No `count`: taken as 1 when available.
    case countAbsent = "count_absent"
    case vendorAbsent = "vendor_absent"
    case badOldPrice = "bad_old_price"
    /// The purchase price is no amount; the product's margin stays unknown.
    case badPurchasePrice = "bad_purchase_price"
    case badURL = "bad_url"
    /// The parent is not in the feed: taken as a root.
    case categoryParentAbsent = "category_parent_absent"
    case categoryParentCycle = "category_parent_cycle"
    case categoryDuplicate = "category_duplicate"
    case categoryBad = "category_bad"
    case paramsLeftOut = "params_left_out"
    /// No `date`: the time of the import stands in.
    case dateAbsent = "date_absent"
}
