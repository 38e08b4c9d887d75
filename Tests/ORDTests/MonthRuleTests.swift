import AdModel
import ORD
import Testing

/// The rate of an act under a contract's history.
struct RateCase: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var regime: String
    var changes: [String: String]
    var act: String
    var rate: String

    var testDescription: String { name }
}

/// Quarter and days of the levy by the date of an act.
struct LevyCase: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var act: String
    var quarter: String
    var calculated: String
    var confirmed: String
    var paid: String

    var testDescription: String { name }
}

/// The day on which a month is due.
struct DueCase: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var month: String
    var due: String

    var testDescription: String { name }
}

@Suite struct MonthRuleTests {
    typealias Fact = MonthStatement.Fact
    let day = SampleMonth.day

    @Test(arguments: Files.cases("vat-history", as: RateCase.self))
    func `the rate follows the act's date and the contract's history`(test: RateCase) throws {
        var contract = Contract(id: "ctr-1", clientID: "org-a", contractorID: "org-b", date: day(1))
        contract.vatRate = try #require(VATRate(rawValue: test.regime))
        contract.vatHistory = try test.changes.map {
            VATPeriod(from: try #require(Day($0.key)), rate: try #require(VATRate(rawValue: $0.value)))
        }
        #expect(contract.rate(on: try #require(Day(test.act))).rawValue == test.rate)
    }

    @Test(arguments: Files.cases("levy", as: LevyCase.self))
    func `the levy follows the act's date`(test: LevyCase) throws {
        let quarter = LevyQuarter(of: try #require(Day(test.act)))
        #expect(quarter.description == test.quarter)
        #expect(quarter.calculatedBy == Day(test.calculated))
        #expect(quarter.confirmBy == Day(test.confirmed))
        #expect(quarter.payBy == Day(test.paid))
    }

    @Test(arguments: Files.cases("due", as: DueCase.self))
    func `statistics are due thirty days after the month`(test: DueCase) throws {
        #expect(Deadlines.statistics(of: try #require(AccountingMonth(test.month))) == Day(test.due))
    }

    @Test func `a later act date moves rate and quarter, and the rows take the rate of their act`() throws {
        var statement = SampleMonth.statement()
        statement.contracts[0].vatHistory = [VATPeriod(from: day(1) + 31, rate: .five)]
        statement.actDates = ["ctr-cafe": day(1) + 33]
        let settlement = Settlement(statement)
        let act = try #require(settlement.acts.first { $0.contractID == "ctr-cafe" })
        #expect(act.date == day(1) + 33 && act.dateEnd == day(31) && act.services.rate == .five)
        #expect(settlement.rows.filter { $0.creativeID.hasPrefix("cr-top") }.allSatisfy { $0.amount?.rate == .five })
        #expect(SampleMonth.findings(statement).isEmpty)
    }

    @Test func `a correction keeps the first exported day, unless it would be false`() throws {
        func start(_ exported: Day) throws -> Day {
            var statement = SampleMonth.statement()
            statement.actualStarts = ["cr-tea-v1__pad-web": exported]
            return try #require(
                Settlement(statement).rows.first { $0.creativeID == "cr-tea-v1" && $0.padID == "pad-web" }
            ).actualStart
        }
        #expect(try start(day(5)) == day(5))
        #expect(try start(day(9)) == day(7))
    }

    @Test func `more refunded shows than charged ones invoice none`() throws {
        let statement = SampleMonth.statement(facts: [
            Fact(
                lineItemID: "coffee", creativeID: "cr-top-v1", padID: "pad-web", day: day(4), shows: 4,
                ledger: Micros(5_000_000), billedImpressions: -3, chargeID: 9)
        ])
        let row = try #require(Settlement(statement).rows.first)
        #expect(row.invoicedShows == 0 && row.amount?.excludingVAT.description == "5.00000")
        #expect(SampleMonth.findings(statement).isEmpty)
    }

    /// Line items of an agency's contract, each with the advertiser's own contract.
    private func agency(_ cids: [String: String]) -> MonthStatement {
        var statement = SampleMonth.statement()
        statement.persons[0].roles = ["agency"]
        for index in statement.lineItems.indices {
            guard let cid = cids[statement.lineItems[index].id] else { continue }
            statement.lineItems[index].cid = cid
            statement.lineItems[index].contractID = "ctr-cafe"
            statement.lineItems[index].advertiserID = "org-tea"
            for id in statement.lineItems[index].creativeIDs {
                for creative in statement.creatives.indices where statement.creatives[creative].id == id {
                    statement.creatives[creative].contractIDs = []
                    statement.creatives[creative].cids = [cid]
                }
            }
        }
        statement.cids = Set(cids.values).sorted().map { CID(id: $0, name: "ООО Чай", clientINN: "7736200080") }
        return statement
    }

    private static let coffee = "6a1f0c3e-9b7d-4c55-8e21-0f3a5b7c9d10"
    private static let tea = "0b1f0c3e-9b7d-4c55-8e21-0f3a5b7c9d11"

    @Test func `the act of an agency has one item for each advertiser's contract, and never our own`() throws {
        let statement = agency(["coffee": Self.coffee, "tea": Self.tea])
        let settlement = Settlement(statement)
        #expect(settlement.acts.count == 1)
        let act = try #require(settlement.acts.first)
        #expect(act.clientRole == "agency" && act.items.map(\.cid) == [Self.tea, Self.coffee])
        #expect(act.items.allSatisfy { $0.contractID == nil })
        #expect(act.items.reduce(.zero) { $0 + $1.amount.excludingVAT } == act.services.excludingVAT)
        #expect(act.items.reduce(.zero) { $0 + $1.amount.vat } == act.services.vat)
        for item in act.items {
            let rows = settlement.rows.filter { item.creativeIDs.contains($0.creativeID) }
            #expect(
                rows.reduce(Decimal5.zero) { $0 + ($1.amount?.excludingVAT ?? .zero) }
                    == item.amount.excludingVAT.decimal5)
        }
        #expect(SampleMonth.findings(statement).isEmpty)
    }

