import AdModel
import Decisioning
import Testing

@Suite struct ScoringTests {
    @Test("A price lies between floor and own bid, for any scores", arguments: [UInt64(1), 2, 3])
    func priceIsBounded(seed: UInt64) {
        var random = SplitMix(seed)
        for _ in 0..<20_000 {
            let bid = Int64(random.next() >> UInt64(1 + random.below(62)))
            let floor = bid == 0 ? 0 : Int64(random.next() % UInt64(bid)) + Int64(random.below(2))
            let weight = random.next() >> UInt64(random.below(64))
            let runnerUp = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            let price = Scoring.price(runnerUp: runnerUp, weight: weight, floor: floor, bid: bid)
            #expect(
                floor <= price && price <= bid,
                "seed \(seed): runner-up \(runnerUp), weight \(weight), floor \(floor), bid \(bid): \(price)")
        }
    }

    @Test("The price is the highest at which the winner would not have scored more than the runner-up")
    func priceInvertsTheScore() {
        var random = SplitMix(9)
        for _ in 0..<5_000 {
            let bid = Int64(1_000 + random.below(1_000_000_000))
            let odds = Float(0.0005 + Double(random.below(1_000)) / 10_000)
            let multiplier = 1 + Float(random.below(500)) / 1_000
            let weight = Scoring.weight(.cpc, odds: odds, multiplier: multiplier)
            let own = Float(bid) * Scoring.probability(odds: odds, multiplier: multiplier)
            let runnerUp = own * Float(random.below(1_000)) / 1_000
            let price = Scoring.price(runnerUp: runnerUp, weight: weight, floor: 0, bid: bid)
            let score = Double(price) * Double(weight) / 4_294_967_296
            let next = Double(price + 1) * Double(weight) / 4_294_967_296
            #expect(score <= Double(runnerUp) * 1.000_001 + 1e-6)
            #expect(next >= Double(runnerUp) * 0.999_999 - 1e-6)
        }
    }

    @Test("The multiplier of interests is bounded, whatever the interests")
    func multiplierIsBounded() {
        #expect(Scoring.multiplier(category: 0, brand: 0) == 1)
        #expect(Scoring.multiplier(category: 1, brand: 1) <= Scoring.maximumMultiplier)
        #expect(Scoring.multiplier(category: 5, brand: 5) == Scoring.maximumMultiplier)
    }

    @Test("A probability stays below one however high the odds")
    func probabilityIsAProbability() {
        #expect(Scoring.probability(odds: 0.01 / 0.99, multiplier: 1) < 0.010_001)
        #expect(Scoring.probability(odds: 999, multiplier: 1.5) < 1)
    }

    @Test("A click reserves its expected cost, rounded up")
    func reserve() {
        #expect(Scoring.reserve(100, pricing: .cpm, weight: 5) == 100)
        #expect(Scoring.reserve(100, pricing: .cpc, weight: Scoring.one / 4) == 25)
        #expect(Scoring.reserve(101, pricing: .cpc, weight: Scoring.one / 4) == 26)
        #expect(Scoring.reserve(0, pricing: .cpc, weight: Scoring.one / 4) == 0)
    }
}
