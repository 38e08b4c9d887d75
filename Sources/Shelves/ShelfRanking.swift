/// The ranking over the whole catalogue, as a shelf without a line item's list would show it: what quality is measured
/// on. Decisions add up the same neighbours and the same prior over the products of one line item.
public struct ShelfRanking: Sendable {
    private let tables: ShelfTables
    /// By falling prior.
    private let common: [Int32]

    /// - Parameter productIDs: those that the tables know.
    public init(_ tables: ShelfTables, productIDs: [Int32]) {
        self.tables = tables
        common = productIDs.filter { tables.product($0).prior > 0 }.sorted {
            (tables.product($0).prior, -$0) > (tables.product($1).prior, -$1)
        }
    }

    /// What goes with all of `seeds`, best first, without the seeds themselves.
    public func boughtTogether(_ seeds: [Int32], limit: Int) -> [Int32] {
        var scores: [Int32: Float] = [:]
        for seed in seeds {
            for place in tables.range(.boughtTogether, of: seed) {
                let neighbour = tables.neighbour(.boughtTogether, place)
                scores[neighbour.productID, default: 0] += neighbour.score
            }
        }
        for id in scores.keys { scores[id, default: 0] += tables.product(id).prior }
        // Whatever is no neighbour ranks by its prior alone, so that the first of those are enough.
        for id in common.prefix(limit + seeds.count) where scores[id] == nil { scores[id] = tables.product(id).prior }
        for seed in seeds { scores[seed] = nil }
        return scores.sorted { ($0.value, -$0.key) > ($1.value, -$1.key) }.prefix(limit).map(\.key)
    }
}
