import AdModel
import Measurement

/// What became of one line item in one slot of a decision.
public struct LineExplanation: Equatable, Sendable {
    /// How it ended.
    public enum Outcome: Hashable, Sendable {
        case served
        /// It could have been shown, and others were worth more.
        case outbid
        /// It was stopped.
        case stopped(NoFillReason)
        /// The record is silent, and the snapshot is no longer kept.
        case unknown

        /// Stable name, as the API answers it.
        public var name: String {
            switch self {
            case .served: "served"
            case .outbid: "outbid"
            case .stopped(let reason): reason.name
            case .unknown: "unknown"
            }
        }

        public var stage: DecisionStage? {
            switch self {
            case .served, .outbid: .auction
            case .stopped(let reason): reason.decisionStage
            case .unknown: nil
            }
        }
    }

    /// Database id of the line item, and place of the slot in the record.
    public var lineItemID: Int32
    public var slot: Int
    public var outcome: Outcome
    /// Own score, expected micro-roubles per impression, and its parts; nil where it was stopped before.
    public var score: Float?
    public var parts: ScoreParts?
    /// True when the answer comes from asking again, with the stock of today, without the shopper's interests, and as
    /// if budgets, pacing and caps had let it through.
    public var isReconstructed: Bool

    public init(
        lineItemID: Int32, slot: Int, outcome: Outcome, score: Float? = nil, parts: ScoreParts? = nil,
        isReconstructed: Bool = false
    ) {
        self.lineItemID = lineItemID
        self.slot = slot
        self.outcome = outcome
        self.score = score
        self.parts = parts
        self.isReconstructed = isReconstructed
    }
}

/// Steps of a decision, in their order.
public enum DecisionStage: String, CaseIterable, Sendable {
    /// Whether the page, the shopper and the hour are what it is for.
    case targeting
    /// Whether it may run: campaign, flight, erid.
    case state
    case floor
    case stock
    case budget
    case pacing
    case caps
    case auction
    case holdout
    /// What else is on the page.
    case page
}

extension NoFillReason {
    /// The step of a decision that stops line items for this reason; nil for what is no line item's.
    public var decisionStage: DecisionStage? {
        switch self {
        case .none, .noCandidate, .stopped: nil
        case .notTargeted: .targeting
        case .paused, .notApproved, .noErid, .outsideFlight: .state
        case .belowFloor: .floor
        case .stockStale, .outOfStock: .stock
        case .budgetExhausted, .leaseExhausted: .budget
        case .paced, .goalReached: .pacing
        case .frequencyCapped, .capsElsewhere: .caps
        case .holdout: .holdout
        case .pageDuplicate, .companionMissing, .competitorBlocked: .page
        }
    }
}
