import AdModel
import ClickModel
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

    /// Moves the answer out for whoever looks at it often; `giveBack` keeps its memory for the next one.
    public func takeResult() -> DecisionResult {
        var taken = DecisionResult()
        swap(&taken, &result)
        return taken
    }

    public func giveBack(_ taken: inout DecisionResult) { swap(&taken, &result) }
}

/// Working memory, as a struct so that one exclusive access covers a whole decision; it is never copied.
struct Work: ~Copyable {
    /// Candidates kept per slot at most; a slot that runs out of them looks again.
    static let heapLimit = 64

    struct Candidate {
        var unit: Int32
        var line: Int32
        var creative: Int32
        var score: Float
        /// What the score is of one micro-rouble per impression or click: what it expects to be charged, with what was
        /// drawn for a doubtful creative, and the margin.
        var part: Float
        /// Click odds of the creative in the slot, and what the shopper's interests make of them and of an impression.
        var odds: Float
        var interest: Float
        var view: Float
        /// `Interest.code` of the category and of the brand, and the draw.
        var category: UInt8
        var brand: UInt8
        var draw: UInt8

        /// Expected charges per impression in parts of 2^32 of what one costs. Worked out of few candidates.
        func weight(_ pricing: Pricing) -> UInt64 {
            Scoring.weight(pricing, odds: odds, multiplier: pricing == .cpc ? interest : view)
        }

        var scoreWeight: UInt64 { UInt64(Double(part) * 4_294_967_296) }

        /// - Parameter price: `PriceLevel.code` of the line item.
        func parts(price: UInt8) -> UInt32 {
            ClickParts(
                probability: Scoring.probability(odds: odds, multiplier: interest), category: category, brand: brand,
                price: price, draw: Int(draw)
            ).raw
        }
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

    /// A part of the postings that is walked in order.
    struct PostingRange {
        var start: Int32
        var end: Int32
        var isClick: Bool
    }

    /// Number of the current round of a decision: what is stamped with it belongs to it.
    var epoch: UInt32 = 0
    /// Number of its first round.
    var firstEpoch: UInt32 = 0
    var traversal: UInt32 = 0
    /// Serial of the snapshot that there is room for; 0 = none.
    var snapshotSerial: UInt64 = 0
    var attributeStamp = WorkList<UInt32>()
    var attributes = WorkList<Int32>()
    var affinity = WorkList<Float>()
    var affinitySet = WorkList<Int32>()
    /// `Interest.code` by attribute, beside `affinity`.
    var interest = WorkList<UInt8>()
    var unitVisited = WorkList<UInt32>()
    var lineOnPage = WorkList<UInt32>()
    /// Line items that would be on the page if the shopper were not held out.
    var lineGhosted = WorkList<UInt32>()
    /// Held-out line items that the current slot has judged: epoch and slot, so that a second look leaves them out.
    var lineJudged = WorkList<UInt64>()
    var unitRefused = WorkList<UInt32>()
    var advertiserOnPage = WorkList<UInt32>()
    var brandOnPage = WorkList<UInt32>()
    var productOnPage = WorkList<UInt32>()
    /// Sets of companions that the current decision does not show.
    var companionAside = WorkList<UInt32>()
    var companionRound = 0
    /// The page's own categories, without those above them.
    var pageCategories = WorkList<Int32>()
    /// `CompetitorBlock.level` of the page itself.
    var pageBlock: UInt8 = 0
    /// 0 = Monday from 00:00 ... 167.
    var hourOfWeek = 0
    /// The page is about a brand, and rivals of it are kept away from some slot.
    var blocksCompetitors = false
    var slots = WorkList<SlotState>()
    var heapKeys = WorkList<UInt64>()
    var heapCandidates = WorkList<Int32>()
    var candidates = WorkList<Candidate>()
    /// Posting ranges of the current traversal, longest first.
    var lists = WorkList<PostingRange>()
    var winners = WorkList<Int32>()
    var shelf = ShelfWork()
    var profile = Profile()
    /// Which cap counters the profile may have at all.
    var capFilter: UInt64 = 0
    var hasProfile = false
    /// Most that the shopper's interests can multiply a score by.
    var bestMultiplier: Float = 1
    /// The same for what pays per click.
    var bestInterest: Float = 1

    /// Makes room for a snapshot; only a larger one allocates. What another snapshot's decisions left behind has the
    /// numbers of their rounds, which do not come again, so nothing is wiped.
    mutating func prepare(_ snapshot: Snapshot) {
        if snapshot.serial != snapshotSerial { makeRoom(snapshot) }
        if epoch > .max - 16 || traversal > .max - 65_536 { forgetRounds() }
        epoch += 1
        firstEpoch = epoch
        companionRound = 0
        attributes.removeAll()
        candidates.removeAll()
        slots.removeAll()
        shelf.begin()
        hasProfile = false
        bestMultiplier = 1
        bestInterest = snapshot.clicks.isActive ? snapshot.clicks.interest(category: 0, brand: 0) : 1
    }

    private mutating func makeRoom(_ snapshot: Snapshot) {
        snapshotSerial = snapshot.serial
        let attributeCount = Int(snapshot.space.count)
        attributeStamp.grow(to: attributeCount)
        affinity.grow(to: attributeCount)
        interest.grow(to: attributeCount)
        brandOnPage.grow(to: attributeCount)
        unitVisited.grow(to: snapshot.units.count)
        unitRefused.grow(to: snapshot.units.count)
        lineOnPage.grow(to: snapshot.lines.count)
        lineGhosted.grow(to: snapshot.lines.count)
        lineJudged.grow(to: snapshot.lines.count)
        advertiserOnPage.grow(to: snapshot.advertisers.count)
        companionAside.grow(to: snapshot.companions.count)
        productOnPage.grow(to: snapshot.stockedCount)
        shelf.makeRoom(snapshot.stockedCount)
        if heapKeys.isEmpty {
            heapKeys.grow(to: Limits.slots * Self.heapLimit)
            heapCandidates.grow(to: Limits.slots * Self.heapLimit)
            candidates.reserve(2_048)
            attributes.reserve(256)
            pageCategories.reserve(64)
            lists.reserve(256)
        }
    }

    /// Starts to count rounds from 0 again, after some billions of them.
    private mutating func forgetRounds() {
        epoch = 0
        traversal = 0
        attributeStamp.wipe()
        brandOnPage.wipe()
        unitVisited.wipe()
        unitRefused.wipe()
        lineOnPage.wipe()
        lineGhosted.wipe()
        lineJudged.wipe()
        advertiserOnPage.wipe()
        companionAside.wipe()
        productOnPage.wipe()
    }
}
