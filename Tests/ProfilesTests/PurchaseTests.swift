import AdModel
import Profiles
import Testing

@Suite struct PurchaseTests {
    let start = Timestamp(micros: 1_764_000_000_000_000)
    let shopper: UInt64 = 0x1234_5678_9ABC_DEF0

    private func profile(_ signals: [ProfileSignal]) -> Profile {
        let store = ProfileStore(maximumProfiles: 1_000)
        for signal in signals { store.apply(signal, shopper: shopper) }
        return store.read(shopper) ?? Profile()
    }

    private func cart(_ profile: Profile) -> [Int32] {
        (0..<Profile.cartCapacity).map { profile.cartProduct($0) }.filter { $0 != 0 }
    }

    private func bought(_ profile: Profile) -> [Int32] {
        (0..<Profile.purchaseCapacity).map { profile.boughtProduct($0) }.filter { $0 != 0 }
    }

    @Test("The cart holds what was put in and not taken out, the latest first")
    func cartFollowsSignals() {
        let add = { ProfileSignal(kind: .addToCart, productID: $0, at: start) }
        var signals = [1, 2, 3, 2].map(add)
        #expect(cart(profile(signals)) == [2, 3, 1])
        signals.append(ProfileSignal(kind: .removeFromCart, productID: 3, at: start))
        #expect(cart(profile(signals)) == [2, 1])
        signals.append(ProfileSignal(kind: .removeFromCart, productID: 9, at: start))
        #expect(cart(profile(signals)) == [2, 1])
        signals += (10...20).map(add)
        #expect(cart(profile(signals)) == (13...20).reversed())
        signals.append(ProfileSignal(kind: .order, at: start))
        #expect(cart(profile(signals)).isEmpty)
    }

    @Test("A purchase leaves the cart, and is remembered with its day, once")
    func purchases() {
        let store = ProfileStore(maximumProfiles: 1_000)
        for product in [1, 2, 3] as [Int32] {
            store.apply(ProfileSignal(kind: .addToCart, productID: product, at: start), shopper: shopper)
        }
        let lines = [2, 3].map { ProfileSignal(kind: .order, productID: $0, categoryID: 7, at: start) }
        // The page tells of one product, the server of both.
        store.apply(lines[0], shopper: shopper)
        store.apply(ProfileOrder(lines: lines, spend: Micros(5_000_000), at: start), shopper: shopper)
        let profile = store.read(shopper) ?? Profile()
        #expect(cart(profile) == [1])
        #expect(bought(profile) == [3, 2])
        #expect(profile.boughtDay(0) == start.epochDay)
        #expect(profile.orders.count == 1 && profile.orders.lastDay == start.epochDay)
        #expect(profile.orders.spentInYear(on: start.epochDay) == 5)
        // Two purchases were told of, by three messages: eight parts of interest, beside those of the cart.
        #expect(profile.affinities[0].weight(at: start.wholeSeconds) == 8)
    }

    @Test("Five searches are remembered, the latest first, each once")
    func searches() {
        let signals = [1, 2, 3, 4, 5, 6, 3].map { ProfileSignal(kind: .search, phrase: $0, at: start) }
        let profile = profile(signals)
        #expect((0..<Profile.searchCapacity).map { profile.search($0) } == [3, 6, 5, 4, 2])
    }

    @Test("What was spent is forgotten after a year")
    func yearlySpend() {
        let store = ProfileStore(maximumProfiles: 1_000)
        for month in 0..<24 {
            store.apply(
                ProfileOrder(lines: [], spend: Micros(1_000_000), at: start + .days(Int64(month) * 30)),
                shopper: shopper)
        }
        let orders = (store.read(shopper) ?? Profile()).orders
        let last = (start + .days(23 * 30)).epochDay
        #expect(orders.count == 24)
        #expect((9...13).contains(orders.spentInYear(on: last)))
        #expect(orders.spentInYear(on: last + 400) == 0)
    }

    @Test("A million profiles fit into a gigabyte")
    func size() {
        #expect(MemoryLayout<Profile>.stride <= 864, "\(MemoryLayout<Profile>.stride)")
    }
}
