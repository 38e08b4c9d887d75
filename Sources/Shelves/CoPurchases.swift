import Foundation

/// What is bought together: for every product the products that its baskets hold beside it.
///
/// A pair counts `1 / log2(1 + size)` per basket, because two things out of three say more than two out of ninety.
/// The sum is divided by how often the product is bought plus `shrinkage`, so that one shared basket out of one is no
/// certainty, and by a root of how often the other is bought, because what everybody buys says little about anybody.
public struct CoPurchases: Sendable {
    /// Items of one basket that count; of a larger one the first.
    public static let basketLimit = 100
    /// Baskets of one product that are looked at, the latest.
    public static let basketsOfProduct = 5_000

    /// Neighbours kept per product.
    public var neighbours = 48
    /// Baskets that a product is imagined to have been in without company.
    public var shrinkage: Float = 10
    /// Power of the other's frequency that its score is divided by: 0 = how likely it is, 1/2 = the cosine.
    public var discount: Float = 0.3

    /// What the prior of `priors` counts beside one product that the shopper has chosen.
    public var priorWeight: Float = 4

    public init() {}

    /// How well a product goes with anything, in the measure of `rows`: what is added once to what the chosen products
    /// say, so that a product with few baskets of its own leaves the word to what everybody buys.
    ///
    /// - Parameter baskets: those given to `rows`.
    public func priors(_ baskets: [[Int32]]) -> [Int32: Float] {
        var sums: [Int32: (baskets: Float, weight: Float)] = [:]
        for basket in baskets {
            let weight = 1 / log2f(1 + Float(min(basket.count, Self.basketLimit)))
            for product in basket.prefix(Self.basketLimit) {
                sums[product, default: (0, 0)].baskets += 1
                sums[product, default: (0, 0)].weight += weight
            }
        }
        let all = Float(max(baskets.count, 1))
        return sums.mapValues { priorWeight * $0.weight / all / powf($0.baskets + shrinkage, discount) }
    }

    /// - Parameter baskets: products of each basket, without repetition, oldest basket first.
    /// - Returns: rows of the kind `boughtTogether`, in order of product ids.
    public func rows(_ baskets: [[Int32]]) -> [ShelfTables.Row] {
        var dense: [Int32: Int32] = [:]
        var ids: [Int32] = []
        let own: [ContiguousArray<Int32>] = baskets.map { basket in
            ContiguousArray(
                basket.prefix(Self.basketLimit).map { id in
                    if let known = dense[id] { return known }
                    dense[id] = Int32(ids.count)
                    ids.append(id)
                    return Int32(ids.count - 1)
                })
        }
        var counts = ContiguousArray<Int32>(repeating: 0, count: ids.count)
        for basket in own { for product in basket { counts[Int(product)] += 1 } }
        // Baskets of each product, side by side.
        var starts = ContiguousArray<Int32>(repeating: 0, count: ids.count + 1)
        for product in ids.indices { starts[product + 1] = starts[product] + counts[product] }
        var baskets = ContiguousArray<Int32>(repeating: 0, count: Int(starts[ids.count]))
        var next = starts
        for (number, basket) in own.enumerated() {
            for product in basket {
                baskets[Int(next[Int(product)])] = Int32(number)
                next[Int(product)] += 1
            }
        }
        let weights = own.map { 1 / log2f(1 + Float($0.count)) }
        let penalties = counts.map { 1 / powf(Float($0) + shrinkage, discount) }

        var sums = ContiguousArray<Float>(repeating: 0, count: ids.count)
        var touched: ContiguousArray<Int32> = []
        var rows: [ShelfTables.Row] = []
        for product in ids.indices.sorted(by: { ids[$0] < ids[$1] }) {
            let last = Int(starts[product + 1])
            for at in max(Int(starts[product]), last - Self.basketsOfProduct)..<last {
                let number = Int(baskets[at])
                for other in own[number] where Int(other) != product {
                    if sums[Int(other)] == 0 { touched.append(other) }
                    sums[Int(other)] += weights[number]
                }
            }
            let divisor = Float(counts[product]) + shrinkage
            var found = touched.map { other in
                ShelfTables.Neighbour(
                    productID: ids[Int(other)], score: sums[Int(other)] / divisor * penalties[Int(other)])
            }
            for other in touched { sums[Int(other)] = 0 }
            touched.removeAll(keepingCapacity: true)
            if found.isEmpty { continue }
            found.sort { ($0.score, -$0.productID) > ($1.score, -$1.productID) }
            rows.append(
                ShelfTables.Row(
                    kind: .boughtTogether, productID: ids[product], neighbours: Array(found.prefix(neighbours))))
        }
        return rows
    }
}
