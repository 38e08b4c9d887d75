import AdModel
import Shelves
import Testing

@Suite struct ShelfComputationTests {
    let now = Timestamp(micros: 1_764_000_000_000_000)

    private func orders(_ baskets: [[Int32]], daysAgo: Int64 = 3) -> [ShelfFacts.Basket] {
        baskets.map { ShelfFacts.Basket(at: now - .days(daysAgo), productIDs: $0) }
    }

    private func neighbours(_ rows: [ShelfTables.Row], _ kind: ShelfTables.Kind, of id: Int32) -> [Int32] {
        rows.first { $0.kind == kind && $0.productID == id }?.neighbours.map(\.productID) ?? []
    }

    @Test("What shares baskets goes together, what merely sells does not come first")
    func pairs() {
        // 9 is in every second basket, with everybody; 2 and 3 with 1 alone.
        let with1: [[Int32]] = Array(repeating: [1, 2], count: 10) + Array(repeating: [1, 3, 9], count: 5)
        let others: [[Int32]] = (20..<60).map { [$0, 9] }
        let rows = CoPurchases().rows(with1 + others)
        #expect(neighbours(rows, .boughtTogether, of: 1) == [2, 3, 9])
        #expect(neighbours(rows, .boughtTogether, of: 2) == [1])
        #expect(rows.map(\.productID) == rows.map(\.productID).sorted())
    }

    @Test("A pair in a small basket says more than one in a large one")
    func smallBaskets() {
        let large = [1, 5] + Array(Int32(100)..<140)
        let rows = CoPurchases().rows([[1, 4], large, [4, 7], [5, 8]])
        let found = rows.first { $0.productID == 1 }?.neighbours.map(\.productID) ?? []
        #expect(found.first == 4)
        #expect(found.count == CoPurchases().neighbours || found.count == 42)
    }

    @Test("The same facts give the same tables, in whatever order sets are walked")
    func deterministic() {
        var facts = ShelfFacts()
        facts.products = (1...60).map {
            ShelfFacts.Product(id: $0, categoryID: 1 + $0 % 4, price: Int64($0) * 10_000_000, words: [UInt32($0 % 7)])
        }
        var random = SplitMix(state: 11)
        facts.orders = (0..<300).map { _ in
            ShelfFacts.Basket(
                at: now - .hours(Int64(random.below(900))),
                productIDs: Array(Set((0..<4).map { _ in Int32(1 + random.below(60)) })).sorted())
        }.sorted { $0.at < $1.at }
        facts.views = facts.orders
        let first = ShelfComputation.run(facts, now: now)
        let second = ShelfComputation.run(facts, now: now)
        #expect(first.rows == second.rows && first.products == second.products)
        for row in first.rows {
            #expect(row.neighbours.allSatisfy { $0.score > 0 && $0.productID != row.productID })
            #expect(row.neighbours.map(\.score) == row.neighbours.map(\.score).sorted(by: >))
        }
        for product in first.products {
            #expect((0...1).contains(product.popularity) && (0...1).contains(product.trend))
        }
    }

    @Test("Popularity fades, and a trend is what sells more than it used to")
    func trends() {
        var facts = ShelfFacts()
        facts.products = [1, 2, 3, 4].map { ShelfFacts.Product(id: $0, group: $0 >= 3 ? 7 : 0) }
        // 1 sold well six weeks ago, 2 sells as ever, 3 has just begun.
        facts.orders =
            orders(Array(repeating: [1], count: 40), daysAgo: 42)
            + orders(Array(repeating: [2], count: 28), daysAgo: 20) + orders(Array(repeating: [2], count: 7))
            + orders(Array(repeating: [3], count: 12))
        let trends = ProductTrends(facts, now: now)
        #expect(trends.popularity[2] == 1)
        #expect(trends.popularity[1] ?? 0 < trends.popularity[3] ?? 0)
        #expect(trends.trend == [3: 1])
        // A new variant inherits a part of what its siblings are.
        #expect(trends.popularity[4] ?? 0 > 0)
        #expect(trends.popularity[4] ?? 0 < 0.2)
    }

    @Test("Similar is of one category and like in name and price; an upsell is dearer; variants are neither")
    func similar() {
        let words = ShelfFacts.words(of:)
        var facts = ShelfFacts()
        facts.products = [
            .init(id: 1, group: 1, categoryID: 5, parentCategoryID: 4, price: 100, words: words("Кофе молотый мягкий")),
            .init(id: 2, group: 1, categoryID: 5, parentCategoryID: 4, price: 100, words: words("Кофе молотый мягкий")),
            .init(id: 3, categoryID: 5, parentCategoryID: 4, price: 110, words: words("Кофе молотого помола")),
            .init(id: 4, categoryID: 5, parentCategoryID: 4, price: 900, words: words("Чашка")),
            .init(id: 5, categoryID: 6, parentCategoryID: 4, price: 100, words: words("Чай")),
            .init(id: 6, categoryID: 9, parentCategoryID: 8, price: 100, words: words("Кофе молотый")),
        ]
        let rows = SimilarProducts().rows(facts, popularity: [:])
        #expect(neighbours(rows, .similar, of: 1) == [3, 4, 5])
        #expect(neighbours(rows, .upsell, of: 1) == [3])
        #expect(neighbours(rows, .similar, of: 6) == [])
        #expect(words("Молоко ЁЛКА 3,2%") == words("молока елка"))
    }

    @Test("Tables find what they were given, and nothing for what they do not know")
    func tables() {
        let tables = ShelfTables(
            version: 3, products: [.init(id: 7, popularity: 1, group: 2), .init(id: 9, group: 2), .init(id: 4)],
            rows: [
                .init(kind: .similar, productID: 7, neighbours: [.init(productID: 4, score: 2)]),
                .init(kind: .similar, productID: 99, neighbours: [.init(productID: 4, score: 2)]),
            ])
        #expect(tables.product(7).popularity == 1)
        #expect(tables.range(.similar, of: 7).map { tables.neighbour(.similar, $0).productID } == [4])
        #expect(tables.variants(of: 9).map { tables.variant($0) } == [7, 9])
        for id in [0, -5, 4, 5, 99, .max] as [Int32] {
            #expect(tables.variants(of: id).isEmpty && tables.range(.similar, of: id).isEmpty)
        }
        #expect(tables.product(.max).popularity == 0)
    }

    @Test("A plan keeps its chain, once each")
    func plans() {
        let all = ShelfAlgorithm.allCases
        #expect(ShelfPlan(all + all).algorithms == all)
        #expect(ShelfPlan([.similar, .similar, .personal]).algorithms == [.similar, .personal])
        #expect(ShelfPlan.listed.isListed && ShelfPlan.listed.algorithms.isEmpty)
        for algorithm in all { #expect(ShelfAlgorithm(name: algorithm.name) == algorithm) }
    }
}

struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ n: Int) -> Int { Int(next() % UInt64(n)) }
}
