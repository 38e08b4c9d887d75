import AdModel
import ORD
import Testing

@Suite struct GateTests {
    let day = SampleMonth.day

    /// Changes the sample month and returns what the gate then says, as `object: field: code`.
    private func findings(today: Day = SampleMonth.today, _ change: (inout MonthStatement) -> Void) -> [String] {
        var statement = SampleMonth.statement()
        change(&statement)
        return SampleMonth.findings(statement, today: today).map { "\($0.object): \($0.field): \($0.code)" }
    }

    @Test func `a correct month passes`() {
        #expect(findings { _ in } == [])
    }

    @Test func `shows without an erid stop the export`() {
        #expect(findings { $0.creatives[0].erid = nil } == ["creative cr-top-v1: erid: erid_missing"])
    }

    @Test func `shows with a refused erid stop the export`() {
        #expect(findings { $0.creatives[0].eridStatus = "bad" } == ["creative cr-top-v1: erid: erid_bad"])
    }

    @Test func `a creative that was not shown may wait for its erid`() {
        #expect(findings { $0.creatives[4].erid = nil } == [])
    }

    @Test func `a missing KKTU stops the export`() {
        #expect(findings { $0.creatives[2].kktus = [] } == ["creative cr-tea-v1: kktus: required"])
    }

    @Test func `a missing address of a pad stops the export`() {
        #expect(findings { $0.pads[0].url = "" } == ["pad pad-web: url: required"])
    }

    @Test func `a missing contract stops the export`() {
        let found = findings { $0.contracts.removeAll { $0.id == "ctr-tea" } }
        #expect(found.contains("creative cr-tea-v1: contract_external_ids[0]: not_found"))
        #expect(found.contains("month 2026-03: ledger: ledger_differs"))
    }

    @Test func `a ledger that the rows do not account for stops the export`() {
        #expect(findings { $0.ledgerTotal += Micros(1) } == ["month 2026-03: ledger: ledger_differs"])
    }

    @Test func `shows that the rows do not account for stop the export`() {
        #expect(findings { $0.showsTotal += 1 } == ["month 2026-03: shows_count: shows_differ"])
    }

    @Test func `a charge that names no creative stops the export with its number`() {
        let found = findings {
            $0.facts.append(
                .init(lineItemID: "coffee", creativeID: nil, padID: nil, day: day(3), ledger: Micros(100), chargeID: 77)
            )
            $0.ledgerTotal += Micros(100)
        }
        #expect(found.first == "charge 77: creative_version_id: charge_without_creative")
    }

    @Test func `refunds above the charges of a row stop the export`() {
        let found = findings {
            $0.facts.append(
                .init(
                    lineItemID: "tea", creativeID: "cr-tea-v1", padID: "pad-app", day: day(8), ledger: Micros(-1),
                    chargeID: 78))
            $0.ledgerTotal += Micros(-1)
        }
        #expect(found == ["statistics cr-tea-v1 pad-app: amount: row_negative"])
    }

    @Test func `money on self-promotion stops the export`() {
        let found = findings {
            $0.facts[6].ledger = Micros(1_000_000)
            $0.ledgerTotal += Micros(1_000_000)
        }
        #expect(found.contains("statistics cr-own-v1 pad-web: amount: self_promotion_money"))
    }

    @Test func `more charged impressions than shows stop the export`() {
        let found = findings { $0.facts[2].billedImpressions += 1 }
        #expect(found == ["statistics cr-top-v1 pad-app: invoice_shows_count: more_than_shows"])
    }

    @Test func `dates after today stop the export`() {
        let found = findings(today: day(30)) { _ in }
        #expect(found.contains("act act-cafe-2026-03: date: date_in_future"))
        #expect(found.allSatisfy { $0.hasSuffix("date_in_future") })
        #expect(findings(today: day(31)) { _ in } == [], "the last day of the month is enough")
    }

