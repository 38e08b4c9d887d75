// The closed word lists of domain.md. Raw values are what the API, the files and the database say.

/// Kind of page that a placement lives on.
public enum PageType: String, CaseIterable, Sendable {
    case home, category, product, search, cart
    case checkoutSuccess = "checkout_success"
    case emptyCart = "empty_cart"
    case article
    case notFound = "not_found"
    case other
    case inStore = "in_store"
}

/// How a line item pays.
public enum Pricing: String, CaseIterable, Sendable {
    /// Per 1,000 impressions.
    case cpm
    /// Per click.
    case cpc
    /// A fixed sum for the flight, accrued in equal daily parts.
    case fixed
}

/// Who goes first: all of one tier is considered before the next.
public enum Tier: String, CaseIterable, Sendable { case sponsorship, guaranteed, auction, house }

/// How a budget spreads over its days.
public enum Pacing: String, CaseIterable, Sendable { case even, asap }

/// Device class of the shopper.
public enum Device: String, CaseIterable, Sendable { case desktop, mobile, tablet, app, tv, other }

/// What an ad did. Raw values are stored in the log and in PostgreSQL.
public enum AdEventKind: UInt8, CaseIterable, Sendable {
    case impression = 0
    case viewable = 1
    case click = 2

    public var name: String {
        switch self {
        case .impression: "impression"
        case .viewable: "viewable"
        case .click: "click"
        }
    }
}

/// What a shopper did.
public enum SignalKind: String, CaseIterable, Sendable {
    case pageView = "page_view"
    case productView = "product_view"
    case categoryView = "category_view"
    case search
    case addToCart = "add_to_cart"
    case removeFromCart = "remove_from_cart"
    case addToFavourites = "add_to_favourites"
    case order
}

/// Why an event with a readable token is stored but never billed and never attributed.
public enum InvalidReason: String, CaseIterable, Sendable {
    case botAgent = "bot_agent"
    case datacenter, rate, replay, late, forged, prefetch
    case impossibleSequence = "impossible_sequence"
}

/// Where an order was made.
public enum OrderChannel: String, CaseIterable, Sendable { case online, offline }

/// What an adjustment does to an order.
public enum AdjustmentKind: String, CaseIterable, Sendable {
    case cancel
    case `return`
    case price
}

/// How the bought product relates to the advertised one, strongest first.
public enum MatchLevel: String, CaseIterable, Sendable {
    case sku, variant, listed, brand, order

    /// `direct`, `halo` or `basket`: the three shares a report shows.
    public var share: String {
        switch self {
        case .sku, .variant: "direct"
        case .listed, .brand: "halo"
        case .order: "basket"
        }
    }
}

/// What the shopper did with the ad.
public enum Interaction: String, CaseIterable, Sendable { case click, view }
