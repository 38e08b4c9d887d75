import AdModel
import ORD
import Testing

@Suite struct SettlementTests {
    typealias Fact = MonthStatement.Fact
    let day = SampleMonth.day

    private func row(_ settlement: Settlement, _ creative: String, _ pad: String) throws -> StatisticsRow {
        try #require(settlement.rows.first { $0.creativeID == creative && $0.padID == pad })
    }

    @Test func `thirds of 9999 with VAT are the worked numbers to the last digit`() throws {
        let settlement = Settlement(SampleMonth.statement())
        let act = try #require(settlement.acts.first { $0.contractID == "ctr-cafe" })
        #expect(act.services.excludingVAT.description == "9999.00")
        #expect(act.services.vat.description == "2199.78")
        #expect(act.services.includingVAT.description == "12198.78")
        let web = try row(settlement, "cr-top-v1", "pad-web")
        #expect(web.amount?.excludingVAT.description == "3332.96667")
        #expect(web.amount?.vat.description == "733.25267")
        #expect(web.amount?.includingVAT.description == "4066.21934")
        #expect(web.shows == 33_400 && web.invoicedShows == 33_333)
        // Per one show, eight decimals.
        #expect(web.unitPrice?.description == "0.09999000")
        let second = try row(settlement, "cr-top-v2", "pad-web")
        #expect(second.amount?.excludingVAT.description == "3333.06666")
        #expect(second.amount?.vat.description == "733.27466")
    }

    @Test func `actual dates are days with shows or charges, planned dates are the flight inside the month`() throws {
        let web = try row(Settlement(SampleMonth.statement()), "cr-top-v1", "pad-web")
        #expect(web.actualStart == day(2) && web.actualEnd == day(5))
        #expect(web.plannedStart == day(1) && web.plannedEnd == day(20))
    }

    @Test func `an act covers the month cut by the contract and is dated its last day`() throws {
        let act = try #require(Settlement(SampleMonth.statement()).acts.first { $0.contractID == "ctr-tea" })
        #expect(act.id == "act-tea-2026-03")
        #expect(act.dateStart == day(4) && act.dateEnd == day(25) && act.date == day(31))
        #expect(act.serial == nil && act.clientRole == "advertiser" && act.contractorRole == "publisher")
        #expect(act.items.map(\.creativeIDs) == [["cr-tea-v1"]])
        #expect(act.items.first?.amount == act.services)
    }

    @Test func `the difference between ledger and act is the rounding row`() throws {
        let settlement = Settlement(SampleMonth.statement())
        let tea = try #require(settlement.ledgers.first { $0.contractID == "ctr-tea" })
        #expect(tea.ledger == Micros(37_037_034) && tea.rounding == Micros(2_966))
        #expect(settlement.acts.first { $0.contractID == "ctr-tea" }?.services.excludingVAT.description == "37.04")
    }

    @Test func `clicks are priced per click and invoice every show`() throws {
        let tea = try row(Settlement(SampleMonth.statement()), "cr-tea-v1", "pad-web")
        #expect(tea.payType == "cpc" && tea.invoicedShows == 1_000)
        #expect(tea.unitPrice?.description == "12.34667")
    }

    @Test func `shows without a charge are a row without money`() throws {
        let free = try row(Settlement(SampleMonth.statement()), "cr-tea-v1", "pad-app")
        #expect(free.shows == 50 && free.amount == nil && free.invoicedShows == nil && free.unitPrice == nil)
        #expect(free.payType == "cpc")
    }

    @Test func `self-promotion shows truthfully and never has money or an act`() throws {
        let settlement = Settlement(SampleMonth.statement())
        let own = try row(settlement, "cr-own-v1", "pad-web")
        #expect(own.shows == 70 && own.payType == nil && own.amount == nil)
        #expect(!settlement.acts.contains { $0.items.contains { $0.creativeIDs.contains("cr-own-v1") } })
    }

    @Test func `open readings of the operator are switches`() throws {
        let statement = SampleMonth.statement()
        let profile = OperatorProfile(perMille: true, zeroShows: true, contractorRole: "ors")
        let settlement = Settlement(statement, profile: profile)
        #expect(try row(settlement, "cr-top-v1", "pad-web").unitPrice?.description == "99.99000000")
        #expect(try row(settlement, "cr-own-v1", "pad-web").shows == 0)
        #expect(settlement.acts.allSatisfy { $0.contractorRole == "ors" })
        let findings = Gate.findings(statement, settlement, kktu: ObjectCaseTests.kktu, today: SampleMonth.today)
        #expect(findings.isEmpty, "the true shows still reconcile")
    }

    @Test func `a click after midnight is money without shows`() throws {
        let statement = SampleMonth.statement(facts: [
            Fact(
                lineItemID: "tea", creativeID: "cr-tea-v1", padID: "pad-web", day: day(4), ledger: Micros(5_000_000),
                billedClicks: 1, chargeID: 9)
        ])
        let tea = try row(Settlement(statement), "cr-tea-v1", "pad-web")
        #expect(tea.shows == 0 && tea.invoicedShows == 0 && tea.amount?.excludingVAT.description == "5.00000")
        #expect(SampleMonth.findings(statement).isEmpty)
    }

