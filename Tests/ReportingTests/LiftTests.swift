import Decisioning
import Reporting
import Testing

/// Shoppers of an experiment with a known effect.
struct LiftWorld {
    /// Probability to buy without having seen the campaign, and how many times as likely after.
    var buying: Double
    var buyingLift: Double
    /// Roubles of a basket are exp(normal(mean, spread)), times the lift after having seen the campaign.
    var basketMean: Double
    var basketSpread: Double
    var basketLift: Double
    var holdoutShare: Int32
    var shoppers: Int

    /// The true difference of means per shopper, in roubles and in the share of buyers.
    var trueRoubles: Double {
        let basket = exponential(basketMean + basketSpread * basketSpread / 2)
        return buying * basket * (buyingLift * basketLift - 1)
    }
    var trueConversion: Double { buying * (buyingLift - 1) }

    func run(_ random: inout Draws) -> (exposed: ArmMoments, ghost: ArmMoments) {
        let holdout = Holdout(share: holdoutShare, salt: random.next())
        var exposed = ArmMoments()
        var ghost = ArmMoments()
        for _ in 0..<shoppers {
            let isGhost = holdout.holdsOut(random.next() | 1)
            let buys = random.uniform() < (isGhost ? buying : buying * buyingLift)
            var roubles = 0.0
            if buys {
                roubles = exponential(basketMean + basketSpread * random.normal()) * (isGhost ? 1 : basketLift)
            }
            let micros = Int64(roubles * 1_000_000)
            if isGhost {
                ghost.add(orders: buys ? 1 : 0, units: buys ? 1 : 0, salesMicros: micros)
            } else {
                exposed.add(orders: buys ? 1 : 0, units: buys ? 1 : 0, salesMicros: micros)
            }
        }
        return (exposed, ghost)
    }
}

/// SplitMix64 with the draws that a simulation needs.
struct Draws {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0 ..< 1.
    mutating func uniform() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

    /// Sum of twelve uniforms: mean 0, variance 1, close enough to normal for baskets.
    mutating func normal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + uniform() } }
}

private func exponential(_ x: Double) -> Double {
    var term = 1.0
    var sum = 1.0
    let small = x / 64
    for n in 1...16 {
        term *= small / Double(n)
        sum += term
    }
    for _ in 0..<6 { sum *= sum }
    return sum
}

@Suite struct LiftTests {
    #if DEBUG
        static let replications = 250
        static let coverage = 0.905...0.985
    #else
        static let replications = 3_000
        static let coverage = 0.935...0.965
    #endif

    static let worlds: [(String, LiftWorld)] = [
        (
            "no effect",
            LiftWorld(
                buying: 0.15, buyingLift: 1, basketMean: 2, basketSpread: 0.6, basketLift: 1, holdoutShare: 5_000,
                shoppers: 3_000)
        ),
        (
            "more buyers, a tenth held out",
            LiftWorld(
                buying: 0.20, buyingLift: 1.25, basketMean: 2, basketSpread: 0.6, basketLift: 1, holdoutShare: 1_000,
                shoppers: 5_000)
        ),
        (
            "larger baskets",
            LiftWorld(
                buying: 0.25, buyingLift: 1, basketMean: 1, basketSpread: 0.8, basketLift: 1.3, holdoutShare: 3_000,
                shoppers: 3_000)
        ),
        (
            "fewer buyers",
            LiftWorld(
                buying: 0.30, buyingLift: 0.8, basketMean: 2, basketSpread: 0.4, basketLift: 1.1, holdoutShare: 2_000,
                shoppers: 3_000)
        ),
    ]

