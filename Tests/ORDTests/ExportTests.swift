import AdModel
import ORD
import Testing

/// A sum and how a paper spells it.
struct WordsCase: Decodable, Sendable, CustomTestStringConvertible {
    var sum: String
    var words: String
    var testDescription: String { sum }
}

@Suite struct RussianTextTests {
    @Test(arguments: Files.cases("sums-in-words", as: WordsCase.self))
    func `a sum is spelled with the right gender and case`(_ example: WordsCase) throws {
        #expect(RussianText.words(try #require(KopeckAmount(example.sum))) == example.words)
    }

    @Test func `kopecks in words are feminine`() throws {
        let sums = [
            ("3.01", "Три рубля одна копейка"), ("0.42", "Ноль рублей сорок две копейки"),
            ("7.00", "Семь рублей ноль копеек"),
        ]
        for (sum, words) in sums {
            #expect(RussianText.words(try #require(KopeckAmount(sum)), kopecksInWords: true) == words)
        }
    }

    @Test func `the words of a number say the number`() {
        var random = SeededGenerator(state: 20_261_122)
        for _ in 0..<2_000 {
            let number = Int64.random(in: 1...999_999_999_999, using: &random)
            #expect(Self.read(RussianText.words(number, feminine: false)) == number, "\(number)")
        }
    }

    @Test func `figures, days and prices are set as Russian papers set them`() throws {
        #expect(RussianText.amount(KopeckAmount(kopecks: 123_456_780)) == "1\u{A0}234\u{A0}567,80")
        #expect(RussianText.amount(KopeckAmount(kopecks: -5)) == "−0,05")
        #expect(RussianText.amount(Decimal5(units: 333_296_667)) == "3\u{A0}332,96667")
        #expect(RussianText.amount(Micros(10_036_037_034)) == "10\u{A0}036,037034")
        #expect(RussianText.price(UnitPrice(units: 9_999_000, decimals: 8)) == "0,09999")
        #expect(RussianText.price(UnitPrice(units: 1_200_000, decimals: 5)) == "12,00")
        #expect(RussianText.date(SampleMonth.day(31)) == "31 марта 2026 г.")
        #expect(RussianText.shortDate(SampleMonth.day(5)) == "05.03.2026")
        #expect(RussianText.month(SampleMonth.month) == "март 2026 г.")
    }

    /// The other way round, by a table of its own.
    private static func read(_ text: String) -> Int64? {
        let values: [String: Int64] = [
            "один": 1, "одна": 1, "два": 2, "две": 2, "три": 3, "четыре": 4, "пять": 5, "шесть": 6, "семь": 7,
            "восемь": 8, "девять": 9, "десять": 10, "одиннадцать": 11, "двенадцать": 12, "тринадцать": 13,
            "четырнадцать": 14, "пятнадцать": 15, "шестнадцать": 16, "семнадцать": 17, "восемнадцать": 18,
            "девятнадцать": 19, "двадцать": 20, "тридцать": 30, "сорок": 40, "пятьдесят": 50, "шестьдесят": 60,
            "семьдесят": 70, "восемьдесят": 80, "девяносто": 90, "сто": 100, "двести": 200, "триста": 300,
            "четыреста": 400, "пятьсот": 500, "шестьсот": 600, "семьсот": 700, "восемьсот": 800, "девятьсот": 900,
        ]
        var total: Int64 = 0
        var triple: Int64 = 0
        for word in text.split(separator: " ").map(String.init) {
            if let value = values[word] {
                triple += value
            } else if word.hasPrefix("тысяч") {
                total += triple * 1_000
                triple = 0
            } else if word.hasPrefix("миллион") {
                total += triple * 1_000_000
                triple = 0
            } else if word.hasPrefix("миллиард") {
                total += triple * 1_000_000_000
                triple = 0
            } else {
                return nil
            }
        }
        return total + triple
    }
}