    @Test func `shows outside the contract's dates stop the export`() {
        let found = findings { $0.contracts[1].dateEnd = day(6) }
        #expect(
            found == [
                "statistics cr-tea-v1 pad-app: date_start_actual: row_outside_act".replacing(
                    "date_start", with: "date_end"),
                "statistics cr-tea-v1 pad-web: date_end_actual: row_outside_act",
            ])
    }

    @Test func `a look-alike serial stops the export`() {
        // Latin P and M, and another client.
        #expect(findings { $0.contracts[2].serial = "PM-15/26" } == ["contract ctr-idle: serial: serial_duplicate"])
    }

    @Test func `a serial that differs by case or punctuation stops the export`() {
        #expect(findings { $0.contracts[2].serial = "рм 15-26" } == ["contract ctr-idle: serial: serial_duplicate"])
    }

    @Test func `two parties may share a number, one client may not have it twice`() {
        #expect(findings { $0.contracts[2].serial = "РМ-15/26" } == [])
        let found = findings {
            $0.contracts[2].serial = "РМ-15/26"
            $0.contracts[2].clientID = "org-cafe"
        }
        #expect(found == ["contract ctr-idle: serial: serial_duplicate"])
    }

    @Test func `acts with look-alike serials stop the export`() {
        let found = findings { $0.serials = ["ctr-cafe": "А-2026/0001", "ctr-tea": "A-2026/0001"] }
        #expect(found == ["act act-tea-2026-03: serial: serial_duplicate"])
    }

    @Test func `a warning stops the export until a person overrides exactly it, and then stands in the manifest`()
        throws
    {
        var statement = SampleMonth.statement()
        statement.contracts[2].serial = "PM-15/26"
        #expect { try SampleMonth.export(statement) } throws: { ($0 as? ORDError)?.code == "gate_failed" }
        func override(_ code: String, _ object: String, _ field: String) -> GateOverride {
            GateOverride(code: code, object: object, field: field, actor: "user:usr-1", reason: "two documents indeed")
        }
        statement.overrides = [override("serial_duplicate", "contract ctr-tea", "serial")]
        #expect(throws: ORDError.self) { try SampleMonth.export(statement) }
        statement.overrides = [override("serial_duplicate", "contract ctr-idle", "serial")]
        let bundle = try SampleMonth.export(statement)
        #expect(bundle.warnings.map(\.code) == ["serial_duplicate"])
        // Nobody answers for an error.
        statement.creatives[0].erid = nil
        statement.overrides.append(override("erid_missing", "creative cr-top-v1", "erid"))
        #expect(throws: ORDError.self) { try SampleMonth.export(statement) }
    }

    @Test func `a finding leads to its rows`() {
        var statement = SampleMonth.statement()
        statement.lineItems[1].contractID = "ctr-gone"
        let found = SampleMonth.findings(statement)
        let ledger = found.first { $0.code == "ledger_differs" }
        #expect(ledger?.links.contains(Finding.Link("charge", "5")) == true)
        #expect(ledger?.links.first == Finding.Link("month", "2026-03"))
        let row = Finding(code: "row_negative", object: "statistics cr-1-v1 pad-web", message: "m")
        #expect(
            row.links == [
                Finding.Link("statistics", "cr-1-v1__pad-web"), Finding.Link("creative", "cr-1-v1"),
                Finding.Link("pad", "pad-web"),
            ])
    }

    @Test func `two persons with one INN and KPP stop the export`() {
        let found = findings {
            $0.persons[3].inn = "7707083893"
        }
        #expect(found == ["person org-idle: juridical_details.inn: person_duplicate"])
        #expect(
            findings {
                $0.persons[3].inn = "7707083893"
                $0.persons[3].kpp = "773601001"
            } == [], "another KPP is another branch")
    }

    @Test func `two pads with one address stop the export`() {
        #expect(findings { $0.pads[1].url = "http://SHOP.example/" } == ["pad pad-web: url: pad_duplicate"])
    }

    @Test func `a contract that was made at the old general rate follows the law`() throws {
        #expect(findings { $0.contracts[0].vatRate = .twenty } == [])
        var statement = SampleMonth.statement()
        statement.contracts[0].vatRate = .twenty
        #expect(Settlement(statement).acts.first { $0.contractID == "ctr-cafe" }?.services.rate == .twentyTwo)
    }

    @Test func `a contract of an agency stops the export`() {
        #expect(
            findings { $0.lineItems[1].advertiserID = "org-idle" } == [
                "contract ctr-tea: client_external_id: agency_contract"
            ])
    }

    @Test func `a refused export names object, field, reason and what to do`() {
        var statement = SampleMonth.statement()
        statement.creatives[0].erid = nil
        #expect {
            try SampleMonth.export(statement)
        } throws: { error in
            guard let error = error as? ORDError else { return false }
            return error.code == "gate_failed"
                && error.description
                    == "error: creative cr-top-v1: erid: erid_missing: it was shown without an erid: register it with the operator and enter the erid"
        }
    }

    @Test func `missing or damaged media stop the export`() {
        for bytes in [[:], [SampleMonth.pictureHash: Array("abd".utf8)]] {
            #expect {
                try VKBundle.export(
                    SampleMonth.statement(), mediaBytes: bytes, kktu: ObjectCaseTests.kktu, today: SampleMonth.today,
                    toolVersion: "test")
            } throws: { ($0 as? ORDError)?.findings.map(\.code) == ["media_bytes"] }
        }
    }
}
