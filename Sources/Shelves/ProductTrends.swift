import AdModel
import Foundation

/// How well products sell, and which of them sell better than they used to.
public struct ProductTrends: Sendable {
    /// A sale counts half after this long.
    public static let halfLife = Timestamp.Span.days(14)
    /// What is recent, and how far back it is compared with.
    public static let recent = Timestamp.Span.days(7)
    public static let before = Timestamp.Span.days(28)
    /// What a view counts beside an order.
    public static let viewWeight: Float = 0.05

    /// By product id, 0...1 each.
    public private(set) var popularity: [Int32: Float] = [:]
    public private(set) var trend: [Int32: Float] = [:]

    /// Popularity is that of a product and, for a tenth, of its variants: one that is new inherits some of it. The trend
    /// is by how many standard deviations the last week exceeds the four before; nothing below one.
    public init(_ facts: ShelfFacts, now: Timestamp) {
        var sold: [Int32: Float] = [:]
        var recent: [Int32: Float] = [:]
        var before: [Int32: Float] = [:]
        func count(_ baskets: [ShelfFacts.Basket], _ weight: Float) {
            for basket in baskets {
                let age = max(0, (now - basket.at).micros)
                let decayed = weight * exp2(-Float(age) / Float(Self.halfLife.micros))
                for id in basket.productIDs {
                    sold[id, default: 0] += decayed
                    if age < Self.recent.micros {
                        recent[id, default: 0] += weight
                    } else if age < Self.recent.micros + Self.before.micros {
                        before[id, default: 0] += weight
                    }
                }
            }
        }
        count(facts.orders, 1)
        count(facts.views, Self.viewWeight)

        var groups: [Int32: Float] = [:]
        for product in facts.products where product.group != 0 {
            groups[product.group, default: 0] += sold[product.id] ?? 0
        }
        let parts = Float(Self.before.micros) / Float(Self.recent.micros)
        for product in facts.products {
            let own = sold[product.id] ?? 0
            let value = product.group == 0 ? own : own * 0.9 + (groups[product.group] ?? 0) * 0.1
            if value > 0 { popularity[product.id] = value }
            let expected = (before[product.id] ?? 0) / parts
            let rise = ((recent[product.id] ?? 0) - expected) / (expected + 1).squareRoot()
            if rise >= 1 { trend[product.id] = rise }
        }
        Self.scale(&popularity)
        Self.scale(&trend)
    }

    private static func scale(_ values: inout [Int32: Float]) {
        guard let top = values.values.max(), top > 0 else { return }
        for (id, value) in values { values[id] = value / top }
    }
}
