import AdModel
import Decisioning
import Profiles
import Shelves

/// Everything around a decision, in the words of the tables: what both the engine and the naive evaluator read.
struct World: Sendable {
    var input = SnapshotInput(version: 7)
    var stock: [StockRow] = []
    /// Remaining lease by line item id; absent = none granted.
    var leases: [Int32: Int64] = [:]
    /// When a lease ends; absent = never.
    var leaseEnds: [Int32: Timestamp] = [:]
    var exhausted: Set<Int32> = []
    var passShares: [Int32: UInt32] = [:]
    /// Confirmed contacts of the shopper by line item id and by advertiser id, all within the last minutes.
    var lineContacts: [Int32: Int] = [:]
    var advertiserContacts: [Int32: Int] = [:]
    var interests: [ProfileSignal] = []
    /// The shopper was here before this session.
    var isReturning = false
    var goalsReached: Set<Int32> = []
    var shelves = ShelfTables.empty
    var now = Timestamp(micros: 1_764_000_000_000_000)
    var seed: UInt64 = 1
}

/// A page in codes.
struct Page: Sendable {
    var storefront = "shop"
    var pageType = PageType.home
    var device = Device.desktop
    var location: String? = "msk"
    var region: String?
    var minuteOfWeek: Int32 = 0
    var hasShopper = true
    var categories: [String] = []
    var brands: [String] = []
    var product: String?
    var phrase: String?
    var keys: [String: [String]] = [:]
    /// Codes of the audiences that the shopper is in.
    var audiences: [String] = []
    var signedIn: Bool?
    var slots: [(placement: String, count: Int32)] = []
}

/// What a decision comes to, in ids: comparable between the engine and the naive evaluator.
struct Outcome: Equatable, Sendable {
    struct Slot: Equatable, Sendable {
        var ads: [Ad] = []
        var losers: [String] = []
        var noFill: NoFillReason = .noCandidate
    }
    struct Ad: Equatable, Sendable {
        var line: Int32
        var version: Int32
        var price: Int64
        var reserved: Int64
        var products: [Int32]
        /// Shelf prices of the cards.
        var cardPrices: [Int64]
    }
    var slots: [Slot] = []
}

/// The engine with its world made ready.
final class Engine {
    let world: World
    let snapshot: Snapshot
    let stock: StockView
    let scratch = Scratch()
    static let shopper: UInt64 = 0xABCD_0000_0000_0001

    /// - Parameter snapshot: a snapshot of the world's input made in another way than by building it.
    init(_ world: World, snapshot: Snapshot? = nil) throws {
        self.world = world
        self.snapshot = try snapshot ?? Snapshot(world.input)
        stock = StockView(snapshot: self.snapshot, version: 3, rows: world.stock)
    }

    func leases() -> LeaseTable {
        let table = LeaseTable(maximumLineItemID: world.input.lineItems.map(\.id).max() ?? 0)
        for (id, amount) in world.leases {
            table.grant(id, Micros(amount), expiresAt: world.leaseEnds[id] ?? Timestamp(micros: .max))
        }
        for id in world.exhausted { table.setState(id, .budgetExhausted) }
        for (id, share) in world.passShares { table.setPassShare(id, share) }
        for id in world.goalsReached { table.setGoalReached(id, true) }
        return table
    }