@Suite struct ExportTableTests {
    private func table(_ cells: [ExportTable.Cell]) -> ExportTable {
        ExportTable(
            name: "t", title: "Т", columns: cells.indices.map { .init("c\($0)", "К\($0)") }, rows: [cells])
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func `CSV has a mark, semicolons, CRLF and a point, and no formula`() {
        let csv = text(
            table([
                .text("007707083893"), .text("=1+1"), .text("+7 495"), .text("a;\"b\""), .text("-x"), .text("@y"),
                .decimal(units: -150, decimals: 2), .integer(-3), .day(SampleMonth.day(1)), .empty,
            ]).csv())
        #expect(
            csv == "\u{FEFF}c0;c1;c2;c3;c4;c5;c6;c7;c8;c9\r\n"
                + "007707083893;'=1+1;'+7 495;\"a;\"\"b\"\"\";'-x;'@y;-1.50;-3;2026-03-01;\r\n")
    }

    @Test func `CSV for 1C has decimal commas and Russian days`() {
        let csv = text(table([.decimal(units: 999_900, decimals: 2), .day(SampleMonth.day(31))]).csv(.oneC(.utf8)))
        #expect(csv == "\u{FEFF}К0;К1\r\n9999,00;31.03.2026\r\n")
    }

    @Test func `windows-1251 has one byte for each letter, and a question mark for what it lacks`() {
        #expect(Windows1251.bytes(of: "Аяё№«»—") == [0xC0, 0xFF, 0xB8, 0xB9, 0xAB, 0xBB, 0x97])
        #expect(Windows1251.bytes(of: "漢") == [0x3F])
    }

    @Test func `tables hold what the month refers to, codes as text`() throws {
        let statement = SampleMonth.statement()
        let tables = MonthTables.all(statement, Settlement(statement))
        #expect(
            tables.map(\.name) == [
                "acts", "act-items", "statistics", "creatives", "counterparties", "contracts", "pads",
            ])
        func column(_ table: String, _ key: String) throws -> [ExportTable.Cell] {
            let table = try #require(tables.first { $0.name == table })
            let index = try #require(table.columns.firstIndex { $0.key == key })
            return table.rows.map { $0[index] }
        }
        #expect(
            try column("counterparties", "inn") == [.text("7707083893"), .text("7736207543"), .text("500100732259")])
        #expect(try column("creatives", "kktu").allSatisfy { $0 == .text("17.3.1") })
        #expect(try column("creatives", "erid").first == .text("2Vtzqcrownv1"))
        #expect(try column("acts", "levy_quarter") == [.text("2026-Q1"), .text("2026-Q1")])
        #expect(
            try column("acts", "levy") == [.decimal(units: 29_997, decimals: 2), .decimal(units: 111, decimals: 2)])
        #expect(try column("statistics", "excl_vat").count { $0 == .empty } == 2)
        for table in tables { #expect(table.rows.allSatisfy { $0.count == table.columns.count }, "\(table.name)") }
    }

    @Test func `a CSV of tables reads back to the same sums`() throws {
        let statement = SampleMonth.statement()
        let table = try #require(
            MonthTables.all(statement, Settlement(statement)).first { $0.name == "statistics" })
        let lines = text(table.csv()).split(separator: "\r\n").map {
            $0.split(separator: ";", omittingEmptySubsequences: false)
        }
        let place = try #require(table.columns.firstIndex { $0.key == "excl_vat" })
        let sum = lines.dropFirst().compactMap { Decimal5(String($0[place])) }.reduce(.zero, +)
        #expect(sum == Decimal5("10036.04"))
    }
}

