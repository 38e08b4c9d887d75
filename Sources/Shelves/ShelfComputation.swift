import AdModel

/// From orders, views and the catalogue to tables.
public enum ShelfComputation {
    /// Everything that decisions look up, in order of ids.
    public struct Result: Sendable {
        public var products: [ShelfTables.Product]
        public var rows: [ShelfTables.Row]

        public func tables(version: Int64) -> ShelfTables {
            ShelfTables(version: version, products: products, rows: rows)
        }
    }

    /// The same facts at the same time give the same result.
    public static func run(_ facts: ShelfFacts, now: Timestamp) -> Result {
        let trends = ProductTrends(facts, now: now)
        let known = Set(facts.products.map(\.id))
        let baskets = facts.orders.map { $0.productIDs.filter { known.contains($0) } }.filter { $0.count > 1 }
        let pairs = CoPurchases()
        let priors = pairs.priors(baskets)
        let products = facts.products.sorted { $0.id < $1.id }.map {
            ShelfTables.Product(
                id: $0.id, popularity: trends.popularity[$0.id] ?? 0, prior: priors[$0.id] ?? 0,
                trend: trends.trend[$0.id] ?? 0, group: $0.group, price: $0.price)
        }
        return Result(
            products: products,
            rows: pairs.rows(baskets) + SimilarProducts().rows(facts, popularity: trends.popularity))
    }
}