    func profiles() -> ProfileStore {
        let store = ProfileStore(maximumProfiles: 256)
        if world.isReturning {
            store.apply(ProfileSignal(kind: .pageView, at: world.now - .hours(2)), shopper: Self.shopper)
        }
        for signal in world.interests { store.apply(signal, shopper: Self.shopper) }
        let any = CapLimits(lifetime: .max)
        var minutes: Int64 = 1
        func contact(line: Int32, lineLimits: CapLimits, advertiser: Int32, advertiserLimits: CapLimits) {
            let at = world.now - .seconds(minutes)
            minutes += 1
            store.recount(
                Self.shopper, lineItemID: line, lineLimits: lineLimits, advertiserID: advertiser,
                advertiserLimits: advertiserLimits, decidedAt: at)
            store.confirm(Self.shopper, lineItemID: line, advertiserID: advertiser, decidedAt: at)
        }
        for (id, count) in world.lineContacts.sorted(by: { $0.key < $1.key }) {
            for _ in 0..<count { contact(line: id, lineLimits: any, advertiser: 999_999, advertiserLimits: .none) }
        }
        for (id, count) in world.advertiserContacts.sorted(by: { $0.key < $1.key }) {
            for _ in 0..<count { contact(line: 999_999, lineLimits: .none, advertiser: id, advertiserLimits: any) }
        }
        return store
    }

    func request(_ page: Page) -> DecisionRequest {
        let lookup = snapshot.lookup
        var request = DecisionRequest()
        request.pageType = page.pageType
        request.device = page.device
        request.location = page.location.map { lookup.locations.find($0) } ?? -1
        request.region = page.region.map { lookup.regions.find($0) } ?? -1
        request.minuteOfWeek = page.minuteOfWeek
        request.shopper = page.hasShopper ? Self.shopper : 0
        request.categories = ContiguousArray(page.categories.map { lookup.categories.find($0) })
        request.brands = ContiguousArray(page.brands.map { lookup.brands.find($0) })
        if let sku = page.product {
            request.products = [lookup.products.find(sku)]
            request.attributes.append(ContiguousArray(sku.utf8).withUnsafeBytes { snapshot.attribute(ofProduct: $0) })
        }
        for (key, values) in page.keys {
            for value in values {
                let pair = ContiguousArray("\(key)=\(value)".utf8)
                request.attributes.append(pair.withUnsafeBytes { snapshot.attribute(ofKey: $0) })
            }
        }
        for word in page.phrase.map({ PhraseWords.of($0) }) ?? [] {
            request.words.append(ContiguousArray(word.utf8).withUnsafeBytes { snapshot.word($0) })
        }
        if page.hasShopper {
            request.audiences = ContiguousArray(page.audiences.map { lookup.audiences.find($0) })
            request.isSignedIn = page.signedIn
        }
        let storefront = lookup.storefronts.find(page.storefront)
        for slot in page.slots {
            request.slots.append(
                DecisionRequest.Slot(
                    placement: lookup.placements.find(slot.placement, scope: storefront), count: slot.count))
        }
        return request
    }

    func decide(
        _ page: Page, leases: LeaseTable? = nil, profiles: ProfileStore? = nil, now: Timestamp? = nil
    ) -> Outcome {
        Decider.decide(
            request(page), snapshot: snapshot, stock: stock, profiles: profiles ?? self.profiles(),
            budget: leases ?? self.leases(), now: now ?? world.now, seed: world.seed, scratch: scratch,
            shelves: world.shelves)
        let result = scratch.result
        var outcome = Outcome()
        for slot in result.slots {
            var found = Outcome.Slot()
            found.noFill = slot.noFill
            for index in slot.firstAd..<(slot.firstAd + slot.adCount) {
                let ad = result.ads[Int(index)]
                found.ads.append(
                    Outcome.Ad(
                        line: snapshot.lines[Int(ad.line)].id,
                        version: snapshot.creatives[Int(ad.creative)].versionID, price: ad.price,
                        reserved: ad.reserved,
                        products: (ad.firstCard..<(ad.firstCard + ad.cardCount)).map {
                            snapshot.products[Int(result.cards[Int($0)].product)].id
                        },
                        cardPrices: (ad.firstCard..<(ad.firstCard + ad.cardCount)).map { result.cards[Int($0)].price }))
            }
            for index in slot.firstLoser..<(slot.firstLoser + slot.loserCount) {
                let loser = result.losers[Int(index)]
                found.losers.append("\(snapshot.lines[Int(loser.line)].id):\(loser.reason.name)")
            }
            outcome.slots.append(found)
        }
        return outcome
    }
}
