import AdModel
import Reporting
import Testing

@Suite struct MetricRegistryBehaviour {
    @Test func everyMetricHasOneDefinitionInBothLanguages() {
        let all = MetricRegistry.all
        #expect(all.map(\.metric) == Metric.allCases)
        for definition in all {
            for text in [definition.title, definition.definition] {
                #expect(!text.ru.isEmpty && !text.en.isEmpty)
            }
            #expect(definition.definition.ru.hasSuffix("."))
        }
    }

    @Test func ratiosAreNeverAdditiveAndOrdersOnlyOverDays() {
        for definition in MetricRegistry.all where definition.unit == .ratio {
            #expect(definition.additiveOver.isEmpty)
        }
        let orders = MetricRegistry.definition(of: .orders)
        #expect(orders.isAdditive(over: .day))
        #expect(!orders.isAdditive(over: .campaign))
        #expect(MetricRegistry.definition(of: .spend).isAdditive(over: .campaign))
        #expect(MetricRegistry.definition(of: .cpm).additiveOver.isEmpty)
    }

    @Test func nothingIsAdditiveOverPoliciesAndDeliveryStandsOnTheRowOfEachChannel() {
        for definition in MetricRegistry.all {
            #expect(!definition.isAdditive(over: .policy), "\(definition.metric)")
            #expect(definition.metric.isOfSales || !definition.isAdditive(over: .channel), "\(definition.metric)")
        }
        #expect(MetricRegistry.definition(of: .viewSales).isAdditive(over: .channel))
        #expect(MetricRegistry.definition(of: .orders).isAdditive(over: .channel))
        #expect(!MetricRegistry.definition(of: .orders).isAdditive(over: .interaction))
        // An order whose lines were earned on two days is one order on each.
        #expect(!MetricRegistry.definition(of: .orders).isAdditive(over: .day, salesBy: .touchDate))
        #expect(MetricRegistry.definition(of: .sales).isAdditive(over: .day, salesBy: .touchDate))
        #expect(!MetricRegistry.definition(of: .sales).isAdditive(over: .campaign, countsCampaignsApart: true))
        #expect(MetricRegistry.definition(of: .spend).isAdditive(over: .campaign, countsCampaignsApart: true))
    }

    @Test func clicksAndViewsThatAPolicyKeepsApartAreNotAdded() {
        var counts = PerformanceCounts()
        counts.click = .init(orders: 1, units: 1, salesMicros: 5)
        counts.keepsInteractionsApart = true
        #expect(counts.value(of: .sales) == nil && counts.value(of: .directSales) == nil)
        #expect(counts.value(of: .roas) == nil && counts.value(of: .returned) == nil)
        #expect(counts.value(of: .clickSales) == 5 && counts.value(of: .viewSales) == 0)
        #expect(counts.value(of: .impressions) == 0)
    }
}

@Suite struct CSVCellBehaviour {
    @Test(arguments: [
        ("plain", "plain"), ("=1+1", "'=1+1"), ("+7", "'+7"), ("-x", "'-x"), ("@a", "'@a"), ("\tx", "'\tx"),
        ("\rx", "\"'\rx\""), ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""), ("two\nlines", "\"two\nlines\""),
        ("crlf\r\nin", "\"crlf\r\nin\""), ("=a,\"b\"", "\"'=a,\"\"b\"\"\""), ("", ""), ("a=b", "a=b"),
    ])
    func formulasAreDefusedAndSpecialsQuoted(text: String, cell: String) {
        #expect(CSVCell.text(text) == cell)
    }

    @Test func negativeNumbersStayNumbers() { #expect(CSVCell.number(-5) == "-5") }
}

@Suite struct RatioBehaviour {
    @Test func divisionRoundsHalfAwayFromZeroInMillionths() {
        #expect(Ratio.millionths(1, 3) == 333_333)
        #expect(Ratio.millionths(2, 3) == 666_667)
        #expect(Ratio.millionths(-2, 3) == -666_667)
        #expect(Ratio.millionths(1, 2_000_000) == 1)
        #expect(Ratio.millionths(1, 0) == nil)
        #expect(Ratio.millionths(Int64.max, 1) == nil)
        #expect(Ratio.millionths(9_000_000_000_000_000, 9_000_000_000_000_000) == 1_000_000)
    }

    @Test func textHasSixPlaces() {
        #expect(Ratio.text(millionths: 12_346) == "0.012346")
        #expect(Ratio.text(millionths: -1_500_000) == "-1.500000")
    }

    @Test func costPerThousandRoundsDown() {
        var counts = PerformanceCounts()
        counts.spendMicros = 1_000_001
        counts.impressions = 3_000
        #expect(counts.cpmMicros == 333_333)
        counts.impressions = 0
        #expect(counts.cpmMicros == nil)
        #expect(counts.ctr == nil)
    }

    @Test func netIsSalesLessReturnedAndRoasUsesIt() {
        var counts = PerformanceCounts()
        counts.direct = .init(orders: 1, units: 2, salesMicros: 300)
        counts.halo = .init(orders: 1, units: 1, salesMicros: 100)
        counts.returnedMicros = 100
        counts.spendMicros = 150
        #expect(counts.netMicros == 300)
        #expect(counts.roas == 2_000_000)
        #expect(counts.costShare == 500_000)
    }
}

