import AdModel
import ORD
import Testing

@Suite struct VKBundleTests {
    private func text(_ bundle: VKBundle, _ name: String) throws -> String {
        String(decoding: try #require(bundle.files.first { $0.name == name }).bytes, as: UTF8.self)
    }

    private func lines(_ bundle: VKBundle, _ name: String) throws -> [JSONValue] {
        try text(bundle, name).split(separator: "\n").map { try JSONValue(Array($0.utf8)) }
    }

    @Test func `files are complete, in byte order, and named for the month`() throws {
        let bundle = try SampleMonth.export(SampleMonth.statement())
        #expect(bundle.suggestedName == "ord-vk-2026-03.zip")
        #expect(
            bundle.files.map(\.name) == [
                "contracts.ndjson", "creatives.ndjson", "erids.ndjson", "invoices.ndjson", "manifest.json",
                "media.ndjson",
                "media/\(SampleMonth.pictureHash).png", "pads.ndjson", "persons.ndjson", "statistics.ndjson",
            ])
    }

    @Test func `lines are spelled exactly: key order, no spaces, Cyrillic and slashes unescaped`() throws {
        let bundle = try SampleMonth.export(SampleMonth.statement())
        #expect(
            try text(bundle, "persons.ndjson") == """
                {"method":"PUT","path":"/v1/person/org-cafe","body":{"juridical_details":{"inn":"7707083893","type":"juridical"},"name":"ООО \\"Кофе\\"","roles":["advertiser"]}}
                {"method":"PUT","path":"/v1/person/org-shop","body":{"juridical_details":{"inn":"7736207543","kpp":"773601001","type":"juridical"},"name":"АО Магазин","roles":["ors","publisher"],"rs_url":"https://shop.example"}}
                {"method":"PUT","path":"/v1/person/org-tea","body":{"juridical_details":{"inn":"500100732259","type":"ip"},"name":"ИП Чайкин А. А.","roles":["advertiser"]}}

                """)
        #expect(
            try text(bundle, "invoices.ndjson").split(separator: "\n").first.map(String.init) == """
                {"method":"PUT","path":"/v4/invoice/act-cafe-2026-03","body":{"amount":{"services":{"excluding_vat":"9999.00","including_vat":"12198.78","vat":"2199.78","vat_rate":"22"}},"client_role":"advertiser","contract_external_id":"ctr-cafe","contractor_role":"publisher","date":"2026-03-31","date_end":"2026-03-31","date_start":"2026-03-01","items":[{"amount":{"excluding_vat":"9999.00","including_vat":"12198.78","vat":"2199.78","vat_rate":"22"},"contract_external_id":"ctr-cafe","creatives":[{"creative_external_id":"cr-top-v1"},{"creative_external_id":"cr-top-v2"}]}]}}
                """)
        #expect(
            try text(bundle, "statistics.ndjson").split(separator: "\n").last.map(String.init) == """
                {"method":"POST","path":"/v3/statistics","body":{"items":[{"amount":{"excluding_vat":"3333.06666","including_vat":"4066.34132","vat":"733.27466","vat_rate":"22"},"amount_per_event":"0.09999000","creative_external_id":"cr-top-v2","date_end_actual":"2026-03-06","date_end_planned":"2026-03-20","date_start_actual":"2026-03-06","date_start_planned":"2026-03-01","invoice_shows_count":33334,"pad_external_id":"pad-web","pay_type":"cpm","shows_count":33334}]}}
                """)
        #expect(
            try text(bundle, "erids.ndjson").hasPrefix(
                #"{"creative_external_id":"cr-own-v1","erid":"2Vtzqcrownv1","status":"verified"}"# + "\n"))
    }

    @Test func `only what the month refers to is written`() throws {
        let bundle = try SampleMonth.export(SampleMonth.statement())
        #expect(!(try text(bundle, "persons.ndjson").contains("org-idle")))
        #expect(!(try text(bundle, "contracts.ndjson").contains("ctr-idle")))
        #expect(!(try text(bundle, "pads.ndjson").contains("pad-tv")))
        #expect(!(try text(bundle, "creatives.ndjson").contains("cr-top-v3")))
    }

    @Test func `every body fits the operator's schema, unknown keys included`() throws {
        let bundle = try SampleMonth.export(SampleMonth.statement())
        let schemas = [
            "persons": "person", "contracts": "contract", "pads": "pad", "media": "media", "creatives": "creative",
            "statistics": "statistics", "invoices": "invoice",
        ]
        for (stem, name) in schemas {
            let schema = try SchemaChecker(name)
            let lines = try lines(bundle, "\(stem).ndjson")
            #expect(!lines.isEmpty, "\(stem)")
            for line in lines {
                #expect(Set(try #require(line.object).keys) == ["method", "path", "body"])
                let problems = schema.problems(try #require(line["body"]))
                #expect(problems.isEmpty, "\(stem): \(problems)")
            }
        }
        for line in try lines(bundle, "erids.ndjson") { #expect(try SchemaChecker("erid").problems(line).isEmpty) }
        let manifest = try JSONValue(Array(try text(bundle, "manifest.json").utf8))
        let problems = try SchemaChecker("manifest").problems(manifest)
        #expect(problems.isEmpty, "\(problems)")
    }

    @Test func `the schemas find unknown keys, numbers for money and two owners`() throws {
        let bundle = try SampleMonth.export(SampleMonth.statement())
        var row = try #require(try lines(bundle, "statistics.ndjson").first?["body"])
        #expect(try SchemaChecker("statistics").problems(row).isEmpty)
        row.set("extra", .bool(true))
        #expect(try SchemaChecker("statistics").problems(row) == ["$: unknown key extra"])
        var act = try #require(try lines(bundle, "invoices.ndjson").first?["body"])
        act.set("amount.services.vat", .number(2199.78))
        #expect(try !SchemaChecker("invoice").problems(act).isEmpty)
        var creative = try #require(try lines(bundle, "creatives.ndjson").last?["body"])
        creative.set("person_external_id", .string("org-shop"))
        #expect(try SchemaChecker("creative").problems(creative) == ["$: fits 2 of the alternatives, not one"])
    }

    @Test func `the manifest holds hashes of every other file, counts and totals`() throws {
        let bundle = try SampleMonth.export(SampleMonth.statement())
        let manifest = try JSONValue(Array(try text(bundle, "manifest.json").utf8))
        let hashes = try #require(manifest.object?["sha256"]?.object)
        #expect(Set(hashes.keys) == Set(bundle.files.map(\.name)).subtracting(["manifest.json"]))
        #expect(hashes["media/\(SampleMonth.pictureHash).png"]?.string == SampleMonth.pictureHash)
        #expect(manifest["generated_at"]?.string == "2026-04-01T00:00:00Z")
        #expect(manifest["counts.statistics"]?.number == 6)
        #expect(manifest["totals.shows"]?.number == 101_187)
        #expect(manifest["totals.acts_excluding_vat"]?.string == "10036.04")
        #expect(manifest["totals.statistics_excluding_vat"]?.string == "10036.04000")
        #expect(manifest["totals.acts_vat"]?.string == "2207.93")
        #expect(manifest["totals.statistics_vat"]?.string == "2207.93000")
        #expect(manifest["ledger_micros"]?.number == 10_036_037_034)
        #expect(manifest["highest_charge_id"]?.number == 5)
    }

    @Test func `the same month gives the same bytes, whatever the order of its parts`() throws {
        let first = try SampleMonth.export(SampleMonth.statement())
        var random = SeededGenerator(state: 7)
        var statement = SampleMonth.statement()
        statement.facts.shuffle(using: &random)
        statement.persons.shuffle(using: &random)
        statement.creatives.shuffle(using: &random)
        statement.lineItems.shuffle(using: &random)
        statement.contracts.reverse()
        statement.pads.reverse()
        let second = try SampleMonth.export(statement)
        for (a, b) in zip(first.files, second.files) { #expect(a.name == b.name && a.bytes == b.bytes, "\(a.name)") }
    }

    @Test func `one impression more changes one row`() throws {
        let first = try SampleMonth.export(SampleMonth.statement())
        var statement = SampleMonth.statement()
        statement.facts[2].shows += 1
        statement.showsTotal += 1
        let second = try SampleMonth.export(statement)
        let (a, b) = (try lines(first, "statistics.ndjson"), try lines(second, "statistics.ndjson"))
        #expect(zip(a, b).count { $0 != $1 } == 1)
        #expect(try text(first, "invoices.ndjson") == text(second, "invoices.ndjson"))
    }

    @Test func `an empty month is a bundle of empty files`() throws {
        let bundle = try SampleMonth.export(SampleMonth.statement(facts: []))
        #expect(bundle.files.count == 9)
        for file in bundle.files where file.name != "manifest.json" { #expect(file.bytes.isEmpty, "\(file.name)") }
    }

    @Test func `additional agreements follow all other contracts`() throws {
        var statement = SampleMonth.statement()
        statement.contracts.append(
            Contract(
                id: "ctr-a", type: "additional", clientID: "org-cafe", contractorID: "org-shop",
                date: SampleMonth.day(1),
                serial: "ДС-1", parentID: "ctr-cafe"))
        for index in statement.creatives.indices where statement.creatives[index].contractIDs == ["ctr-tea"] {
            statement.creatives[index].contractIDs = ["ctr-a"]
        }
        statement.lineItems[1].contractID = "ctr-a"
        statement.lineItems[1].advertiserID = "org-cafe"
        let bundle = try SampleMonth.export(statement)
        #expect(
            try lines(bundle, "contracts.ndjson").map { $0["path"]?.string } == [
                "/v1/contract/ctr-cafe", "/v1/contract/ctr-a",
            ])
    }
}
