import AdModel
import Decisioning
import Foundation
import Profiles

/// A synthetic shop for measuring the decision engine alone: the same shape at every size, so that only the number
/// of line items changes.
struct DecisionBenchmark {
    static let categories = 2_000
    static let roots = 40
    static let brands = 300
    static let regions = 80
    static let locations = 4
    static let products = 20_000
    static let shoppers = 100_000
    static let start = Timestamp(micros: 1_764_000_000_000_000)

    let lineItems: Int
    let snapshot: Snapshot
    let stock: StockView
    let leases: LeaseTable
    private(set) var requests: [DecisionRequest] = []

    /// One measurement.
    struct Figures {
        /// Microseconds of processor time per decision.
        var decisionTime: Double
        var visited: Double
        var scored: Double
        var filledShare: Double
        /// Part of a core that the measurement had; below 0.97 something else ran beside it.
        var coreShare: Double
    }

    init(lineItems: Int, contexts: Int, seed: UInt64) throws {
        var random = BenchRandom(seed)
        self.lineItems = lineItems
        snapshot = try Snapshot(Self.input(lineItems, &random))
        var rows: [StockRow] = []
        for location in 1...Self.locations {
            for product in 1...Self.products where random.below(20) > 0 {
                rows.append(
                    StockRow(
                        locationID: Int32(location), productID: Int32(product), quantity: 5, price: .roubles(100),
                        asOf: Self.start - .hours(1)))
            }
        }
        stock = StockView(snapshot: snapshot, version: 1, rows: rows)
        leases = LeaseTable(maximumLineItemID: Int32(lineItems))
        // A quarter of the line items has spent its budget: the index is not told, the walk finds out.
        for id in 1...lineItems {
            if random.below(4) == 0 {
                leases.setState(Int32(id), .budgetExhausted)
            } else {
                leases.grant(Int32(id), Micros(1 << 60))
            }
        }
        let placements = (0..<4).map { snapshot.lookup.placements.find("slot-\($0)", scope: 0) }
        for _ in 0..<contexts {
            var request = DecisionRequest()
            request.pageType = random.below(2) == 0 ? .category : .product
            request.device = random.below(2) == 0 ? .desktop : .mobile
            request.location = Int32(random.below(Self.locations))
            request.region = snapshot.lookup.regions.find("RU-\(random.below(Self.regions))")
            request.minuteOfWeek = Int32(random.below(10_080))
            request.shopper = Self.shopper(random.below(Self.shoppers))
            request.categories = [Int32(Self.roots + random.below(Self.categories - Self.roots))]
            request.brands = [Int32(random.below(Self.brands))]
            request.slots = ContiguousArray(placements.map { DecisionRequest.Slot(placement: $0) })
            requests.append(request)
        }
    }

    static func shopper(_ number: Int) -> UInt64 { (UInt64(number) &+ 1) &* 0x9E37_79B9_7F4A_7C15 }

    /// Shoppers with interests, the same at every call.
    static func makeProfiles() -> ProfileStore {
        let store = ProfileStore(maximumProfiles: shoppers * 2)
        var random = BenchRandom(99)
        for number in 0..<shoppers {
            for _ in 0..<6 {
                store.apply(
                    ProfileSignal(
                        kind: .productView, productID: Int32(1 + random.below(products)),
                        categoryID: Int32(1 + random.below(categories)), brandID: Int32(1 + random.below(brands)),
                        at: start - .hours(Int64(random.below(200)))), shopper: shopper(number))
            }
        }
        return store
    }

    private static func input(_ lineItems: Int, _ random: inout BenchRandom) -> SnapshotInput {
        var input = SnapshotInput(version: 1)
        input.storefronts = [.init(id: 1, code: "bench")]
        input.locations = (1...locations).map { .init(id: Int32($0), code: "l\($0)", regionCodes: []) }
        input.categories = (1...categories).map {
            .init(id: Int32($0), code: "c\($0)", parentID: $0 <= roots ? nil : Int32(1 + $0 % roots))
        }
        input.brands = (1...brands).map { .init(id: Int32($0), code: "b\($0)") }
        for id in 1...products {
            input.products.append(
                .init(
                    id: Int32(id), sku: "s\(id)", brandID: Int32(1 + random.below(brands)),
                    categoryIDs: [Int32(1 + random.below(categories))]))
        }
        input.formats = [
            .init(name: "banner", priorCTR: 0.008),
            .init(name: "shelf", minimumCards: 2, maximumCards: 8, priorCTR: 0.02),
        ]
        input.placements = (0..<4).map {
            .init(
                id: Int32($0 + 1), storefrontID: 1, code: "slot-\($0)", pageType: .category,
                formats: [$0 == 3 ? "shelf" : "banner"], rank: Int32($0), floor: .roubles(10))
        }
        let advertisers = max(50, lineItems / 100)
        input.advertisers = (1...advertisers).map { .init(id: Int32($0)) }
        input.lineItems.reserveCapacity(lineItems)
        for id in 1...lineItems { input.lineItems.append(line(Int32(id), advertisers, &random)) }
        input.clickWeights = BenchClickModel.make(input, &random)
        return input
    }

