import Shelves
import Testing

@Suite struct ShelfEvaluationTests {
    @Test("Recall and reciprocal rank are those of the definition")
    func measures() {
        // The first ranking has 2 at the first place and 3 at the eleventh; the second knows nothing.
        let ranking: @Sendable ([Int32]) -> [Int32] = { seeds in
            ([2] + Array(Int32(50)..<59) + [3]).filter { !seeds.contains($0) }
        }
        var evaluation = ShelfEvaluation([ranking, { _ in [] }])
        evaluation.add([1, 2], of: "a")
        #expect(evaluation.cases == 2)
        #expect(evaluation.recall(0) == 0.5)
        #expect(evaluation.meanReciprocalRank(0) == 0.5)
        evaluation.add([3, 4], of: "b")
        #expect(evaluation.recall(0) == 0.25)
        #expect(abs(evaluation.meanReciprocalRank(0) - (1 + 1 / 11.0) / 4) < 1e-12)
        #expect(evaluation.recall(1) == 0 && evaluation.meanReciprocalRank(1) == 0)
        evaluation.add([5], of: "c")
        #expect(evaluation.cases == 4)
    }

    @Test("A product alone is asked for all the others")
    func alone() {
        var evaluation = ShelfEvaluation([{ _ in [9, 2, 3] }])
        evaluation.addEachAlone([1, 2, 3], of: "a")
        #expect(evaluation.cases == 3)
        #expect(abs(evaluation.recall(0) - (1 + 0.5 + 0.5) / 3) < 1e-12)
        #expect(abs(evaluation.meanReciprocalRank(0) - (1 / 2.0 + 1 / 3.0 + 1 / 2.0) / 3) < 1e-12)
    }

    @Test("An interval of equals is one, and the better of two is above it")
    func intervals() {
        let good: @Sendable ([Int32]) -> [Int32] = { [$0[0] + 1, $0[0] - 1] }
        let poor: @Sendable ([Int32]) -> [Int32] = { $0[0] % 10 == 0 ? [$0[0] + 1] : [] }
        var evaluation = ShelfEvaluation([good, good, poor])
        for shopper in 0..<40 {
            evaluation.add([Int32(shopper * 3), Int32(shopper * 3 + 1)], of: "\(shopper)")
        }
        let same = evaluation.ratios(0, to: 1)
        #expect(same.recall.value == 1 && same.recall.low == 1 && same.recall.high == 1)
        let better = evaluation.ratios(0, to: 2)
        #expect(better.recall.low > 1 && better.reciprocal.low > 1)
        #expect(better.recall.low <= better.recall.value && better.recall.value <= better.recall.high)
        #expect(evaluation.ratios(0, to: 2).recall == better.recall)
    }

    @Test("Bought together finds the company of a cart before what sells most")
    func ranking() {
        var baskets: [[Int32]] = Array(repeating: [1, 2], count: 12)
        baskets += Array(repeating: [3, 4], count: 12)
        baskets += Array(repeating: [9, 8], count: 30)
        for first in stride(from: Int32(100), to: 500, by: 2) { baskets.append([first, first + 1]) }
        let pairs = CoPurchases()
        let priors = pairs.priors(baskets)
        let ids: [Int32] = [1, 2, 3, 4, 8, 9]
        let tables = ShelfTables(
            version: 1, products: ids.map { ShelfTables.Product(id: $0, prior: priors[$0] ?? 0) },
            rows: pairs.rows(baskets))
        let ranking = ShelfRanking(tables, productIDs: ids)
        #expect(ranking.boughtTogether([1], limit: 10).first == 2)
        #expect(Set(ranking.boughtTogether([1, 3], limit: 10).prefix(2)) == [2, 4])
        #expect(ranking.boughtTogether([], limit: 1) == [8])
        #expect(!ranking.boughtTogether([1], limit: 10).contains(1))
    }
}
