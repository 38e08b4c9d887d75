import AdModel
import ORD

/// A correct month, small enough to check by hand; tests change one thing in it.
enum SampleMonth {
    static let month: AccountingMonth = {
        guard let month = AccountingMonth("2026-03") else { preconditionFailure("March is a month") }
        return month
    }()
    static let today = day(40)
    /// A picture of three bytes and its SHA-256.
    static let picture: [UInt8] = Array("abc".utf8)
    static let pictureHash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    /// The n-th day of March 2026.
    static func day(_ n: Int) -> Day { month.first + (n - 1) }

    static func statement() -> MonthStatement {
        let mediaID = Media(sha256: pictureHash, contentType: "image/png", size: 3).id
        func creative(_ id: String, _ contract: String?, _ payType: String?, form: String = "banner") -> Creative {
            Creative(
                id: id, contractIDs: contract.map { [$0] } ?? [], personID: contract == nil ? "org-shop" : nil,
                kktus: ["17.3.1"], name: "Кофе / баннер", brand: "X", payType: payType, form: form,
                targetURLs: ["https://shop.example/p/1"], texts: form == "banner" ? [] : ["Кофе недели"],
                mediaIDs: [mediaID], erid: "2Vtzq" + id.filter { $0 != "-" }, eridStatus: "verified")
        }
        func line(_ id: String, _ contract: String?, _ advertiser: String, _ pricing: Pricing, _ creatives: [String])
            -> MonthStatement.LineItem
        {
            MonthStatement.LineItem(
                id: id, contractID: contract, advertiserID: advertiser, pricing: pricing, flightFirst: day(-10),
                flightLast: day(20), creativeIDs: creatives)
        }
        typealias Fact = MonthStatement.Fact
        let facts = [
            // 99.99 per 1,000 on two pads and two creatives: thirds of 9,999.00.
            Fact(
                lineItemID: "coffee", creativeID: "cr-top-v1", padID: "pad-web", day: day(2), shows: 20_000,
                ledger: Micros(1_999_800_000), billedImpressions: 20_000, chargeID: 1),
            Fact(
                lineItemID: "coffee", creativeID: "cr-top-v1", padID: "pad-web", day: day(5), shows: 13_400,
                ledger: Micros(1_333_166_670), billedImpressions: 13_333, chargeID: 2),
            Fact(
                lineItemID: "coffee", creativeID: "cr-top-v1", padID: "pad-app", day: day(3), shows: 33_333,
                ledger: Micros(3_332_966_670), billedImpressions: 33_333, chargeID: 3),
            Fact(
                lineItemID: "coffee", creativeID: "cr-top-v2", padID: "pad-web", day: day(6), shows: 33_334,
                ledger: Micros(3_333_066_660), billedImpressions: 33_334, chargeID: 4),
            // Clicks at 12.345678 on another contract; one row has shows but no click.
            Fact(
                lineItemID: "tea", creativeID: "cr-tea-v1", padID: "pad-web", day: day(7), shows: 1_000,
                ledger: Micros(37_037_034), billedClicks: 3, chargeID: 5),
            Fact(lineItemID: "tea", creativeID: "cr-tea-v1", padID: "pad-app", day: day(7), shows: 50),
            // The retailer's own goods.
            Fact(lineItemID: "own", creativeID: "cr-own-v1", padID: "pad-web", day: day(9), shows: 70),
        ]
        return MonthStatement(
            month: month, timeZone: "Europe/Moscow",
            cut: .init(highestChargeID: 5, at: day(32).utcStart),
            persons: [
                Person(
                    id: "org-cafe", kind: "juridical", name: "ООО \"Кофе\"", inn: "7707083893", roles: ["advertiser"]),
                Person(id: "org-tea", kind: "ip", name: "ИП Чайкин А. А.", inn: "500100732259", roles: ["advertiser"]),
                Person(
                    id: "org-shop", kind: "juridical", name: "АО Магазин", inn: "7736207543", kpp: "773601001",
                    roles: ["ors", "publisher"], rsURL: "https://shop.example"),
                Person(id: "org-idle", kind: "juridical", name: "ООО Тишина", inn: "7736200080", roles: ["advertiser"]),
            ],
            contracts: [
                Contract(
                    id: "ctr-cafe", clientID: "org-cafe", contractorID: "org-shop", date: day(-50), serial: "РМ-15/26",
                    flags: ["contractor_is_creatives_reporter"]),
                Contract(
                    id: "ctr-tea", clientID: "org-tea", contractorID: "org-shop", date: day(4), dateEnd: day(25),
                    serial: "РМ-16/26"),
                Contract(
                    id: "ctr-idle", clientID: "org-idle", contractorID: "org-shop", date: day(4), serial: "РМ-17/26"),
            ],
            pads: [
                Pad(id: "pad-web", personID: "org-shop", type: "web", name: "Сайт", url: "https://shop.example"),
                Pad(
                    id: "pad-app", personID: "org-shop", type: "mobile_app", name: "Приложение",
                    url: "https://shop.example/app"),
                Pad(id: "pad-tv", personID: "org-shop", type: "smarttv", name: "Экран", url: nil),
            ],
            creatives: [
                creative("cr-top-v1", "ctr-cafe", "cpm"), creative("cr-top-v2", "ctr-cafe", "cpm"),
                creative("cr-tea-v1", "ctr-tea", "cpc", form: "text_graphic_block"), creative("cr-own-v1", nil, nil),
                creative("cr-top-v3", "ctr-cafe", "cpm"),
            ],
            media: [Media(sha256: pictureHash, contentType: "image/png", size: 3)],
            lineItems: [
                line("coffee", "ctr-cafe", "org-cafe", .cpm, ["cr-top-v1", "cr-top-v2", "cr-top-v3"]),
                line("tea", "ctr-tea", "org-tea", .cpc, ["cr-tea-v1"]),
                line("own", nil, "org-shop", .cpm, ["cr-own-v1"]),
            ],
            facts: facts, ledgerTotal: facts.reduce(.zero) { $0 + $1.ledger },
            showsTotal: facts.reduce(0) { $0 + $1.shows })
    }

    /// Sets the facts and the totals that the gate compares them with.
    static func statement(facts: [MonthStatement.Fact]) -> MonthStatement {
        var statement = statement()
        statement.facts = facts
        statement.ledgerTotal = facts.reduce(.zero) { $0 + $1.ledger }
        statement.showsTotal = facts.reduce(0) { $0 + $1.shows }
        return statement
    }

    static func export(_ statement: MonthStatement, today: Day = today) throws -> VKBundle {
        try VKBundle.export(
            statement, mediaBytes: [pictureHash: picture], kktu: ObjectCaseTests.kktu, today: today,
            toolVersion: "test")
    }

    static func findings(_ statement: MonthStatement, today: Day = today) -> [Finding] {
        Gate.findings(statement, Settlement(statement), kktu: ObjectCaseTests.kktu, today: today)
    }
}
