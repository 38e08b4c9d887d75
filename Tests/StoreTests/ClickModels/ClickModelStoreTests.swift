import AdFormats
import AdModel
import ClickModel
import Decisioning
import Measurement
import Postgres
import Store
import TestKit
import Testing

/// Click models trained from the ledger, their versions, and which of them serves.
@Suite("Click models in the database", .database) struct ClickModelStoreTests {
    private static let now = ServingWorld.now
    private static let from = now - .days(3)
    private static let until = now - .days(1)

    /// Decisions of one ad each, a minute apart; some were seen, some of these clicked.
    private static func write(_ count: Int, startingAt start: Timestamp, _ db: isolated PostgresConnection) throws {
        for day in 0..<5 {
            for table in ["decision", "ad_event"] {
                try db.query(
                    "select ensure_day_partition($1, date '2026-11-18' + $2::int)", [.text(table), .int4(Int32(day))])
            }
        }
        for number in 0..<count {
            let at = start + .minutes(Int64(number))
            let id = DecisionID(issuedAt: at, low: UInt64(number))
            let parts = ClickParts(
                probability: 0.01, category: UInt8(number % 3), brand: 0, price: 4, draw: 0)
            let record = DecisionRecord(
                id: id, storefrontID: 1, pageType: .home, visitorID: nil, locationID: 1,
                device: number % 2 == 0 ? .mobile : .desktop, snapshotVersion: 1, stockVersion: 1,
                slots: [
                    .init(
                        placementID: 1, noFill: 0,
                        ads: [
                            .init(
                                lineItemID: 1, creativeVersionID: 1, priceMicros: 5, score: 1, productIDs: [],
                                parts: parts.raw)
                        ], losers: [])
                ],
                // A record of an older version keeps no features.
                prediction: number % 10 == 9 ? nil : .init(hour: UInt8(number % 24), isKnown: true))
            var bytes: [UInt8] = []
            LogRecordCodec.encode(.decision(record), into: &bytes)
            try db.query(
                """
                insert into decision values (($1::timestamptz at time zone 'UTC')::date, $2, 1, $1, null, 'home', $3)
                """,
                [
                    .timestamptz(micros: at.micros), .uuid(high: UInt64(bitPattern: id.issuedAt.micros), low: id.low),
                    .bytea(bytes),
                ])
            if number % 4 == 3 { continue }
            try event(id, .impression, invalid: number % 20 == 6 ? "rate" : nil, db)
            if number % 5 == 0 { try event(id, .click, invalid: nil, db) }
            // The same ad is clicked through two cards: one click.
            if number % 10 == 0 { try event(id, .click, card: 1, invalid: nil, db) }
        }
    }

    private static func event(
        _ id: DecisionID, _ kind: AdEventKind, card: Int16 = -1, invalid: String?, _ db: isolated PostgresConnection
    ) throws {
        let at = PostgresValue.timestamptz(micros: id.issuedAt.micros)
        try db.query(
            """
            insert into ad_event (decision_day, decision_id, ad, kind, card, storefront_id, placement_id, advertiser_id,
                campaign_id, line_item_id, creative_version_id, event_time, received_at, node_id, invalid_reason)
            values (($1::timestamptz at time zone 'UTC')::date, $2, 0, $3, $4, 1, 1, 1, 1, 1, 1, $1, $1, 1, $5)
            """,
            [
                at, .uuid(high: UInt64(bitPattern: id.issuedAt.micros), low: id.low), .int2(Int16(kind.rawValue)),
                .int2(card),
                .text(orNull: invalid),
            ])
    }

    private func world() async throws -> PostgresPool {
        let pool = try await ServingWorld.make()
        try await pool.withConnection { try Self.write(400, startingAt: Self.from + .minutes(10), $0) }
        return pool
    }

    private func train(_ pool: PostgresPool) async throws -> ClickModelRecord {
        try await pool.transaction {
            try ClickModels.train(from: Self.from, until: Self.until, by: "test", now: Self.now, on: $0)
        }
    }

    private func activate(_ version: Int32?, _ pool: PostgresPool) async throws {
        try await pool.transaction {
            try ClickModels.activate(version, by: "test", reason: "test", now: Self.now, on: $0)
        }
    }

    private func serving(_ pool: PostgresPool) async throws -> Int32? {
        try await pool.withConnection { try ClickModels.activeWeights(on: $0)?.version }
    }