@Suite struct LevyTests {
    private func month(_ text: String) throws -> AccountingMonth { try #require(AccountingMonth(text)) }

    @Test(arguments: [
        ("2026-01", "2026-03-02"), ("2026-02", "2026-03-30"), ("2026-03", "2026-04-30"), ("2026-11", "2026-12-30"),
        ("2026-12", "2027-01-30"),
    ])
    func `statistics are due 30 days after the month`(of: String, due: String) throws {
        #expect(Deadlines.statistics(of: try month(of)).description == due)
    }

    @Test(arguments: [
        ("2025-06-30", "2025-Q2", "2025-08-15", "2025-08-25", "2025-09-05"),
        ("2026-07-01", "2026-Q3", "2026-11-15", "2026-11-25", "2026-12-05"),
        ("2026-12-31", "2026-Q4", "2027-02-15", "2027-02-25", "2027-03-05"),
    ])
    func `the date of the act decides the quarter and its days`(
        day: String, name: String, calculated: String, confirm: String, pay: String
    ) throws {
        let quarter = LevyQuarter(of: try #require(Day(day)))
        #expect(quarter.description == name)
        #expect(
            [quarter.calculatedBy, quarter.confirmBy, quarter.payBy].map(\.description) == [calculated, confirm, pay])
    }

    @Test func `the levy is 3 percent of services without VAT, of mediation on the commission`() throws {
        var statement = SampleMonth.statement()
        statement.contracts.append(
            Contract(
                id: "ctr-agent", type: "mediation", clientID: "org-shop", contractorID: "org-idle",
                date: SampleMonth.day(-50), serial: "А-1", subjectType: "mediation", actionType: "conclude",
                flags: ["agent_acting_for_publisher"]))
        statement.agentReports = [
            .init(
                contractID: "ctr-agent", sales: KopeckAmount(kopecks: 10_000_000),
                commission: KopeckAmount(kopecks: 1_000_000), serial: "К-1", date: SampleMonth.day(35))
        ]
        let totals = MonthTotals(statement, Settlement(statement))
        #expect(
            totals.levy.map { "\($0.quarter) \($0.base) \($0.levy)" } == [
                "2026-Q1 10036.04 301.08", "2026-Q2 10000.00 300.00",
            ])
    }
}

@Suite struct CorrectionTests {
    private func corrected(_ change: (inout MonthStatement) -> Void) throws -> VKBundle {
        var statement = SampleMonth.statement()
        statement.edition = .init(
            version: 2, correction: 1, supersedes: String(repeating: "ab", count: 32), reason: "возврат")
        change(&statement)
        return try VKBundle.export(
            statement, mediaBytes: [SampleMonth.pictureHash: SampleMonth.picture], kktu: ObjectCaseTests.kktu,
            today: SampleMonth.today, toolVersion: "test", previous: Settlement(SampleMonth.statement()))
    }

    private func text(_ bundle: VKBundle, _ name: String) -> String? {
        bundle.files.first { $0.name == name }.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test func `a correction says what it replaces and why, and is named for its number`() throws {
        let bundle = try corrected { _ in }
        #expect(bundle.suggestedName == "ord-vk-2026-03-k1.zip")
        let manifest = try JSONValue(bundle.manifest)
        #expect(manifest["supersedes"]?.string == String(repeating: "ab", count: 32))
        #expect(manifest["reason"]?.string == "возврат")
        #expect(manifest["correction"]?.number == 1)
        #expect(manifest["counts.deletes"]?.number == 0)
        #expect(text(bundle, "deletes.ndjson")?.isEmpty == true)
        #expect(manifest.object?["sha256"]?.object?["deletes.ndjson"] != nil)
        let problems = try SchemaChecker("manifest").problems(manifest)
        #expect(problems.isEmpty, "\(problems)")
    }

    @Test func `vanished rows and acts are taken back before the rest is sent`() throws {
        let bundle = try corrected { statement in
            statement.facts.removeAll { $0.lineItemID == "tea" }
            statement.ledgerTotal = statement.facts.reduce(.zero) { $0 + $1.ledger }
            statement.showsTotal = statement.facts.reduce(0) { $0 + $1.shows }
        }
        #expect(
            text(bundle, "deletes.ndjson") == """
                {"method":"POST","path":"/v3/statistics/delete","body":{"items":[{"creative_external_id":"cr-tea-v1","date_start_actual":"2026-03-07","pad_external_id":"pad-app"}]}}
                {"method":"POST","path":"/v3/statistics/delete","body":{"items":[{"creative_external_id":"cr-tea-v1","date_start_actual":"2026-03-07","pad_external_id":"pad-web"}]}}
                {"method":"DELETE","path":"/v4/invoice/act-tea-2026-03","body":{}}

                """)
    }

