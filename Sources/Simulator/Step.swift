import AdModel

/// Who a call comes from, as far as the server can tell.
public enum Caller: Equatable, Sendable {
    case browser
    /// Says itself that it is a robot.
    case declaredBot
    /// A browser that fetches a page nobody has opened yet.
    case prefetch
}

/// A page that asks for the ads of its slots.
public struct PageRequest: Equatable, Sendable {
    public var pageType: PageType
    /// Placement codes, in the order of the page.
    public var slots: [String]
    /// Index of the category, the brand or the product that the page is about; -1 = none.
    public var category: Int32 = -1
    public var product: Int32 = -1
    public var query: String?
    public var visitor: String
    public var consent: Bool
    public var device: Device
    /// Index of the stock location.
    public var location: Int32
    public var caller: Caller
}

/// An ad that a page was answered with.
public struct ServedAd: Sendable {
    public var token: String
    /// Index of the slot in the request.
    public var slot: Int
    /// Place in the slot, from 0.
    public var position: Int
    public var format: String
    public var campaign: Int32
    public var lineItem: Int32
    /// 0 = of no particular creative: then the line item stands for it.
    public var creative: Int32 = 0
    /// Products on its cards, by index; unknown ones are -1.
    public var cards: [Int32]
    /// Products that the line item promotes, where the ad has no cards.
    public var promoted: [Int32]

    public init(
        token: String, slot: Int, position: Int, format: String, campaign: Int32, lineItem: Int32, cards: [Int32],
        promoted: [Int32]
    ) {
        self.token = token
        self.slot = slot
        self.position = position
        self.format = format
        self.campaign = campaign
        self.lineItem = lineItem
        self.cards = cards
        self.promoted = promoted
    }
}

/// Something that a page or its server says to the delivery API.
public struct Report: Equatable, Sendable {
    public enum Item: Equatable, Sendable {
        /// `visitor`: the id the event names, where it is not the page's own.
        case ad(AdEventKind, token: String, card: Int, at: Timestamp, visitor: String?)
        case signal(SignalKind, sku: String?, category: String?, query: String?, at: Timestamp)
    }

    public var visitor: String
    public var consent: Bool
    public var caller: Caller
    public var items: [Item]
}

public struct OrderReport: Equatable, Sendable {
    public struct Line: Equatable, Sendable {
        public var number: Int32
        public var sku: String
        public var units: Int32
        public var gross: Micros
        /// Without VAT, after discounts.
        public var net: Micros
    }

    public var id: String
    public var visitor: String?
    public var customer: String?
    public var channel: OrderChannel
    public var orderedAt: Timestamp
    public var lines: [Line]
}

public struct AdjustmentReport: Equatable, Sendable {
    public var id: String
    public var order: String
    /// nil = the whole order.
    public var line: Int32?
    public var kind: AdjustmentKind
    public var units: Int32?
    public var occurredAt: Timestamp
}

public struct StockReport: Equatable, Sendable {
    public struct Item: Equatable, Sendable {
        public var product: Int32
        public var quantity: Int32
        public var price: Micros
    }

    public var location: Int32
    public var items: [Item]
}

/// What happens next, and when.
public struct Step: Equatable, Sendable {
    public enum Action: Equatable, Sendable {
        /// Waits for `answer(_:)`.
        case page(PageRequest)
        case report(Report)
        /// A browser follows an ad's link; `card` nil = the ad as a whole.
        case click(token: String, card: Int?)
        case order(OrderReport)
        case adjustment(AdjustmentReport)
        case link(visitor: String, customer: String)
        case stock(StockReport)
    }

    public var at: Timestamp
    public var action: Action
}
