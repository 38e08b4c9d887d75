import AdModel
import Profiles
import Shelves

/// A line item of a campaign: when, where, for whom and for how much.
public struct LineItem: Equatable, Sendable {
    /// Money of one bid per thousand impressions or per click: 1 kopeck to a million roubles.
    public static let bidRange: ClosedRange<Int64> = 10_000...1_000_000_000_000
    /// Money of a budget or of a fixed price: ten billion roubles at most.
    public static let moneyLimit: Int64 = 10_000_000_000_000_000
    /// Line items of one campaign that are not archived.
    public static let campaignLimit = 1_000

    /// Internal id; 0 before it is stored.
    public var id: Int32 = 0
    /// Public id, immutable.
    public var code: String
    public var campaignID: Int32 = 0
    public var campaign: String = ""
    public var advertiserID: Int32 = 0
    public var advertiser: String = ""
    public var name: String
    public var paused = false
    public var archived = false
    /// The flight, half-open.
    public var startsAt: Timestamp
    public var endsAt: Timestamp
    public var tier: Tier = .auction
    public var pricing: Pricing
    /// cpm: per 1,000 impressions; cpc: per click; fixed: price of the whole flight. Without VAT.
    public var bidMicros: Int64
    public var totalBudgetMicros: Int64?
    public var dailyBudgetMicros: Int64?
    /// Impressions that a guaranteed line item promises.
    public var goalImpressions: Int64?
    public var pacing: Pacing = .asap
    public var caps: [FrequencyCap] = []
    /// The documented targeting object, canonical JSON.
    public var targetingJSON = "{}"
    public var promoted = PromotedRule()
    /// How its shelf is filled; nil = as the placement says, else in the order of the products.
    public var shelf: ShelfPlan?
    /// Products of the open version.
    public var products = 0
    /// What the ledger has charged so far.
    public var spentMicros: Int64 = 0
    public var revision: Int64 = 1

    public init(code: String, name: String, startsAt: Timestamp, endsAt: Timestamp, pricing: Pricing, bidMicros: Int64)
    {
        self.code = code
        self.name = name
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.pricing = pricing
        self.bidMicros = bidMicros
    }

    /// Whether only products of the advertiser's own brands may be promoted: always, except in the retailer's own
    /// house advertising.
    var grantedOnly: Bool { tier != .house }

    /// What the retailer agrees on when he sells a tier; his side alone changes it then.
    var terms: [(field: String, value: String)] {
        [
            ("flight", "\(startsAt) \(endsAt)"), ("pricing", pricing.rawValue), ("bid_micros", "\(bidMicros)"),
            ("total_budget_micros", "\(totalBudgetMicros ?? -1)"),
            ("daily_budget_micros", "\(dailyBudgetMicros ?? -1)"), ("goal_impressions", "\(goalImpressions ?? -1)"),
            ("pacing", pacing.rawValue), ("caps", FrequencyCap.json(caps)), ("targeting", targetingJSON),
        ]
    }
}

/// What a write of a line item did beside the write.
public struct LineItemEdit: Sendable {
    public var lineItem: LineItem
    /// Serving has to look again.
    public var mattersToServing: Bool
    /// The campaign went back to moderation.
    public var resubmitted: Bool
}
