import DemoShop
import Testing

/// SplitMix64: the same numbers from the same seed.
private struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite("Cart and catalogue") struct CartTests {
    @Test("A cart's cookie gives back the cart, whatever the SKUs are made of")
    func cookie() {
        for seed in UInt64(0)..<300 {
            var numbers = Numbers(state: seed)
            let letters = Array("aZ09-._*!%;=, \"'\\кофе☕️")
            var cart = Cart()
            for _ in 0..<Int.random(in: 0...8, using: &numbers) {
                let sku = String(
                    (0..<Int.random(in: 1...12, using: &numbers)).map { _ in
                        letters.randomElement(using: &numbers) ?? "a"
                    })
                cart.add(sku, units: Int.random(in: 1...120, using: &numbers))
            }
            #expect(Cart(text: cart.text) == cart, "seed \(seed)")
            #expect(
                cart.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3B && $0 != 0x2C && $0 != 0x22 },
                "seed \(seed)")
        }
    }

    @Test(
        "A broken cookie is a smaller cart, never a wrong one",
        arguments: [
            ("", 0), ("c-1", 0), ("c-1*0", 0), ("c-1*-1", 0), ("c-1*100", 0), ("*1", 0), ("%4*1", 0), ("%FF*1", 0),
            ("c-1*1!c-1*1", 1), ("x*y!c-1*2", 2), ("c-1*9999999999999999999999", 0),
        ])
    func broken(text: String, units: Int) { #expect(Cart(text: text).units == units) }

    @Test("The sum is exact to the micro-rouble, and the net amount within half of one")
    func arithmetic() {
        for seed in UInt64(0)..<300 {
            var numbers = Numbers(state: seed)
            var products: [ShopProduct] = []
            var cart = Cart()
            var expected: Int64 = 0
            for index in 0..<5 {
                let price = Int64.random(in: 0...900_000_000_000, using: &numbers)
                let units = Int.random(in: 1...99, using: &numbers)
                products.append(
                    ShopProduct(
                        sku: "s\(index)", name: "n",
                        offers: ["msk": ShopOffer(priceMicros: price, isBuyable: index != 4)]))
                cart.set("s\(index)", units: units)
                if index != 4 { expected += price * Int64(units) }
            }
            let catalogue = Self.catalogue(products)
            let (lines, missing) = cart.priced(catalogue, location: "msk")
            let order = ShopOrder(id: "P", lines: lines)
            #expect(order.totalMicros == expected && missing.map(\.sku) == ["s4"], "seed \(seed)")
            for line in order.lines {
                #expect(abs(line.netMicros * 122 - line.grossMicros * 100) <= 61, "seed \(seed)")
            }
        }
    }

    @Test(
        "Prices are written as shoppers read them",
        arguments: [
            (Int64(0), "0\u{A0}₽"), (449_000_000, "449\u{A0}₽"), (1_290_500_000, "1\u{202F}290,50\u{A0}₽"),
            (1_234_567_050_000, "1\u{202F}234\u{202F}567,05\u{A0}₽"), (9_999_999, "10\u{A0}₽"),
        ])
    func prices(micros: Int64, text: String) { #expect(PriceText.roubles(micros) == text) }

    @Test(
        "Russian counts",
        arguments: [(1, "1\u{A0}товар"), (22, "22\u{A0}товара"), (11, "11\u{A0}товаров"), (105, "105\u{A0}товаров")])
    func counts(number: Int, text: String) { #expect(PriceText.count(number, "товар", "товара", "товаров") == text) }

    @Test("A category lists its whole subtree, what can be bought first, in the asked order")
    func lists() {
        let catalogue = Self.catalogue([
            ShopProduct(
                sku: "a", name: "a", categories: ["coffee"], offers: ["msk": ShopOffer(priceMicros: 3, isBuyable: true)]
            ),
            ShopProduct(
                sku: "b", name: "b", categories: ["coffee"],
                offers: ["msk": ShopOffer(priceMicros: 1, isBuyable: false)]),
            ShopProduct(
                sku: "c", name: "c", categories: ["drinks"],
                offers: ["msk": ShopOffer(priceMicros: 2, oldPriceMicros: 4, isBuyable: true)]),
            ShopProduct(
                sku: "d", name: "d", categories: ["drinks"], offers: ["spb": ShopOffer(priceMicros: 2, isBuyable: true)]
            ),
        ])
        #expect(catalogue.list(in: "food", location: "msk", order: .cheap).map(\.sku) == ["c", "a", "b"])
        #expect(catalogue.list(in: "coffee", location: "msk", order: .dear).map(\.sku) == ["a", "b"])
        #expect(catalogue.list(location: "msk", order: .discount).first?.sku == "c")
        #expect(catalogue.path(to: "coffee").map(\.code) == ["drinks", "coffee"])
        #expect(catalogue.top.map(\.code) == ["drinks"])
    }

    @Test("A shelf holds one variant of a product and does not let one brand fill it")
    func diversity() {
        let products = (0..<20).map { index in
            ShopProduct(
                sku: "s\(index)", group: "g\(index / 2)", name: "n", brand: index < 16 ? "one" : "two",
                categories: ["coffee"], offers: ["msk": ShopOffer(priceMicros: 1, isBuyable: true)])
        }
        let chosen = Self.catalogue(products).diverse(products, limit: 6)
        #expect(Set(chosen.compactMap(\.group)).count == chosen.count)
        #expect(chosen.filter { $0.brand == "one" }.count == 2)
    }

    private static func catalogue(_ products: [ShopProduct]) -> ShopCatalogue {
        ShopCatalogue(
            locations: [.init(code: "msk", name: "Москва"), .init(code: "spb", name: "Петербург")], placements: [],
            categories: [
                ShopCategory(code: "food", name: "Еда"), ShopCategory(code: "drinks", name: "Напитки", parent: "food"),
                ShopCategory(code: "coffee", name: "Кофе", parent: "drinks"),
            ], products: products)
    }
}