    @Test func `money that rounds to nothing gives rows but no act`() {
        let statement = SampleMonth.statement(facts: [
            Fact(
                lineItemID: "coffee", creativeID: "cr-top-v1", padID: "pad-web", day: day(4), shows: 4,
                ledger: Micros(4_000), billedImpressions: 4, chargeID: 9)
        ])
        let settlement = Settlement(statement)
        #expect(settlement.acts.isEmpty && settlement.rows.count == 1)
        #expect(settlement.rows.first?.amount == nil)
        #expect(settlement.ledgers.first?.rounding == Micros(-4_000))
        #expect(SampleMonth.findings(statement).isEmpty)
    }

    @Test func `charges and their refunds of the same size leave no row`() {
        let statement = SampleMonth.statement(facts: [
            Fact(
                lineItemID: "tea", creativeID: "cr-tea-v1", padID: "pad-web", day: day(4), ledger: Micros(5_000_000),
                billedClicks: 1, chargeID: 9),
            Fact(
                lineItemID: "tea", creativeID: "cr-tea-v1", padID: "pad-web", day: day(5), ledger: Micros(-5_000_000),
                billedClicks: -1, chargeID: 10),
        ])
        #expect(Settlement(statement).rows.isEmpty && Settlement(statement).acts.isEmpty)
    }

    private func fixed(_ facts: [Fact]) -> MonthStatement {
        var statement = SampleMonth.statement(facts: facts)
        statement.lineItems = statement.lineItems.map {
            var line = $0
            if line.id == "coffee" { line.pricing = .fixed }
            return line
        }
        return statement
    }

    @Test func `a fixed daily charge goes by the day's shows`() throws {
        let statement = fixed([
            Fact(lineItemID: "coffee", creativeID: "cr-top-v1", padID: "pad-web", day: day(1), shows: 2),
            Fact(lineItemID: "coffee", creativeID: "cr-top-v2", padID: "pad-app", day: day(1), shows: 1),
            Fact(lineItemID: "coffee", creativeID: "cr-top-v2", padID: "pad-web", day: day(2), shows: 500),
            Fact(
                lineItemID: "coffee", creativeID: nil, padID: nil, day: day(1), ledger: Micros(100_000_000), chargeID: 1
            ),
        ])
        let settlement = Settlement(statement)
        let first = try row(settlement, "cr-top-v1", "pad-web")
        #expect(first.amount?.excludingVAT.description == "66.66667")
        #expect(first.payType == "other" && first.invoicedShows == 2)
        #expect(first.unitPrice?.description == "66.66667")
        #expect(try row(settlement, "cr-top-v2", "pad-app").amount?.excludingVAT.description == "33.33333")
        #expect(try row(settlement, "cr-top-v2", "pad-web").amount == nil)
        #expect(SampleMonth.findings(statement).isEmpty)
    }

    @Test func `a fixed charge of a day without shows goes to the first pad by id`() throws {
        let statement = fixed([
            Fact(lineItemID: "coffee", creativeID: "cr-top-v2", padID: "pad-web", day: day(2), shows: 500),
            Fact(
                lineItemID: "coffee", creativeID: nil, padID: nil, day: day(1), ledger: Micros(100_000_000), chargeID: 1
            ),
        ])
        let placed = try row(Settlement(statement), "cr-top-v2", "pad-app")
        #expect(placed.amount?.excludingVAT.description == "100.00000" && placed.shows == 0)
    }

    @Test(arguments: 0..<100)
    func `random months reconcile exactly, whatever the order of the facts`(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        var facts: [Fact] = []
        for index in 0..<Int.random(in: 1...80, using: &random) {
            let line = ["coffee", "tea"][Int.random(in: 0...1, using: &random)]
            let creative = line == "tea" ? "cr-tea-v1" : "cr-top-v\(Int.random(in: 1...2, using: &random))"
            let shows = Int64.random(in: 0...100_000, using: &random)
            let billed = Int64.random(in: 0...shows, using: &random)
            let price = Int64.random(in: 1...2_000_000, using: &random)
            facts.append(
                Fact(
                    lineItemID: line, creativeID: creative, padID: ["pad-web", "pad-app"][index % 2],
                    day: day(Int.random(in: 4...20, using: &random)), shows: shows,
                    ledger: Micros(billed * price / 1_000),
                    billedImpressions: line == "coffee" ? billed : 0, billedClicks: line == "tea" ? billed : 0,
                    chargeID: Int64(index + 1)))
        }
        let statement = SampleMonth.statement(facts: facts)
        #expect(SampleMonth.findings(statement).filter { $0.severity == .error }.isEmpty, "seed \(seed)")
        let settlement = Settlement(statement)
        for act in settlement.acts {
            let rows = settlement.rows.filter { act.items[0].creativeIDs.contains($0.creativeID) }
            let sum = rows.compactMap(\.amount?.excludingVAT).reduce(Decimal5.zero, +)
            #expect(sum == act.services.excludingVAT.decimal5, "seed \(seed)")
        }
        var shuffled = statement
        shuffled.facts.shuffle(using: &random)
        #expect(
            Settlement(shuffled).rows == settlement.rows && Settlement(shuffled).acts == settlement.acts, "seed \(seed)"
        )
    }
}
