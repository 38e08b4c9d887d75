import AdModel
import Decisioning
import Profiles
import Testing

@Suite struct AgreementTests {
    #if DEBUG
        static let worlds = 400
    #else
        static let worlds = 2_600
    #endif
    static let pagesPerWorld = 40

    @Test("The engine agrees with the naive evaluator on random worlds and pages", arguments: 0..<4)
    func agreesWithNaiveEvaluator(part: Int) throws {
        for number in 0..<(Self.worlds / 4) {
            let seed = UInt64(part * 1_000_000 + number)
            let world = RandomWorld.make(seed: seed)
            let engine = try Engine(world)
            let naive = NaiveEvaluator(world)
            for pageNumber in 0..<Self.pagesPerWorld {
                let page = RandomWorld.page(seed: seed &* 1_000 &+ UInt64(pageNumber))
                let expected = naive.decide(page)
                let found = engine.decide(page)
                guard expected != found else { continue }
                let small = Shrinker.shrink(world, page)
                Issue.record(
                    """
                    world seed \(seed), page \(pageNumber); minimal case:
                    page: \(small.page)
                    lines: \(small.world.input.lineItems)
                    leases: \(small.world.leases) contacts: \(small.world.lineContacts) \(small.world.advertiserContacts)
                    placements: \(small.world.input.placements)
                    products: \(small.world.input.products)
                    naive:  \(NaiveEvaluator(small.world).decide(small.page))
                    engine: \(String(describing: try? Engine(small.world).decide(small.page)))
                    """)
                return
            }
        }
    }

    @Test(
        "The walk stops early and still finds what a full scan finds, with and without a click model",
        arguments: [UInt64(1), 2, 3], [false, true])
    func stopsEarly(seed: UInt64, hasModel: Bool) throws {
        var random = SplitMix(seed)
        var world = World()
        world.seed = seed
        world.input.storefronts = [.init(id: 1, code: "shop")]
        world.input.categories = (1...40).map {
            .init(id: Int32($0), code: "c\($0)", parentID: $0 < 5 ? nil : Int32(1 + ($0 % 4)))
        }
        world.input.formats = [.init(name: "banner")]
        world.input.placements = (1...3).map {
            .init(id: Int32($0), storefrontID: 1, code: "p\($0)", pageType: .home, formats: ["banner"], maxAds: 2)
        }
        world.input.advertisers = [.init(id: 1)]
        for id in 1...3_000 {
            var line = SnapshotInput.LineItem(id: Int32(id), campaignID: 1, advertiserID: 1)
            line.bid = Micros(Int64(1 + random.below(1_000_000_000)))
            if random.chance(80) { line.targeting.wanted.categories = ["c\(1 + random.below(40))"] }
            line.creatives = [.init(versionID: Int32(id), format: "banner")]
            if hasModel, random.chance(60) {
                line.pricing = .cpc
                line.bid = Micros(line.bid.value / 10)
            }
            world.input.lineItems.append(line)
        }
        if hasModel { world.input.clickWeights = RandomModel.make(&random, world.input) }
        let engine = try Engine(world)
        var page = Page()
        page.categories = ["c17"]
        page.slots = [("p1", 0), ("p2", 0), ("p3", 0)]
        #expect(engine.decide(page) == NaiveEvaluator(world).decide(page), "seed \(seed)")
        #expect(
            engine.scratch.result.visited < (hasModel ? 450 : 300), "visited \(engine.scratch.result.visited) of 3,000")
    }
}
