import AdModel
import Decisioning
import Measurement
import Pipeline
import Postgres
import Reporting
import Store
import TestKit
import Testing

@Suite(.database) struct HoldoutShipping {
    private static let noon = ShopFixture.noon
    private static let line: Int32 = 1

    init() async throws {
        try await ShopFixture.load(TestDatabase.current.pool)
        try await TestDatabase.current.pool.withConnection {
            try $0.script(
                """
                update campaign set holdout_share = 5000 where id = 1;
                update campaign set holdout_since = '2026-11-01' where id = 1;
                """)
        }
    }

    /// A decision that the line item won for the visitor: served, or as a ghost.
    private func decision(
        _ number: Int, _ visitor: String?, ghost: Bool, at: Timestamp, line: Int32 = HoldoutShipping.line
    ) -> LogRecord {
        let ad = DecisionRecord.Ad(
            lineItemID: ghost ? 3 : line, creativeVersionID: ghost ? 3 : line, priceMicros: 5, score: 1, productIDs: [])
        let losers =
            ghost
            ? [
                DecisionRecord.Candidate(lineItemID: line, reason: NoFillReason.holdout.rawValue, score: 2.5),
                DecisionRecord.Candidate(lineItemID: 2, reason: 0, score: 0.5),
            ] : []
        return .decision(
            DecisionRecord(
                id: DecisionID(issuedAt: at, low: 1 << 48 | UInt64(number)), storefrontID: 1, pageType: .home,
                visitorID: visitor, locationID: 0, device: .desktop, snapshotVersion: 1, stockVersion: 1,
                slots: [DecisionRecord.Slot(placementID: 1, noFill: 0, ads: [ad], losers: losers)]))
    }

    private func report(days: Int = 14) async throws -> IncrementalityReport {
        let found = try await TestDatabase.current.pool.transaction(.repeatableRead) {
            try IncrementalityStore.report(campaign: "k1", windowDays: days, on: $0)
        }
        return try #require(found)
    }

