import AdModel
import Profiles
import Synchronization
import Testing

@Suite struct ProfileStoreTests {
    let start = Timestamp(micros: 1_764_000_000_000_000)
    let shopper: UInt64 = 0x1234_5678_9ABC_DEF0

    private func strength(_ profile: Profile, _ key: AffinityKey, _ now: Timestamp) -> Float {
        for index in 0..<Affinities.capacity where profile.affinities[index].key == key.raw {
            return profile.affinities[index].strength(at: now.wholeSeconds)
        }
        return 0
    }

    @Test("The very next request sees a signal")
    func nextRequestSeesSignal() {
        let store = ProfileStore(maximumProfiles: 1_000)
        var profile = Profile()
        store.apply(
            ProfileSignal(kind: .productView, productID: 5, categoryID: 3, brandID: 4, at: start), shopper: shopper)
        store.begin(shopper, now: start, into: &profile)
        #expect(strength(profile, .category(3), start) > 0)
        #expect(strength(profile, .brand(4), start) > 0)
        #expect(strength(profile, .category(4), start) == 0)
        #expect(profile.recentProduct(0) == 5)
    }

    @Test("Buying says more than viewing, and taking out of the cart says less than putting in")
    func kindsWeigh() {
        let store = ProfileStore(maximumProfiles: 1_000)
        for (brand, kind) in [(Int32(1), SignalKind.productView), (2, .addToCart), (3, .order), (4, .pageView)] {
            store.apply(ProfileSignal(kind: kind, brandID: brand, at: start), shopper: shopper)
        }
        store.apply(ProfileSignal(kind: .removeFromCart, brandID: 2, at: start), shopper: shopper)
        let profile = store.read(shopper) ?? Profile()
        let seen = (1...4).map { strength(profile, .brand(Int32($0)), start) }
        #expect(seen[0] < seen[1] && seen[1] < seen[2] && seen[3] == 0, "\(seen)")
    }

    @Test("An interest halves in a week, and never grows by waiting")
    func decays() {
        let store = ProfileStore(maximumProfiles: 1_000)
        store.apply(ProfileSignal(kind: .productView, brandID: 1, at: start), shopper: shopper)
        guard let profile = store.read(shopper) else { return #expect(Bool(false), "no profile") }
        #expect(profile.affinities[0].weight(at: start.wholeSeconds) == 1)
        #expect(profile.affinities[0].weight(at: (start + .days(7)).wholeSeconds) == 0.5)
        #expect(profile.affinities[0].weight(at: (start + .days(14)).wholeSeconds) == 0.25)
        var last: Float = 2
        for hour in 0..<3_000 {
            let weight = profile.affinities[0].weight(at: (start + .hours(Int64(hour))).wholeSeconds)
            #expect(weight <= last)
            last = weight
        }
        #expect(profile.affinities[0].weight(at: (start + .days(400)).wholeSeconds) == 0)
    }

    @Test("A seventeenth interest replaces the weakest, not the strongest")
    func weakestMakesRoom() {
        let store = ProfileStore(maximumProfiles: 1_000)
        for brand in 1...16 {
            for _ in 0...brand {
                store.apply(ProfileSignal(kind: .productView, brandID: Int32(brand), at: start), shopper: shopper)
            }
        }
        store.apply(ProfileSignal(kind: .order, brandID: 99, at: start), shopper: shopper)
        let profile = store.read(shopper) ?? Profile()
        #expect(strength(profile, .brand(99), start) > 0)
        #expect(strength(profile, .brand(1), start) == 0)
        #expect(strength(profile, .brand(16), start) > 0)
    }

    @Test("Twenty products are remembered, the latest first, each once")
    func recentProducts() {
        let store = ProfileStore(maximumProfiles: 1_000)
        for product in Array(1...25) + [10] {
            store.apply(ProfileSignal(kind: .productView, productID: Int32(product), at: start), shopper: shopper)
        }
        let profile = store.read(shopper) ?? Profile()
        let seen = (0..<Profile.recentCapacity).map { profile.recentProduct($0) }
        let others: [Int32] = (6...25).reversed().filter { $0 != 10 }
        #expect(seen == [10] + others)
    }

    @Test("A session ends after thirty minutes without a request")
    func sessions() {
        let store = ProfileStore(maximumProfiles: 1_000)
        var profile = Profile()
        store.begin(shopper, now: start, into: &profile)
        let first = profile.session
        store.begin(shopper, now: start + .minutes(30), into: &profile)
        #expect(profile.session == first)
        store.begin(shopper, now: start + .minutes(60) + .seconds(1), into: &profile)
        #expect(profile.session == first + 1)
        #expect(profile.sessionStart == (start + .minutes(60) + .seconds(1)).wholeSeconds)
    }

    @Test("The count of profiles is bounded; who was seen lately stays")
    func bounded() {
        let store = ProfileStore(maximumProfiles: 256 * 16)
        var profile = Profile()
        var random = SplitMix(1)
        var faithful: [UInt64] = []
        for round in 0..<20_000 {
            let now = start + .seconds(Int64(round))
            store.begin(random.next() | 1, now: now, into: &profile)
            if round % 1_000 == 0 { faithful.append(random.next() | 1) }
            for key in faithful { store.begin(key, now: now, into: &profile) }
        }
        #expect(store.count <= 256 * 16)
        #expect(store.evictions > 10_000)
        let kept = faithful.count { store.read($0) != nil }
        #expect(kept >= faithful.count - 2, "kept \(kept) of \(faithful.count)")
    }

    @Test("Keys are found, removed and kept apart as in a dictionary", arguments: [UInt64(1), 2, 3])
    func behavesLikeADictionary(seed: UInt64) {
        let store = ProfileStore(maximumProfiles: 1_000_000)
        var random = SplitMix(seed)
        var model: [UInt64: Int32] = [:]
        for _ in 0..<20_000 {
            // Few keys in few shards, so that places collide and gaps close.
            let key = UInt64(random.below(3)) << 56 | UInt64(1 + random.below(300))
            if random.below(3) == 0 {
                store.forget(key)
                model[key] = nil
            } else {
                let product = Int32(1 + random.below(1_000))
                store.apply(ProfileSignal(kind: .productView, productID: product, at: start), shopper: key)
                model[key] = product
            }
        }
        #expect(store.count == model.count, "seed \(seed)")
        for (key, product) in model { #expect(store.read(key)?.recentProduct(0) == product, "seed \(seed)") }
    }

    @Test("Two loops never both take the last contact of a cap")
    func claimsAreExact() async {
        let store = ProfileStore(maximumProfiles: 1_000)
        let taken = Counter()
        let shopper = shopper
        let start = start
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<50 {
                        let claimed = store.claim(
                            shopper, lineItemID: 1, lineLimits: CapLimits(day: 7), advertiserID: 2,
                            advertiserLimits: .none, now: start)
                        if claimed { taken.value.add(1, ordering: .relaxed) }
                    }
                }
            }
        }
        #expect(taken.value.load(ordering: .relaxed) == 7)
    }

    @Test("Nobody has no profile")
    func nobody() {
        let store = ProfileStore(maximumProfiles: 1_000)
        store.apply(ProfileSignal(kind: .productView, productID: 1, at: start), shopper: 0)
        store.confirm(0, lineItemID: 1, advertiserID: 1, decidedAt: start)
        #expect(store.count == 0)
    }
}

private final class Counter: Sendable {
    let value = Atomic<Int>(0)
}

struct SplitMix: RandomNumberGenerator {
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
