import AdModel
import Postgres
import Store
import TestKit
import Testing

@Suite("Stock deltas", .database)
struct StockTests {
    static let now = Timestamp(micros: 1_790_000_000_000_000)

    /// Locations msk and spb, products p0 ... p<count-1>.
    static func prepare(products: Int) async throws -> StockStore {
        try await TestDatabase.current.pool.withConnection { db in
            try db.script("insert into stock_location (code, name) values ('msk', 'm'), ('spb', 's')")
            try db.query(
                "insert into product (sku, name) select 'p' || i, 'x' from generate_series(0, $1 - 1) i",
                [.int(products)])
        }
        return StockStore(pool: TestDatabase.current.pool)
    }

    static func stored(_ location: String = "msk") async throws -> [String: [Int64]] {
        try await TestDatabase.current.pool.withConnection { db in
            var result: [String: [Int64]] = [:]
            for row in try db.query(
                """
                select p.sku, s.quantity, s.price_micros, coalesce(s.old_price_micros, -1) as old, s.version
                from stock s join product p on p.id = s.product_id join stock_location l on l.id = s.location_id
                where l.code = $1
                """, [.text(location)])
            {
                result[try row.string("sku")] = [
                    try row.int64("quantity"), try row.int64("price_micros"), try row.int64("old"),
                    try row.int64("version"),
                ]
            }
            return result
        }
    }

    static func stockVersion() async throws -> Int64 {
        try await TestDatabase.current.pool.withConnection { db in
            try db.query("select version from control_version where stream = 'stock'").single().int64("version")
        }
    }

    @Test func onlyAHigherVersionIsTaken() async throws {
        let store = try await Self.prepare(products: 2)
        let first = try await store.applyDeltas(
            [
                StockDelta(sku: "p0", quantity: 5, priceMicros: 100, oldPriceMicros: 150, version: 7),
                StockDelta(sku: "nobody", quantity: 1, priceMicros: 1, version: 1),
            ], location: "msk", asOf: Self.now)
        #expect(first == StockResult(outcomes: [.applied, .unknownSKU], changeNumber: 1))
        let second = try await store.applyDeltas(
            [
                StockDelta(sku: "p0", quantity: 9, priceMicros: 1, version: 7),
                StockDelta(sku: "p0", quantity: 8, priceMicros: 1, version: 6),
            ], location: "msk", asOf: Self.now)
        // The higher of the two stands for the SKU; it is not higher than what is stored.
        #expect(second == StockResult(outcomes: [.stale, .superseded], changeNumber: nil))
        #expect(try await Self.stored() == ["p0": [5, 100, 150, 7]])
        #expect(try await Self.stored("spb").isEmpty)
        #expect(try await Self.stockVersion() == 1)
    }

