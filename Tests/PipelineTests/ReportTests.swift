import AdModel
import Measurement
import Pipeline
import Postgres
import Reporting
import Store
import TestKit
import Testing

@Suite(.database) struct ReportBehaviour {
    init() async throws { try await ShopFixture.load(TestDatabase.current.pool) }

    private func query(_ dimensions: [ReportDimension], campaign: String? = nil, limit: Int = 1_000, offset: Int = 0)
        -> PerformanceQuery
    {
        let first = Day(number: ShopFixture.noon.utcDay.number - 5)
        return PerformanceQuery(
            from: first, to: first + 60, dimensions: dimensions, campaignCode: campaign, limit: limit, offset: offset)
    }

    @Test(arguments: [UInt64](1...4))
    func theReportIsTheLedgerWhateverHappened(seed: UInt64) async throws {
        var history = RandomHistory(random: SplitMix64(seed: seed))
        let records = history.records(250)
        var random = history.random
        let log = LogFixture()
        try await log.append(records.shuffled(using: &random))
        try await log.ship(batch: 30)
        let store = ReportReader(pool: TestDatabase.current.pool)
        for advertiser in [Int32(1), 2] {
            let totals = try await store.report(for: advertiser, query([])).totals
            let only: [PostgresValue] = [.int4(advertiser)]
            #expect(
                try await totals.spendMicros
                    == number("select coalesce(sum(amount_micros), 0)::int8 from charge where advertiser_id = $1", only)
            )
            #expect(
                try await totals.netMicros
                    == number("select coalesce(sum(amount_micros), 0)::int8 from credit where advertiser_id = $1", only)
            )
            // Sales are the lines' own amounts, returns what adjustments took: from the orders, not from the ledger.
            let won = """
                select distinct storefront_id, order_id, line_no, level from credit
                where advertiser_id = $1 and adjustment_id is null
                group by storefront_id, order_id, line_no, level, touch_id having sum(units) <> 0
                """
            #expect(
                try await totals.salesMicros
                    == number(
                        "select coalesce(sum(net_micros), 0)::int8 from (\(won)) w join order_line using (storefront_id, order_id, line_no)",
                        only))
            #expect(
                try await totals.direct.units
                    == number(
                        """
                        select coalesce(sum(units), 0)::int8 from (\(won)) w
                        join order_line using (storefront_id, order_id, line_no) where level in ('sku', 'variant')
                        """, only))
            #expect(
                try await totals.orders
                    == number("select count(distinct (storefront_id, order_id)) from (\(won)) w", only))
            #expect(
                try await totals.clicks
                    == number("select count(*) from ad_event where kind = 2 and advertiser_id = $1", only))
            #expect(
                try await totals.viewable
                    == number(
                        "select count(distinct (decision_id, ad)) from ad_event where kind = 1 and advertiser_id = $1",
                        only))

            // Additive metrics of the rows add up to the totals, in every grouping.
            for dimensions in [
                [ReportDimension.day], [.campaign], [.day, .campaign], [.lineItem], [.day, .campaign, .lineItem],
            ] {
                let rows = try await store.report(for: advertiser, query(dimensions)).rows
                for metric in Metric.allCases {
                    let definition = MetricRegistry.definition(of: metric)
                    guard dimensions.allSatisfy({ definition.isAdditive(over: $0) }) else { continue }
                    let sum = rows.reduce(0) { $0 + ($1.counts.value(of: metric) ?? 0) }
                    #expect(sum == totals.value(of: metric), "\(metric) by \(dimensions), seed \(seed)")
                }
            }
        }
    }

    @Test func rowsOfALostWinnerLeaveTheReport() async throws {
        let log = LogFixture()
        let noon = ShopFixture.noon
        try await log.append([
            ShopFixture.event(.click, ShopFixture.token(1, line: 1, at: noon, products: [1])),
            ShopFixture.order("o1", at: noon + .hours(2), lines: [("p1", 2, 100)]),
            ShopFixture.adjustment("r1", of: "o1", at: noon + .hours(3), kind: .return, line: 1, units: 1),
        ])
        try await log.ship()
        try await log.append([
            ShopFixture.event(.click, ShopFixture.token(2, line: 3, at: noon + .hours(1), products: [1]))
        ])
        try await log.ship()
        let store = ReportReader(pool: TestDatabase.current.pool)
        let rows = try await store.report(for: 1, query([.campaign])).rows
        #expect(rows.map(\.campaignCode) == ["k1", "k3"])
        #expect(rows.map(\.counts.salesMicros) == [0, 100])
        #expect(rows.map(\.counts.returnedMicros) == [0, 50])
        #expect(rows.map(\.counts.orders) == [0, 1])
    }

    @Test func pagesTogetherAreTheReportAndTotalsAreOfAllOfThem() async throws {
        let log = LogFixture()
        try await log.append(
            (0..<7).map { day in
                ShopFixture.event(
                    .impression, ShopFixture.token(day, line: 1, at: ShopFixture.noon + .days(Int64(day))))
            })
        try await log.ship()
        let store = ReportReader(pool: TestDatabase.current.pool)
        var days: [String] = []
        var offset = 0
        while true {
            let page = try await store.report(for: 1, query([.day], limit: 3, offset: offset))
            days += page.rows.compactMap(\.day)
            #expect(page.totals.impressions == 7)
            guard page.nextCursor != nil else { break }
            offset += 3
        }
        #expect(days.count == 7)
        #expect(days == days.sorted())
    }

    @Test func eventsAreDatedInTheAccountingZone() async throws {
        let log = LogFixture()
        let late = Timestamp(rfc3339: "2026-11-20T21:30:00Z") ?? ShopFixture.noon
        try await log.append([ShopFixture.event(.impression, ShopFixture.token(1, line: 1, at: late))])
        try await log.ship()
        let rows = try await ReportReader(pool: TestDatabase.current.pool).report(for: 1, query([.day])).rows
        #expect(rows.map(\.day) == ["2026-11-21"])
        #expect(rows.map(\.counts.spendMicros) == [100])
    }

    @Test func anotherAdvertisersCampaignIsUnknown() async throws {
        let store = ReportReader(pool: TestDatabase.current.pool)
        await #expect(throws: ReportStoreError.unknownCampaign) {
            try await store.report(for: 2, query([.day], campaign: "k1"))
        }
        await #expect(throws: ReportStoreError.unknownCampaign) {
            try await store.report(for: 2, query([.day], campaign: "nobody's"))
        }
    }

    @Test func sumsBeyondEveryNumberAreATypedErrorAndStayWithTheirAdvertiser() async throws {
        let log = LogFixture()
        let noon = ShopFixture.noon
        try await log.append([
            ShopFixture.event(.click, ShopFixture.token(1, line: 4, at: noon)),
            ShopFixture.order("o1", at: noon + .minutes(5), lines: [("p1", 1, .max)]),
            ShopFixture.order("o2", at: noon + .minutes(5), lines: [("p1", 1, .max)]),
        ])
        try await log.ship()
        let store = ReportReader(pool: TestDatabase.current.pool)
        for dimensions in [[], [ReportDimension.campaign]] {
            await #expect(throws: ReportStoreError.numberTooLarge) {
                try await store.report(for: 1, query(dimensions))
            }
        }
        #expect(try await store.report(for: 2, query([])).totals.salesMicros == 0)
    }

    @Test func aRetiredNodeNoLongerHoldsDataThroughBack() async throws {
        let pool = TestDatabase.current.pool
        try await pool.withConnection {
            try $0.script(
                """
                insert into log_checkpoint (node_id, log_id, position, shipped_through) values
                    (1, gen_random_uuid(), 1, '2026-11-20T10:00:00Z'), (2, gen_random_uuid(), 1, '2026-11-18T10:00:00Z')
                """)
        }
        let store = ReportReader(pool: pool)
        #expect(try await store.report(for: 1, query([])).methodology.dataThrough == "2026-11-18T10:00:00Z")
        try await pool.withConnection { try $0.script("update node set retired_at = now() where id = 2") }
        #expect(try await store.report(for: 1, query([])).methodology.dataThrough == "2026-11-20T10:00:00Z")
        // A node that ships after all is back.
        let log = LogFixture(nodeID: 2)
        try await log.append([ShopFixture.order("o1", at: ShopFixture.noon, lines: [("p1", 1, 1)])])
        try await log.ship()
        #expect(try await number("select count(*) from node where retired_at is not null") == 0)
    }
}
