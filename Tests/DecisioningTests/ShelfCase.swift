import AdModel
import Decisioning
import Shelves

/// What a case says of shelves: what is known of products, by SKU.
struct ShelfCase: Decodable {
    var popularity: [String: Float]?
    var trend: [String: Float]?
    var prior: [String: Float]?
    /// Lists of variants of one product.
    var variants: [[String]]?
    /// By SKU, the best neighbour first.
    var bought_together: [String: [String]]?
    var similar: [String: [String]]?
    var upsell: [String: [String]]?

    struct Plan: Decodable {
        var algorithms: [String]
        var per_brand: UInt8?
        var mix_prices: Bool?

        var plan: ShelfPlan {
            ShelfPlan(
                algorithms.compactMap { ShelfAlgorithm(name: $0) }, perBrand: per_brand ?? 0,
                mixesPrices: mix_prices ?? false)
        }
    }

    var tables: ShelfTables {
        let products = CaseFile.products.map(\.sku).map { sku in
            let group = (variants ?? []).firstIndex { $0.contains(sku) }.map { Int32($0 + 1) } ?? 0
            return ShelfTables.Product(
                id: CaseFile.product(sku), popularity: popularity?[sku] ?? 0, prior: prior?[sku] ?? 0,
                trend: trend?[sku] ?? 0, group: group, price: 100_000_000)
        }
        func rows(_ kind: ShelfTables.Kind, _ lists: [String: [String]]?) -> [ShelfTables.Row] {
            (lists ?? [:]).map { sku, neighbours in
                ShelfTables.Row(
                    kind: kind, productID: CaseFile.product(sku),
                    neighbours: neighbours.enumerated().map {
                        .init(productID: CaseFile.product($1), score: 1 / Float($0 + 1))
                    })
            }
        }
        return ShelfTables(
            version: 1, products: products,
            rows: rows(.boughtTogether, bought_together) + rows(.similar, similar) + rows(.upsell, upsell))
    }
}