    @Test func `an advertiser's contract that is unknown or refused stops the export`() {
        var statement = agency(["coffee": Self.coffee])
        statement.cids[0].status = "bad"
        #expect(SampleMonth.findings(statement).map(\.code) == ["cid_bad"])
        statement.cids = []
        #expect(SampleMonth.findings(statement).map { "\($0.object) \($0.code)" } == ["cid \(Self.coffee) not_found"])
        statement = agency(["coffee": Self.coffee])
        statement.persons[0].roles = ["advertiser"]
        #expect(SampleMonth.findings(statement).map(\.code) == ["not_an_agency"])
    }

    @Test func `what an agent reports for the retailer is an act of its own, outside of the ledger's sums`() throws {
        var statement = SampleMonth.statement()
        statement.persons[0].roles = ["agency"]
        statement.contracts.append(
            Contract(
                id: "ctr-med", type: "mediation", clientID: "org-shop", contractorID: "org-idle", date: day(1),
                serial: "АГ-1", subjectType: "mediation", actionType: "conclude",
                flags: ["agent_acting_for_publisher"]))
        statement.persons[3].roles = ["agency"]
        statement.agentReports = [
            MonthStatement.AgentReport(
                contractID: "ctr-med", sales: KopeckAmount(kopecks: 500_000), commission: KopeckAmount(kopecks: 50_000),
                serial: "АГ-1/3", date: day(31))
        ]
        statement.persons[0].roles = ["advertiser"]
        let settlement = Settlement(statement)
        let act = try #require(settlement.acts.first { $0.contractID == "ctr-med" })
        #expect(act.clientRole == "publisher" && act.contractorRole == "agency" && act.items.isEmpty)
        #expect(act.commission?.amount.vat.description == "110.00" && act.commission?.serial == "АГ-1/3")
        #expect(SampleMonth.findings(statement).isEmpty)
        let contracts = Dictionary(uniqueKeysWithValues: statement.contracts.map { ($0.id, $0) })
        let forecast = LevyForecast.of([act], contracts: contracts)
        #expect(forecast.map { "\($0.quarter) \($0.base) \($0.levy)" } == ["2026-Q1 500.00 15.00"])
    }