    private static func line(_ id: Int32, _ advertisers: Int, _ random: inout BenchRandom) -> SnapshotInput.LineItem {
        var line = SnapshotInput.LineItem(id: id, campaignID: id, advertiserID: Int32(1 + random.below(advertisers)))
        // Bids spread over a decade and a half, as auctions do.
        let thousandths = Int64(1_000 + random.below(1_000) * random.below(1_000) / 1_000 * 30)
        line.pricing = random.below(2) == 0 ? .cpm : .cpc
        line.bid = Micros((line.pricing == .cpm ? 30_000 : 3_000) * thousandths)
        line.needsLease = true
        if random.below(3) == 0 { line.caps = CapLimits(day: 1_000) }
        switch random.below(20) {
        case 0..<12: line.targeting.wanted.categories = ["c\(1 + random.below(categories))"]
        case 12..<15: line.targeting.wanted.brands = ["b\(1 + random.below(brands))"]
        case 15..<17:
            line.targeting.wanted.regions = ["RU-\(random.below(regions))"]
            line.targeting.wanted.categories = ["c\(1 + random.below(roots))"]
        case 17..<19:
            line.targeting.wanted.pageTypes = [.category]
            line.targeting.wanted.devices = [.mobile]
            line.targeting.wanted.categories = (0..<4).map { _ in "c\(1 + random.below(categories))" }
        default: line.targeting.excluded.categories = ["c\(1 + random.below(roots))"]
        }
        line.promotedProductIDs = (0..<12).map { _ in Int32(1 + random.below(products)) }
        line.creatives = [.init(versionID: id, format: id % 4 == 0 ? "shelf" : "banner")]
        return line
    }

    /// Decides every context once, in processor time of this thread.
    func measure(profiles: ProfileStore, scratch: Scratch) -> Figures {
        var visited = 0
        var scored = 0
        var filled = 0
        let clock = ContinuousClock()
        let began = clock.now
        let before = Self.threadSeconds()
        for (index, request) in requests.enumerated() {
            Decider.decide(
                request, snapshot: snapshot, stock: stock, profiles: profiles, budget: leases, now: Self.start,
                seed: UInt64(index), scratch: scratch)
            visited += Int(scratch.result.visited)
            scored += Int(scratch.result.scored)
            for slot in scratch.result.slots where slot.adCount > 0 { filled += 1 }
        }
        let processor = Self.threadSeconds() - before
        let wall = (clock.now - began).components
        let count = Double(requests.count)
        return Figures(
            decisionTime: processor / count * 1e6, visited: Double(visited) / count,
            scored: Double(scored) / count, filledShare: Double(filled) / (count * 4),
            coreShare: processor / (Double(wall.seconds) + Double(wall.attoseconds) / 1e18))
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Asks every line item for some of the contexts and compares with the index.
    /// - Returns: how many of `sample` contexts differ.
    func differences(sample: Int) -> Int {
        let indexed = Scratch()
        let exhaustive = Scratch()
        let profiles = (Self.makeProfiles(), Self.makeProfiles())
        var different = 0
        for index in 0..<min(sample, requests.count) {
            Decider.decide(
                requests[index], snapshot: snapshot, stock: stock, profiles: profiles.0, budget: leases,
                now: Self.start, seed: UInt64(index), scratch: indexed)
            Decider.decide(
                requests[index], snapshot: snapshot, stock: stock, profiles: profiles.1, budget: leases,
                now: Self.start, seed: UInt64(index), scratch: exhaustive, search: .exhaustive)
            if !Self.agree(indexed.result, exhaustive.result) { different += 1 }
        }
        return different
    }

    private static func agree(_ a: DecisionResult, _ b: DecisionResult) -> Bool {
        a.ads.elementsEqual(b.ads) {
            $0.line == $1.line && $0.creative == $1.creative && $0.price == $1.price && $0.score == $1.score
        } && a.cards.elementsEqual(b.cards) { $0.product == $1.product }
            && a.losers.elementsEqual(b.losers) { $0.line == $1.line && $0.reason == $1.reason }
            && a.slots.elementsEqual(b.slots) { $0.noFill == $1.noFill && $0.adCount == $1.adCount }
    }
}

/// Small seeded generator, so that every run measures the same world.
struct BenchRandom {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func below(_ n: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(n))
    }
}
