import AdModel
import Foundation
import ORD
import Testing

/// A small month of a shop: two advertisers with acts, one of them without VAT to come, and self-promotion.
enum Shop {
    static let picture: [UInt8] = Array("abc".utf8)
    static let pictureHash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func day(_ text: String) -> Day {
        guard let day = Day(text) else { preconditionFailure("\(text) is no day") }
        return day
    }

    static func kktu() throws -> KKTUDictionary {
        try KKTUDictionary(
            csv: [UInt8](Data(contentsOf: repository.appendingPathComponent("Sources/nimb/Data/kktu.csv"))))
    }

    static let retailer = Person(
        id: "org-shop", kind: "juridical", name: "ООО «Магазин у дома»", inn: "7736207543", kpp: "773601001",
        roles: ["ors", "publisher"], rsURL: "https://shop.example")
    static let coffee = Person(
        id: "org-coffee", kind: "juridical", name: "ООО «Зерно & Свет»", inn: "7707083893", kpp: "770701001",
        roles: ["advertiser"])
    static let tea = Person(
        id: "org-tea", kind: "ip", name: "ИП Чайкин А. А.", inn: "500100732259", roles: ["advertiser"])
    static let contract = Contract(
        id: "ctr-coffee", clientID: "org-coffee", contractorID: "org-shop", date: day("2026-01-10"),
        serial: "РМ-15/26", flags: ["contractor_is_creatives_reporter"])
    static let details: [String: PartyDetails] = [
        "org-shop": PartyDetails(
            address: "121151, Москва, Кутузовский проспект, д. 32",
            bank: .init(
                name: "ПАО СБЕРБАНК, г. Москва", bik: "044525225", account: "40702810938000000001",
                correspondentAccount: "30101810400000000225"),
            signatoryPost: "Генеральный директор", signatoryName: "Лавкина О. П.")
    ]

    static func creative(_ id: String, _ name: String, _ contract: String?, _ payType: String?) -> Creative {
        Creative(
            id: id, contractIDs: contract.map { [$0] } ?? [], personID: contract == nil ? "org-shop" : nil,
            kktus: ["17.3.1"], name: name, brand: "Зерно", payType: payType, form: "banner",
            targetURLs: ["https://shop.example/p/1"],
            mediaIDs: [Media(sha256: pictureHash, contentType: "image/png", size: 3).id],
            erid: "2Vtzq" + id.filter { $0 != "-" }, eridStatus: "verified")
    }

    static func statement(serials: [String: String] = ["ctr-coffee": "РМ-2026/0001", "ctr-tea": "РМ-2026/0002"])
        throws -> MonthStatement
    {
        let month = try #require(AccountingMonth("2026-03"))
        func line(_ id: String, _ contract: String?, _ owner: String, _ pricing: Pricing, _ creatives: [String])
            -> MonthStatement.LineItem
        {
            MonthStatement.LineItem(
                id: id, contractID: contract, advertiserID: owner, pricing: pricing, flightFirst: day("2026-02-20"),
                flightLast: day("2026-04-20"), creativeIDs: creatives)
        }
        func fact(
            _ line: String, _ creative: String, _ pad: String, _ date: String, _ shows: Int64, _ ledger: Int64,
            clicks: Int64 = 0, charge: Int64 = 0
        ) -> MonthStatement.Fact {
            MonthStatement.Fact(
                lineItemID: line, creativeID: creative, padID: pad, day: day(date), shows: shows,
                ledger: Micros(ledger), billedImpressions: clicks == 0 && ledger > 0 ? shows : 0,
                billedClicks: clicks, chargeID: charge)
        }
        let facts = [
            fact("coffee", "cr-beans-v1", "pad-web", "2026-03-02", 33_333, 3_332_966_670, charge: 1),
            fact("coffee", "cr-beans-v1", "pad-app", "2026-03-09", 33_333, 3_332_966_670, charge: 2),
            fact("coffee", "cr-beans-v2", "pad-web", "2026-03-30", 33_334, 3_333_066_660, charge: 3),
            fact("tea", "cr-tea-v1", "pad-web", "2026-03-07", 1_000, 37_037_034, clicks: 3, charge: 4),
            fact("tea", "cr-tea-v1", "pad-app", "2026-03-07", 50, 0),
            fact("own", "cr-own-v1", "pad-web", "2026-03-08", 70, 0),
        ]
        return MonthStatement(
            month: month, timeZone: "Europe/Moscow",
            cut: .init(highestChargeID: 4, at: day("2026-04-04").utcStart), serials: serials,
            persons: [retailer, coffee, tea],
            contracts: [
                contract,
                Contract(
                    id: "ctr-tea", clientID: "org-tea", contractorID: "org-shop", date: day("2026-02-01"),
                    serial: "РМ-16/26"),
            ],
            pads: [
                Pad(id: "pad-web", personID: "org-shop", type: "web", name: "Сайт", url: "https://shop.example"),
                Pad(
                    id: "pad-app", personID: "org-shop", type: "mobile_app", name: "Приложение",
                    url: "https://shop.example/app"),
            ],
            creatives: [
                creative("cr-beans-v1", "Кофе в зёрнах — баннер", "ctr-coffee", "cpm"),
                creative("cr-beans-v2", "Кофе в зёрнах — баннер, весна", "ctr-coffee", "cpm"),
                creative("cr-tea-v1", "Чай <листовой>", "ctr-tea", "cpc"),
                creative("cr-own-v1", "Магазин у дома", nil, nil),
            ],
            media: [Media(sha256: pictureHash, contentType: "image/png", size: 3)],
            lineItems: [
                line("coffee", "ctr-coffee", "org-coffee", .cpm, ["cr-beans-v1", "cr-beans-v2"]),
                line("tea", "ctr-tea", "org-tea", .cpc, ["cr-tea-v1"]),
                line("own", nil, "org-shop", .cpm, ["cr-own-v1"]),
            ], facts: facts, ledgerTotal: facts.reduce(.zero) { $0 + $1.ledger },
            showsTotal: facts.reduce(0) { $0 + $1.shows })
    }

    static func month(_ change: (inout MonthStatement) -> Void = { _ in }) throws -> ExportMonth {
        var statement = try statement()
        statement.edition = .init(version: 1)
        change(&statement)
        return ExportMonth(
            statement: statement, mediaBytes: [pictureHash: picture], kktu: try kktu(), today: day("2026-04-10"),
            details: details, toolVersion: "test")
    }
}
