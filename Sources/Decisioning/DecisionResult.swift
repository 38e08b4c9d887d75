import AdModel
import Measurement

/// The answer for one page, in indices of the snapshot. Valid until the scratch it lives in decides again.
public struct DecisionResult: Sendable {
    /// One per slot of the request, in the caller's order.
    public struct Slot: Sendable {
        public var placement: Int32 = 0
        /// Range in `ads`.
        public var firstAd: Int32 = 0
        public var adCount: Int32 = 0
        /// Range in `losers`.
        public var firstLoser: Int32 = 0
        public var loserCount: Int32 = 0
        /// `.none` when at least one ad was served.
        public var noFill: NoFillReason = .noCandidate
    }

    public struct Ad: Sendable {
        /// Line item index.
        public var line: Int32
        /// Creative index.
        public var creative: Int32
        /// Index of the ad in the decision, unique over its slots, below 256.
        public var ad: UInt8
        /// Position inside its slot, from 0.
        public var position: UInt8
        /// What one impression (cpm) or one click (cpc) costs, micro-roubles; 0 for fixed and house.
        public var price: Int64
        /// What was taken from the line item's lease, to be given back when the ad is never billed.
        public var reserved: Int64
        public var score: Float
        /// Expected charges per impression in parts of 2^32: 2^32 x affinity for cpm, the click probability for cpc.
        public var weight: UInt64
        /// What the score was of one micro-rouble, in parts of 2^32: what the price is worked out with.
        public var scoreWeight: UInt64
        /// `ClickParts.raw`: the prediction and what it was made from.
        public var parts: UInt32
        /// Range in `cards`; a banner has none.
        public var firstCard: Int32
        public var cardCount: Int32
    }

    public struct Card: Sendable {
        /// Product index.
        public var product: Int32
        /// Shelf price in the shopper's location, with VAT, micro-roubles.
        public var price: Int64
        /// 0 = none.
        public var oldPrice: Int64
    }

    public struct Loser: Sendable {
        /// Line item index.
        public var line: Int32
        /// `.none` = outbid; `.holdout` = a ghost ad: it won, and stepped aside for a held-out shopper.
        public var reason: NoFillReason
        public var score: Float
        /// `ClickParts.raw`.
        public var parts: UInt32
    }

    /// A line item that fitted the page and was stopped by its circumstances.
    public struct Stopped: Sendable {
        /// Line item index.
        public var line: Int32
        public var reason: NoFillReason
        /// Bit per slot of the request in which it was stopped.
        public var slots: UInt16
    }

    public var slots: ContiguousArray<Slot> = []
    public var ads: ContiguousArray<Ad> = []
    public var cards: ContiguousArray<Card> = []
    /// The next candidates of each slot, best first: the first `loserLimit`, and beyond them ghosts alone.
    public var losers: ContiguousArray<Loser> = []
    /// The first line items that stock, budget, pacing or caps stopped, in the order they were met.
    public var stopped: ContiguousArray<Stopped> = []
    /// How many candidates each reason stopped: `reasonCounts[slot * NoFillReason.allCases.count + reason]`.
    public var reasonCounts: ContiguousArray<Int32> = []
    /// Postings looked at and candidates scored: what a decision costs.
    public var visited: Int32 = 0
    public var scored: Int32 = 0
    /// Version of the snapshot, and number of the last stock change, that the decision used.
    public var snapshotVersion: Int64 = 0
    /// Version of the click model, 0 = none.
    public var modelVersion: Int32 = 0
    /// Whether a profile was read.
    public var isKnown = false
    /// Whether it is the shopper's first session; nil without a profile.
    public var isNew: Bool?
    public var stockVersion: Int64 = 0

    /// Candidates remembered per slot beside the winners. Every one more has more candidates looked at: a slot must have
    /// met the best of them to be done.
    public static let loserLimit = 4
    /// Ghosts remembered per slot; where there is no room for one, the last that is none makes it.
    public static let ghostLimit = 8

    public init() {}
}
