import AdModel
import ORD
import Testing

/// The other operators' shapes: schemas transcribed from ord.md section 3, and its worked act to the last digit.
@Suite struct ProfileTests {
    /// The sample month, frozen, with a shelf of two products.
    private func month(_ change: (inout MonthStatement) -> Void = { _ in }) -> ExportMonth {
        var statement = SampleMonth.statement()
        statement.edition = .init(version: 1)
        statement.serials = ["ctr-cafe": "А-104", "ctr-tea": "А-105"]
        statement.actDates = ["ctr-cafe": SampleMonth.month.last + 5]
        let shelf = statement.creatives.firstIndex { $0.id == "cr-tea-v1" } ?? 0
        statement.creatives[shelf].texts = ["Чай недели", "Чай чёрный", "Чай зелёный"]
        statement.creatives[shelf].elements = [
            FeedElement(sku: "sku-1", name: "Чай чёрный"), FeedElement(sku: "sku-2", name: "Чай зелёный"),
        ]
        change(&statement)
        return ExportMonth(
            statement: statement, mediaBytes: [SampleMonth.pictureHash: SampleMonth.picture],
            kktu: ObjectCaseTests.kktu, today: SampleMonth.today, toolVersion: "test")
    }

    private func text(_ bundle: ProfileBundle, _ name: String) throws -> String {
        String(decoding: try #require(bundle.files.first { $0.name == "\(name).ndjson" }).bytes, as: UTF8.self)
    }

    private func lines(_ bundle: ProfileBundle, _ name: String) throws -> [JSONValue] {
        try text(bundle, name).split(separator: "\n").map { try JSONValue(Array($0.utf8)) }
    }

    private func findings(_ body: () throws -> ProfileBundle) -> [String] {
        do {
            _ = try body()
            return []
        } catch let error as ORDError {
            return error.findings.map { "\($0.object): \($0.field): \($0.code)" }
        } catch { return ["\(error)"] }
    }

    @Test(arguments: [
        ("clients", "client"), ("contracts", "contract"), ("platforms", "platform"), ("creatives", "creative"),
        ("containers", "container"), ("elements", "element"), ("invoices", "invoice"), ("statistics", "statistics"),
    ])
    func `bodies for Mediascout fit its shapes`(file: String, schema: String) throws {
        let checker = try SchemaChecker("mediascout-\(schema)")
        let lines = try lines(MediascoutProfile().bundle(month()), file)
        #expect(!lines.isEmpty)
        for line in lines {
            let problems = checker.problems(try #require(line["body"]))
            #expect(problems.isEmpty, "\(problems)")
        }
    }

    @Test(arguments: [
        ("organisations", "organisation"), ("contracts", "contract"), ("platforms", "platform"), ("feeds", "feed"),
        ("elements", "element"), ("creatives", "creative"), ("invoices", "invoice"), ("statistics", "statistic"),
    ])
    func `bodies for Ozon fit its shapes`(file: String, schema: String) throws {
        let checker = try SchemaChecker("ozon-\(schema)")
        let lines = try lines(OzonProfile().bundle(month()), file)
        #expect(!lines.isEmpty)
        for line in lines {
            let problems = checker.problems(try #require(line["body"]))
            #expect(problems.isEmpty, "\(problems)")
        }
    }

    @Test func `the worked act of ord.md section 3.1 comes out to the last digit`() throws {
        let acts = try text(MediascoutProfile().bundle(month()), "invoices")
        let act = try #require(acts.split(separator: "\n").first)
        for part in [
            #""number":"А-104""#, #""date":"2026-04-05""#, #""contractorRole":"Rr""#, #""clientRole":"Rd""#,
            #""services":{"amountExcludingVat":9999.00,"amountIncludingVat":12198.78,"vat":2199.78,"vatRate":22}"#,
            #""initialContractsData":[{"amount":{"amountExcludingVat":9999.00,"amountIncludingVat":12198.78,"vat":2199.78,"vatRate":22},"initialContractId":"@ctr-cafe"}]"#,
            #"{"amount":{"amountExcludingVat":3332.96667,"amountIncludingVat":4066.21934,"vat":733.25267,"vatRate":22},"#,
            #""impsFact":33333,"impsPlan":33333,"#, #""price":99.99,"#,
        ] { #expect(act.contains(part), "\(part)") }
    }

    @Test func `the same act for Ozon: text for money, a price per show, rates by its numbers`() throws {
        let bundle = try OzonProfile().bundle(month())
        let row = try #require(
            try lines(bundle, "statistics").first { $0["ref"]?.string == "cr-top-v1-pad-app-2026-03" })
        #expect(row["body.unitCost"]?.string == "0.09999")
        #expect(row["body.price.excludingAmount"]?.string == "3332.96667")
        #expect(row["body.price.amount"]?.string == "4066.21934")
        #expect(row["body.viewsCountByFact"]?.string == "33333")
        #expect(row["body.externalInvoiceId"]?.string == "act-cafe-2026-03")
        let act = try #require(try lines(bundle, "invoices").first)
        #expect(act["body.servicePrice.amount"]?.string == "12198.78")
        #expect(act["body.clientRole"]?.string == "ORGANISATION_ROLE_RD")
        let exempt = try OzonProfile().bundle(
            month { $0.contracts[0].vatRate = .withoutVAT })
        #expect(try lines(exempt, "invoices").first?["body.servicePrice.vatRate"]?.string == "100")
        let dear = try OzonProfile(perMille: true).bundle(month())
        let dearRow = try lines(dear, "statistics").first { $0["ref"]?.string == "cr-top-v1-pad-app-2026-03" }
        #expect(dearRow?["body.unitCost"]?.string == "99.99")
    }

    @Test func `a shelf is a container and one element for each product`() throws {
        let mediascout = try MediascoutProfile().bundle(month())
        #expect(try lines(mediascout, "containers").map { $0["ref"]?.string } == ["cr-tea-v1"])
        #expect(
            try lines(mediascout, "elements").map { $0["body.nativeCustomerId"]?.string }
                == ["cr-tea-v1-sku-1", "cr-tea-v1-sku-2"])
        #expect(try !lines(mediascout, "creatives").contains { $0["ref"]?.string == "cr-tea-v1" })
        let ozon = try OzonProfile().bundle(month())
        let shelf = try #require(try lines(ozon, "creatives").first { $0["ref"]?.string == "cr-tea-v1" })
        #expect(shelf["body.creativeType"]?.string == "CREATIVE_TYPE_CONTAINER")
        #expect(shelf["body.externalFeedId"]?.string == "feed-cr-tea-v1")
        #expect(try lines(ozon, "elements").count == 2)
    }

    @Test func `every row lives once, and rows without money stand outside of acts`() throws {
        let mediascout = try MediascoutProfile().bundle(month())
        let inActs = try lines(mediascout, "invoices").flatMap { $0["body.statisticsByPlatforms"]?.array ?? [] }
        let free = try lines(mediascout, "statistics")
        #expect(inActs.count == 4 && free.count == 2)
        #expect(free.allSatisfy { $0["body.amount"] == nil && $0["body.price"] == nil })
        let own = try #require(free.first { $0["ref"]?.string == "cr-own-v1-pad-web" })
        #expect(own["body.initialContractId"] == nil)
        let creative = try lines(mediascout, "creatives").first { $0["ref"]?.string == "cr-own-v1" }
        #expect(creative?["body.isSelfPromotion"]?.bool == true)
        #expect(creative?["body.finalContractId"] == nil)
        let ozon = try lines(OzonProfile().bundle(month()), "statistics")
        #expect(ozon.count { $0["body.externalInvoiceId"] == nil } == 2)
        let ownOzon = try lines(OzonProfile().bundle(month()), "creatives").first { $0["ref"]?.string == "cr-own-v1" }
        #expect(ownOzon?["body.selfPromotionExternalOrganizationId"]?.string == "org-shop")
    }

    @Test func `ids that the operator gave stand in the bodies, others wait at their place`() throws {
        var month = month()
        month.operatorIDs = ["ctr-cafe": "CT123", "org-cafe": "CL7"]
        let bundle = try MediascoutProfile().bundle(month)
        #expect(try lines(bundle, "invoices").map { $0["body.finalContractId"]?.string } == ["CT123", "@ctr-tea"])
        #expect(try lines(bundle, "contracts").map { $0["body.clientId"]?.string } == ["CL7", "@org-tea"])
        #expect(
            try lines(bundle, "confirmations").map { $0["path"]?.string } == [
                "/v3/invoices/@act-cafe-2026-03/confirm", "/v3/invoices/@act-tea-2026-03/confirm",
            ])
    }

    @Test func `what an operator has no word for is refused with its field, until a switch says the word`() throws {
        let television = month {
            $0.pads[1].type = "smarttv"
            $0.pads[1].url = nil
        }
        #expect(findings { try MediascoutProfile().bundle(television) } == ["pad pad-app: type: platform_type"])
        #expect(findings { try OzonProfile().bundle(television) } == ["pad pad-app: platformType: platform_type"])
        #expect(findings { try OzonProfile(televisionType: "PLATFORM_TYPE_SYSTEM").bundle(television) } == [])
        let exempt = month { $0.contracts[0].vatRate = .withoutVAT }
        #expect(
            findings { try MediascoutProfile().bundle(exempt) } == [
                "act act-cafe-2026-03: services.vatRate: vat_rate_unknown"
            ])
        #expect(findings { try MediascoutProfile(withoutVATRate: 100).bundle(exempt) } == [])
        let open = month { $0.serials = [:] }
        #expect(findings { try MediascoutProfile().bundle(open) }.contains("act act-cafe-2026-03: number: required"))
        #expect(
            findings { try OzonProfile().bundle(open) }.contains("act act-cafe-2026-03: invoiceNumber: required"))
    }

    @Test func `a month that fails the gate is refused before anything else`() {
        let month = month { $0.creatives[0].erid = nil }
        #expect(findings { try MediascoutProfile().bundle(month) } == ["creative cr-top-v1: erid: erid_missing"])
        #expect(findings { try OzonProfile().bundle(month) } == ["creative cr-top-v1: erid: erid_missing"])
    }

    @Test func `an agency's client is named by the contract of ЕРИР`() throws {
        let cid = "0a1b2c3d-1111-4222-8333-444455556666"
        let month = month { statement in
            statement.persons[0].roles = ["agency"]
            statement.cids = [CID(id: cid, name: "ООО Бренд", clientINN: "7736200080")]
            for index in statement.lineItems.indices where statement.lineItems[index].contractID == "ctr-cafe" {
                statement.lineItems[index].cid = cid
                statement.lineItems[index].advertiserID = "org-idle"
            }
            for index in statement.creatives.indices where statement.creatives[index].contractIDs == ["ctr-cafe"] {
                statement.creatives[index].contractIDs = []
                statement.creatives[index].cids = [cid]
            }
        }
        let bundle = try MediascoutProfile().bundle(month)
        let creative = try #require(try lines(bundle, "creatives").first { $0["ref"]?.string == "cr-top-v1" })
        #expect(creative["body.initialContractId"]?.string == cid)
        #expect(creative["body.finalContractId"]?.string == "@ctr-cafe")
        let act = try #require(try lines(bundle, "invoices").first)
        #expect(act["body.clientRole"]?.string == "Ra")
        #expect(act["body.initialContractsData"]?.array?.first?["initialContractId"]?.string == cid)
        let ozon = try OzonProfile().bundle(month)
        #expect(try lines(ozon, "invoices").first?["body.contracts"]?.array?.first?["externalCidId"]?.string == cid)
        #expect(
            try lines(ozon, "cids").allSatisfy { try SchemaChecker("ozon-cid").problems($0["body"] ?? .null).isEmpty })
        let vk = try VKBundle.export(month)
        let cids = try #require(vk.files.first { $0.name == "cids.ndjson" })
        #expect(
            String(decoding: cids.bytes, as: UTF8.self)
                == #"{"method":"PUT","path":"/v1/cid/\#(cid)","body":{"client_inn":"7736200080","name":"ООО Бренд"}}"#
                + "\n")
    }

    @Test func `equal months give equal bundles`() throws {
        func turned(_ statement: inout MonthStatement) {
            statement.facts.reverse()
            statement.creatives.reverse()
        }
        for (a, b) in zip(
            try MediascoutProfile().bundle(month()).files, try MediascoutProfile().bundle(month(turned)).files)
        { #expect(a.name == b.name && a.bytes == b.bytes, "\(a.name)") }
        for (a, b) in zip(try OzonProfile().bundle(month()).files, try OzonProfile().bundle(month(turned)).files) {
            #expect(a.name == b.name && a.bytes == b.bytes, "\(a.name)")
        }
    }
}
