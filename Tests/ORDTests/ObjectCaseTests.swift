import AdModel
import ORD
import Testing

/// One rule of the operator on one object: a correct body, what is changed in it, and the findings that follow.
struct ObjectCase: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var base: String
    var set: [String: JSONValue]?
    /// `field: code`, in order.
    var findings: [String]

    var testDescription: String { name }
}

/// Correct bodies that the cases change.
struct Bases: Decodable {
    var name: String
    var body: JSONValue
}

@Suite struct ObjectCaseTests {
    static let today = Day("2026-06-01") ?? Day(number: 0)
    static let bases = Dictionary(uniqueKeysWithValues: Files.cases("bases", as: Bases.self).map { ($0.name, $0.body) })

    static let persons: [String: Person] = Dictionary(
        uniqueKeysWithValues: ["org-brand", "org-retailer", "org-agency", "org-twin", "org-abroad"].map {
            ($0, ObjectBuilder.person(bases[$0] ?? .null, id: $0))
        })
    static let contracts: [String: Contract] = Dictionary(
        uniqueKeysWithValues: ["ctr-1", "ctr-2", "ctr-mediation", "ctr-agent", "ctr-free", "ctr-addition"].map {
            ($0, ObjectBuilder.contract(bases[$0] ?? .null, id: $0))
        })
    static let creatives: [String: Creative] = {
        var banner = ObjectBuilder.creative(bases["banner"] ?? .null)
        banner.id = "cr-1-v1"
        var own = ObjectBuilder.creative(bases["self-promotion"] ?? .null)
        own.id = "cr-own-v1"
        return ["cr-1-v1": banner, "cr-own-v1": own]
    }()
    static let kktu: KKTUDictionary = {
        do { return try KKTUDictionary(csv: Files.bytes("../../Sources/nimb/Data/kktu.csv")) } catch {
            preconditionFailure("\(error)")
        }
    }()

    private func body(_ test: ObjectCase) throws -> JSONValue {
        var body = try #require(Self.bases[test.base], "no base \(test.base)")
        for (path, value) in test.set ?? [:] { body.set(path, value) }
        return body
    }

    private func expect(_ findings: [Finding], _ test: ObjectCase) {
        #expect(findings.map { "\($0.field): \($0.code)" }.sorted() == test.findings.sorted(), "\(findings)")
        for finding in findings { #expect(!finding.message.isEmpty) }
    }

    @Test(arguments: Files.cases("persons", as: ObjectCase.self))
    func `a counterparty is judged field by field`(test: ObjectCase) throws {
        expect(ObjectBuilder.person(try body(test)).findings(), test)
    }

    @Test(arguments: Files.cases("contracts", as: ObjectCase.self))
    func `a contract is judged field by field`(test: ObjectCase) throws {
        let contract = ObjectBuilder.contract(try body(test))
        expect(contract.findings(persons: Self.persons, contracts: Self.contracts, today: Self.today), test)
    }

    @Test(arguments: Files.cases("pads", as: ObjectCase.self))
    func `a pad is judged field by field`(test: ObjectCase) throws {
        expect(ObjectBuilder.pad(try body(test)).findings(persons: Self.persons), test)
    }

    @Test(arguments: Files.cases("creatives", as: ObjectCase.self))
    func `a creative is judged field by field`(test: ObjectCase) throws {
        expect(
            ObjectBuilder.creative(try body(test)).findings(
                contracts: Self.contracts, persons: Self.persons, media: ["md-1", "md-2"], kktu: Self.kktu), test)
    }

    @Test(arguments: Files.cases("acts", as: ObjectCase.self))
    func `an act is judged field by field`(test: ObjectCase) throws {
        expect(
            ObjectBuilder.act(try body(test)).findings(
                contracts: Self.contracts, creatives: Self.creatives, today: Self.today), test)
    }

    @Test(arguments: Files.cases("statistics", as: ObjectCase.self))
    func `a statistics row is judged field by field`(test: ObjectCase) throws {
        let pad = Pad(id: "pad-web", personID: "org-retailer", type: "web", name: "Сайт", url: "https://shop.example")
        expect(
            ObjectBuilder.row(try body(test)).findings(
                creatives: Self.creatives, pads: ["pad-web": pad], actDate: Day("2026-03-31") ?? Self.today,
                today: Self.today), test)
    }

    @Test(arguments: Creative.forms)
    func `each form is accepted with what it needs and refused without`(form: String) {
        var creative = Self.creatives["cr-1-v1"] ?? ObjectBuilder.creative(.null)
        creative.form = form
        creative.texts = Creative.hasTexts(form) ? ["Кофе со скидкой"] : []
        creative.mediaIDs = Creative.hasMedia(form) ? ["md-1"] : []
        func codes() -> [String] {
            creative.findings(contracts: Self.contracts, persons: Self.persons, media: ["md-1"], kktu: Self.kktu)
                .map { "\($0.field): \($0.code)" }
        }
        #expect(codes().isEmpty)
        creative.texts = []
        creative.mediaIDs = []
        var expected: [String] = []
        if Creative.hasTexts(form) { expected.append("texts: required") }
        if Creative.hasMedia(form) { expected.append("media_external_ids: required") }
        #expect(codes() == expected)
        #expect(!expected.isEmpty)
    }

    @Test func `there are fourteen forms`() {
        #expect(Set(Creative.forms).count == 14)
    }

    @Test(arguments: ["21cZL9P", "j1SUmSn9jojgLBfJp", "Pb3MmBtzsrbL19RgOqsipS1ANueaCUzJSdpiY5g"])
    func `tokens of operators are plausible`(erid: String) { #expect(ERID.isPlausible(erid)) }

    @Test(arguments: ["", "abcde", "_abcdef", "abc def", "кот12345", String(repeating: "a", count: 129)])
    func `other words are no tokens`(erid: String) { #expect(!ERID.isPlausible(erid)) }
}
