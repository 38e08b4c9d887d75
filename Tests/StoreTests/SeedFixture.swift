import AdModel
import Postgres
import Store
import TestKit

// A small seed as literals: strings are quoted scalars, numbers and booleans plain ones.

extension SeedValue: ExpressibleByUnicodeScalarLiteral {}
extension SeedValue: ExpressibleByExtendedGraphemeClusterLiteral {}
extension SeedValue: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(.scalar(value, plain: false)) }
}
extension SeedValue: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int) { self.init(.scalar(String(value), plain: true)) }
}
extension SeedValue: ExpressibleByBooleanLiteral {
    public init(booleanLiteral value: Bool) { self.init(.scalar(value ? "true" : "false", plain: true)) }
}
extension SeedValue: ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: SeedValue...) { self.init(.list(elements)) }
}
extension SeedValue: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, SeedValue)...) {
        self.init(.map(elements.map { Entry(key: $0.0, value: $0.1) }))
    }
}

extension SeedValue {
    /// A copy in which the value at the path (keys and indexes) is another; nil removes the key. An index equal to the
    /// count appends.
    func setting(_ path: [Any], _ value: SeedValue?) -> SeedValue {
        guard let head = path.first else { return value ?? SeedValue(.null) }
        let rest = Array(path.dropFirst())
        var copy = self
        switch (content, head) {
        case (.map(var entries), let key as String):
            let index = entries.firstIndex { $0.key == key }
            if rest.isEmpty, value == nil {
                entries.removeAll { $0.key == key }
            } else {
                let old = index.map { entries[$0].value } ?? SeedValue(.null)
                let entry = Entry(key: key, value: old.setting(rest, value))
                if let index { entries[index] = entry } else { entries.append(entry) }
            }
            copy.content = .map(entries)
        case (.list(var items), let index as Int):
            if index == items.count {
                items.append(SeedValue(.null).setting(rest, value))
            } else {
                items[index] = items[index].setting(rest, value)
            }
            copy.content = .list(items)
        default: copy.content = .null
        }
        return copy
    }
}

enum SeedFixture {
    static let now = Timestamp(micros: 1_790_000_000_000_000)

    /// One of everything, servable.
    static let basic: SeedValue = [
        "retailer": ["code": "polka", "name": "Полка", "counterparty": "org-shop", "stock_max_age": "48h"],
        "counterparties": [
            [
                "code": "org-shop", "kind": "juridical", "name": "ООО Полка", "inn": "7700000016",
                "roles": ["publisher"],
            ],
            ["code": "org-adv", "kind": "juridical", "name": "ООО Кофе", "inn": "7700000023", "roles": ["advertiser"]],
        ],
        "stock_locations": [["code": "msk", "name": "Москва", "regions": ["RU-MOW"]]],
        "storefronts": [
            [
                "code": "shop", "name": "Полка", "url": "https://shop.example/", "default_location": "msk",
                "placements": [
                    ["code": "home.top", "page_type": "home", "formats": ["banner"], "floor": "12.50", "max_ads": 2]
                ],
            ]
        ],
        "brands": [
            ["code": "coffee", "name": "Кофе", "aliases": ["КОФЕ", ["alias": "Coffee", "from": "2026-01-01"]]]
        ],
        "advertisers": [
            [
                "code": "adv", "name": "Кофе", "counterparty": "org-adv", "credit_limit": "100.000001",
                "top_ups": [["reference": "pay-1", "amount": "1000.00"]], "grants": ["coffee"],
            ]
        ],
        "contracts": [["code": "ctr-1", "advertiser": "adv", "signed_on": "2026-01-15", "amount": "1000000.50"]],
        "campaigns": [
            [
                "code": "camp", "name": "Кампания", "advertiser": "adv", "contract": "ctr-1", "kktu": "17.3.1",
                "state": "active", "brands": ["coffee"], "listed_skus": ["l-2", "l-1"],
                "line_items": [
                    [
                        "code": "line", "name": "Строка", "flight": ["from": "2026-11-01", "to": "2026-11-30"],
                        "pricing": "cpm", "bid": "150.25", "total_budget": "5000",
                        "caps": [["count": 3, "per": "day"]],
                        "targeting": ["page_types": ["home"], "not": ["regions": ["RU-SVE"]]],
                        "promoted": ["skus": ["p-2", "p-1"]],
                        "creatives": [
                            [
                                "code": "banner", "format": "banner", "fields": ["title": "Кофе", "size": 3],
                                "landing_url": "https://shop.example/c/1", "pictures": ["a.png"],
                                "erid": "2VfnxTest0001", "erid_status": "verified",
                            ]
                        ],
                    ]
                ],
            ]
        ],
        "api_keys": [
            ["code": "shop-key", "kind": "shop", "storefront": "shop"],
            ["code": "adv-key", "kind": "advertiser", "advertiser": "adv", "from_env": "ADV_KEY"],
        ],
    ]

    static let environment = ["ADV_KEY": "nk_adv_0123456789abcdefghijklmnopqrstuvwxyz"]

    /// A 1x1 GIF, and a PNG header of 960x240.
    static let gif = Array("GIF89a".utf8) + [1, 0, 1, 0, 0, 0, 0, 0x3B]
    static let png =
        [0x89] + Array("PNG\r\n\u{1A}\n".utf8) + [0, 0, 0, 13] + Array("IHDR".utf8) + [0, 0, 3, 192, 0, 0, 0, 240]
        + [UInt8](repeating: 0, count: 16)

    struct NoFile: Error {}

    static let rules = SeedRules(
        formats: [
            "banner": .init(ordForm: "banner") { fields, pictures in
                (fields.contains("\"title\"") ? [] : [("fields.title", "is required")])
                    + (pictures.isEmpty ? [("pictures", "needs a picture")] : [])
            },
            "product-shelf": .init(ordForm: "text_graphic_block") { _, _ in [] },
        ],
        policies: ["default@1", "item-24h@1"], kktuExists: { ["17.3.1", "4.1.2"].contains($0) },
        counterparty: { $0.inn == "1" ? [("inn", "has wrong check digits")] : [] },
        readFile: { name in
            switch name {
            case "a.png": png
            case "b.gif": gif
            case "broken.png": [1, 2, 3]
            default: throw NoFile()
            }
        },
        environment: environment,
        randomBytes: { count in (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) } })

    @discardableResult
    static func apply(
        _ seed: SeedValue, at now: Timestamp = now, checkOnly: Bool = false
    ) async throws -> SeedReport {
        try await Seeder(pool: TestDatabase.current.pool, rules: rules)
            .apply(seed, file: "seed.yaml", now: now, checkOnly: checkOnly)
    }

    /// Rows of a query as text: one string per row, columns joined by `|`.
    static func rows(_ sql: String) async throws -> [String] {
        try await TestDatabase.current.pool.withConnection { db in
            try db.query("select coalesce(t::text, '') as line from (\(sql)) t").map { try $0.string("line") }
        }
    }

    /// Everything the selling side holds, to show that nothing changed.
    static func dump() async throws -> [String] {
        var lines: [String] = []
        for table in [
            "counterparty", "retailer", "stock_location", "storefront", "placement", "brand", "brand_alias",
            "advertiser", "wallet_entry", "brand_grant", "contract", "campaign", "campaign_transition",
            "campaign_version", "line_item", "line_item_version", "creative", "creative_version", "api_key",
            "control_version",
        ] {
            for line in try await rows("select * from \(table) order by 1, 2") { lines.append("\(table) \(line)") }
        }
        return lines
    }
}