@Suite struct PerformanceQueryBehaviour {
    static func parse(_ parameters: [(name: String, value: String)]) throws -> PerformanceQuery {
        try PerformanceQuery.parse(
            parameters, today: Day(number: 20_778), policies: ["default@1", "item-24h@1", "order-24h@1"])
    }
    let range = [(name: "from", value: "2026-11-01"), (name: "to", value: "2026-11-30")]

    @Test func theDefaultIsByDayAndCampaignUnderTheDefaultPolicy() throws {
        let query = try Self.parse(range)
        #expect(query.dimensions == [.day, .campaign])
        #expect(query.policies == ["default@1"])
        #expect(query.salesBy == .orderDate)
        #expect(query.limit == 1_000)
    }

    @Test func aRangeThatIsNotGivenIsTheLastThirtyDays() throws {
        let query = try Self.parse([])
        #expect(query.to == Day(number: 20_778))
        #expect(query.to - query.from == 29)
        #expect(try Self.parse([("to", "2026-03-31")]).from.description == "2026-03-02")
    }

    @Test func dimensionsComeInOneOrder() throws {
        #expect(try Self.parse(range + [("by", "campaign,day")]).dimensions == [.day, .campaign])
        #expect(try Self.parse(range + [("by", "line_item")]).dimensions == [.lineItem])
    }

    @Test(arguments: [
        ("by", "brand", "invalid_parameter"), ("by", "day,day", "invalid_parameter"), ("by", "", "invalid_parameter"),
        ("campain", "x", "unknown_parameter"), ("from", "2026-11-02", "invalid_parameter"),
        ("limit", "0", "invalid_parameter"), ("limit", "5001", "invalid_parameter"),
        ("cursor", "p1-5-zz", "invalid_parameter"), ("policy", "nobody@1", "unsupported_policy"),
        ("policy", "default@1,default@1", "invalid_parameter"), ("channel", "shop", "invalid_parameter"),
        ("sales_by", "day", "invalid_parameter"),
        ("format", "xml", "invalid_parameter"), ("campaign", "", "invalid_parameter"),
        ("campaign", String(repeating: "x", count: 300), "invalid_parameter"),
    ])
    func aBadParameterIsNamed(name: String, value: String, code: String) throws {
        let error = try #require(throws: ReportQueryError.self) { try Self.parse(range + [(name, value)]) }
        #expect(error.code == code)
        #expect(error.field == name)
    }

    @Test func rangesAreCheckedAndLimited() throws {
        func error(_ from: String?, _ to: String?) throws -> ReportQueryError {
            var parameters: [(name: String, value: String)] = []
            if let from { parameters.append(("from", from)) }
            if let to { parameters.append(("to", to)) }
            return try #require(throws: ReportQueryError.self) { try Self.parse(parameters) }
        }
        #expect(try error("2026-12-01", nil).field == "to")
        #expect(try error("2026-02-30", "2026-11-01").field == "from")
        #expect(try error("2026-11-02", "2026-11-01").field == "to")
        #expect(try error("2025-01-01", "2026-11-01").code == "range_too_long")
        #expect(try Self.parse([("from", "2026-01-01"), ("to", "2026-01-01")]).from.description == "2026-01-01")
    }

    @Test func severalPoliciesStandSideBySideAndAreNeverAdded() throws {
        let both = try Self.parse(range + [("policy", "order-24h@1,default@1"), ("by", "campaign")])
        #expect(both.policies == ["order-24h@1", "default@1"])
        #expect(both.dimensions == [.campaign, .policy])
        let all = try Self.parse(range + [("by", "policy")])
        #expect(all.policies == ["default@1", "item-24h@1", "order-24h@1"])
        #expect(try Self.parse(range + [("by", "policy"), ("policy", "order-24h@1")]).policies == ["order-24h@1"])
    }

    @Test func aCursorBelongsToItsQuestion() throws {
        let query = try Self.parse(range)
        let cursor = query.cursor(at: 1_000)
        #expect(try Self.parse(range + [("cursor", cursor)]).offset == 1_000)
        #expect(throws: ReportQueryError.self) { try Self.parse(range + [("by", "day"), ("cursor", cursor)]) }
    }
}

@Suite struct PerformanceCSVBehaviour {
    @Test func moneyColumnsSayTheirUnitAndTextIsEscaped() {
        var counts = PerformanceCounts()
        counts.impressions = 3
        counts.clicks = 1
        counts.spendMicros = 7
        let report = PerformanceReport(
            rows: [PerformanceRow(day: "2026-11-01", campaignCode: "c1", campaignName: "=cmd,\"x\"", counts: counts)],
            policyTotals: [],
            methodology: ReportMethodology(
                policies: [], accountingZone: "Europe/Moscow", invalidShare: nil, dataThrough: nil, final: false),
            nextCursor: nil)
        let lines = PerformanceCSV.render(report, dimensions: [.day, .campaign]).split(separator: "\n")
        #expect(lines[0].hasPrefix("day,campaign,campaign_name,impressions,viewable,clicks,ctr,spend_micros,"))
        #expect(lines[1].hasPrefix("2026-11-01,c1,\"'=cmd,\"\"x\"\"\",3,0,1,0.333333,7,0,2333,7,"))
    }
}
