import AdModel

/// What an audience is made of: a tree of conditions about what a shopper did, and which buyers he belongs to.
public indirect enum AudienceCondition: Hashable, Sendable {
    /// Every one of them holds; at least one is named.
    case all([AudienceCondition])
    /// At least one of them holds.
    case any([AudienceCondition])
    case not(AudienceCondition)
    case event(EventCondition)
    case cohort(CohortCondition)

    /// Levels of nesting.
    public static let depthLimit = 8
    /// Conditions on events and cohorts of one audience.
    public static let leafLimit = 32
    /// Values of one filter.
    public static let valueLimit = 200
    /// Greatest count that a condition may name.
    public static let countLimit: Int32 = 10_000
    /// Days that a sliding period may reach back.
    public static let dayLimit: Int32 = 730

    /// Conditions on events, wherever they stand.
    public var events: [EventCondition] {
        switch self {
        case .all(let list), .any(let list): list.flatMap(\.events)
        case .not(let inner): inner.events
        case .event(let event): [event]
        case .cohort: []
        }
    }

    /// Conditions on events and on cohorts.
    public var leafCount: Int {
        switch self {
        case .all(let list), .any(let list): list.reduce(0) { $0 + $1.leafCount }
        case .not(let inner): inner.leafCount
        case .event, .cohort: 1
        }
    }

    /// 1 for a condition without others inside.
    public var depth: Int {
        switch self {
        case .all(let list), .any(let list): 1 + (list.map(\.depth).max() ?? 0)
        case .not(let inner): 1 + inner.depth
        case .event, .cohort: 1
        }
    }
}

/// What can be counted of a shopper. `order` is what the shop's server reported; a page's own word about an order is
/// not counted.
public enum AudienceEventType: String, CaseIterable, Sendable {
    case pageView = "page_view"
    case productView = "product_view"
    case categoryView = "category_view"
    case search
    case addToCart = "add_to_cart"
    case removeFromCart = "remove_from_cart"
    case addToFavourites = "add_to_favourites"
    case order
    case impression
    case viewable
    case click

    /// nil for `order`: orders come from the server.
    public init?(_ signal: SignalKind) {
        guard signal != .order else { return nil }
        self.init(rawValue: signal.rawValue)
    }

    public init(_ kind: AdEventKind) {
        self =
            switch kind {
            case .impression: .impression
            case .viewable: .viewable
            case .click: .click
            }
    }

    /// What an ad did, not the shopper alone.
    public var isAd: Bool { self == .impression || self == .viewable || self == .click }

    /// Position in `allCases`.
    var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Events of one type, as far as the filters let them through: AND over filters, OR inside one. An empty filter lets
/// everything through. Product, brand and category must be those of one and the same product.
public struct CountedEvents: Hashable, Sendable {
    public var type: AudienceEventType
    /// SKUs.
    public var products: [String] = []
    /// Codes.
    public var brands: [String] = []
    /// Codes; what lies below a category counts too.
    public var categories: [String] = []
    /// A search counts when it has all words of one of them.
    public var phrases: [String] = []
    /// Codes; of ads only.
    public var advertisers: [String] = []
    public var campaigns: [String] = []
    public var creatives: [String] = []

    public init(type: AudienceEventType) { self.type = type }
}

/// How often events happened in a period.
public struct EventCondition: Hashable, Sendable {
    public var events: CountedEvents
    /// False turns the condition round: the shopper did not do that so many times.
    public var did = true
    /// Fewest and most that satisfy it; nil = however many.
    public var from: Int32 = 1
    public var to: Int32?
    public var period = AudiencePeriod.always

    public init(events: CountedEvents) { self.events = events }
}

/// Whole days of the accounting zone, both ends included.
public enum AudiencePeriod: Hashable, Sendable {
    /// As far back as anything is known.
    case always
    /// From so many days ago to so many days ago: 0 is today, `from` >= `to`.
    case daysAgo(from: Int32, to: Int32)
    case dates(from: Day, to: Day)

    /// First and last day (since the epoch) of the period, seen from `today`.
    public func days(today: Int32) -> (first: Int32, last: Int32) {
        switch self {
        case .always: (.min, .max)
        case .daysAgo(let from, let to): (today - from, today - to)
        case .dates(let from, let to): (from.number, to.number)
        }
    }
}

/// Buyers by the time of their last order and by their worth; an empty list of words lets everybody through. Who has
/// not bought belongs to no cohort.
public struct CohortCondition: Hashable, Sendable {
    public var recency: [Recency]
    public var value: [BuyerValue]

    public init(recency: [Recency] = [], value: [BuyerValue] = []) {
        self.recency = recency
        self.value = value
    }
}

/// How long ago a buyer bought last.
public enum Recency: String, CaseIterable, Sendable { case active, cooling, sleeping, lost }

/// What a buyer is worth.
public enum BuyerValue: String, CaseIterable, Sendable { case first, `repeat`, champion }
