import AdModel
import ClickModel
import Foundation
import Testing

/// Small seeded generator: a failing run is repeated by its seed.
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
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}

/// A shop whose click-through rates are known: slots, creatives, devices and interests each multiply the odds.
enum KnownShop {
    static let slots: [Double] = [0, 0.6, -0.5]
    static let creatives: [Double] = [0, 0.7, -0.7, 0.3, -0.2, 1]

    static func probability(_ context: ClickContext) -> Double {
        var sum = -3.4 + slots[Int(context.placementID)] + creatives[Int(context.creativeVersionID)]
        if context.device == .mobile { sum += 0.3 }
        if context.category > 0 { sum += 0.25 }
        return 1 / (1 + exp(-sum))
    }

    static func examples(_ count: Int, seed: UInt64) -> [ClickExample] {
        var random = SplitMix(seed)
        return (0..<count).map { _ in
            let context = ClickContext(
                placementID: Int32(random.below(slots.count)), format: ClickFeature.hash("banner"),
                creativeVersionID: Int32(random.below(creatives.count)), position: UInt8(random.below(2)),
                category: UInt8(random.below(3) == 0 ? 1 + random.below(15) : 0), brand: UInt8(random.below(4)),
                device: random.below(2) == 0 ? .mobile : .desktop, hour: UInt8(random.below(24)),
                price: UInt8(random.below(5)), isKnown: true)
            return ClickExample(context, isClicked: random.unit() < probability(context))
        }
    }
}

@Suite("Click model") struct ClickModelTests {
    private func trained(_ examples: [ClickExample]) -> ClickTraining {
        var training = ClickTraining()
        for example in examples { training.learn(example) }
        return training
    }

    @Test("It finds known rates again, beats the plain rates of slot and creative, and is calibrated")
    func learns() throws {
        let training = trained(KnownShop.examples(150_000, seed: 1))
        let report = training.report
        #expect(report.logLoss < report.plainLogLoss, "\(report.logLoss) against \(report.plainLogLoss)")
        #expect(abs(report.calibration - 1) < 0.03, "\(report.calibration)")
        let weights = training.weights()
        var (predicted, truth) = (0.0, 0.0)
        for example in KnownShop.examples(4_000, seed: 2) {
            let own = weights.probability(example.context)
            let known = KnownShop.probability(example.context)
            #expect(own / known > 0.6 && own / known < 1.6, "\(example.context): \(own), not \(known)")
            predicted += own
            truth += known
        }
        #expect(abs(predicted / truth - 1) < 0.05, "\(predicted / truth)")
    }

    @Test("The same examples in the same order give the same bytes; others give others")
    func reproducible() {
        let examples = KnownShop.examples(20_000, seed: 3)
        let bytes = trained(examples).weights().bytes
        #expect(bytes == trained(examples).weights().bytes)
        #expect(bytes != trained(KnownShop.examples(20_000, seed: 4)).weights().bytes)
    }

    @Test("A model is judged on the same examples as the one that serves")
    func rival() throws {
        let early = trained(KnownShop.examples(40_000, seed: 5)).weights()
        var training = ClickTraining(rival: early)
        for example in KnownShop.examples(60_000, seed: 6) { training.learn(example) }
        let loss = try #require(training.rivalLogLoss)
        #expect(abs(loss / training.report.logLoss - 1) < 0.05)
        #expect(ClickTraining().rivalLogLoss == nil)
    }

    @Test("Interests stay within their limits, whatever the data say: the index relies on it")
    func limits() {
        var training = ClickTraining()
        for example in KnownShop.examples(30_000, seed: 7) {
            var extreme = example
            extreme.isClicked = example.context.category > 0
            training.learn(extreme)
        }
        let weights = training.weights()
        for code in 0..<UInt64(Interest.count) {
            #expect(abs(weights.weight(.category, code)) <= ClickFeature.category.limit)
            #expect(abs(weights.weight(.brand, code)) <= ClickFeature.brand.limit)
        }
        #expect(weights.weight(.category, 1) - weights.weight(.category, 0) > 0.5)
    }

    @Test("A model is read back as it was written")
    func roundTrip() throws {
        let weights = trained(KnownShop.examples(5_000, seed: 8)).weights(version: 4)
        #expect(try ClickWeights(version: 4, bytes: weights.bytes) == weights)
        #expect(weights.entries.count > 40)
    }

    @Test("Bytes that are no model are refused, and nothing else happens")
    func refuses() {
        let good = trained(KnownShop.examples(2_000, seed: 9)).weights().bytes
        var random = SplitMix(10)
        for cut in [0, 3, 4, 7, 8, good.count - 1] {
            #expect(throws: ClickModelError.self) { try ClickWeights(version: 1, bytes: Array(good.prefix(cut))) }
        }
        #expect(throws: ClickModelError.self) { try ClickWeights(version: 1, bytes: good + [0]) }
        for _ in 0..<2_000 {
            var bytes = good
            for _ in 0...random.below(4) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            if let read = try? ClickWeights(version: 1, bytes: bytes) { #expect(read.bytes == bytes) }
        }
    }

    @Test("The exponential of a model is the one of mathematics")
    func exponential() {
        for step in -2_000...2_000 {
            let x = Double(step) / 100
            #expect(abs(ClickWeights.exponential(x) / exp(x) - 1) < 1e-13, "\(x)")
        }
        #expect(ClickWeights.exponential(-1_000) == 0)
    }

    @Test("Interests are 0 for none, else stronger and fresher ones have codes of their own")
    func interests() {
        #expect(Interest.code(strength: 0, age: 0) == 0)
        #expect(Interest.code(strength: 0.01, age: 0) == 1)
        #expect(Interest.code(strength: 0.99, age: 0) == 5)
        #expect(Interest.code(strength: 1, age: 1_800) == 10)
        #expect(Interest.code(strength: 0.01, age: 86_400) == 11)
        #expect(Interest.code(strength: 0.999, age: .max) == 15)
    }

    @Test("Price levels rise with the price by factors of two")
    func prices() {
        #expect(PriceLevel.code(nil) == 0)
        #expect(PriceLevel.code(.zero) == 0)
        #expect(PriceLevel.code(.roubles(1)) == 1)
        #expect(PriceLevel.code(.roubles(40)) == 2)
        #expect(PriceLevel.code(.roubles(80)) == 3)
        #expect(PriceLevel.code(.roubles(100_000_000)) == 15)
    }

    @Test("The parts of a prediction come back from their 32 bits")
    func parts() {
        let parts = ClickParts(probability: 0.0123, category: 15, brand: 7, price: 3, draw: 12)
        #expect(abs(parts.probability / 0.0123 - 1) < 0.005)
        #expect(parts.category == 15 && parts.brand == 7 && parts.price == 3 && parts.draw == 12)
    }

    @Test("Tenths of predictions are of equal size and tell how far each is off")
    func deciles() {
        var deciles = PredictionDeciles()
        var random = SplitMix(11)
        for _ in 0..<100_000 {
            let truth = 0.001 + 0.1 * random.unit()
            deciles.add(truth, outcome: truth * 0.9)
        }
        #expect(deciles.ratios.count == 10)
        for decile in deciles.ratios {
            #expect(abs(decile.ratio - 1 / 0.9) < 1e-6)
            #expect(decile.examples > 9_000 && decile.examples < 11_000)
        }
    }
}
