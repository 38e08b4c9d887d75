import AdModel
import Attribution
import Measurement
import Pipeline
import Postgres
import Reporting
import Store
import TestKit
import Testing

@Suite(.database) struct PolicyReports {
    static let policies = ["default@1", "item-24h@1", "order-24h@1", "smart-placement@1"]

    init() async throws {
        try await ShopFixture.load(TestDatabase.current.pool)
        // Every campaign competes under three more policies, so that they can be set side by side.
        try await TestDatabase.current.pool.withConnection {
            try $0.script(
                """
                insert into policy_for_all (policy, valid_from)
                select unnest(array['item-24h@1', 'order-24h@1', 'smart-placement@1']), '-infinity'
                """)
        }
    }

    private func query(
        _ dimensions: [ReportDimension], _ policies: [String], _ salesBy: SalesDate, _ channel: String?
    ) -> PerformanceQuery {
        let first = Day(number: ShopFixture.noon.utcDay.number - 5)
        return PerformanceQuery(
            from: first, to: first + 60, dimensions: dimensions, policies: policies, channel: channel, salesBy: salesBy,
            limit: 5_000)
    }

    @Test(arguments: [UInt64](1...3))
    func everyGroupingIsTheLedger(seed: UInt64) async throws {
        var history = RandomHistory(random: SplitMix64(seed: seed))
        let records = history.records(260)
        let log = LogFixture()
        try await log.append(records)
        try await log.ship(batch: 90)
        let reader = ReportReader(pool: TestDatabase.current.pool)
        let groupings: [[ReportDimension]] = [
            [], [.day], [.campaign], [.lineItem], [.policy], [.channel], [.interaction], [.day, .campaign],
            [.campaign, .policy], [.day, .policy, .channel], [.campaign, .channel, .interaction],
            [.day, .campaign, .lineItem, .policy, .channel, .interaction],
        ]
        var sales: [String: Int64] = [:]
        var gaps = 0
        for salesBy in SalesDate.allCases {
            for channel in [nil, "online", "offline"] {
                for dimensions in groupings {
                    // Without the policy as a dimension one policy at a time.
                    let sets = dimensions.contains(.policy) ? [Self.policies] : Self.policies.map { [$0] }
                    for policies in sets {
                        let query = query(dimensions, policies, salesBy, channel)
                        let report = try await reader.report(for: 1, query)
                        let expected = try await LedgerReport(advertiser: 1, query).rows(by: dimensions)
                        let label = "seed \(seed), \(dimensions), \(policies), \(salesBy), \(channel ?? "both")"
                        var seen: Set<String> = []
                        for row in report.rows {
                            let key = dimensions.map { Self.value(row, $0) }.joined(separator: "|")
                            seen.insert(key)
                            let want = expected[key] ?? PerformanceCounts()
                            for metric in Metric.allCases
                            where metric.isOfSales && metric != .roas && metric != .costShare {
                                var plain = row.counts
                                plain.keepsInteractionsApart = false
                                #expect(
                                    plain.value(of: metric) == want.value(of: metric), "\(label), \(key), \(metric)")
                            }
                            if row.counts.keepsInteractionsApart { gaps += 1 }
                        }
                        #expect(Set(expected.keys).isSubset(of: seen), "\(label)")
                        for total in report.policyTotals {
                            sales[total.policy ?? "", default: 0] += total.counts.salesMicros
                        }
                    }
                }
            }
        }
        for policy in Self.policies { #expect(sales[policy] ?? 0 > 0, "\(policy) credits nothing and proves nothing") }
        #expect(gaps > 0)
    }

    private static func value(_ row: PerformanceRow, _ dimension: ReportDimension) -> String {
        switch dimension {
        case .day: row.day ?? ""
        case .campaign: row.campaignCode ?? ""
        case .lineItem: row.lineItemCode ?? ""
        case .policy: row.policy ?? ""
        case .channel: row.channel ?? ""
        case .interaction: row.interaction ?? ""
        }
    }

    @Test func additiveMetricsAddUpAndDeliveryStandsOnEveryRow() async throws {
        var history = RandomHistory(random: SplitMix64(seed: 9))
        let log = LogFixture()
        try await log.append(history.records(200))
        try await log.ship()
        let reader = ReportReader(pool: TestDatabase.current.pool)
        for policy in Self.policies {
            let isApart = policy == "smart-placement@1"
            for salesBy in SalesDate.allCases {
                let totals = try await reader.report(for: 1, query([], [policy], salesBy, nil)).totals
                for dimension in ReportDimension.allCases where dimension != .policy {
                    let rows = try await reader.report(for: 1, query([dimension], [policy], salesBy, nil)).rows
                    for metric in Metric.allCases {
                        let definition = MetricRegistry.definition(of: metric)
                        let values = rows.compactMap { $0.counts.value(of: metric) }
                        if definition.isAdditive(over: dimension, salesBy: salesBy, countsCampaignsApart: isApart) {
                            guard let total = totals.value(of: metric) else { continue }
                            #expect(values.reduce(0, +) == total, "\(policy), \(metric) by \(dimension), \(salesBy)")
                        } else if dimension.isOfSales, !metric.isOfSales, definition.unit == .count {
                            #expect(values.allSatisfy { $0 == totals.value(of: metric) }, "\(metric) by \(dimension)")
                        }
                    }
                }
            }
        }
    }

