import AdModel
import Decisioning
import Testing

/// What holds of every answer, whatever the world.
@Suite("Every page") struct PageRuleTests {
    #if DEBUG
        static let worlds = 300
    #else
        static let worlds = 2_000
    #endif

    @Test("keeps prices between floor and bid, shows no SKU twice and companions whole", arguments: 0..<4)
    func rules(part: Int) throws {
        var seen: [NoFillReason: Int] = [:]
        var companionsShown = 0
        for number in 0..<(Self.worlds / 4) {
            let seed = UInt64(50_000_000 + part * 1_000_000 + number)
            let world = RandomWorld.make(seed: seed)
            let engine = try Engine(world)
            let lines = Dictionary(uniqueKeysWithValues: world.input.lineItems.map { ($0.id, $0) })
            for pageNumber in 0..<20 {
                let page = RandomWorld.page(seed: seed &* 1_000 &+ UInt64(pageNumber))
                let outcome = engine.decide(page)
                let place: Comment = "seed \(seed), page \(pageNumber)"
                for (slot, wanted) in zip(outcome.slots, page.slots) {
                    seen[slot.noFill, default: 0] += 1
                    let placement = world.input.placements.first {
                        $0.code == wanted.placement && $0.storefrontID == (page.storefront == "shop" ? 1 : 2)
                    }
                    for ad in slot.ads {
                        let line = try #require(lines[ad.line])
                        let bid = line.pricing == .cpm ? line.bid.value / 1_000 : line.bid.value
                        let isFree = line.pricing == .fixed || line.tier == .house
                        #expect(isFree ? ad.price == 0 : ad.price >= 0 && ad.price <= bid, place)
                        if !isFree, line.pricing == .cpm, let placement {
                            #expect(ad.price >= placement.floor.value / 1_000, place)
                        }
                        #expect(ad.reserved <= max(ad.price, 0), place)
                    }
                }
                let ads = outcome.slots.flatMap(\.ads)
                let skus = ads.flatMap(\.products)
                #expect(Set(skus).count == skus.count, place)
                #expect(Set(ads.map(\.line)).count == ads.count, place)
                let shown = Set(ads.compactMap { lines[$0.line] }.filter(\.isCompanion).map(\.campaignID))
                companionsShown += shown.count
                for campaign in shown {
                    for line in world.input.lineItems where line.campaignID == campaign && line.isCompanion {
                        let runs = !line.isPaused && line.startsAt <= world.now && line.endsAt > world.now
                        let isHeldOut = line.holdout?.holdsOut(Engine.shopper) == true && page.hasShopper
                        #expect(!runs || isHeldOut || ads.contains { $0.line == line.id }, place)
                    }
                }
            }
        }
        // The worlds are crowded enough to say something.
        #expect(seen[.companionMissing, default: 0] > 20, "\(seen)")
        #expect(seen[.competitorBlocked, default: 0] > 20, "\(seen)")
        #expect(seen[.goalReached, default: 0] > 5, "\(seen)")
        #expect(companionsShown > 20)
    }

    @Test("breaks ties by its seed: the same seed the same way, other seeds other ways") func ties() throws {
        var world = World()
        world.input.storefronts = [.init(id: 1, code: "shop")]
        world.input.formats = [.init(name: "banner")]
        world.input.placements = [.init(id: 1, storefrontID: 1, code: "p1", pageType: .home, formats: ["banner"])]
        world.input.advertisers = [.init(id: 1)]
        for id in 1...4 {
            var line = SnapshotInput.LineItem(id: Int32(id), campaignID: 1, advertiserID: 1)
            line.bid = .roubles(100)
            line.creatives = [.init(versionID: Int32(id), format: "banner")]
            world.input.lineItems.append(line)
        }
        var page = Page()
        page.slots = [("p1", 0)]
        var wins: [Int32: Int] = [:]
        for seed in 1...400 {
            world.seed = UInt64(seed)
            let first = try Engine(world).decide(page)
            #expect(try Engine(world).decide(page) == first)
            wins[try #require(first.slots[0].ads.first).line, default: 0] += 1
        }
        #expect(wins.count == 4 && wins.values.allSatisfy { $0 > 50 }, "\(wins)")
    }
}