    @Test func `a row that begins earlier now is taken back first`() throws {
        let bundle = try corrected { $0.facts[2].day = SampleMonth.day(2) }
        let deletes = try #require(text(bundle, "deletes.ndjson"))
        #expect(
            deletes.contains(
                #""creative_external_id":"cr-top-v1","date_start_actual":"2026-03-03","pad_external_id":"pad-app""#))
        #expect(deletes.split(separator: "\n").count == 1)
    }

    @Test func `a correction without what it corrects is refused`() {
        var statement = SampleMonth.statement()
        statement.edition = .init(version: 2, correction: 1, supersedes: "ab", reason: "возврат")
        #expect {
            try SampleMonth.export(statement)
        } throws: { ($0 as? ORDError)?.findings.map(\.code) == ["previous_missing"] }
    }

    @Test func `a first version has no deletes`() throws {
        var statement = SampleMonth.statement()
        statement.edition = .init(version: 1)
        #expect(text(try SampleMonth.export(statement), "deletes.ndjson") == nil)
    }
}

@Suite struct ReconciliationTests {
    @Test func `random ledgers reconcile to zero difference`() throws {
        var random = SeededGenerator(state: 77)
        for round in 0..<200 {
            var facts: [MonthStatement.Fact] = []
            for _ in 0..<Int.random(in: 1...30, using: &random) {
                let (line, creative) =
                    [("coffee", "cr-top-v1"), ("coffee", "cr-top-v2"), ("tea", "cr-tea-v1")]
                    .randomElement(using: &random) ?? ("tea", "cr-tea-v1")
                let shows = Int64.random(in: 0...5_000, using: &random)
                facts.append(
                    .init(
                        lineItemID: line, creativeID: creative,
                        padID: Bool.random(using: &random) ? "pad-web" : "pad-app",
                        day: SampleMonth.day(Int.random(in: 5...20, using: &random)), shows: shows,
                        ledger: Micros(Int64.random(in: 0...90_000_000, using: &random)),
                        billedImpressions: line == "coffee" ? shows : 0, billedClicks: line == "tea" ? 1 : 0,
                        chargeID: 1))
            }
            let report = Reconciliation(
                ExportMonth(
                    statement: SampleMonth.statement(facts: facts), mediaBytes: [:], kktu: ObjectCaseTests.kktu,
                    today: SampleMonth.today, toolVersion: "test"))
            #expect(report.agrees, "round \(round), seed 77")
            let differences = report.lines.map { line in
                (line.act?.services.excludingVAT.micros ?? .zero) - line.ledger - line.rounding
            }
            #expect(differences.allSatisfy { $0 == .zero || report.totals.acts == 0 })
            #expect(report.table.rows.last?.last == .text("agrees"))
        }
    }

    @Test func `an agent's report is no charge of ours, and differs from nothing`() {
        var statement = SampleMonth.statement()
        statement.contracts.append(
            Contract(
                id: "ctr-agent", type: "mediation", clientID: "org-shop", contractorID: "org-idle",
                date: SampleMonth.day(-50), serial: "А-1", subjectType: "mediation", actionType: "conclude",
                flags: ["agent_acting_for_publisher"]))
        statement.agentReports = [
            .init(
                contractID: "ctr-agent", sales: KopeckAmount(kopecks: 10_000_000),
                commission: KopeckAmount(kopecks: 1_000_000), serial: "К-1", date: SampleMonth.day(31))
        ]
        let report = Reconciliation(
            ExportMonth(
                statement: statement, mediaBytes: [:], kktu: ObjectCaseTests.kktu, today: SampleMonth.today,
                toolVersion: "test"))
        #expect(report.agrees)
        #expect(report.lines.contains { $0.isAgentReport })
        #expect(OneCActs.table(statement, Settlement(statement)).rows.count == 2)
    }
}
