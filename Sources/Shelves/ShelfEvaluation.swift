/// How well a ranking completes baskets that it has not seen.
///
/// Each product of a test basket is taken out in turn; the rest of the basket is what the ranking is asked with, and
/// the product taken out is the one right answer. Recall@10 is the share of right answers among the first ten, the
/// reciprocal rank is 1 / the place of the first one, 0 beyond `depth`. A product that training never saw counts as missed by everybody.
public struct ShelfEvaluation: Sendable {
    /// Places of a ranking that are looked at.
    public static let depth = 100

    /// Sums over the cases of one shopper: what a bootstrap draws, because baskets of one shopper are alike.
    public struct Tally: Sendable {
        public var cases = 0
        /// Shares of the right answers that are among the first ten.
        public var recalls: [Double]
        public var reciprocals: [Double]

        init(_ rankings: Int) {
            recalls = Array(repeating: 0, count: rankings)
            reciprocals = Array(repeating: 0, count: rankings)
        }
    }

    public private(set) var tallies: [String: Tally] = [:]
    private let rankings: [@Sendable ([Int32]) -> [Int32]]

    /// - Parameter rankings: from what is known of a basket to product ids, best first, without those it is given.
    public init(_ rankings: [@Sendable ([Int32]) -> [Int32]]) { self.rankings = rankings }

    /// Asks every ranking for every product of a basket.
    public mutating func add(_ basket: [Int32], of shopper: String) {
        guard basket.count > 1 else { return }
        var tally = tallies[shopper] ?? Tally(rankings.count)
        for (place, wanted) in basket.enumerated() {
            var seeds = basket
            seeds.remove(at: place)
            tally.note(wanted: [wanted], rankings.map { $0(seeds) })
        }
        tallies[shopper] = tally
    }

    /// The page of one product: each product of a basket alone is what is known, all others are right.
    public mutating func addEachAlone(_ basket: [Int32], of shopper: String) {
        guard basket.count > 1 else { return }
        var tally = tallies[shopper] ?? Tally(rankings.count)
        for seed in basket {
            tally.note(wanted: Set(basket).subtracting([seed]), rankings.map { $0([seed]) })
        }
        tallies[shopper] = tally
    }

    /// Cases asked.
    public var cases: Int { tallies.values.reduce(0) { $0 + $1.cases } }

    /// Mean share of the right answers that are among the first ten.
    public func recall(_ ranking: Int) -> Double { sum { $0.recalls[ranking] } / Double(max(cases, 1)) }

    /// Mean of 1 / place of the first right answer.
    public func meanReciprocalRank(_ ranking: Int) -> Double { sum { $0.reciprocals[ranking] } / Double(max(cases, 1)) }

    /// In a fixed order, so that a sum is the same to the last digit.
    private func sum(_ value: (Tally) -> Double) -> Double {
        tallies.sorted { $0.key < $1.key }.reduce(0) { $0 + value($1.value) }
    }

    /// A ratio of two rankings with its interval.
    public struct Ratio: Sendable, Equatable {
        public var value: Double
        public var low: Double
        public var high: Double
    }

    /// How much better one ranking is than another, with the middle 95 % of draws of as many shoppers, with
    /// repetition.
    public func ratios(
        _ ranking: Int, to other: Int, draws: Int = 2_000, seed: UInt64 = 1
    ) -> (recall: Ratio, reciprocal: Ratio) {
        let own = tallies.sorted { $0.key < $1.key }.map(\.value)
        func ratio(_ a: Double, _ b: Double) -> Double { b > 0 ? a / b : a > 0 ? .infinity : 1 }
        func both(_ drawn: [Tally]) -> (Double, Double) {
            var sums = (0.0, 0.0, 0.0, 0.0)
            for tally in drawn {
                sums.0 += tally.recalls[ranking]
                sums.1 += tally.recalls[other]
                sums.2 += tally.reciprocals[ranking]
                sums.3 += tally.reciprocals[other]
            }
            return (ratio(sums.0, sums.1), ratio(sums.2, sums.3))
        }
        var state = seed
        func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        guard !own.isEmpty else { return (Ratio(value: 1, low: 1, high: 1), Ratio(value: 1, low: 1, high: 1)) }
        var recalls: [Double] = []
        var reciprocals: [Double] = []
        for _ in 0..<max(draws, 1) {
            let found = both(own.map { _ in own[Int(next() % UInt64(own.count))] })
            recalls.append(found.0)
            reciprocals.append(found.1)
        }
        func interval(_ value: Double, _ drawn: [Double]) -> Ratio {
            let sorted = drawn.sorted()
            return Ratio(value: value, low: sorted[sorted.count * 25 / 1_000], high: sorted[sorted.count * 974 / 1_000])
        }
        let value = both(own)
        return (interval(value.0, recalls), interval(value.1, reciprocals))
    }
}

extension ShelfEvaluation.Tally {
    fileprivate mutating func note(wanted: Set<Int32>, _ answers: [[Int32]]) {
        cases += 1
        for (ranking, answer) in answers.enumerated() {
            recalls[ranking] += Double(answer.prefix(10).count { wanted.contains($0) }) / Double(wanted.count)
            if let place = answer.prefix(ShelfEvaluation.depth).firstIndex(where: { wanted.contains($0) }) {
                reciprocals[ranking] += 1 / Double(place + 1)
            }
        }
    }
}
