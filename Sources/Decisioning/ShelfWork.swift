import Shelves

/// Working memory for the cards of shelves.
struct ShelfWork: ~Copyable {
    /// Best products of one algorithm that are looked at for one shelf: more than a shelf holds, because some are
    /// variants or too many of one brand.
    static let candidateLimit = 48

    struct Candidate {
        var product: Int32
        var place: Int32
        var score: Float
    }

    /// Products of the algorithm that `stampedFor` names have their stamp, by stock place.
    var stamp: UInt32 = 0
    var stamps = WorkList<UInt32>()
    var scores = WorkList<Float>()
    /// Algorithm whose scores are stamped in this decision; 0 = none.
    var stampedFor: UInt8 = 0
    /// Products that the current shelf has among its candidates already.
    var run: UInt32 = 0
    var runs = WorkList<UInt32>()
    /// In order of the chain's algorithms, each one's best first.
    var candidates = WorkList<Candidate>()
    /// Database ids of what is asked about: the page's products, the cart.
    var pageProducts = WorkList<Int32>()
    var cart = WorkList<Int32>()
    /// Category indices that popular and trending products must be of; empty = any.
    var categories = WorkList<Int32>()
    /// Whether the three lists above were filled in this decision.
    var isReady = false
    /// How the current slot's placement fills shelves.
    var ofSlot: ShelfPlan?
    /// How much the shop's own margin counts in that slot, 0...1.
    var marginWeight: Float = 0
    /// Mean price of what the current shelf may show.
    var meanPrice: Int64 = 0

    /// Makes room for a snapshot.
    mutating func makeRoom(_ count: Int) {
        stamps.grow(to: count)
        runs.grow(to: count)
        scores.grow(to: count)
        candidates.reserve(Self.candidateLimit * ShelfPlan.chainLimit)
        pageProducts.reserve(16)
        cart.reserve(16)
        categories.reserve(16)
    }

    /// Another decision.
    mutating func begin() {
        stampedFor = 0
        isReady = false
        // Long before the numbers run out.
        if stamp > .max - 4_096 || run > .max - 4_096 {
            stamp = 0
            run = 0
            stamps.wipe()
            runs.wipe()
        }
    }

    /// Starts a new set of scores.
    mutating func restamp(_ algorithm: ShelfAlgorithm) {
        stampedFor = algorithm.rawValue
        stamp += 1
    }

    @inline(__always)
    func score(_ place: Int) -> Float { stamps[place] == stamp ? scores[place] : 0 }

    @inline(__always)
    mutating func add(_ place: Int, _ score: Float) {
        if stamps[place] == stamp {
            scores[place] += score
        } else {
            stamps[place] = stamp
            scores[place] = score
        }
    }

    func isAskedAbout(_ productID: Int32) -> Bool {
        for at in pageProducts.indices where pageProducts[at] == productID { return true }
        for at in cart.indices where cart[at] == productID { return true }
        return false
    }
}
