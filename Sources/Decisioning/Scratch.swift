import AdModel
import Profiles
import Shelves

/// All working memory of decisions on one event loop. It grows to what the snapshot needs and is then reused:
/// nothing is allocated between reading a request and writing its answer. Not to be shared.
public final class Scratch {
    /// For the parser to fill, so that its arrays are reused too.
    public var request = DecisionRequest()
    /// What the last decision found.
    public internal(set) var result = DecisionResult()
    var work = Work()

    public init() {}
}

/// Working memory, as a struct so that one exclusive access covers a whole decision.
struct Work {
    /// Candidates kept per slot at most; a slot that runs out of them looks again.
    static let heapLimit = 64

    struct Candidate {
        var unit: Int32
        var line: Int32
        var creative: Int32
        var score: Float
        /// Expected charges per impression in parts of 2^32 of what one costs.
        var weight: UInt64
        /// What the score is of one micro-rouble per impression or click: `weight` with what was drawn for a doubtful
        /// creative, and the margin.
        var scoreWeight: UInt64
        /// `ClickParts.raw`.
        var parts: UInt32
    }

    struct SlotState {
        /// Index in the request.
        var slot: Int32 = 0
        var placement: Int32 = 0
        var attribute: Int32 = 0
        var formats: UInt32 = 0
        var rank: Int32 = 0
        var need: Int32 = 0
        var floor: Int64 = 0
        var repeatAdvertiser = true
        var repeatBrand = true
        var shelf: ShelfPlan?
        /// `CompetitorBlock.level`.
        var competitorBlock: UInt8 = 0
        /// Kept candidates, at `slot x heapLimit` of the heap arrays, best first.
        var limit: Int32 = 0
        var count: Int32 = 0
        /// Of the format that is being looked at: what the page and the slot multiply click odds by, and what floors
        /// count with.
        var click: Float = 1
        var floorClick: Float = 1
        var marginWeight: Float = 0
        /// Inverses of the most that a score can be of its posting's bound, interests apart and with them.
        var perView: Float = 1
        var perClick: Float = 1
        var perViewBest: Float = 1
        var perClickBest: Float = 1
    }

    /// Number of the current round of a decision: what is stamped with it belongs to it.
    var epoch: UInt32 = 0
    /// Number of its first round.
    var firstEpoch: UInt32 = 0
    var traversal: UInt32 = 0
    /// Serial of the snapshot that there is room for; 0 = none.
    var snapshotSerial: UInt64 = 0
    var attributeStamp: ContiguousArray<UInt32> = []
    var attributes: ContiguousArray<Int32> = []
    var affinity: ContiguousArray<Float> = []
    var affinitySet: ContiguousArray<Int32> = []
    /// `Interest.code` by attribute, beside `affinity`.
    var interest: ContiguousArray<UInt8> = []
    var unitVisited: ContiguousArray<UInt32> = []
    var lineOnPage: ContiguousArray<UInt32> = []
    /// Line items that would be on the page if the shopper were not held out.
    var lineGhosted: ContiguousArray<UInt32> = []
    /// Held-out line items that the current slot has judged: epoch and slot, so that a second look leaves them out.
    var lineJudged: ContiguousArray<UInt64> = []
    var unitRefused: ContiguousArray<UInt32> = []
    var advertiserOnPage: ContiguousArray<UInt32> = []
    var brandOnPage: ContiguousArray<UInt32> = []
    var productOnPage: ContiguousArray<UInt32> = []
    /// Sets of companions that the current decision does not show.
    var companionAside: ContiguousArray<UInt32> = []
    var companionRound = 0
    /// The page's own categories, without those above them.
    var pageCategories: ContiguousArray<Int32> = []
    /// `CompetitorBlock.level` of the page itself.
    var pageBlock: UInt8 = 0
    /// The page is about a brand, and rivals of it are kept away from some slot.
    var blocksCompetitors = false
    var slots: ContiguousArray<SlotState> = []
    var heapKeys: ContiguousArray<UInt64> = []
    var heapCandidates: ContiguousArray<Int32> = []
    var candidates: ContiguousArray<Candidate> = []
    /// Posting ranges of the current traversal, longest first.
    var lists: ContiguousArray<(start: Int32, end: Int32, isClick: Bool)> = []
    var winners: ContiguousArray<Int32> = []
    var shelf = ShelfWork()
    var cards: ContiguousArray<Int32> = []
    var profile = Profile()
    /// Which cap counters the profile may have at all.
    var capFilter: UInt64 = 0
    var hasProfile = false
    /// Most that the shopper's interests can multiply a score by.
    var bestMultiplier: Float = 1
    /// The same for what pays per click.
    var bestInterest: Float = 1

    /// Makes room for a snapshot; only a swap allocates.
    mutating func prepare(_ snapshot: Snapshot) {
        if snapshot.serial != snapshotSerial || epoch > .max - 16 || traversal > .max - 65_536 {
            snapshotSerial = snapshot.serial
            epoch = 0
            traversal = 0
            attributeStamp = ContiguousArray(repeating: 0, count: Int(snapshot.space.count))
            affinity = ContiguousArray(repeating: 0, count: Int(snapshot.space.count))
            interest = ContiguousArray(repeating: 0, count: Int(snapshot.space.count))
            affinitySet.removeAll(keepingCapacity: true)
            unitVisited = ContiguousArray(repeating: 0, count: snapshot.units.count)
            unitRefused = unitVisited
            lineOnPage = ContiguousArray(repeating: 0, count: snapshot.lines.count)
            lineGhosted = lineOnPage
            lineJudged = ContiguousArray(repeating: 0, count: snapshot.lines.count)
            advertiserOnPage = ContiguousArray(repeating: 0, count: snapshot.advertisers.count)
            brandOnPage = ContiguousArray(repeating: 0, count: Int(snapshot.space.count))
            companionAside = ContiguousArray(repeating: 0, count: snapshot.companions.count)
            productOnPage = ContiguousArray(repeating: 0, count: snapshot.stockedCount)
            shelf.layOut(snapshot.stockedCount)
            if heapKeys.isEmpty {
                heapKeys = ContiguousArray(repeating: 0, count: Limits.slots * Self.heapLimit)
                heapCandidates = ContiguousArray(repeating: 0, count: Limits.slots * Self.heapLimit)
                candidates.reserveCapacity(2_048)
                attributes.reserveCapacity(256)
                pageCategories.reserveCapacity(64)
                lists.reserveCapacity(256)
            }
        }
        epoch += 1
        firstEpoch = epoch
        companionRound = 0
        attributes.removeAll(keepingCapacity: true)
        candidates.removeAll(keepingCapacity: true)
        slots.removeAll(keepingCapacity: true)
        shelf.begin()
        hasProfile = false
        bestMultiplier = 1
        bestInterest = snapshot.clicks.isActive ? snapshot.clicks.interest(category: 0, brand: 0) : 1
    }
}
