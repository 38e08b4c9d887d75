import AdModel

/// Traffic that nobody should pay for, each kind to be found by its own rule.
extension Simulator {
    mutating func begin(_ bot: Bot, _ at: Timestamp) -> Step.Action? {
        let pause: Double =
            switch bot {
            case .crawler: random.exponential(mean: 3 * 3_600)
            case .flood: 86_400 * random.between(3, 6)
            case .replay: random.exponential(mean: 5 * 3_600)
            case .prefetch: random.exponential(mean: 1_500)
            }
        agenda.plan(.bot(bot), at: after(at, seconds: pause + 60, pause + 120))
        switch bot {
        case .crawler: open(visitor(.crawler, pages: 4 + random.below(8)), at: at)
        case .prefetch: open(visitor(.prefetch, pages: 1), at: at)
        case .flood:
            // All of it inside one minute of the clock, as the rule counts.
            let minute = floorDivide(at.micros, 60_000_000) + 1
            open(visitor(.flood, pages: 90), at: Timestamp(micros: minute * 60_000_000 + 1_500_000))
        case .replay: isListening = true
        }
        return nil
    }

    private mutating func visitor(_ kind: Session.Kind, pages: Int) -> Session {
        let shopper = somebody()
        var session = Session(
            shopper: shopper, visitor: "b." + Shopper.letters(random.next()), consent: true, pagesLeft: pages)
        session.kind = kind
        enter(&session)
        return session
    }

    /// A bot overhears an ad and presents it as seen and clicked by itself. Of a shelf as a whole, which its owner
    /// never reports: else the server would rightly call it a repetition.
    mutating func overhear(_ ads: [ServedAd], _ session: Session, _ at: Timestamp) {
        guard isListening, session.consent, let ad = ads.first(where: { !$0.cards.isEmpty }) else { return }
        isListening = false
        let name = "b." + Shopper.letters(random.next())
        let when = after(at, seconds: 60, 1_800)
        let kinds = [AdEventKind.viewable, .click]
        let items = kinds.map { Report.Item.ad($0, token: ad.token, card: -1, at: when, visitor: name) }
        let counts = kinds.map {
            AdCount(lineItem: ad.lineItem, campaign: ad.campaign, kind: $0, invalid: .replay)
        }
        agenda.plan(
            .say(.report(Report(visitor: name, consent: true, caller: .browser, items: items)), counts), at: when)
    }

    mutating func botLooks(at ads: [ServedAd], _ session: inout Session, _ id: Int, _ at: Timestamp) {
        var items: [Report.Item] = []
        var counts: [AdCount] = []
        let told = after(at, seconds: 0.05, 0.2)
        for ad in ads {
            var said = [(AdEventKind.impression, -1)]
            if session.kind == .flood {
                said += (0..<max(1, ad.cards.count)).map { (.viewable, ad.cards.isEmpty ? -1 : $0) }
            }
            for (number, (kind, card)) in said.enumerated() {
                items.append(.ad(kind, token: ad.token, card: card, at: told, visitor: nil))
                var count = AdCount(
                    lineItem: ad.lineItem, campaign: ad.campaign, kind: kind, isFirst: number <= 1)
                switch session.kind {
                case .crawler: count.invalid = .botAgent
                case .prefetch: count.invalid = .prefetch
                case .flood:
                    session.events += 1
                    count.invalid = session.events > options.eventsPerMinute ? .rate : nil
                case .person: break
                }
                counts.append(count)
            }
        }
        if !items.isEmpty {
            let report = Report(visitor: session.visitor, consent: true, caller: session.caller, items: items)
            agenda.plan(.say(.report(report), counts), at: told)
        }
        session.pagesLeft -= 1
        guard session.pagesLeft > 0 else {
            sessions[id] = nil
            return
        }
        switch random.below(4) {
        case 0:
            session.page = .home
            session.category = -1
            session.product = -1
            session.query = nil
        case 1: openCategory(&session)
        case 2: search(&session)
        default: openProduct(&session)
        }
        sessions[id] = session
        let isFast = session.kind == .flood
        agenda.plan(.visit(session: id), at: after(told, seconds: isFast ? 0.2 : 2, isFast ? 0.4 : 8))
    }
}
