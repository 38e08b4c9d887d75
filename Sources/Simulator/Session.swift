import AdModel

/// Something that a shopper is going to buy.
struct Purchase: Equatable, Sendable {
    /// The ad without which he would not.
    struct Cause: Equatable, Sendable {
        var lineItem: Int32
        var campaign: Int32
        /// Another product of the promoted one's brand.
        var isSister: Bool
    }

    var product: Int32
    var units: Int32 = 1
    var cause: Cause?
}

/// One visit of somebody, page by page.
struct Session: Sendable {
    enum Kind { case person, crawler, flood, prefetch }

    var kind = Kind.person
    var shopper: Shopper
    var visitor: String
    var consent: Bool
    var page = PageType.home
    var category: Int32 = -1
    var product: Int32 = -1
    var query: String?
    /// Pages still to be looked at for their own sake.
    var pagesLeft: Int
    var cart: [Purchase] = []
    /// What ads have talked him into.
    var wishes: [Purchase] = []
    var hasOrdered = false
    /// Ad events that a flooding bot has sent.
    var events = 0

    var caller: Caller {
        switch kind {
        case .person, .flood: .browser
        case .crawler: .declaredBot
        case .prefetch: .prefetch
        }
    }
}

/// What is on the simulator's agenda.
enum Plan: Sendable {
    /// The next session begins.
    case arrival
    case visit(session: Int)
    case say(Step.Action, [AdCount])
    /// A session is over; what the cart holds is bought.
    case buy(session: Int)
    /// Somebody comes back, or goes to a store, for what an ad showed him.
    case comeback(shopper: Int, visitor: String, Purchase)
    /// Early in the morning shelves are filled and the day's visits to stores are planned.
    case morning
    case storeVisit
    case bot(Bot)
    case returned(AdjustmentReport, units: Int32)
}

/// What kinds of traffic are not people.
enum Bot: CaseIterable, Sendable { case crawler, flood, replay, prefetch }

/// One ad event as the truth counts it, when it is said.
struct AdCount: Equatable, Sendable {
    var lineItem: Int32
    var campaign: Int32
    var kind: AdEventKind
    /// Why it must not count.
    var invalid: InvalidReason?
    /// An ad is viewed, or clicked, once, whichever of its cards.
    var isFirst = true
}
