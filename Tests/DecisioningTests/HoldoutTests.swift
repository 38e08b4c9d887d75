import AdModel
import Decisioning
import Profiles
import Testing

@Suite struct HoldoutTests {
    @Test("a share of shoppers is held out, always the same ones, and of two campaigns independently")
    func shares() {
        var random = SplitMix(11)
        let shoppers = (0..<200_000).map { _ in random.next() }
        for share in [0, 1, 100, 1_000, 2_500, 5_000, 10_000] {
            let holdout = Holdout(share: Int32(share), salt: 42)
            let held = shoppers.count { holdout.holdsOut($0) }
            let expected = Double(share) / 10_000
            let error = (expected * (1 - expected) / 200_000).squareRoot()
            #expect(abs(Double(held) / 200_000 - expected) <= 4 * error, "share \(share): \(held)")
            #expect(shoppers.count { holdout.holdsOut($0) } == held)
        }
        #expect(!Holdout(share: 10_000, salt: 1).holdsOut(0), "nobody is not held out")
        let a = Holdout(share: 2_000, salt: 1)
        let b = Holdout(share: 2_000, salt: 2)
        let both = shoppers.count { a.holdsOut($0) && b.holdsOut($0) }
        #expect(abs(both - 8_000) < 400, "\(both) of 200,000 instead of 8,000")
        // Keys that differ in one bit are held out independently too.
        let close = (0..<10_000).count { a.holdsOut(UInt64($0) + 1) }
        #expect(abs(close - 2_000) < 160)
        // A larger share holds out whom a smaller one did.
        let larger = Holdout(share: 3_000, salt: 1)
        #expect(shoppers.allSatisfy { !a.holdsOut($0) || larger.holdsOut($0) })
    }

    private func world(heldOut: Bool) -> World {
        var world = World()
        world.input.storefronts = [.init(id: 1, code: "shop")]
        world.input.formats = [.init(name: "banner")]
        world.input.placements = ["p1", "p2"].enumerated().map {
            .init(
                id: Int32($0.offset + 1), storefrontID: 1, code: $0.element, pageType: .home, formats: ["banner"],
                maxAds: 1)
        }
        world.input.advertisers = [.init(id: 1)]
        for id in 1...3 {
            var line = SnapshotInput.LineItem(id: Int32(id), campaignID: Int32(id), advertiserID: 1)
            line.bid = Micros.roubles(Int64(400 - 100 * id))
            line.needsLease = true
            line.caps = CapLimits(day: 1)
            line.creatives = [.init(versionID: Int32(id), format: "banner")]
            if id == 1, heldOut { line.holdout = Holdout(share: 10_000, salt: 5) }
            world.input.lineItems.append(line)
            world.leases[Int32(id)] = 1_000_000_000
        }
        return world
    }

    @Test("a held-out shopper's win becomes a ghost: the next candidate takes the slot at its own price")
    func ghost() throws {
        let engine = try Engine(world(heldOut: true))
        let leases = engine.leases()
        let profiles = engine.profiles()
        var page = Page()
        page.slots = [("p1", 1)]
        let found = engine.decide(page, leases: leases, profiles: profiles)
        #expect(found.slots[0].ads.map(\.line) == [2])
        #expect(found.slots[0].losers == ["1:holdout", "3:none"])
        // Line item 2 pays what line item 3 would have paid, as if the first had never been there.
        var without = world(heldOut: false)
        without.input.lineItems.removeFirst()
        let alone = try Engine(without).decide(page)
        #expect(found.slots[0].ads == alone.slots[0].ads)
        // Nothing was reserved or counted for the ghost: it wins again and again.
        #expect(leases.remaining(1, now: engine.world.now) == Micros(1_000_000_000))
        let again = engine.decide(page, leases: leases, profiles: profiles)
        #expect(again.slots[0].losers.first == "1:holdout")
    }

    @Test("a ghost takes no place on the page and haunts it once")
    func once() throws {
        let engine = try Engine(world(heldOut: true))
        var page = Page()
        page.slots = [("p1", 1), ("p2", 1)]
        let found = engine.decide(page)
        #expect(found.slots.map { $0.ads.map(\.line) } == [[2], [3]])
        #expect(found.slots[0].losers == ["1:holdout", "3:none"])
        #expect(found.slots[1].losers == ["1:page_duplicate", "2:page_duplicate"])
    }

    @Test("without a shopper nobody is held out, and nobody prices who is not there")
    func anonymous() throws {
        let engine = try Engine(world(heldOut: true))
        var page = Page()
        page.slots = [("p1", 1)]
        page.hasShopper = false
        #expect(engine.decide(page).slots[0].ads.map(\.line) == [1])
    }

    @Test("a slot that only held-out campaigns want says so")
    func reason() throws {
        var lonely = world(heldOut: true)
        lonely.input.lineItems.removeLast(2)
        var page = Page()
        page.slots = [("p1", 1)]
        let found = try Engine(lonely).decide(page)
        #expect(found.slots[0].ads.isEmpty)
        #expect(found.slots[0].noFill == .holdout)
    }

    @Test("the random worlds of the agreement test hold ghosts, in first looks and in second ones")
    func worldsHaveGhosts() throws {
        var ghosts = 0
        var crowded = 0
        for seed in UInt64(0)..<400 {
            let world = RandomWorld.make(seed: seed)
            let engine = try Engine(world)
            for number in UInt64(0)..<10 {
                let outcome = engine.decide(RandomWorld.page(seed: seed &* 1_000 &+ number))
                let here = outcome.slots.flatMap(\.losers).count { $0.hasSuffix(":holdout") }
                ghosts += here
                if world.input.lineItems.count >= 40 { crowded += here }
            }
        }
        #expect(ghosts > 300, "\(ghosts)")
        #expect(crowded > 40, "\(crowded)")
    }
}
