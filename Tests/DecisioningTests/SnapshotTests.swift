import AdModel
import Decisioning
import Foundation
import Profiles
import Testing

@Suite struct SnapshotTests {
    @Test("Targeting is read from its documented JSON object and written back the same")
    func targetingJSON() throws {
        let json = """
            {"page_types":["category","search"],"placements":["home.top"],"categories":["101"],"brands":["norda"],
             "regions":["RU-MOW"],"devices":["mobile"],"dayparts":[{"days":[1,5],"from_hour":9,"to_hour":18}],
             "not":{"categories":["102"],"dayparts":[{"from_hour":0,"to_hour":6}]}}
            """
        let targeting = try JSONDecoder().decode(Targeting.self, from: Data(json.utf8))
        #expect(targeting.wanted.pageTypes == [.category, .search])
        #expect(targeting.wanted.dayparts == [Daypart(days: [1, 5], fromHour: 9, toHour: 18)])
        #expect(targeting.excluded.categories == ["102"])
        let again = try JSONDecoder().decode(Targeting.self, from: JSONEncoder().encode(targeting))
        #expect(again == targeting)
        #expect(try JSONDecoder().decode(Targeting.self, from: Data("{}".utf8)) == Targeting())
    }

    @Test(
        "An unknown key or value of targeting is refused",
        arguments: [
            #"{"page_type":["home"]}"#, #"{"not":{"colours":["red"]}}"#, #"{"not":{"not":{}}}"#,
            #"{"page_types":["attic"]}"#, #"{"devices":["toaster"]}"#, #"{"dayparts":[{"days":[8]}]}"#,
            #"{"dayparts":[{"from":3}]}"#, #"{"dayparts":[{"from_hour":24}]}"#, #"{"categories":"101"}"#,
        ])
    func badTargeting(json: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Targeting.self, from: Data(json.utf8)) }
    }

    @Test("Codes are found by their bytes, in their own scope")
    func lookup() throws {
        var input = SnapshotInput(version: 1)
        input.storefronts = [.init(id: 1, code: "shop"), .init(id: 2, code: "app")]
        input.formats = [.init(name: "banner")]
        input.placements = [
            .init(id: 1, storefrontID: 1, code: "home.top", pageType: .home, formats: ["banner"]),
            .init(id: 2, storefrontID: 2, code: "home.top", pageType: .home, formats: ["banner"]),
        ]
        input.categories = (1...500).map { .init(id: Int32($0), code: "категория-\($0)") }
        input.locations = [.init(id: 5, code: "msk", regionCodes: ["RU-MOW", "RU-MOS"])]
        let snapshot = try Snapshot(input)
        #expect(snapshot.lookup.placements.find("home.top", scope: 0) == 0)
        #expect(snapshot.lookup.placements.find("home.top", scope: 1) == 1)
        #expect(snapshot.lookup.placements.find("home.top", scope: 2) == -1)
        for index in 0..<500 { #expect(snapshot.lookup.categories.find("категория-\(index + 1)") == Int32(index)) }
        #expect(snapshot.lookup.categories.find("") == -1)
        #expect(snapshot.location(ofRegion: snapshot.lookup.regions.find("RU-MOS")) == 0)
        #expect(snapshot.location(ofRegion: snapshot.lookup.regions.find("RU")) == -1)
        #expect(snapshot.lookup.locationByID.find(5) == 0)
    }

    @Test("A snapshot that refers to what is not there is refused")
    func danglingReferences() {
        var input = SnapshotInput(version: 1)
        input.placements = [.init(id: 1, storefrontID: 9, code: "p", pageType: .home, formats: [])]
        #expect(throws: SnapshotError.self) { try Snapshot(input) }
        input.placements = []
        input.lineItems = [.init(id: 1, campaignID: 1, advertiserID: 1)]
        #expect(throws: SnapshotError.self) { try Snapshot(input) }
        input.advertisers = [.init(id: 1)]
        input.lineItems[0].creatives = [.init(versionID: 1, format: "gone")]
        #expect(throws: SnapshotError.self) { try Snapshot(input) }
    }

    @Test("A cycle of categories neither hangs the loader nor a decision")
    func categoryCycle() throws {
        var input = SnapshotInput(version: 1)
        input.storefronts = [.init(id: 1, code: "shop")]
        input.categories = [.init(id: 1, code: "a", parentID: 2), .init(id: 2, code: "b", parentID: 1)]
        input.formats = [.init(name: "banner")]
        input.advertisers = [.init(id: 1)]
        input.placements = [.init(id: 1, storefrontID: 1, code: "top", pageType: .home, formats: ["banner"])]
        var line = SnapshotInput.LineItem(id: 1, campaignID: 1, advertiserID: 1)
        line.targeting.wanted.categories = ["b"]
        line.creatives = [.init(versionID: 1, format: "banner")]
        input.lineItems = [line]
        var world = World()
        world.input = input
        var page = Page()
        page.categories = ["a"]
        page.slots = [("top", 0)]
        #expect(try Engine(world).decide(page).slots[0].ads.map(\.line) == [1])
    }

    @Test("A stock change is seen in the next view and leaves the old one as it was")
    func stockChange() throws {
        var world = World()
        world.input.storefronts = [.init(id: 1, code: "shop")]
        world.input.locations = [.init(id: 1, code: "msk"), .init(id: 2, code: "spb")]
        world.input.products = [.init(id: 10, sku: "a"), .init(id: 11, sku: "b")]
        world.input.advertisers = [.init(id: 1)]
        var line = SnapshotInput.LineItem(id: 1, campaignID: 1, advertiserID: 1)
        line.promotedProductIDs = [11]
        world.input.lineItems = [line]
        let snapshot = try Snapshot(world.input)
        #expect(snapshot.promotedCount == 1)
        let product = snapshot.lookup.products.find("b")
        func row(_ location: Int32, _ quantity: Int32) -> StockRow {
            StockRow(
                locationID: location, productID: 11, quantity: quantity, price: .roubles(5), oldPrice: .roubles(7),
                asOf: world.now)
        }
        let before = StockView(snapshot: snapshot, version: 1, rows: [row(1, 3)])
        let after = before.applying([row(1, 0), row(2, 1)], snapshot: snapshot, version: 2)
        #expect(before.availability(product, location: 0, now: world.now) == .buyable)
        #expect(before.availability(product, location: 1, now: world.now) == .absent)
        #expect(after.availability(product, location: 0, now: world.now) == .absent)
        #expect(after.availability(product, location: 1, now: world.now) == .buyable)
        #expect(after.availability(product, location: 1, now: world.now + .hours(25)) == .stale)
        #expect(after.price(product, location: 1) == (5_000_000, 7_000_000))
        #expect(after.version == 2)
        // A product that nothing promotes has no stock here.
        #expect(after.availability(snapshot.lookup.products.find("a"), location: 1, now: world.now) == .absent)
    }

    @Test("The same seed gives the same answer, another seed may break a tie differently")
    func tiesFollowTheSeed() throws {
        var world = World()
        world.input.storefronts = [.init(id: 1, code: "shop")]
        world.input.formats = [.init(name: "banner")]
        world.input.advertisers = [.init(id: 1)]
        world.input.placements = [.init(id: 1, storefrontID: 1, code: "top", pageType: .home, formats: ["banner"])]
        for id in 1...4 {
            var line = SnapshotInput.LineItem(id: Int32(id), campaignID: 1, advertiserID: 1)
            line.bid = .roubles(100)
            line.creatives = [.init(versionID: Int32(id), format: "banner")]
            world.input.lineItems.append(line)
        }
        var page = Page()
        page.slots = [("top", 0)]
        var winners: [Int32: Int] = [:]
        for seed in 0..<400 {
            world.seed = UInt64(seed)
            let first = try Engine(world).decide(page)
            #expect(try Engine(world).decide(page) == first)
            winners[first.slots[0].ads[0].line, default: 0] += 1
        }
        #expect(winners.count == 4 && winners.values.allSatisfy { $0 > 60 }, "\(winners)")
    }
}
