import AdModel
import Store
import TestKit
import Testing

@Suite("Seed refusals", .database)
struct SeedRefusalTests {
    typealias Fixture = SeedFixture

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let edit: @Sendable (SeedValue) -> SeedValue
        let path: String
        let reason: String
        var testDescription: String { name }

        init(
            _ name: String, _ path: String, _ reason: String, edit: @escaping @Sendable (SeedValue) -> SeedValue
        ) {
            self.name = name
            self.edit = edit
            self.path = path
            self.reason = reason
        }
    }

    static let line = "campaigns[0].line_items[0]"

    static let cases: [Case] = [
        Case("an unknown key", "campaigns[0].line_items[0].bidd", "unknown key") {
            $0.setting(["campaigns", 0, "line_items", 0, "bidd"], "1")
        },
        Case("an exponent", line + ".bid", "not an amount in roubles") {
            $0.setting(["campaigns", 0, "line_items", 0, "bid"], SeedValue(.scalar("1e3", plain: true)))
        },
        Case("seven decimals", line + ".bid", "not an amount in roubles") {
            $0.setting(["campaigns", 0, "line_items", 0, "bid"], SeedValue(.scalar("1.0000001", plain: true)))
        },
        Case("a negative amount", line + ".total_budget", "not an amount in roubles") {
            $0.setting(["campaigns", 0, "line_items", 0, "total_budget"], "-1")
        },
        Case("a missing bid", line + ".bid", "is required") {
            $0.setting(["campaigns", 0, "line_items", 0, "bid"], nil)
        },
        Case("an unknown advertiser", "campaigns[0].advertiser", "there is no advertiser “nobody”") {
            $0.setting(["campaigns", 0, "advertiser"], "nobody").setting(["contracts", 0, "advertiser"], "nobody")
        },
        Case("an unknown brand", "campaigns[0].brands", "there is no brand “tea”") {
            $0.setting(["campaigns", 0, "brands"], ["tea"])
        },
        Case("an unknown placement", line + ".targeting.placements", "no storefront has a placement") {
            $0.setting(["campaigns", 0, "line_items", 0, "targeting", "placements"], ["home.bottom"])
        },
        Case("an unknown page type", line + ".targeting.page_types[0]", "is not one of home") {
            $0.setting(["campaigns", 0, "line_items", 0, "targeting", "page_types"], ["start"])
        },
        Case("an empty list in targeting", line + ".targeting.devices", "empty list") {
            $0.setting(["campaigns", 0, "line_items", 0, "targeting", "devices"], [])
        },
        Case("a campaign without kktu", "campaigns[0].kktu", "is required in state active") {
            $0.setting(["campaigns", 0, "kktu"], nil)
        },
        Case("a second-level kktu", "campaigns[0].kktu", "is not a third-level code") {
            $0.setting(["campaigns", 0, "kktu"], "17.3")
        },
        Case("a bad INN", "counterparties[0].inn", "wrong check digits") {
            $0.setting(["counterparties", 0, "inn"], "1")
        },
        Case("a picture that is none", line + ".creatives[0].pictures[0]", "is not a PNG") {
            $0.setting(["campaigns", 0, "line_items", 0, "creatives", 0, "pictures"], ["broken.png"])
        },
        Case("a missing picture", line + ".creatives[0].pictures[0]", "cannot read the file") {
            $0.setting(["campaigns", 0, "line_items", 0, "creatives", 0, "pictures"], ["none.png"])
        },
        Case("a picture outside the folder", line + ".creatives[0].pictures[0]", "below the folder") {
            $0.setting(["campaigns", 0, "line_items", 0, "creatives", 0, "pictures"], ["../a.png"])
        },
        Case("fields against the format", line + ".creatives[0].fields.title", "is required") {
            $0.setting(["campaigns", 0, "line_items", 0, "creatives", 0, "fields"], ["name": "x"])
        },
        Case("a landing page elsewhere", line + ".creatives[0].landing_url", "clicks may not land on evil.example") {
            $0.setting(["campaigns", 0, "line_items", 0, "creatives", 0, "landing_url"], "https://evil.example/")
        },
        Case("a landing address that runs code", line + ".creatives[0].landing_url", "is not an absolute http") {
            $0.setting(["campaigns", 0, "line_items", 0, "creatives", 0, "landing_url"], "javascript:alert(1)")
        },
        Case("a flight that ends before it begins", line + ".flight.to", "must not be before from") {
            $0.setting(["campaigns", 0, "line_items", 0, "flight", "to"], "2026-10-01")
        },
        Case("a date that does not exist", line + ".flight.to", "is neither a date") {
            $0.setting(["campaigns", 0, "line_items", 0, "flight", "to"], "2026-11-31")
        },
        Case("two campaigns of one code", "campaigns[1].code", "there is already a campaign “camp”") {
            $0.setting(["campaigns", 1], ["code": "camp", "name": "x", "advertiser": "adv", "contract": "ctr-1"])
        },
        Case("an environment variable that is not set", "api_keys[1].from_env", "NO_SUCH is not set") {
            $0.setting(["api_keys", 1, "from_env"], "NO_SUCH")
        },
        Case("an alias of two brands", "brands[1].aliases[0]", "already belongs to brand “coffee”") {
            $0.setting(["brands", 1], ["code": "tea", "name": "Чай", "aliases": ["КОФЕ"]])
        },
        Case("client and contractor alike", "contracts[0]", "two different counterparties") {
            $0.setting(["contracts", 0, "client"], "org-shop")
        },
        Case("a list where a text belongs", "retailer.name", "must be a single value") {
            $0.setting(["retailer", "name"], ["a"])
        },
    ]

    @Test(arguments: cases) func theProblemNamesPathAndReasonAndNothingChanges(_ example: Case) async throws {
        let before = try await Fixture.dump()
        let error = await #expect(throws: SeedError.self) { try await Fixture.apply(example.edit(Fixture.basic)) }
        let problem = error?.problems.first { $0.path == example.path }
        #expect(problem?.reason.contains(example.reason) == true, "\(error?.description ?? "no error")")
        #expect(try await Fixture.dump() == before)
    }

    @Test func allProblemsAreReportedAtOnceAndEachOnlyOnce() async throws {
        let seed = Fixture.basic
            .setting(["campaigns", 0, "line_items", 0, "bid"], "a lot")
            .setting(["advertisers", 0, "counterparty"], "nobody")
            .setting(["brands", 0, "name"], nil)
            .setting(["storefronts", 0, "url"], "shop")
        let error = await #expect(throws: SeedError.self) { try await Fixture.apply(seed) }
        #expect(
            Set(error?.problems.map(\.path) ?? []) == [
                "campaigns[0].line_items[0].bid", "advertisers[0].counterparty", "brands[0].name", "storefronts[0].url",
            ])
        #expect(error?.problems.count == 4)
    }

    @Test func fiftyProblemsAreListedAndTheRestCounted() async throws {
        let brands = (0..<70).map { SeedValue.Entry(key: "bad\($0)", value: "x") }
        let error = await #expect(throws: SeedError.self) {
            try await Fixture.apply(Fixture.basic.setting(["brands", 0], SeedValue(.map(brands))))
        }
        // 70 unknown keys, no code, no name, and the two places that refer to the brand that is missing now.
        #expect(error?.problems.count == 50)
        #expect(error?.unlisted == 24)
        #expect(error?.description.hasSuffix("and 24 more") == true)
    }

    @Test func aTopUpNeverChanges() async throws {
        try await Fixture.apply(Fixture.basic)
        let error = await #expect(throws: SeedError.self) {
            try await Fixture.apply(Fixture.basic.setting(["advertisers", 0, "top_ups", 0, "amount"], "2000"))
        }
        #expect(error?.problems.first?.path == "advertisers[0].top_ups[0].reference")
        #expect(error?.problems.first?.reason.contains("already booked for adv with 1000.000000") == true)
    }
}

