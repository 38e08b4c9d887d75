import AdModel
import ClickModel
import Decisioning
import Profiles
import Testing

/// What a click model may and may not do to decisions.
@Suite("Decisions with a click model") struct ModelTests {
    @Test("Whatever a model expects, a winner pays at least the floor and at most its own bid", arguments: 0..<4)
    func pricesStayBetweenFloorAndBid(part: Int) throws {
        for number in 0..<60 {
            let seed = UInt64(part * 1_000 + number)
            var world = RandomWorld.make(seed: seed)
            var random = SplitMix(seed)
            world.input.clickWeights = RandomModel.make(&random, world.input)
            let engine = try Engine(world)
            for pageNumber in 0..<20 {
                _ = engine.decide(RandomWorld.page(seed: seed &* 1_000 &+ UInt64(pageNumber)))
                let result = engine.scratch.result
                for slot in result.slots {
                    for index in slot.firstAd..<(slot.firstAd + slot.adCount) {
                        let ad = result.ads[Int(index)]
                        let line = engine.snapshot.lines[Int(ad.line)]
                        let floor = Scoring.unitFloor(
                            engine.snapshot.placements[Int(slot.placement)].floor, pricing: line.pricing,
                            clickProbability: engine.snapshot.floorProbability(
                                engine.snapshot.creatives[Int(ad.creative)], placement: slot.placement))
                        let isFree = line.pricing == .fixed || line.tier == .house
                        #expect(ad.price <= line.unitBid, "seed \(seed)")
                        #expect(isFree || ad.price >= min(floor, line.unitBid), "seed \(seed)")
                        #expect(ad.score >= 0 && ad.score.isFinite, "seed \(seed)")
                    }
                }
            }
        }
    }

    /// Two line items that bid alike per click: one known to be clicked at 1.2 %, one at 1 % with this evidence.
    private func shown(evidence: Float, seeds: Range<UInt64>) throws -> (second: Int, all: Int) {
        var world = World()
        world.input.storefronts = [.init(id: 1, code: "shop")]
        world.input.formats = [.init(name: "banner")]
        world.input.placements = [
            .init(id: 1, storefrontID: 1, code: "top", pageType: .home, formats: ["banner"])
        ]
        world.input.advertisers = [.init(id: 1)]
        for id in Int32(1)...2 {
            var line = SnapshotInput.LineItem(id: id, campaignID: id, advertiserID: 1)
            line.pricing = .cpc
            line.bid = .roubles(10)
            line.creatives = [.init(versionID: id, format: "banner")]
            world.input.lineItems.append(line)
        }
        func entry(_ feature: ClickFeature, _ value: UInt64, _ weight: Float, _ evidence: Float) -> ClickWeights.Entry {
            .init(index: feature.index(value), weight: weight, evidence: evidence)
        }
        world.input.clickWeights = ClickWeights(
            version: 3,
            entries: [
                entry(.bias, 0, -4.6, 1_000),
                entry(.format, UInt64(ClickFeature.hash("banner")), 0, 1_000),
                entry(.creative, 1, 0.18, 1_000), entry(.creative, 2, 0, evidence),
            ].sorted { $0.index < $1.index })
        var page = Page()
        page.slots = [("top", 1)]
        var second = 0
        for seed in seeds {
            world.seed = seed
            let engine = try Engine(world)
            let outcome = engine.decide(page)
            #expect(outcome == engine.decide(page), "the same seed draws the same")
            #expect(engine.scratch.result.modelVersion == 3)
            if outcome.slots[0].ads[0].line == 2 { second += 1 }
        }
        return (second, seeds.count)
    }

    @Test("A new creative is tried out, the less the more is known of it, and not at all when enough is")
    func newCreativesAreTried() throws {
        let new = try shown(evidence: 0, seeds: 0..<400)
        let young = try shown(evidence: 20, seeds: 0..<400)
        let known = try shown(evidence: 200, seeds: 0..<400)
        #expect(new.second > 80 && new.second < 320, "\(new)")
        #expect(young.second > 0 && young.second < new.second, "\(young)")
        #expect(known.second == 0)
    }

    @Test("Draws are fair: equally likely, with a mean of one, and bounded")
    func drawsAreFair() {
        for doubt in UInt8(1)...5 {
            let drawn = (0..<16).map { ClickTables.multiplier(doubt: doubt, draw: $0) }
            #expect(abs(drawn.reduce(0, +) / 16 - 1) < 1e-5)
            #expect(drawn == drawn.sorted() && (drawn.first ?? 0) > 0.3 && (drawn.last ?? 0) < 2.6)
        }
        #expect((0..<16).allSatisfy { ClickTables.multiplier(doubt: 0, draw: $0) == 1 })
        var counts = [Int](repeating: 0, count: 16)
        for seed in UInt64(0)..<16_000 { counts[ClickTables.draw(seed, creativeVersionID: 7)] += 1 }
        #expect(counts.allSatisfy { $0 > 850 && $0 < 1_150 }, "\(counts)")
    }

    @Test("A probability grows by no more than the index allows for")
    func growthIsABound() {
        var random = SplitMix(5)
        for _ in 0..<20_000 {
            let greatest = Float(1 + random.below(3_000)) / 1_000
            let odds = greatest * Float(random.below(1_001)) / 1_000
            let multiplier = Float(1 + random.below(50_000)) / 10_000
            let grown = Scoring.probability(odds: odds, multiplier: multiplier)
            let bound =
                Scoring.probability(odds: odds, multiplier: 1) * Scoring.growth(multiplier, greatestOdds: greatest)
            #expect(grown <= bound * 1.000_01 + 1e-12, "odds \(odds), multiplier \(multiplier), greatest \(greatest)")
        }
    }
}
