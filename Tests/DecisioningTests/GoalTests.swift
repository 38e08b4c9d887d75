import AdModel
import Decisioning
import Profiles
import Testing

@Suite("Line items with a goal") struct GoalTests {
    /// Two days of a shop whose nights are quiet, a look at the goals every ten minutes.
    private struct Simulation {
        static let ticks = 288
        static let monday = Timestamp(micros: 1_763_942_400_000_000)
        let start = Self.monday
        var end: Timestamp { start + .hours(48) }
        var goals: [Int32: Int64] = [:]
        var delivered: [Int32: Int64] = [:]
        var world = World()
        var pages = 0

        /// Pages of a tick: twelve times as many by day as by night.
        static func pages(_ tick: Int) -> Int {
            let hour = tick / 6 % 24
            return (9..<22).contains(hour) ? 60 : 5
        }

        static var curve: TrafficCurve {
            TrafficCurve(hours: (0..<168).map { Double(pages($0 % 24 * 6)) })
        }

        static var total: Int { (0..<ticks).reduce(0) { $0 + pages($1) } }

        init() {
            world.input.storefronts = [.init(id: 1, code: "shop")]
            world.input.categories = (1...3).map { .init(id: Int32($0), code: "c\($0)") }
            world.input.formats = [.init(name: "banner")]
            world.input.placements = [
                .init(id: 1, storefrontID: 1, code: "top", pageType: .home, formats: ["banner"])
            ]
            world.input.advertisers = [.init(id: 1)]
            add(99, tier: .auction, bid: 5_000, category: nil)
        }

        mutating func add(_ id: Int32, tier: Tier = .guaranteed, bid: Int64, category: String?, goal: Int64? = nil) {
            var line = SnapshotInput.LineItem(id: id, campaignID: id, advertiserID: 1)
            line.tier = tier
            line.bid = .roubles(bid)
            line.goalImpressions = goal
            line.isPacedEvenly = goal != nil
            if let category { line.targeting.wanted.categories = [category] }
            line.creatives = [.init(versionID: id, format: "banner")]
            world.input.lineItems.append(line)
            goals[id] = goal
        }

        mutating func run(_ curve: TrafficCurve, seed: UInt64) throws {
            var random = SplitMix(seed)
            let engine = try Engine(world)
            let leases = engine.leases()
            let profiles = ProfileStore(maximumProfiles: 16)
            var pacing: [Int32: GoalPacing] = [:]
            var request = DecisionRequest()
            for tick in 0..<Self.ticks {
                let now = start + .seconds(Int64(tick) * 600)
                for (id, goal) in goals {
                    let elapsed = curve.elapsed(from: start, to: end, at: now)
                    let share = pacing[id, default: GoalPacing()].look(
                        delivered: delivered[id] ?? 0, goal: goal, elapsed: elapsed)
                    leases.setPassShare(id, share)
                    leases.setGoalReached(id, share == 0)
                }
                for _ in 0..<Self.pages(tick) {
                    var page = Page()
                    page.categories = [random.chance(40) ? "c1" : random.chance(50) ? "c2" : "c3"]
                    page.slots = [("top", 0)]
                    page.hasShopper = false
                    request = engine.request(page)
                    Decider.decide(
                        request, snapshot: engine.snapshot, stock: engine.stock, profiles: profiles, budget: leases,
                        now: now, seed: random.next(), scratch: engine.scratch)
                    pages += 1
                    for ad in engine.scratch.result.ads {
                        delivered[engine.snapshot.lines[Int(ad.line)].id, default: 0] += 1
                    }
                }
            }
        }

        func part(_ id: Int32) -> Double { Double(delivered[id] ?? 0) / Double(goals[id] ?? 1) }
    }

    private static func crowded() -> Simulation {
        var shop = Simulation()
        let total = Double(Simulation.total)
        // Of the first category nine tenths are promised, to line items of very different bids.
        shop.add(1, bid: 900, category: "c1", goal: Int64(total * 0.4 * 0.3))
        shop.add(2, bid: 100, category: "c1", goal: Int64(total * 0.4 * 0.5))
        shop.add(3, bid: 700, category: nil, goal: Int64(total * 0.1))
        shop.add(4, bid: 50, category: "c2", goal: Int64(total * 0.3 * 0.8))
        return shop
    }

    @Test("Each reaches its goal, and no more, when there is room for all of them", arguments: [UInt64(1), 2])
    func reachTheirGoals(seed: UInt64) throws {
        var shop = Self.crowded()
        try shop.run(Simulation.curve, seed: seed)
        for id in shop.goals.keys.sorted() {
            #expect(shop.part(id) >= 0.99 && shop.part(id) <= 1.03, "seed \(seed): \(id) has \(shop.part(id))")
        }
        #expect(shop.delivered[99] ?? 0 > 0, "what is not promised is left to the auction")
    }

    @Test("So they do when nothing is known of the hours, for all that can be made up for") func withoutForecast()
        throws
    {
        var shop = Self.crowded()
        try shop.run(.flat, seed: 3)
        for id in shop.goals.keys.sorted() {
            #expect(shop.part(id) >= 0.9 && shop.part(id) <= 1.03, "\(id) has \(shop.part(id))")
        }
    }

    @Test("When more is promised than there is, nothing of it is left to others") func shortOfRoom() throws {
        var shop = Simulation()
        shop.add(1, bid: 900, category: nil, goal: Int64(Simulation.total))
        shop.add(2, bid: 100, category: nil, goal: Int64(Simulation.total) / 2)
        try shop.run(Simulation.curve, seed: 4)
        let kept = Double(shop.delivered[1] ?? 0) + Double(shop.delivered[2] ?? 0)
        #expect(kept >= 0.9 * Double(shop.pages), "\(kept) of \(shop.pages)")
    }

    @Test("A goal that is reached stops, and one that is raised goes on") func stops() {
        var pacing = GoalPacing()
        #expect(pacing.look(delivered: 100, goal: 100, elapsed: 0.5) == 0)
        #expect(pacing.look(delivered: 100, goal: 200, elapsed: 0.6) > 0)
    }

    @Test("Traffic of whole and broken weeks adds up") func curve() {
        let curve = Simulation.curve
        let start = Simulation.monday + .seconds(1_234)
        let middle = start + .hours(53)
        let end = start + .hours(500)
        let parts = curve.amount(from: start, to: middle) + curve.amount(from: middle, to: end)
        #expect(abs(parts - curve.amount(from: start, to: end)) < 1e-6)
        #expect(abs(curve.amount(from: start, to: start + .hours(168)) - 168) < 0.01)
        #expect(curve.elapsed(from: start, to: end, at: start) == 0)
        #expect(curve.elapsed(from: start, to: end, at: end + .hours(1)) == 1)
        #expect(TrafficCurve.flat.elapsed(from: start, to: end, at: start + .hours(250)) == 0.5)
    }
}
