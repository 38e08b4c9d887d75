import AdModel
import Simulator

/// A shop small enough for tests, and a server that fills every slot.
enum ToyShop {
    static let opening = Timestamp(micros: 1_790_812_800_000_000)  // 2026-10-01
    static let pageViewsPerDay = 600.0

    struct Life {
        var steps: [Step]
        var truth: Truth
    }

    static func shop(quantity: Int32) -> SimulatedShop {
        let categories = (0..<8).map { SimulatedShop.Category(code: "\($0)", name: "Полка \($0)") }
        let brands = (0..<6).map { SimulatedShop.Brand(name: "Марка \($0)") }
        let products = (0..<160).map { (number: Int32) in
            SimulatedShop.Product(sku: "s\(number)", group: number / 2, brand: number % 6, category: number / 20)
        }
        let prices = (0..<160).map { (number: Int64) in Micros.roubles(90 + number * 7 % 400) }
        return SimulatedShop(
            products: products, categories: categories, brands: brands,
            locations: [
                .init(code: "a", weight: 2, prices: prices, quantities: Array(repeating: quantity, count: 160)),
                .init(code: "b", weight: 1, prices: prices, quantities: Array(repeating: quantity, count: 160)),
            ],
            placements: [
                .home: ["home.top", "home.shelf"], .category: ["category.top"], .search: ["search.top"],
                .product: ["product.shelf"], .cart: ["cart.banner"],
            ])
    }

    /// Lives some days. `format` nil = the server has no ads.
    static func live(
        seed: UInt64, days: Int, format: String? = "product-shelf", quantity: Int32 = 1_000, lift: Double? = nil
    ) -> Life {
        var options = SimulationOptions(from: opening)
        options.seed = seed
        options.pageViewsPerDay = pageViewsPerDay
        if let lift { options.effect.viewLift = lift }
        var simulator = Simulator(shop: shop(quantity: quantity), options: options)
        var steps: [Step] = []
        var number = 0
        while let step = simulator.next(before: opening + .days(Int64(days))) {
            steps.append(step)
            guard case .page(let page) = step.action, let format else { continue }
            simulator.answer(
                page.slots.indices.map { slot in
                    number += 1
                    let first = Int32(number * 7 % 150)
                    return ServedAd(
                        token: "t\(number)", slot: slot, position: 0, format: format, campaign: Int32(number % 3 + 1),
                        lineItem: Int32(number % 6 + 1),
                        cards: format == "product-shelf" ? Array(first..<first + 4) : [],
                        promoted: [first])
                })
        }
        return Life(steps: steps, truth: simulator.truth)
    }
}