    @Test(arguments: 0..<200)
    func `random agencies divide an act among contracts and rows without a rest`(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        var statement = agency(["coffee": Self.coffee, "tea": Self.tea])
        statement.contracts[0].vatRate = VATRate.allCases.randomElement(using: &random) ?? .twentyTwo
        statement.facts = (0..<Int.random(in: 1...60, using: &random)).map { index in
            let isTea = Bool.random(using: &random)
            let shows = Int64.random(in: 1...50_000, using: &random)
            return Fact(
                lineItemID: isTea ? "tea" : "coffee",
                creativeID: isTea ? "cr-tea-v1" : "cr-top-v\(Int.random(in: 1...2, using: &random))",
                padID: Bool.random(using: &random) ? "pad-web" : "pad-app",
                day: day(Int.random(in: 1...31, using: &random)), shows: shows,
                ledger: Micros(Int64.random(in: 0...9_999_999_999, using: &random)),
                billedImpressions: isTea ? 0 : shows, billedClicks: isTea ? 1 : 0, chargeID: Int64(index + 1))
        }
        statement.ledgerTotal = statement.facts.reduce(.zero) { $0 + $1.ledger }
        statement.showsTotal = statement.facts.reduce(0) { $0 + $1.shows }
        let settlement = Settlement(statement)
        #expect(Gate.arithmetic(statement, settlement).isEmpty, "seed \(seed)")
        for act in settlement.acts {
            let items = act.items.map(\.amount)
            #expect(items.reduce(.zero) { $0 + $1.excludingVAT } == act.services.excludingVAT, "seed \(seed)")
            #expect(items.reduce(.zero) { $0 + $1.vat } == act.services.vat, "seed \(seed)")
            for item in items {
                #expect(VAT.bounds(of: item.excludingVAT, at: item.rate).contains(item.vat), "seed \(seed)")
            }
        }
        // Rounding row by rounding row, the ledger is the act.
        for ledger in settlement.ledgers {
            let act = settlement.acts.first { $0.id == ledger.actID }?.services.excludingVAT ?? .zero
            #expect(
                ledger.ledger + ledger.rounding == act.micros && abs(ledger.rounding.value) <= 5_000, "seed \(seed)")
        }
    }

    @Test func `one changed impression is one changed row`() throws {
        let before = SampleMonth.statement()
        var after = before
        after.facts[1].shows += 1
        after.showsTotal += 1
        let diff = MonthDiff(before: Settlement(before), after: Settlement(after))
        #expect(diff.rows.map(\.id) == ["cr-top-v1__pad-web"] && diff.acts.isEmpty)
        #expect(diff.rows[0].after?.shows == 33_401 && diff.vanishedRows.isEmpty)
        #expect(MonthDiff(before: Settlement(before), after: Settlement(before)).isEmpty)
    }

    @Test func `a flight over the month's end is a row of each month, and no show is lost`() throws {
        let facts = (-3...6).map { offset in
            Fact(
                lineItemID: "coffee", creativeID: "cr-top-v1", padID: "pad-web", day: day(31) + offset, shows: 10,
                ledger: Micros(999_900), billedImpressions: 10, chargeID: Int64(offset + 10))
        }
        let april = try #require(AccountingMonth("2026-04"))
        var shows: Int64 = 0
        for month in [SampleMonth.month, april] {
            var statement = SampleMonth.statement(facts: facts.filter { month.contains($0.day) })
            statement.month = month
            for index in statement.lineItems.indices { statement.lineItems[index].flightLast = day(60) }
            let row = try #require(Settlement(statement).rows.first)
            #expect(month.contains(row.actualStart) && month.contains(row.actualEnd))
            #expect(row.plannedStart.map(month.contains) == true && row.plannedEnd.map(month.contains) == true)
            shows += row.shows
        }
        #expect(shows == 100)
    }

    @Test func `acts of two sellers may have one number`() {
        var statement = SampleMonth.statement()
        statement.serials = ["ctr-cafe": "А-2026/0001", "ctr-tea": "А-2026/0001"]
        statement.contracts[1].contractorID = "org-idle"
        #expect(!SampleMonth.findings(statement).contains { $0.code == "serial_duplicate" })
    }
}