    @Test func theItemAndTheWholeReceiptStandSideBySide() async throws {
        let log = LogFixture()
        let noon = ShopFixture.noon
        try await log.append([
            ShopFixture.event(.click, ShopFixture.token(1, line: 1, at: noon, products: [1])),
            ShopFixture.order(
                "o1", at: noon + .hours(3), channel: .offline, lines: [("p1", 1, 100), ("p4", 2, 700), ("p3", 1, 50)]),
        ])
        try await log.ship()
        let report = try await ReportReader(pool: TestDatabase.current.pool).report(
            for: 1, query([.policy], ["item-24h@1", "order-24h@1", "default@1"], .orderDate, nil))
        #expect(report.rows.map(\.policy) == ["item-24h@1", "order-24h@1", "default@1"])
        #expect(report.rows.map(\.counts.direct.salesMicros) == [100, 0, 100])
        #expect(report.rows.map(\.counts.basket.salesMicros) == [0, 850, 0])
        #expect(report.rows.map(\.counts.halo.salesMicros) == [0, 0, 50])
        #expect(report.rows.map(\.counts.clicks) == [1, 1, 1])
        #expect(report.methodology.policies.map(\.policy) == report.rows.map(\.policy))
        let offline = try await ReportReader(pool: TestDatabase.current.pool).report(
            for: 1, query([.channel], ["order-24h@1"], .touchDate, nil))
        #expect(offline.rows.map(\.channel) == ["offline", "online"])
        #expect(offline.rows.map(\.counts.salesMicros) == [850, 0])
    }

    @Test func aPolicyForAllHoldsFromTheTouchesOfItsTimeOnly() async throws {
        let noon = ShopFixture.noon
        try await TestDatabase.current.pool.withConnection {
            try $0.script(
                """
                delete from policy_for_all;
                insert into policy_for_all (policy, valid_from, valid_to) values
                    ('sku-strict@1', '2026-11-20T09:30:00Z', '2026-11-20T10:30:00Z')
                """)
        }
        let log = LogFixture()
        try await log.append([
            ShopFixture.event(.click, ShopFixture.token(1, line: 1, at: noon, products: [1]), visitor: "v1"),
            ShopFixture.event(
                .click, ShopFixture.token(2, line: 1, at: noon + .hours(1), products: [1]), visitor: "v2"),
            ShopFixture.event(
                .click, ShopFixture.token(3, line: 1, at: noon + .hours(2), products: [1]), visitor: "v3"),
            ShopFixture.order("o1", at: noon + .hours(3), visitor: "v1", lines: [("p1", 1, 100)]),
            ShopFixture.order("o2", at: noon + .hours(3), visitor: "v2", lines: [("p1", 1, 100)]),
            ShopFixture.order("o3", at: noon + .hours(3), visitor: "v3", lines: [("p1", 1, 100)]),
        ])
        try await log.ship()
        #expect(
            try await table("select policy, order_id from credit") == [
                "(default@1,o1)", "(default@1,o2)", "(default@1,o3)", "(sku-strict@1,o2)",
            ])
    }

    @Test func aRetailersOwnPolicyCreditsAndAnUnknownOneCannotBeChosen() async throws {
        try await TestDatabase.current.pool.withConnection {
            try $0.script(
                """
                insert into attribution_policy (code, definition) values ('hour@3', '{"name":"hour","version":3,
                    "click_window_seconds":3600,"view_window_seconds":null,"levels":["sku"]}');
                update campaign_version set policy = 'hour@3' where campaign_id = 1;
                delete from policy_for_all
                """)
        }
        let log = LogFixture()
        let noon = ShopFixture.noon
        try await log.append([
            ShopFixture.event(.click, ShopFixture.token(1, line: 1, at: noon, products: [1]), after: .seconds(0)),
            ShopFixture.order("in", at: noon + .hours(1), lines: [("p1", 1, 100)]),
            ShopFixture.order("out", at: noon + .hours(1) + .seconds(1), lines: [("p1", 1, 100)]),
        ])
        try await log.ship()
        #expect(try await table("select policy, order_id from credit") == ["(hour@3,in)"])
        for sql in [
            "update campaign_version set policy = 'nobody@1' where campaign_id = 1",
            "update attribution_policy set definition = '{}' where code = 'hour@3'",
            "delete from attribution_policy where code = 'hour@3'",
        ] {
            await #expect(throws: PostgresError.self, "\(sql)") {
                try await TestDatabase.current.pool.withConnection { try $0.script(sql) }
            }
        }
    }
}
