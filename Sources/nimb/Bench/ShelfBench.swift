import AdModel
import Foundation
import Shelves

/// How much better `bought_together` completes real baskets than showing what sells most, on the Complete Journey:
/// tables from the first weeks, judged on the last ones.
struct ShelfBench {
    let data: URL
    /// Last week of training; the weeks after it are the test.
    var trainUntil = 27
    /// Last week of the test; nil = the last one there is.
    var testUntil: Int?
    var settings = CoPurchases()

    struct Purchases {
        var week: Int
        var household: String
        var products: [Int32]
    }

    /// One ranking beside popularity.
    struct Comparison {
        var cases: Int
        var households: Int
        var recall: (own: Double, popular: Double, ratio: ShelfEvaluation.Ratio)
        var reciprocal: (own: Double, popular: Double, ratio: ShelfEvaluation.Ratio)
    }

    struct Report {
        var trainBaskets: Int
        var testBaskets: Int
        var products: Int
        /// Each product of a basket asked with all others.
        var completion: Comparison
        /// All others asked with each product alone.
        var alone: Comparison
    }

    /// Throws what reading the files throws, and `Refusal` for files that are not the Complete Journey's.
    func run() throws -> Report {
        let baskets = try read()
        let train = baskets.filter { $0.week <= trainUntil }
        let test = baskets.filter { $0.week > trainUntil && $0.week <= testUntil ?? .max && $0.products.count > 1 }
        guard !train.isEmpty, !test.isEmpty else {
            throw Refusal("there are no baskets on both sides of week \(trainUntil).")
        }
        var counts: [Int32: Int] = [:]
        for basket in train { for product in basket.products { counts[product, default: 0] += 1 } }
        let popular = counts.sorted { ($0.value, -$0.key) > ($1.value, -$1.key) }.map(\.key)
        let pairs = train.map(\.products).filter { $0.count > 1 }
        let priors = settings.priors(pairs)
        let tables = ShelfTables(
            version: 1, products: counts.keys.map { ShelfTables.Product(id: $0, prior: priors[$0] ?? 0) },
            rows: settings.rows(pairs))
        let ranking = ShelfRanking(tables, productIDs: popular)
        let depth = ShelfEvaluation.depth
        let rankings: [@Sendable ([Int32]) -> [Int32]] = [
            { ranking.boughtTogether($0, limit: depth) },
            { seeds in
                let known = Set(seeds)
                return Array(popular.prefix(depth + known.count).filter { !known.contains($0) }.prefix(depth))
            },
        ]
        var completion = ShelfEvaluation(rankings)
        var alone = ShelfEvaluation(rankings)
        for basket in test {
            completion.add(basket.products, of: basket.household)
            alone.addEachAlone(basket.products, of: basket.household)
        }
        return Report(
            trainBaskets: train.count, testBaskets: test.count, products: counts.count,
            completion: compare(completion), alone: compare(alone))
    }

    private func compare(_ evaluation: ShelfEvaluation) -> Comparison {
        let ratios = evaluation.ratios(0, to: 1)
        return Comparison(
            cases: evaluation.cases, households: evaluation.tallies.count,
            recall: (evaluation.recall(0), evaluation.recall(1), ratios.recall),
            reciprocal: (evaluation.meanReciprocalRank(0), evaluation.meanReciprocalRank(1), ratios.reciprocal))
    }

    /// Baskets in the order of the file, which is that of time; products in small numbers of our own.
    private func read() throws -> [Purchases] {
        let file = data.appendingPathComponent("transactions.csv")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else {
            throw Refusal("\(file.path) cannot be read; give the folder of the Complete Journey's CSV files.")
        }
        var lines = text.split(whereSeparator: \.isNewline)[...]
        guard let head = lines.popFirst()?.split(separator: ",", omittingEmptySubsequences: false).map(String.init),
            let household = head.firstIndex(of: "household_id"), let basket = head.firstIndex(of: "basket_id"),
            let product = head.firstIndex(of: "product_id"), let week = head.firstIndex(of: "week")
        else { throw Refusal("\(file.path) lacks one of household_id, basket_id, product_id, week in its first line.") }
        var numbers: [Substring: Int32] = [:]
        var places: [Substring: Int] = [:]
        var found: [Purchases] = []
        for (number, line) in lines.enumerated() {
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            guard cells.count == head.count, let inWeek = Int(cells[week]) else {
                throw Refusal("line \(number + 2) of \(file.path) is not a row of the first line's columns.")
            }
            let id = numbers[cells[product]] ?? Int32(numbers.count + 1)
            numbers[cells[product]] = id
            if let place = places[cells[basket]] {
                if !found[place].products.contains(id) { found[place].products.append(id) }
            } else {
                places[cells[basket]] = found.count
                found.append(Purchases(week: inWeek, household: String(cells[household]), products: [id]))
            }
        }
        return found
    }
}