    @Test func aBadItemRefusesTheWholeBatch() async throws {
        let store = try await Self.prepare(products: 1)
        let good = StockDelta(sku: "p0", quantity: 1, priceMicros: 1, version: 1)
        var bad: [(StockDelta, String)] = [
            (StockDelta(sku: "", quantity: 1, priceMicros: 1, version: 1), "sku"),
            (StockDelta(sku: String(repeating: "x", count: 129), quantity: 1, priceMicros: 1, version: 1), "sku"),
            (StockDelta(sku: "p0", quantity: -1, priceMicros: 1, version: 1), "quantity"),
            (StockDelta(sku: "p0", quantity: 1, priceMicros: -1, version: 1), "price_micros"),
            (StockDelta(sku: "p0", quantity: 1, priceMicros: .max, version: 1), "price_micros"),
            (StockDelta(sku: "p0", quantity: 1, priceMicros: 1, oldPriceMicros: -5, version: 1), "old_price_micros"),
        ]
        bad.append((StockDelta(sku: "p0", quantity: 1, priceMicros: 1, version: 0), "version"))
        for (delta, field) in bad {
            let error = await #expect(throws: StockError.self) {
                try await store.applyDeltas([good, delta], location: "msk", asOf: Self.now)
            }
            #expect(error?.description.hasPrefix("items[1].\(field) ") == true)
        }
        await #expect(throws: StockError.unknownLocation("ekb")) {
            try await store.applyDeltas([good], location: "ekb", asOf: Self.now)
        }
        let many = [StockDelta](repeating: good, count: Limits.stockBatch + 1)
        await #expect(throws: StockError.tooMany(many.count)) {
            try await store.applyDeltas(many, location: "msk", asOf: Self.now)
        }
        #expect(try await Self.stored().isEmpty)
        #expect(try await Self.stockVersion() == 0)
    }

    /// The rule in its plainest form: a dictionary, one delta after the other.
    struct Model {
        var rows: [String: StockDelta] = [:]
        let products: Int

        mutating func apply(_ deltas: [StockDelta]) -> [StockOutcome] {
            var outcomes: [StockOutcome] = []
            for (index, delta) in deltas.enumerated() {
                let number = Int(delta.sku.dropFirst()) ?? .max
                let beaten = deltas.enumerated().contains { other, rival in
                    rival.sku == delta.sku && other != index
                        && (rival.version > delta.version || (rival.version == delta.version && other > index))
                }
                if beaten {
                    outcomes.append(.superseded)
                } else if number >= products {
                    outcomes.append(.unknownSKU)
                } else if let old = rows[delta.sku], old.version >= delta.version {
                    outcomes.append(.stale)
                } else {
                    rows[delta.sku] = delta
                    outcomes.append(.applied)
                }
            }
            return outcomes
        }
    }

    static func randomBatch(_ generator: inout SplitMix64, skus: Int, size: Int) -> [StockDelta] {
        (0..<size).map { _ in
            StockDelta(
                sku: "p\(generator.next() % UInt64(skus))", quantity: Int32(generator.next() % 4),
                priceMicros: Int64(generator.next() % 1_000),
                oldPriceMicros: generator.next() % 3 == 0 ? Int64(generator.next() % 1_000) : nil,
                version: Int64(generator.next() % 20) + 1)
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func batchesAgreeWithASimpleModel(_ seed: UInt64) async throws {
        let store = try await Self.prepare(products: 12)
        var generator = SplitMix64(seed: seed)
        var model = Model(products: 12)
        var changes: Int64 = 0
        for round in 0..<60 {
            let batch = Self.randomBatch(&generator, skus: 15, size: Int(generator.next() % 10))
            let result = try await store.applyDeltas(batch, location: "msk", asOf: Self.now)
            let expected = model.apply(batch)
            #expect(result.outcomes == expected, "seed \(seed), round \(round)")
            if expected.contains(.applied) { changes += 1 }
            #expect(result.changeNumber == (expected.contains(.applied) ? changes : nil))
        }
        let wanted = model.rows.mapValues {
            [Int64($0.quantity), $0.priceMicros, $0.oldPriceMicros ?? -1, $0.version]
        }
        #expect(try await Self.stored() == wanted, "seed \(seed)")
        #expect(try await Self.stockVersion() == changes)
    }

    @Test func concurrentWritersLeaveTheHighestVersionOfEachRow() async throws {
        let store = try await Self.prepare(products: 20)
        let batches = (0..<8).map { writer -> [[StockDelta]] in
            var generator = SplitMix64(seed: 100 + UInt64(writer))
            // Every writer has versions of its own, so the winner of each row is known.
            return (0..<12).map { _ in
                Self.randomBatch(&generator, skus: 20, size: 15).map { delta in
                    var unique = delta
                    unique.version = delta.version * 8 + Int64(writer)
                    unique.quantity = Int32(unique.version)
                    return unique
                }
            }
        }
        let applied = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for writer in batches {
                group.addTask {
                    var numbers: [Int64] = []
                    for batch in writer {
                        let result = try await store.applyDeltas(batch, location: "msk", asOf: Self.now)
                        if let number = result.changeNumber { numbers.append(number) }
                    }
                    return numbers
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let highest = Dictionary(batches.joined().joined().map { ($0.sku, $0.version) }, uniquingKeysWith: max)
        let stored = try await Self.stored()
        #expect(stored.mapValues { $0[3] } == highest)
        #expect(stored.allSatisfy { $0.value[0] == $0.value[3] })
        // Numbers are handed out without gap or repetition.
        #expect(applied.sorted() == Array(1...Int64(applied.count)))
        #expect(try await Self.stockVersion() == Int64(applied.count))
    }

    @Test func aFullBatchIsOneStatement() async throws {
        let store = try await Self.prepare(products: Limits.stockBatch)
        let batch = (0..<Limits.stockBatch).map { StockDelta(sku: "p\($0)", quantity: 1, priceMicros: 5, version: 1) }
        let result = try await store.applyDeltas(batch, location: "spb", asOf: Self.now)
        #expect(result.count(.applied) == Limits.stockBatch)
        #expect(try await Self.stored("spb").count == Limits.stockBatch)
    }
}
