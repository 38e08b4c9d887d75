import AdModel
import Decisioning
import Testing

@Suite("A patched snapshot") struct SnapshotChangeTests {
    #if DEBUG
        static let worlds = 120
    #else
        static let worlds = 800
    #endif

    /// Worlds whose bids are far enough apart that no two scores tie: ties may fall either way.
    private static func world(_ seed: UInt64) -> World {
        var world = RandomWorld.make(seed: seed)
        for index in world.input.lineItems.indices {
            world.input.lineItems[index].bid = world.input.lineItems[index].bid + Micros(Int64(index) * 370_000 + 7)
            for place in world.input.lineItems[index].creatives.indices {
                let id = world.input.lineItems[index].creatives[place].versionID
                world.input.lineItems[index].creatives[place].fragment = Array("creative \(id)".utf8)
            }
        }
        for index in world.input.products.indices {
            world.input.products[index].fragment = Array(world.input.products[index].sku.utf8)
        }
        return world
    }

    /// What the world might have been before: lines missing, others there that go, values and products different.
    private static func earlier(_ world: World, _ random: inout SplitMix) -> (World, SnapshotChange) {
        var before = world
        var change = SnapshotChange()
        before.input.lineItems = []
        for line in world.input.lineItems {
            if random.chance(40) {
                before.input.lineItems.append(line)
                continue
            }
            change.lineItems[line.id] = .some(line)
            if random.chance(25) { continue }
            var old = line
            old.isPaused = random.chance(50)
            old.bid = line.bid + Micros(Int64(random.below(4)) * 11_000_000)
            if random.chance(30) { old.targeting = Targeting() }
            if random.chance(30) { old.promotedProductIDs = [] }
            if random.chance(30) { old.creatives = Array(line.creatives.dropFirst()) }
            if random.chance(20) { old.tier = .auction }
            before.input.lineItems.append(old)
        }
        for id in 900..<(900 + Int32(random.below(4))) {
            var gone = SnapshotInput.LineItem(id: id, campaignID: 1, advertiserID: 1)
            gone.bid = .roubles(100_000)
            gone.creatives = [.init(versionID: id, format: "banner")]
            before.input.lineItems.append(gone)
            change.lineItems[id] = .some(nil)
        }
        before.input.products = []
        for product in world.input.products {
            if random.chance(60) {
                before.input.products.append(product)
                continue
            }
            change.products.append(product)
            if random.chance(40) { continue }
            var old = product
            old.brandID = 1
            old.categoryIDs = [9]
            old.fragment = Array("old".utf8)
            before.input.products.append(old)
        }
        if random.chance(50) {
            before.input.products.append(.init(id: 77, sku: "s77", brandID: 2, categoryIDs: [1]))
            change.removedProducts[77] = "s77"
        }
        let advertisers = world.input.advertisers.filter { id in
            !before.input.lineItems.contains { $0.advertiserID == id.id } && random.chance(70)
        }
        change.advertisers = advertisers
        before.input.advertisers.removeAll { candidate in advertisers.contains { $0.id == candidate.id } }
        return (before, change)
    }

    /// The last categories and brands are new too: nothing that was there before may have named them.
    private static func withoutLast(
        _ before: World, _ change: SnapshotChange, of world: World, _ random: inout SplitMix
    ) -> (World, SnapshotChange) {
        var (before, change) = (before, change)
        let categories = world.input.categories.count - 1 - random.below(3)
        let brands = world.input.brands.count - random.below(3)
        change.categories = Array(world.input.categories[categories...])
        change.brands = Array(world.input.brands[brands...])
        before.input.categories.removeLast(change.categories.count)
        before.input.brands.removeLast(change.brands.count)
        let codes = Set(change.categories.map(\.code) + change.brands.map(\.code))
        let categoryIDs = Set(change.categories.map(\.id))
        let brandIDs = Set(change.brands.map(\.id))
        for index in before.input.lineItems.indices {
            let line = before.input.lineItems[index]
            let named =
                line.targeting.wanted.categories + line.targeting.wanted.brands + line.targeting.excluded.categories
                + line.targeting.excluded.brands
            if codes.isDisjoint(with: named) { continue }
            before.input.lineItems[index].targeting = Targeting()
            if change.lineItems[line.id] == nil {
                change.lineItems[line.id] = .some(world.input.lineItems.first { $0.id == line.id })
            }
        }
        for index in before.input.products.indices {
            let product = before.input.products[index]
            if categoryIDs.isDisjoint(with: product.categoryIDs), !brandIDs.contains(product.brandID ?? 0) { continue }
            before.input.products[index].brandID = nil
            before.input.products[index].categoryIDs = []
            if !change.products.contains(where: { $0.id == product.id }), change.removedProducts[product.id] == nil,
                let now = world.input.products.first(where: { $0.id == product.id })
            {
                change.products.append(now)
            }
        }
        return (before, change)
    }