    @Test("Learns from valid impressions whose decisions kept their features, each clicked or not, once")
    func examples() async throws {
        let pool = try await world()
        let record = try await train(pool)
        let counted = (0..<400).filter { $0 % 4 != 3 && $0 % 20 != 6 && $0 % 10 != 9 }
        #expect(record.examples == Int64(counted.count))
        #expect(record.clicks == Int64(counted.count { $0 % 5 == 0 }))
        #expect(record.doubt?.contains("fewer than") == true)
        let weights = try await pool.withConnection { try ClickModels.weights(record.version, on: $0) }
        #expect(weights.entry(.creative, 1).evidence > 0)
        #expect(weights.entry(.format, UInt64(ClickFeature.hash("banner"))).evidence > 0)
        #expect(weights.entry(.category, 2).evidence > 0 && weights.entry(.category, 3).evidence == 0)
    }

    @Test("The same days give the same bytes; other days give others; no days give a refusal")
    func reproducible() async throws {
        let pool = try await world()
        let first = try await train(pool)
        let second = try await train(pool)
        #expect(first.digest == second.digest && first.version + 1 == second.version)
        let other = try await pool.transaction {
            try ClickModels.train(
                from: Self.from, until: Self.from + .hours(4), by: "test", now: Self.now, on: $0)
        }
        #expect(other.digest != first.digest && other.examples < first.examples)
        await #expect(throws: Store.Refusal.self) {
            try await pool.transaction {
                try ClickModels.train(
                    from: Self.from - .days(9), until: Self.from - .days(8), by: "test", now: Self.now, on: $0)
            }
        }
    }

    @Test("A version serves from its activation on; rolling back goes back one by one, to no model at last")
    func versions() async throws {
        let pool = try await world()
        let first = try await train(pool).version
        let second = try await train(pool).version
        #expect(try await serving(pool) == nil)
        try await activate(first, pool)
        try await activate(second, pool)
        #expect(try await serving(pool) == second)
        await #expect(throws: Store.Refusal.self) { try await activate(second, pool) }
        await #expect(throws: Store.Refusal.self) { try await activate(99, pool) }
        let listed = try await pool.withConnection { try ClickModels.list(on: $0) }
        #expect(listed.map(\.version) == [second, first] && listed.map(\.isActive) == [true, false])
        func rollBack() async throws -> Int32? {
            try await pool.transaction { try ClickModels.rollBack(by: "test", now: Self.now, on: $0) }
        }
        #expect(try await rollBack() == first)
        #expect(try await serving(pool) == first)
        #expect(try await rollBack() == nil)
        #expect(try await serving(pool) == nil)
        await #expect(throws: Store.Refusal.self) { try await rollBack() }
    }

    @Test("Serving takes the model that was put into service as a change of control data, and back")
    func reachesServing() async throws {
        let pool = try await world()
        let loader = try SnapshotLoader(
            pool: pool, formats: AdFormatSet(folders: [:]), mediaBaseURL: "https://media.example")
        var data = try await loader.load(now: Self.now)
        #expect(data.input.clickWeights == nil)
        let version = try await train(pool).version
        try await activate(version, pool)
        let found = try await loader.changes(since: data, now: Self.now)
        let changes = try #require(found)
        #expect(changes.version > data.input.version)
        // Another model takes another index.
        #expect(data.apply(changes) == nil)
        #expect(data.input.clickWeights?.version == version)
        let loaded = try await loader.load(now: Self.now)
        #expect(loaded.input.clickWeights == data.input.clickWeights)
        try await activate(nil, pool)
        let next = try await loader.changes(since: data, now: Self.now)
        let back = try #require(next)
        #expect(data.apply(back) == nil && data.input.clickWeights == nil)
    }

    @Test("The worker trains once a day, and leaves what is doubtful out of service")
    func daily() async throws {
        let pool = try await world()
        func run(_ now: Timestamp) async throws -> ClickModelRecord? {
            try await pool.transaction { try ClickModels.trainWhenDue(now: now, on: $0) }
        }
        let made = try await run(Self.now)
        let record = try #require(made)
        #expect(record.trainedBy == "worker" && !record.isActive && record.until == Self.now - .days(1))
        #expect(try await run(Self.now + .hours(23)) == nil)
        #expect(try await run(Self.now + .hours(24)) != nil)
    }

    @Test("What a product costs and keeps reaches serving as its price level and margin")
    func margins() async throws {
        let pool = try await ServingWorld.make()
        try await pool.withConnection {
            try $0.script(
                """
                update product set purchase_price_micros = 675000000 where sku = 'p1';
                update placement set margin_weight_percent = 40 where code = 'home.top';
                """)
        }
        let data = try await SnapshotLoader(
            pool: pool, formats: AdFormatSet(folders: [:]), mediaBaseURL: ""
        ).load(now: Self.now)
        let product = try #require(data.input.products.first { $0.sku == "p1" })
        #expect(product.price == .roubles(900) && product.margin == 0.25)
        #expect(data.input.products.first { $0.sku == "p2" }?.margin == 0)
        #expect(data.input.placements.map(\.marginWeight) == [0.4, 0])
    }
}
