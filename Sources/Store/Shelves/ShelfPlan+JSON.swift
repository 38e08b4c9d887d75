import Foundation
import Shelves

/// How `line_item.shelf` and `placement.shelf` keep a plan.
extension ShelfPlan {
    /// Canonical JSON, all members in a fixed order.
    public var json: String {
        let names = algorithms.map { "\"\($0.name)\"" }.joined(separator: ",")
        return "{\"algorithms\":[\(names)],\"per_brand\":\(perBrand),"
            + "\"mix_prices\":\(mixesPrices)}"
    }

    private struct Stored: Decodable {
        var algorithms: [String]
        var per_brand: UInt8
        var mix_prices: Bool
    }

    /// Of what `json` wrote. Algorithms that this version does not know are left out; nil for anything else.
    public init?(json: String) {
        guard let stored = try? JSONDecoder().decode(Stored.self, from: Data(json.utf8)) else { return nil }
        self.init(
            stored.algorithms.compactMap { ShelfAlgorithm(name: $0) }, perBrand: stored.per_brand,
            mixesPrices: stored.mix_prices)
    }
}