@Suite("Exact decimals")
struct ExactDecimalTests {
    @Test(
        arguments: [
            ("0", 0), ("1", 1_000_000), ("1000.00", 1_000_000_000), ("0.000001", 1), ("12.5", 12_500_000),
            ("999999999999.999999", 999_999_999_999_999_999),
        ] as [(String, Int64)])
    func exactTextIsExactMicros(_ text: String, _ micros: Int64) { #expect(ExactDecimal.micros(text) == micros) }

    @Test(arguments: [
        "", ".", "1.", ".5", "1e3", "1E3", "+1", "-1", " 1", "1 ", "1 000", "1,5", "1_000", "0x10", "1.0000001",
        "1000000000000", ".inf", "nan", "1.2.3", "١",
    ])
    func anythingElseIsRefused(_ text: String) { #expect(ExactDecimal.micros(text) == nil) }

    @Test func signsAndPlacesAreAskedFor() {
        #expect(ExactDecimal.micros("-1.5", signed: true) == -1_500_000)
        #expect(ExactDecimal.micros("1.005", places: 2) == nil)
    }
}

@Suite("Image headers")
struct ImageHeaderTests {
    @Test func sizesComeFromTheFile() {
        #expect(ImageHeader(SeedFixture.png).map { [$0.width, $0.height] } == [960, 240])
        #expect(ImageHeader(SeedFixture.gif)?.contentType == "image/gif")
        let jpeg: [UInt8] =
            [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xFF, 0xC0, 0, 17, 8, 0, 200, 1, 144, 3]
            + [UInt8](repeating: 0, count: 10)
        #expect(ImageHeader(jpeg).map { [$0.width, $0.height] } == [400, 200])
        let lossless: [UInt8] =
            Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WEBPVP8L".utf8) + [0, 0, 0, 0, 0x2F, 0x8F, 0xC1, 0x12, 0]
            + [UInt8](repeating: 0, count: 8)
        #expect(ImageHeader(lossless).map { [$0.width, $0.height] } == [400, 76])
        let extended: [UInt8] =
            Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WEBPVP8X".utf8) + [
                0, 0, 0, 0, 0, 0, 0, 0, 0x8F, 1, 0, 0xC7, 0, 0,
            ]
        #expect(ImageHeader(extended).map { [$0.width, $0.height] } == [400, 200])
    }

    @Test func everyTruncationAndRandomBytesAreRefusedWithoutATrap() {
        var generator = SplitMix64(seed: 11)
        for sample in [SeedFixture.png, SeedFixture.gif] {
            for length in 0..<sample.count { _ = ImageHeader(Array(sample.prefix(length))) }
        }
        for _ in 0..<2_000 {
            var bytes = (0..<Int(generator.next() % 64)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            if bytes.count > 12 { bytes.replaceSubrange(0..<2, with: [0xFF, 0xD8]) }
            _ = ImageHeader(bytes)
        }
        #expect(ImageHeader(Array("<svg onload=alert(1)>".utf8)) == nil)
    }
}

/// The generator of the property tests: a fixed seed gives the same run everywhere.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