    @Test("the interval covers the true lift in 95 % of experiments", arguments: 0..<4)
    func coverage(number: Int) {
        let (name, world) = Self.worlds[number]
        var random = Draws(state: UInt64(number + 1) << 40)
        var covered = (roubles: 0, conversion: 0, relative: 0)
        var significant = 0
        var estimated = 0
        let trueRelative = world.buyingLift * world.basketLift - 1
        for _ in 0..<Self.replications {
            let (exposed, ghost) = world.run(&random)
            guard case .estimated(let conversion, let roubles) = LiftRule.verdict(exposed: exposed, ghost: ghost)
            else { continue }
            estimated += 1
            func holds(_ estimate: Estimate, _ truth: Double) -> Bool {
                estimate.low <= truth && truth <= estimate.high
            }
            if holds(roubles.difference, world.trueRoubles) { covered.roubles += 1 }
            if holds(conversion.difference, world.trueConversion) { covered.conversion += 1 }
            if holds(roubles.relative, trueRelative) { covered.relative += 1 }
            if conversion.difference.isSignificant { significant += 1 }
        }
        #expect(estimated == Self.replications, "\(name): \(estimated) estimates")
        for (what, count) in [
            ("roubles", covered.roubles), ("conversion", covered.conversion), ("relative", covered.relative),
        ] {
            let share = Double(count) / Double(estimated)
            #expect(Self.coverage.contains(share), "\(name): \(what) covered in \(share)")
        }
        // Without an effect a "significant" one is found in about one of twenty; with a large one, mostly.
        let power = Double(significant) / Double(estimated)
        if world.buyingLift == 1 {
            #expect(power < 0.1, "\(name): \(power)")
        } else {
            #expect(power > 0.4, "\(name): \(power)")
        }
    }

    @Test("too few shoppers or buyers on either side give no number")
    func tooLittle() {
        func arm(_ shoppers: Int64, _ buyers: Int64) -> ArmMoments {
            var arm = ArmMoments()
            for n in 0..<shoppers {
                arm.add(orders: n < buyers ? 1 : 0, units: n < buyers ? 1 : 0, salesMicros: n < buyers ? 1_000_000 : 0)
            }
            return arm
        }
        let enough = arm(LiftRule.leastShoppers, LiftRule.leastBuyers)
        let fewShoppers = arm(LiftRule.leastShoppers - 1, LiftRule.leastBuyers)
        let fewBuyers = arm(10 * LiftRule.leastShoppers, LiftRule.leastBuyers - 1)
        for poor in [fewShoppers, fewBuyers, ArmMoments(), arm(500, 500)] {
            #expect(LiftRule.verdict(exposed: enough, ghost: poor) == .notEnoughData)
            #expect(LiftRule.verdict(exposed: poor, ghost: enough) == .notEnoughData)
        }
        #expect(LiftRule.verdict(exposed: enough, ghost: enough) != .notEnoughData)
    }

    @Test("the estimate is what a hand calculation gives")
    func byHand() {
        // 1,000 shoppers a side; 120 and 100 buy for one rouble each.
        let exposed = ArmMoments(shoppers: 1_000, buyers: 120, salesMicros: 120_000_000, squaredRoubles: 120)
        let ghost = ArmMoments(shoppers: 1_000, buyers: 100, salesMicros: 100_000_000, squaredRoubles: 100)
        guard case .estimated(let conversion, let roubles) = LiftRule.verdict(exposed: exposed, ghost: ghost) else {
            Issue.record("no estimate")
            return
        }
        // Variances 0.12 x 0.88 and 0.1 x 0.9, each x 1000/999 / 1000; t with 1,989 degrees of freedom is 1.96115.
        let margin = 1.961_15 * ((0.1056 + 0.09) / 999).squareRoot()
        for outcome in [conversion, roubles] {
            #expect(abs(outcome.difference.value - 0.02) < 1e-12)
            #expect(abs(outcome.difference.high - (0.02 + margin)) < 1e-6, "\(outcome.difference)")
            #expect(abs(outcome.difference.low - (0.02 - margin)) < 1e-6)
            #expect(abs(outcome.relative.value - 0.2) < 1e-12)
            #expect(outcome.relative.low < 0 && outcome.relative.high > 0.2)
            #expect(!outcome.difference.isSignificant)
        }
    }
}
