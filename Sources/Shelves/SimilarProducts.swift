import Foundation

/// What is like a product: of its category, of a name and a price alike, looked at by the same shoppers. And what is
/// like it but dearer.
public struct SimilarProducts: Sendable {
    /// Best sellers of a category that a product is compared with.
    public static let categoryCandidates = 200
    /// How much dearer an upsell may be.
    public static let upsellRange: ClosedRange<Float> = 1.05...2.5
    /// Neighbours kept per product.
    public var similar = 24
    public var upsells = 16

    public init() {}

    /// Rows of the kinds `similar` and `upsell`, in order of product ids.
    public func rows(_ facts: ShelfFacts, popularity: [Int32: Float]) -> [ShelfTables.Row] {
        let places = Dictionary(
            facts.products.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        let ordered = facts.products.indices.sorted {
            let (a, b) = (facts.products[$0], facts.products[$1])
            return (popularity[a.id] ?? 0, -a.id) > (popularity[b.id] ?? 0, -b.id)
        }
        var own: [Int32: [Int]] = [:]
        var parents: [Int32: [Int]] = [:]
        for place in ordered {
            let product = facts.products[place]
            Self.add(place, to: product.categoryID, &own)
            Self.add(place, to: product.parentCategoryID, &parents)
        }
        let seen = Self.viewedTogether(facts.views, places)
        var rows: [ShelfTables.Row] = []
        for place in facts.products.indices.sorted(by: { facts.products[$0].id < facts.products[$1].id }) {
            let product = facts.products[place]
            var candidates: [Int: Float] = seen[place] ?? [:]
            for other in own[product.categoryID] ?? [] { candidates[other, default: 0] += 0 }
            // A category of its own says little: its neighbours have to do.
            if candidates.count <= similar {
                for other in parents[product.parentCategoryID] ?? [] { candidates[other, default: 0] += 0 }
            }
            var found: [ShelfTables.Neighbour] = []
            var dearer: [ShelfTables.Neighbour] = []
            for (other, shared) in candidates where other != place {
                let candidate = facts.products[other]
                if product.group != 0, product.group == candidate.group { continue }
                let likeness = Self.likeness(product, candidate) + shared
                let score = likeness * (0.8 + 0.2 * (popularity[candidate.id] ?? 0))
                guard score > 0 else { continue }
                found.append(ShelfTables.Neighbour(productID: candidate.id, score: score))
                if product.price > 0, candidate.categoryID == product.categoryID,
                    Self.upsellRange.contains(Float(candidate.price) / Float(product.price))
                {
                    dearer.append(ShelfTables.Neighbour(productID: candidate.id, score: score))
                }
            }
            Self.append(.similar, product.id, found, similar, &rows)
            Self.append(.upsell, product.id, dearer, upsells, &rows)
        }
        return rows
    }

    private static func add(_ place: Int, to category: Int32, _ lists: inout [Int32: [Int]]) {
        guard category != 0, lists[category]?.count ?? 0 < categoryCandidates else { return }
        lists[category, default: []].append(place)
    }

    private static func append(
        _ kind: ShelfTables.Kind, _ id: Int32, _ found: [ShelfTables.Neighbour], _ limit: Int,
        _ rows: inout [ShelfTables.Row]
    ) {
        if found.isEmpty { return }
        let best = found.sorted { ($0.score, -$0.productID) > ($1.score, -$1.productID) }
        rows.append(ShelfTables.Row(kind: kind, productID: id, neighbours: Array(best.prefix(limit))))
    }

    /// Category 1, name up to 0.8, price up to 0.6, brand 0.2.
    private static func likeness(_ a: ShelfFacts.Product, _ b: ShelfFacts.Product) -> Float {
        var sum: Float = a.categoryID != 0 && a.categoryID == b.categoryID ? 1 : 0
        let common = a.words.intersection(b.words).count
        if common > 0 { sum += 0.8 * Float(common) / Float(a.words.count + b.words.count - common) }
        if a.price > 0, b.price > 0 {
            // Nothing is left at four times the price.
            sum += 0.6 * max(0, 1 - abs(log2(Float(a.price) / Float(b.price))) / 2)
        }
        if a.brandID != 0, a.brandID == b.brandID { sum += 0.2 }
        return sum
    }

    /// Up to 1.5 for products that the same shoppers looked at, by a cosine that few views cannot fake.
    private static func viewedTogether(
        _ views: [ShelfFacts.Basket], _ places: [Int32: Int]
    ) -> [Int: [Int: Float]] {
        var pairs = CoPurchases()
        pairs.discount = 0.5
        pairs.shrinkage = 5
        pairs.neighbours = 32
        var found: [Int: [Int: Float]] = [:]
        for row in pairs.rows(views.map(\.productIDs)) {
            guard let place = places[row.productID], let top = row.neighbours.first?.score else { continue }
            for neighbour in row.neighbours {
                guard let other = places[neighbour.productID] else { continue }
                found[place, default: [:]][other] = 1.5 * neighbour.score / (top + 0.05)
            }
        }
        return found
    }
}
