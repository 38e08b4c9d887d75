import AdModel

/// A seeded shop full of people whose truth is known: who saw what, who clicked, and who bought because of it.
///
/// A state machine without clock or IO. The driver asks for the `next` step and does it at its time; a page waits for
/// its `answer`. The same seed, shop and answers give the same steps.
public struct Simulator: Sendable {
    /// Pages of an average session; what the number of sessions follows from.
    static let pagesPerSession = 3.95

    public let options: SimulationOptions
    public internal(set) var truth = Truth()
    var shop: SimulatedShop
    let index: ShopIndex
    let curve: DemandCurve
    var random: SeededRandom
    var agenda = Agenda<Plan>()
    var sessions: [Int: Session] = [:]
    private var sessionNumber = 0
    private var asked: Int?
    private var now: Timestamp
    /// Shoppers known so far; newcomers get the next number.
    private var population: Int
    /// Browsers whose owner is known to the shop by his card.
    private var linked: Set<String> = []
    var orderNumber = 0
    /// A bot waits for an ad of somebody else, to present it as its own.
    var isListening = false

    public init(shop: SimulatedShop, options: SimulationOptions) {
        self.shop = shop
        self.options = options
        index = ShopIndex(shop)
        curve = DemandCurve(zoneOffset: options.zoneOffset)
        random = SeededRandom(seed: SeededRandom.mix(options.seed))
        now = options.from
        population = max(50, Int(options.pageViewsPerDay * 1.2))
        agenda.plan(.arrival, at: options.from)
        agenda.plan(.morning, at: options.from + .minutes(5))
        guard options.invalidTraffic else { return }
        for (number, bot) in Bot.allCases.enumerated() {
            agenda.plan(.bot(bot), at: options.from + .minutes(97 + 53 * Int64(number)))
        }
    }

    /// When the next thing happens; nil never comes to pass while the shop is open.
    public var nextAt: Timestamp? { agenda.nextAt }

    /// The next step, if it happens before `end`. A page that was not answered had no ads.
    public mutating func next(before end: Timestamp) -> Step? {
        if asked != nil { answer([]) }
        while let at = agenda.nextAt, at < end, let (_, plan) = agenda.take() {
            now = at
            if let action = act(plan, at: at) { return Step(at: at, action: action) }
        }
        return nil
    }

    /// Who waits for the answer of the page that was asked for last.
    var waitingPage: (shopper: Shopper, at: Timestamp)? {
        asked.flatMap { sessions[$0] }.map { ($0.shopper, now) }
    }

    /// Tells the page that was asked for last which ads it got.
    public mutating func answer(_ ads: [ServedAd]) {
        guard let id = asked, var session = sessions[id] else { return }
        asked = nil
        switch session.kind {
        case .person: look(at: ads, &session, id, now)
        case .crawler, .prefetch, .flood: botLooks(at: ads, &session, id, now)
        }
    }

    private mutating func act(_ plan: Plan, at: Timestamp) -> Step.Action? {
        switch plan {
        case .arrival:
            arrive(at)
            return nil
        case .visit(let id): return visit(id, at)
        case .say(let action, let counts):
            for count in counts { tally(count) }
            return action
        case .buy(let id): return buy(session: id, at)
        case .comeback(let number, let visitor, let purchase): return comeBack(number, visitor, purchase, at)
        case .morning: return morning(at)
        case .storeVisit: return storeVisit(at)
        case .bot(let bot): return begin(bot, at)
        case .returned(let adjustment, let units):
            truth.returnedUnits += Int64(units)
            return .adjustment(adjustment)
        }
    }

    private mutating func tally(_ count: AdCount) {
        if let reason = count.invalid {
            truth.invalid[reason, default: 0] += 1
            return
        }
        guard count.isFirst else { return }
        let change: (inout Truth.Ads) -> Void = { it in
            switch count.kind {
            case .impression: it.impressions += 1
            case .viewable: it.viewables += 1
            case .click: it.clicks += 1
            }
        }
        change(&truth.byLineItem[count.lineItem, default: Truth.Ads()])
        change(&truth.byCampaign[count.campaign, default: Truth.Ads()])
    }

    // MARK: Sessions

    /// A session may begin now, and the next one is waited for: thinning of a steady stream by the hour.
    private mutating func arrive(_ at: Timestamp) {
        let perDay = options.pageViewsPerDay / Self.pagesPerSession
        let gap = random.exponential(mean: 86_400_000_000 / (perDay * DemandCurve.peak))
        agenda.plan(.arrival, at: Timestamp(micros: at.micros + max(1, Int64(gap))))
        guard random.chance(curve.intensity(at: at) / DemandCurve.peak) else { return }
        let number: Int
        if random.chance(0.18) {
            number = population
            population += 1
        } else {
            // A few come often, most come rarely.
            let skew = random.unit()
            number = min(population - 1, Int(skew * skew * Double(population)))
        }
        let shopper = person(number)
        let visitor = shopper.visitor(device: random.chance(0.78) ? 0 : 1)
        var session = Session(
            shopper: shopper, visitor: visitor, consent: shopper.consents,
            pagesLeft: 1 + Int(random.exponential(mean: 2.9)))
        enter(&session)
        if shopper.isLoyal, shopper.consents, !linked.contains(visitor), random.chance(0.45) {
            linked.insert(visitor)
            agenda.plan(
                .say(.link(visitor: visitor, customer: shopper.customer), []), at: after(at, seconds: 1, 20))
        }
        truth.sessions += 1
        open(session, at: at)
    }

    func person(_ number: Int) -> Shopper {
        Shopper(number: number, seed: options.seed, shop: shop, index: index, options: options)
    }

    mutating func open(_ session: Session, at: Timestamp) {
        sessionNumber += 1
        sessions[sessionNumber] = session
        agenda.plan(.visit(session: sessionNumber), at: at)
    }

    /// Shoppers known so far, one of them.
    mutating func somebody() -> Shopper { person(random.below(population)) }

    /// The instant some seconds after another.
    mutating func after(_ at: Timestamp, seconds low: Double, _ high: Double) -> Timestamp {
        Timestamp(micros: at.micros + Int64(random.between(low, high) * 1_000_000))
    }

    /// A page is opened: its slots are asked for, unless it has none.
    private mutating func visit(_ id: Int, _ at: Timestamp) -> Step.Action? {
        guard var session = sessions[id] else { return nil }
        if session.kind == .person { truth.pageViews += 1 }
        let slots = shop.placements[session.page] ?? []
        guard !slots.isEmpty else {
            if session.kind == .person { look(at: [], &session, id, at) } else { botLooks(at: [], &session, id, at) }
            return nil
        }
        asked = id
        return .page(
            PageRequest(
                pageType: session.page, slots: slots, category: session.category, product: session.product,
                query: session.query, visitor: session.visitor, consent: session.consent,
                device: session.shopper.device, location: session.shopper.location, caller: session.caller))
    }
}
