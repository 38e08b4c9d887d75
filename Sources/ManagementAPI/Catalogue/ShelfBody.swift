import Shelves

/// Reads and shows how shelves are filled: `shelf` of a line item and of a placement.
enum ShelfBody {
    /// nil when the member is null: no choice of its own.
    static func read(_ body: Fields) -> ShelfPlan? {
        guard let fields = body.object("shelf") else { return nil }
        let names = fields.words("algorithms", ShelfAlgorithm.allCases.map(\.name), limit: ShelfPlan.chainLimit)
        let perBrand = fields.intIfPresent("per_brand", ShelfPlan.perBrandRange) ?? 0
        return ShelfPlan(
            names.compactMap { ShelfAlgorithm(name: $0) }, perBrand: UInt8(perBrand),
            mixesPrices: fields.bool("mix_prices") ?? false)
    }

    static func render(_ json: inout JSONText, _ plan: ShelfPlan?) {
        guard let plan else { return json.member("shelf", raw: nil) }
        json.member("shelf") {
            $0.member("algorithms", plan.algorithms.map(\.name))
            $0.member("per_brand", Int(plan.perBrand))
            $0.member("mix_prices", plan.mixesPrices)
        }
    }
}
