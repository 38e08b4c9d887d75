import AdModel
import Profiles
import Testing

@Suite struct CapTests {
    let start = Timestamp(micros: 1_764_000_000_000_000)
    let shopper: UInt64 = 77

    private func claim(_ store: ProfileStore, _ limits: CapLimits, _ at: Timestamp, line: Int32 = 1) -> Bool {
        store.claim(shopper, lineItemID: line, lineLimits: limits, advertiserID: 9, advertiserLimits: .none, now: at)
    }

    private func confirm(_ store: ProfileStore, _ at: Timestamp, line: Int32 = 1) {
        store.confirm(shopper, lineItemID: line, advertiserID: 9, decidedAt: at)
    }

    /// The rule as plainly as possible: all contacts with their times, counted from the first of each window.
    private struct Model {
        var confirmed: [Int64] = []
        var waiting: [Int64] = []

        func windowCount(_ length: Int64, _ now: Int64) -> Int {
            var opened = Int64.min
            var count = 0
            for at in confirmed {
                if opened == .min || at - opened >= length {
                    opened = at
                    count = 0
                }
                count += 1
            }
            return opened != .min && now - opened < length ? count : 0
        }

        func allows(_ limits: CapLimits, _ now: Int64) -> Bool {
            let unconfirmed = waiting.count { now - $0 < 600 }
            func fits(_ count: Int, _ limit: UInt16) -> Bool { limit == 0 || count + unconfirmed < Int(limit) }
            return fits(windowCount(3_600, now), limits.hour) && fits(windowCount(86_400, now), limits.day)
                && fits(confirmed.count, limits.lifetime)
        }
    }

    @Test("Caps count like a plain list of contacts, over random hours", arguments: Array(UInt64(1)...40))
    func agreesWithModel(seed: UInt64) {
        var random = SplitMix(seed)
        let store = ProfileStore(maximumProfiles: 256)
        var model = Model()
        let limits = [
            CapLimits(hour: 2), CapLimits(day: 3), CapLimits(lifetime: 6), CapLimits(hour: 1, day: 2, lifetime: 9),
        ][random.below(4)]
        var seconds: Int64 = 0
        for step in 0..<300 {
            seconds += Int64(1 + [5, 60, 400, 4_000, 30_000][random.below(5)])
            let now = start + .seconds(seconds)
            let allowed = model.allows(limits, seconds)
            let claimed = claim(store, limits, now)
            #expect(claimed == allowed, "seed \(seed), step \(step), \(limits)")
            if claimed != allowed { return }
            guard claimed else { continue }
            model.waiting.append(seconds)
            if model.waiting.count > CapCounters.pendingCapacity { model.waiting.removeFirst() }
            if random.below(3) > 0 {
                confirm(store, now)
                model.confirmed.append(seconds)
                model.waiting.removeLast()
            }
        }
    }

    @Test(
        "However events interleave, no window ever holds more confirmed contacts than its cap",
        arguments: [UInt64(1), 2, 3, 4])
    func neverExceeded(seed: UInt64) {
        var random = SplitMix(seed)
        let store = ProfileStore(maximumProfiles: 256)
        let limits = CapLimits(hour: 3)
        var seconds: Int64 = 0
        var waiting: [Int64] = []
        var confirmed: [Int64] = []
        for _ in 0..<2_000 {
            seconds += Int64(random.below(200))
            if random.below(2) == 0, claim(store, limits, start + .seconds(seconds)) {
                waiting.append(seconds)
            } else if !waiting.isEmpty {
                // An impression within ten minutes; a later one is not promised to be counted.
                let at = waiting.remove(at: random.below(waiting.count))
                if seconds - at < 600 {
                    confirm(store, start + .seconds(at))
                    confirmed.append(at)
                }
            }
        }
        confirmed.sort()
        var opened = Int64.min
        var count = 0
        for at in confirmed {
            if opened == .min || at - opened >= 3_600 {
                opened = at
                count = 0
            }
            count += 1
            #expect(count <= 3, "seed \(seed): \(count) contacts in the hour from \(opened)")
        }
        #expect(confirmed.count > 50)
    }

    @Test("A repeated impression confirms once")
    func repeatedImpression() {
        let store = ProfileStore(maximumProfiles: 256)
        #expect(claim(store, CapLimits(day: 2), start))
        confirm(store, start)
        confirm(store, start)
        #expect(claim(store, CapLimits(day: 2), start + .seconds(1)))
        #expect(!claim(store, CapLimits(day: 2), start + .seconds(2)))
    }

    @Test("An impression of an uncapped line item takes no counter")
    func uncapped() {
        let store = ProfileStore(maximumProfiles: 256)
        for line in 1...40 { confirm(store, start, line: Int32(line)) }
        #expect(claim(store, CapLimits(day: 1), start, line: 1))
    }

    @Test("What is withdrawn no longer counts")
    func withdraw() {
        let store = ProfileStore(maximumProfiles: 256)
        #expect(claim(store, CapLimits(day: 1), start))
        #expect(!claim(store, CapLimits(day: 1), start))
        store.withdraw(shopper, lineItemID: 1, advertiserID: 9, at: start)
        #expect(claim(store, CapLimits(day: 1), start))
    }

    @Test("More unconfirmed decisions than are remembered never loosen a cap")
    func pendingOverflow() {
        let store = ProfileStore(maximumProfiles: 256)
        #expect(claim(store, CapLimits(day: 1), start, line: 1))
        for line in 2...40 { _ = claim(store, CapLimits(day: 1), start + .seconds(1), line: Int32(line)) }
        #expect(!claim(store, CapLimits(day: 1), start + .seconds(2), line: 40))
        #expect(!claim(store, CapLimits(day: 1), start + .seconds(700), line: 24))
    }

    @Test("The twenty-first counter takes the place of the longest untouched one")
    func counterOverflow() {
        let store = ProfileStore(maximumProfiles: 256)
        for line in 1...21 {
            let at = start + .seconds(Int64(line))
            #expect(claim(store, CapLimits(lifetime: 1), at, line: Int32(line)))
            confirm(store, at, line: Int32(line))
        }
        let later = start + .seconds(100)
        #expect(claim(store, CapLimits(lifetime: 1), later, line: 1))
        #expect(!claim(store, CapLimits(lifetime: 1), later, line: 3))
        #expect(!claim(store, CapLimits(lifetime: 1), later, line: 21))
    }

    @Test("Counting what the log says gives the same caps as having decided it")
    func recount() {
        let live = ProfileStore(maximumProfiles: 256)
        let rebuilt = ProfileStore(maximumProfiles: 256)
        let limits = CapLimits(day: 2)
        #expect(claim(live, limits, start))
        confirm(live, start)
        rebuilt.recount(
            shopper, lineItemID: 1, lineLimits: limits, advertiserID: 9, advertiserLimits: .none, decidedAt: start)
        confirm(rebuilt, start)
        for store in [live, rebuilt] {
            #expect(claim(store, limits, start + .seconds(60)))
            #expect(!claim(store, limits, start + .seconds(61)))
        }
    }

    @Test("Of two caps on one window the smaller counts")
    func smallerCapCounts() {
        var limits = CapLimits.none
        #expect(limits.isNone)
        limits.limit(.day, to: 5)
        limits.limit(.day, to: 3)
        limits.limit(.session, to: 9)
        #expect(limits == CapLimits(day: 3, session: 9))
    }
}
