import AdModel
import Audiences
import Foundation
import Testing

/// Facts kept by counters against a plain list of everything that happened.
@Suite struct AudiencePropertyTests {
    private static let today: Int32 = 20_000

    /// Everything as it happened, asked without any cleverness.
    private struct History {
        struct Event {
            var type: AudienceEventType
            var visitor: UInt64
            var sku: String
            var day: Int32
        }

        struct Order {
            var visitor: UInt64
            var customer: UInt64
            var sku: String
            var day: Int32
            var at: Timestamp
            var spend: Int64
        }

        var events: [Event] = []
        var orders: [Order] = []
        var links: [(visitor: UInt64, customer: UInt64, at: Timestamp)] = []

        func owner(_ order: Order) -> UInt64 {
            if order.customer != 0 { return order.customer }
            let known = links.filter { $0.visitor == order.visitor }
            return known.last { $0.at <= order.at }?.customer ?? known.first?.customer ?? order.visitor
        }

        func person(_ visitor: UInt64) -> UInt64 { links.last { $0.visitor == visitor }?.customer ?? visitor }

        func orders(of visitor: UInt64) -> [Order] {
            let person = person(visitor)
            return orders.filter { owner($0) == person }
        }

        func championSpend(_ thresholds: RFMThresholds) -> Int64 {
            var spends: [UInt64: Int64] = [:]
            for order in orders where order.day > today - 365 { spends[owner(order), default: 0] += order.spend }
            let sorted = spends.values.filter { $0 > 0 }.sorted(by: >)
            let best = Int((Double(sorted.count) * Double(thresholds.championPercent) / 100).rounded(.up))
            return best > 0 ? sorted[best - 1] : .max
        }

        func holds(_ condition: AudienceCondition, _ visitor: UInt64, _ thresholds: RFMThresholds) -> Bool {
            switch condition {
            case .all(let list): return list.allSatisfy { holds($0, visitor, thresholds) }
            case .any(let list): return list.contains { holds($0, visitor, thresholds) }
            case .not(let inner): return !holds(inner, visitor, thresholds)
            case .event(let event):
                let (first, last) = event.period.days(today: today)
                func fits(_ sku: String, _ day: Int32) -> Bool {
                    day >= first && day <= last
                        && (event.events.products.isEmpty || event.events.products.contains(sku))
                }
                let count =
                    event.events.type == .order
                    ? orders(of: visitor).count { fits($0.sku, $0.day) }
                    : events.count { $0.type == event.events.type && $0.visitor == visitor && fits($0.sku, $0.day) }
                return (count >= event.from && count <= event.to ?? .max) == event.did
            case .cohort(let cohort):
                let own = orders(of: visitor)
                guard let last = own.map(\.day).max() else { return false }
                let days = today - last
                let recency: Recency =
                    days <= 30 ? .active : days <= 90 ? .cooling : days <= 180 ? .sleeping : .lost
                let spend = own.filter { $0.day > today - 365 }.reduce(0) { $0 + $1.spend }
                let value: BuyerValue =
                    own.count >= 5 || spend >= championSpend(thresholds)
                    ? .champion : own.count >= 2 ? .repeat : .first
                return (cohort.recency.isEmpty || cohort.recency.contains(recency))
                    && (cohort.value.isEmpty || cohort.value.contains(value))
            }
        }

        private var today: Int32 { AudiencePropertyTests.today }
    }

    private static func condition(_ random: inout SplitMix64, depth: Int) -> AudienceCondition {
        if depth > 0, random.below(2) == 0 {
            let list = (0..<(1 + random.below(3))).map { _ in condition(&random, depth: depth - 1) }
            return [.all(list), .any(list), .not(list[0])][random.below(3)]
        }
        if random.below(4) == 0 {
            return .cohort(
                CohortCondition(
                    recency: Recency.allCases.filter { _ in random.below(2) == 0 },
                    value: BuyerValue.allCases.filter { _ in random.below(2) == 0 }))
        }
        var events = CountedEvents(type: [.productView, .addToCart, .order, .click][random.below(4)])
        if random.below(2) == 0 { events.products = ["p\(random.below(3))", "p\(random.below(3))"] }
        var event = EventCondition(events: events)
        event.did = random.below(4) > 0
        event.from = Int32(random.below(3))
        if random.below(3) == 0 { event.to = event.from + Int32(random.below(3)) }
        let (a, b) = (Int32(random.below(400)), Int32(random.below(400)))
        switch random.below(3) {
        case 0: event.period = .daysAgo(from: max(a, b), to: min(a, b))
        case 1: event.period = .dates(from: Day(number: today - max(a, b)), to: Day(number: today - min(a, b)))
        default: break
        }
        return .event(event)
    }