    @Test func newCategoriesAndBrandsNeedNoBuild() throws {
        var patches = 0
        for number in 0..<Self.worlds {
            let seed = UInt64(50_000_000 + number)
            var random = SplitMix(seed)
            let world = Self.world(seed)
            var (before, change) = Self.earlier(world, &random)
            (before, change) = Self.withoutLast(before, change, of: world, &random)
            let old = try Snapshot(before.input)
            guard old.hasRoom(for: change) else { continue }
            patches += 1
            let patched = try Engine(world, snapshot: try old.applying(change, of: world.input))
            let built = try Engine(world)
            for pageNumber in 0..<20 {
                let page = RandomWorld.page(seed: seed &* 1_000 &+ UInt64(pageNumber))
                let expected = built.decide(page)
                let found = patched.decide(page)
                #expect(found == expected, "seed \(seed), page \(pageNumber)")
                guard found == expected else { return }
            }
        }
        #expect(patches > Self.worlds / 4)
    }

    @Test func whatLineItemsAlreadyNamedNumbersTheIndexAnew() throws {
        var input = SnapshotInput(version: 1)
        input.formats = [.init(name: "banner")]
        input.advertisers = [.init(id: 1)]
        input.products = [.init(id: 1, sku: "p", brandID: 7, categoryIDs: [8])]
        var line = SnapshotInput.LineItem(id: 1, campaignID: 1, advertiserID: 1)
        line.targeting.wanted.categories = ["awaited"]
        line.targeting.excluded.brands = ["rival"]
        input.lineItems = [line]
        let snapshot = try Snapshot(input)
        #expect(snapshot.hasRoom(for: SnapshotChange(categories: [.init(id: 1, code: "other")])))
        #expect(snapshot.hasRoom(for: SnapshotChange(brands: [.init(id: 1, code: "other")])))
        #expect(!snapshot.hasRoom(for: SnapshotChange(categories: [.init(id: 1, code: "awaited")])))
        #expect(!snapshot.hasRoom(for: SnapshotChange(categories: [.init(id: 8, code: "other")])))
        #expect(!snapshot.hasRoom(for: SnapshotChange(brands: [.init(id: 1, code: "rival")])))
        #expect(!snapshot.hasRoom(for: SnapshotChange(brands: [.init(id: 7, code: "other")])))
        let many = (1...1_000).map { SnapshotInput.Category(id: 100 + $0, code: "c\($0)") }
        #expect(!snapshot.hasRoom(for: SnapshotChange(categories: many)))
    }

    @Test("decides like one built from scratch", arguments: 0..<4) func decidesAlike(part: Int) throws {
        for number in 0..<(Self.worlds / 4) {
            let seed = UInt64(part * 1_000_000 + number)
            var random = SplitMix(seed)
            let world = Self.world(seed)
            let (before, change) = Self.earlier(world, &random)
            let snapshot = try Snapshot(before.input).applying(change, of: world.input)
            let patched = try Engine(world, snapshot: snapshot)
            let built = try Engine(world)
            for pageNumber in 0..<20 {
                let page = RandomWorld.page(seed: seed &* 1_000 &+ UInt64(pageNumber))
                let expected = built.decide(page)
                let found = patched.decide(page)
                #expect(found == expected, "seed \(seed), page \(pageNumber)")
                guard found == expected else { return }
            }
        }
    }

    @Test func manyChangesWearASnapshotOut() throws {
        let world = Self.world(3)
        var snapshot = try Snapshot(world.input)
        #expect(!snapshot.isWorn)
        var rounds = 0
        while !snapshot.isWorn, rounds < 20_000 {
            var change = SnapshotChange()
            for line in world.input.lineItems { change.lineItems[line.id] = .some(line) }
            snapshot = try snapshot.applying(change, of: world.input)
            rounds += 1
        }
        #expect(snapshot.isWorn)
        #expect(!(try Snapshot(world.input).isWorn))
    }

    @Test func stockMovesToAnotherNumbering() throws {
        var world = Self.world(5)
        let old = try Snapshot(world.input)
        let stock = StockView(snapshot: old, version: 4, rows: world.stock)
        world.input.products.reverse()
        world.input.locations.reverse()
        world.input.locations.append(.init(id: 9, code: "new"))
        let new = try Snapshot(world.input)
        let moved = stock.moved(from: old, to: new)
        let read = StockView(snapshot: new, version: 4, rows: world.stock)
        for location in new.locations.indices {
            for product in 0..<Int32(new.stockedCount) {
                #expect(
                    moved.price(product, location: Int32(location)) == read.price(product, location: Int32(location)))
                #expect(
                    moved.availability(product, location: Int32(location), now: world.now)
                        == read.availability(product, location: Int32(location), now: world.now))
            }
        }
    }
}
