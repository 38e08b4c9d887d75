import AdModel
import Decisioning
import Measurement
import Postgres
import Store
import TestKit
import Testing

/// Reach over random histories: exact when everybody is looked at, near when one in a few is.
@Suite("Reach", .database) struct ReachTests {
    static let now = ServingWorld.now

    private struct Numbers {
        var state: UInt64
        mutating func below(_ bound: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return Int((z ^ z >> 31) % UInt64(bound))
        }
        mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }
    }

    private static func history(_ count: Int, shoppers: Int, _ numbers: inout Numbers) -> [DecisionRecord] {
        (0..<count).map { index in
            let ago = Timestamp.Span.seconds(Int64(numbers.below(32 * 86_400)))
            let slots = (0...numbers.below(2)).map { _ in
                DecisionRecord.Slot(placementID: Int32(1 + numbers.below(2)), noFill: 1, ads: [], losers: [])
            }
            return DecisionRecord(
                id: DecisionID(issuedAt: now - ago, low: UInt64(index)), storefrontID: 1,
                pageType: numbers.pick([.home, .category, .product]),
                visitorID: numbers.below(5) == 0 ? nil : "v\(numbers.below(shoppers))", locationID: 1,
                device: numbers.pick([.desktop, .mobile]), snapshotVersion: 1, stockVersion: 1, slots: slots,
                context: .init(
                    categoryID: Int32(numbers.below(3)), brandID: Int32(numbers.below(2)),
                    region: numbers.pick(["", "RU-MOW", "RU-SPE", "KZ"])))
        }
    }

    private static func store(_ records: [DecisionRecord], parts: Int, _ pool: PostgresPool) async throws {
        try await pool.transaction { connection in
            try connection.query("update planning_setting set sample_parts = $1", [.int4(Int32(parts))])
            try connection.script("truncate request_sample")
            var batch = RecordBatch()
            for record in records { batch.append(.decision(record), bytes: []) }
            try RequestSample.write(batch.decisions, on: connection)
        }
    }

    private static func targeting(_ numbers: inout Numbers) -> Targeting {
        var targeting = Targeting()
        if numbers.below(2) == 0 { targeting.wanted.pageTypes = [numbers.pick([.home, .category])] }
        if numbers.below(3) == 0 { targeting.wanted.devices = [.mobile] }
        if numbers.below(3) == 0 { targeting.excluded.regions = ["RU-MOW"] }
        if numbers.below(3) == 0 { targeting.wanted.regions = [numbers.pick(["RU", "KZ", "RU-SPE"])] }
        if numbers.below(3) == 0 { targeting.wanted.categories = [numbers.pick(["root", "coffee"])] }
        if numbers.below(4) == 0 { targeting.excluded.brands = ["norda"] }
        if numbers.below(3) == 0 { targeting.wanted.placements = ["home.top"] }
        if numbers.below(4) == 0 { targeting.wanted.dayparts = [Daypart(days: [1, 2, 3], fromHour: 9, toHour: 21)] }
        return targeting
    }

    /// The same by going through the records one by one.
    private static func expected(_ records: [DecisionRecord], _ targeting: Targeting) -> (Int64, Int64, Int64) {
        let last = now.utcDay.number - 1
        let wanted = targeting.wanted
        let excluded = targeting.excluded
        func within(_ category: Int32, _ code: String) -> Bool {
            code == "root" ? category == 1 || category == 2 : category == 2
        }
        func isIn(_ region: String, _ codes: [String]) -> Bool {
            codes.contains { region == $0 || region.hasPrefix($0 + "-") }
        }
        var shoppers: Set<String> = []
        var requests: Int64 = 0
        var slots: Int64 = 0
        for record in records where (last - 27...last).contains(record.id.day.number) {
            let context = record.context ?? .init()
            // The storefront is five hours ahead of UTC.
            let local = record.id.issuedAt.micros + 5 * 3_600_000_000
            let hour = Int((local / 3_600_000_000 + 72) % 168)
            guard wanted.pageTypes.isEmpty || wanted.pageTypes.contains(record.pageType),
                wanted.devices.isEmpty || wanted.devices.contains(record.device),
                wanted.regions.isEmpty || isIn(context.region, wanted.regions),
                !isIn(context.region, excluded.regions),
                wanted.categories.isEmpty || wanted.categories.contains(where: { within(context.categoryID, $0) }),
                excluded.brands.isEmpty || context.brandID != 1,
                wanted.dayparts.isEmpty || wanted.dayparts.contains(where: { $0.contains(hourOfWeek: hour) })
            else { continue }
            let places = record.slots.filter { wanted.placements.isEmpty || $0.placementID == 1 }.count
            guard places > 0 else { continue }
            if let visitor = record.visitorID { shoppers.insert(visitor) }
            requests += 1
            slots += Int64(places)
        }
        return (Int64(shoppers.count), requests, slots)
    }

    @Test("is exact when every shopper is looked at", arguments: [UInt64(1), 2, 3]) func exact(seed: UInt64)
        async throws
    {
        let pool = try await ServingWorld.make()
        var numbers = Numbers(state: seed)
        let records = Self.history(3_000, shoppers: 300, &numbers)
        try await Self.store(records, parts: 1, pool)
        for _ in 0..<12 {
            let targeting = Self.targeting(&numbers)
            let found = try await pool.transaction { connection in
                try ReachEstimate.make(targeting: targeting, now: Self.now, on: connection)
            }
            let expected = Self.expected(records, targeting)
            #expect(found.shoppers == expected.0, "seed \(seed): \(targeting)")
            #expect(found.requests == expected.1, "seed \(seed): \(targeting)")
            #expect(found.slots == expected.2, "seed \(seed): \(targeting)")
            #expect(found.slotsByWeekday.reduce(0, +) == expected.2, "seed \(seed)")
        }
    }

    @Test("is near when one in four is looked at") func near() async throws {
        let pool = try await ServingWorld.make()
        var numbers = Numbers(state: 11)
        let records = Self.history(12_000, shoppers: 4_000, &numbers)
        try await Self.store(records, parts: 4, pool)
        let found = try await pool.transaction { connection in
            try ReachEstimate.make(targeting: Targeting(), now: Self.now, on: connection)
        }
        let expected = Self.expected(records, Targeting())
        #expect(found.sampleParts == 4)
        // A quarter of 4,000 shoppers: one standard deviation is 3 %.
        #expect(abs(Double(found.shoppers) / Double(expected.0) - 1) < 0.12, "\(found.shoppers) of \(expected.0)")
        #expect(abs(Double(found.slots) / Double(expected.2) - 1) < 0.12, "\(found.slots) of \(expected.2)")
    }

    @Test func onlyKnownStorefrontsAreAsked() async throws {
        let pool = try await ServingWorld.make()
        await #expect(throws: Refusal.self) {
            try await pool.transaction { connection in
                _ = try ReachEstimate.make(
                    targeting: Targeting(), storefronts: ["shop", "none"], now: Self.now, on: connection)
            }
        }
    }

    @Test func oldDaysAreRemoved() async throws {
        let pool = try await ServingWorld.make()
        var numbers = Numbers(state: 5)
        try await Self.store(Self.history(500, shoppers: 50, &numbers), parts: 1, pool)
        let days = try await pool.transaction { connection in
            try RequestSample.prune(before: Self.now.utcDay, on: connection)
            return try connection.query("select min(day) as first from request_sample").single().days("first")
        }
        #expect(days == Self.now.utcDay.number - 28)
    }

    @Test("rounds to two digits", arguments: [(0, 0), (7, 7), (99, 99), (104, 100), (105, 110), (1_249, 1_200)])
    func rounds(value: Int64, shown: Int64) { #expect(ReachEstimate.rounded(value) == shown) }
}