    @Test func ghostsAreKeptCostNothingAndTouchNobody() async throws {
        let log = LogFixture()
        try await log.append([
            decision(1, "g1", ghost: true, at: Self.noon), decision(2, "g1", ghost: true, at: Self.noon + .hours(1)),
            decision(3, "e1", ghost: false, at: Self.noon), decision(4, nil, ghost: false, at: Self.noon),
            // Another campaign, without a holdout: no experiment.
            decision(5, "e1", ghost: false, at: Self.noon, line: 2),
            // Before the experiment began.
            decision(6, "e0", ghost: false, at: Self.noon - .days(30)),
        ])
        try await log.ship()
        #expect(
            try await table("select campaign_id, line_item_id, advertiser_id, visitor_id, score from ghost_ad") == [
                "(1,1,1,g1,2.5)", "(1,1,1,g1,2.5)",
            ])
        #expect(
            try await table("select campaign_id, visitor_id, is_ghost, wins from holdout_shopper") == [
                "(1,e1,f,1)", "(1,g1,t,2)",
            ])
        #expect(try await number("select count(*) from charge") == 0)
        #expect(try await number("select count(*) from touch") == 0)
        #expect(try await number("select coalesce(sum(impressions), 0)::int8 from performance_day") == 0)
    }

    /// Ten shoppers a side in all the situations that count, shipped in any order and batching.
    @Test(arguments: [UInt64](1...4))
    func bothSidesAreCountedAlikeInAnyOrder(seed: UInt64) async throws {
        let at = Self.noon
        var records: [LogRecord] = []
        for (side, ghost) in [("e", false), ("g", true)] {
            for n in 0..<10 {
                let number = n + (ghost ? 100 : 0)
                records.append(decision(number, "\(side)\(n)", ghost: ghost, at: at + .hours(1)))
                // A later win of the same shopper moves nothing.
                records.append(decision(1_000 + number, "\(side)\(n)", ghost: ghost, at: at + .days(3)))
            }
            let first = at + .hours(1)
            func order(_ n: Int, _ time: Timestamp, _ lines: [(String, Int32, Int64)]) -> LogRecord {
                ShopFixture.order("\(side)-\(n)", at: time, visitor: "\(side)\(n)", lines: lines)
            }
            records += [
                // The promoted product, its variant, another product of the owned brand; not another brand's.
                order(0, first + .days(1), [("p1", 1, 1_000_000), ("p4", 1, 9_000_000)]),
                order(1, first + .days(1), [("p2", 2, 3_000_000)]), order(2, first + .days(1), [("p3", 1, 500_000)]),
                order(3, first + .days(1), [("p4", 1, 9_000_000)]), order(4, first + .days(1), [("p5", 1, 9_000_000)]),
                // Both ends of the window are in, a microsecond beyond is not.
                order(5, first, [("p1", 1, 10_000_000)]), order(6, first + .days(14), [("p1", 1, 20_000_000)]),
                order(7, first + .days(14) + Timestamp.Span(micros: 1), [("p1", 1, 40_000_000)]),
                order(8, first - Timestamp.Span(micros: 1), [("p1", 1, 80_000_000)]),
            ]
        }
        // e9 turns out to be customer c1, who buys in the shop; x1 and x2 are one customer on both sides.
        records += [
            ShopFixture.link("e9", "c1", at: at + .days(2)),
            ShopFixture.order("c1", at: at + .days(4), visitor: nil, customer: "c1", lines: [("p1", 1, 7_000_000)]),
            decision(500, "x1", ghost: false, at: at), decision(501, "x2", ghost: true, at: at),
            ShopFixture.link("x1", "c2", at: at + .days(1)), ShopFixture.link("x2", "c2", at: at + .days(1)),
            // Won for him so late that his window is not over.
            decision(502, "late", ghost: true, at: ShopFixture.now - .days(2)),
        ]
        var random = SplitMix64(seed: seed)
        if seed > 1 { records.shuffle(using: &random) }
        let log = LogFixture()
        try await log.append(records)
        try await log.ship(batch: random.pick([1_000, 9]))

        let report = try await report()
        #expect(report.mixedShoppers == 1)
        let roubles = [1.0, 3, 0.5, 10, 20]
        let ghost = ArmMoments(
            shoppers: 10, buyers: 5, orders: 5, units: 6, salesMicros: 34_500_000,
            squaredRoubles: roubles.reduce(0) { $0 + $1 * $1 })
        #expect(report.ghost.moments == ghost, "seed \(seed)")
        #expect(report.ghost.maturing == 1)
        var exposed = ghost
        exposed.buyers += 1
        exposed.orders += 1
        exposed.units += 1
        exposed.salesMicros += 7_000_000
        exposed.squaredRoubles += 49
        #expect(report.exposed.moments == exposed, "seed \(seed)")
        #expect(report.verdict == .notEnoughData)
        // A shorter window counts less, and more shoppers are ripe.
        #expect(try await self.report(days: 1).ghost.moments.buyers == 4)
        #expect(try await self.report(days: 1).ghost.maturing == 0)
    }

    @Test func anotherShareIsAnotherExperimentAndNoShareIsNone() async throws {
        let log = LogFixture()
        try await log.append([decision(1, "e1", ghost: false, at: Self.noon)])
        try await log.ship()
        #expect(try await report().exposed.moments.shoppers == 1)
        try await TestDatabase.current.pool.withConnection {
            try $0.script("update campaign set holdout_share = 1000 where id = 1")
        }
        #expect(try await report().exposed.moments.shoppers == 0)
        try await TestDatabase.current.pool.withConnection {
            try $0.script("update campaign set holdout_share = 0 where id = 1")
        }
        let ended = try await report()
        #expect(ended.since == nil && ended.verdict == nil)
    }
}
