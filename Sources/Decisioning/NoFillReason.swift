/// Why a line item did not serve, or why a slot stayed empty. Raw values are stored in the log: they never change
/// their meaning, and new ones are added at the end.
public enum NoFillReason: UInt8, CaseIterable, Sendable {
    /// It served (of a slot), or was merely outbid (of a candidate).
    case none = 0
    /// Nothing is sold for this slot on this page.
    case noCandidate = 1
    /// Something is sold, but not to this shopper on this page.
    case notTargeted = 2
    /// The line item or its campaign is paused.
    case paused = 3
    /// The campaign is not approved, or has no KKTU.
    case notApproved = 4
    /// No creative version of the slot's formats is approved and has an erid.
    case noErid = 5
    case outsideFlight = 6
    /// The bid is lower than the floor of the placement.
    case belowFloor = 7
    /// Stock figures of the location are older than the retailer allows.
    case stockStale = 8
    /// Too few of the promoted products can be bought in the location.
    case outOfStock = 9
    /// The budget or the wallet is spent.
    case budgetExhausted = 10
    /// This node's slice of the budget is used up or has lapsed.
    case leaseExhausted = 11
    /// Held back so that the budget lasts for the day.
    case paced = 12
    case frequencyCapped = 13
    /// The shopper belongs to the share that must not see the campaign.
    case holdout = 14
    /// Shown already on this page, or the page must not repeat its advertiser, brand or product.
    case pageDuplicate = 15
    /// The retailer has stopped all ads of the storefront.
    case stopped = 16
    /// Another line item of its campaign, which is only shown together with it, has no place on the page.
    case companionMissing = 17
    /// It promotes a rival of the brand that the page is about.
    case competitorBlocked = 18
    /// It has had all the impressions that it was promised.
    case goalReached = 19
    /// Another node counts the shopper's frequency caps.
    case capsElsewhere = 20

    /// Stable name, as the API answers it.
    public var name: String {
        switch self {
        case .none: "none"
        case .noCandidate: "no_candidate"
        case .notTargeted: "not_targeted"
        case .paused: "paused"
        case .notApproved: "not_approved"
        case .noErid: "no_erid"
        case .outsideFlight: "outside_flight"
        case .belowFloor: "below_floor"
        case .stockStale: "stock_stale"
        case .outOfStock: "out_of_stock"
        case .budgetExhausted: "budget_exhausted"
        case .leaseExhausted: "lease_exhausted"
        case .paced: "paced"
        case .frequencyCapped: "frequency_capped"
        case .holdout: "holdout"
        case .pageDuplicate: "page_duplicate"
        case .stopped: "stopped"
        case .companionMissing: "companion_missing"
        case .competitorBlocked: "competitor_blocked"
        case .goalReached: "goal_reached"
        case .capsElsewhere: "caps_elsewhere"
        }
    }

    /// How far along the pipeline the reason lies; the most advanced reason of a slot is the one it reports.
    @inlinable
    public var stage: UInt8 {
        switch self {
        // Later in the list than in the pipeline.
        case .competitorBlocked: NoFillReason.notTargeted.stage + 1
        case .goalReached: NoFillReason.budgetExhausted.stage - 1
        case .capsElsewhere: NoFillReason.frequencyCapped.stage - 1
        default: rawValue &* 2
        }
    }
}