    @Test("Counters answer like a plain list of everything that happened", arguments: Array(UInt64(1)...60))
    func agreesWithHistory(seed: UInt64) {
        var random = SplitMix64(seed)
        let conditions = (0..<12).map { _ in Self.condition(&random, depth: 3) }
        let book = AudienceBook(
            conditions.enumerated().map { AudienceDefinition(id: Int32($0 + 1), condition: $1) },
            filter: AudienceCaseTests.filter)
        let facts = AudienceFacts(book)
        var history = History()
        let visitors = (0..<8).map { _ in random.next() | 1 }
        let customers = (0..<3).map { _ in random.next() | 1 }
        for day in (Self.today - 500)...Self.today where random.below(3) == 0 {
            let at = Timestamp(micros: Day(number: day).utcStart.micros + Int64(random.below(86_400)) * 1_000_000)
            let visitor = visitors[random.below(visitors.count)]
            let sku = "p\(random.below(4))"
            let item = AudienceEvent.Item(sku: TextKey.of(sku))
            switch random.below(8) {
            case 0:
                let customer = customers[random.below(customers.count)]
                history.links.append((visitor, customer, at))
                facts.apply(.link(visitor: visitor, customer: customer, at: at), day: Day(number: day))
            case 1...3:
                let (named, customer) =
                    [(visitor, 0), (visitor, customers[0]), (0, customers[random.below(customers.count)])][
                        random.below(3)]
                if named != 0, customer != 0 { history.links.append((named, customer, at)) }
                let spend = Int64(random.below(1_000))
                history.orders.append(
                    .init(visitor: named, customer: customer, sku: sku, day: day, at: at, spend: spend))
                facts.apply(
                    .order(items: [item], spend: Micros(spend), visitor: named, customer: customer, at: at),
                    day: Day(number: day))
            default:
                let type = [AudienceEventType.productView, .addToCart, .click, .pageView][random.below(4)]
                history.events.append(.init(type: type, visitor: visitor, sku: sku, day: day))
                var event = AudienceEvent(type: type)
                event.items = [item]
                facts.apply(.event(event, visitor: visitor, at: at), day: Day(number: day))
            }
        }
        for visitor in visitors { facts.note(visitor: visitor) }
        facts.findChampions(today: Self.today)
        var scratch = AudienceScratch()
        var counts = [Int](repeating: 0, count: conditions.count)
        for visitor in visitors {
            var list: ContiguousArray<Int32> = []
            facts.members(of: visitor, today: Self.today, scratch: &scratch, into: &list)
            for (index, condition) in conditions.enumerated() {
                let expected = history.holds(condition, visitor, RFMThresholds())
                #expect(list.contains(Int32(index)) == expected, "seed \(seed): \(condition)")
                if expected { counts[index] += 1 }
            }
        }
        let sizes = facts.sizes(today: Self.today)
        #expect(sizes.members == counts && sizes.shoppers == visitors.count, "seed \(seed)")
        let parts = (0..<3).map { facts.sizes(today: Self.today, part: $0, of: 3).members }
        #expect(parts.reduce([Int](repeating: 0, count: counts.count)) { zip($0, $1).map { $0 + $1 } } == counts)
    }

    @Test("A condition is the same after it was written and read", arguments: Array(UInt64(1)...40))
    func survivesItsDocument(seed: UInt64) throws {
        var random = SplitMix64(seed)
        let condition = Self.condition(&random, depth: 4)
        let bytes = try JSONEncoder().encode(condition)
        #expect(try JSONDecoder().decode(AudienceCondition.self, from: bytes) == condition, "seed \(seed)")
    }

    @Test("An erased shopper is not known any more, and nobody else is touched", arguments: Array(UInt64(1)...10))
    func erasure(seed: UInt64) {
        var random = SplitMix64(seed)
        let condition = AudienceCondition.event(EventCondition(events: CountedEvents(type: .click)))
        let facts = AudienceFacts(
            AudienceBook([AudienceDefinition(id: 1, condition: condition)], filter: AudienceCaseTests.filter))
        var known: Set<UInt64> = []
        for _ in 0..<2_000 {
            // Few keys in few shards, so that records move when one is removed.
            let key = UInt64(random.below(2)) << 56 | UInt64(1 + random.below(60))
            if random.below(3) == 0 {
                facts.forget(key)
                known.remove(key)
            } else {
                facts.apply(
                    .event(AudienceEvent(type: .click), visitor: key, at: Timestamp(micros: 0)),
                    day: Day(number: 100))
                known.insert(key)
            }
        }
        let sizes = facts.sizes(today: 100)
        #expect(sizes.members == [known.count] && sizes.shoppers == known.count, "seed \(seed)")
    }
}

@Suite struct LiveAudienceTests {
    private func installed() -> LiveAudiences.Installed {
        let condition = AudienceCondition.event(EventCondition(events: CountedEvents(type: .click)))
        let book = AudienceBook([AudienceDefinition(id: 1, condition: condition)], filter: AudienceCaseTests.filter)
        return LiveAudiences.Installed(facts: AudienceFacts(book)) { $0.utcDay }
    }

    private func click(_ visitor: UInt64, _ at: Int64) -> AudienceAction {
        .event(AudienceEvent(type: .click), visitor: visitor, at: Timestamp(micros: at))
    }

    @Test("What happens while facts are replaced is in the new ones, once")
    func handover() {
        let live = LiveAudiences()
        #expect(live.isIdle)
        #expect(live.install(installed(), after: Timestamp(micros: 0)))
        #expect(!live.isIdle)
        live.apply(click(1, 5), receivedAt: Timestamp(micros: 5))
        let next = installed()
        live.beginRecording()
        // Received before the view of the database, acknowledged after it: the log has it, so it is not taken twice.
        live.apply(click(2, 9), receivedAt: Timestamp(micros: 9))
        live.apply(click(3, 11), receivedAt: Timestamp(micros: 11))
        next.apply(click(1, 5))
        next.apply(click(2, 9))
        #expect(live.installed?.facts.sizes(today: 0).members == [3])
        #expect(live.install(next, after: Timestamp(micros: 10)))
        live.apply(click(4, 12), receivedAt: Timestamp(micros: 12))
        #expect(live.installed?.facts === next.facts)
        #expect(next.facts.sizes(today: 0).members == [4])
    }
}

/// SplitMix64, so that a failing seed is enough to repeat a test.
struct SplitMix64 {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ n: Int) -> Int { Int(next() % UInt64(n)) }
}
