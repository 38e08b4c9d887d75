import AdModel
import Foundation
import Postgres

/// A spelling of the catalogue that means no brand yet.
public struct BrandProposal: Sendable, Equatable {
    /// As the feed writes it.
    public var raw: String
    public var products: Int64
    /// Code of the brand that it is probably a spelling of.
    public var suggestedBrand: String?
}

/// Spellings that wait for the retailer's approval.
public enum BrandProposals {
    /// Brands and aliases among which a suggestion is looked for.
    static let knownLimit = 200_000

    /// Most products first. `after` counts the proposals of the pages before: there is no id to go by.
    public static func list(
        now: Timestamp, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [BrandProposal] {
        let rows = try db.query(
            """
            select p.brand as raw, count(*) as products from product p
            where p.brand is not null
                and not exists (select 1 from brand b where b.code = p.brand)
                and not exists (select 1 from brand_alias a
                    where a.alias = p.brand and a.valid_from <= $1 and $1 < a.valid_to)
            group by p.brand order by products desc, p.brand collate "C" offset $2 limit $3
            """, [.timestamptz(micros: now.micros), .int8(after), .int8(limit)])
        guard !rows.isEmpty else { return [] }
        let known = try known(on: db)
        return try rows.map { row in
            let raw = try row.string("raw")
            return BrandProposal(
                raw: raw, products: try row.int64("products"), suggestedBrand: known.suggestion(for: raw))
        }
    }

    private static func known(on db: isolated PostgresConnection) throws -> BrandSuggestions {
        var known = BrandSuggestions()
        try db.forEachRow(
            """
            select spelling, code from (
                select 0 as rank, b.name as spelling, b.code from brand b
                union all select 1, b.code, b.code from brand b
                union all select 2, a.alias, b.code from brand_alias a join brand b on b.id = a.brand_id
            ) s order by rank, code limit \(knownLimit)
            """
        ) { row in known.add(try row.string("spelling"), brand: try row.string("code")) }
        return known
    }
}

/// Finds the brand that a spelling sounds like: `НЕСКАФЕ`, `Nescafé` and `nes-cafe` are one skeleton.
public struct BrandSuggestions: Sendable {
    private var brands: [String: String] = [:]

    public init() {}

    /// The first spelling of a skeleton stands for it.
    public mutating func add(_ spelling: String, brand: String) {
        let skeleton = Self.skeleton(spelling)
        if skeleton.count >= 2, brands[skeleton] == nil { brands[skeleton] = brand }
    }

    /// The whole spelling, else its longest beginning of whole words: `Nescafe Gold` is a `Nescafe`.
    public func suggestion(for raw: String) -> String? {
        let words = raw.split { $0.isWhitespace || $0 == "," || $0 == "(" || $0 == "/" }
        for count in stride(from: words.count, to: 0, by: -1) {
            let skeleton = Self.skeleton(words[..<count].joined())
            // One short word would match by accident.
            if count < words.count, skeleton.count < 4 { continue }
            if let brand = brands[skeleton] { return brand }
        }
        return nil
    }

    /// Latin letters and digits that sound alike written alike: no case, accents, punctuation or doubled letters, and
    /// Cyrillic letters as they are pronounced.
    public static func skeleton(_ text: String) -> String {
        var out = ""
        for character in text.lowercased().decomposedStringWithCompatibilityMapping.unicodeScalars {
            let sound: String
            switch character {
            case "0"..."9": sound = String(character)
            case "a"..."z": sound = latin[character] ?? String(character)
            default: sound = cyrillic[character] ?? ""
            }
            for letter in sound where out.last != letter { out.append(letter) }
        }
        return out.replacing("kh", with: "h").replacing("ph", with: "f").replacing("th", with: "t")
            .replacing("vh", with: "v")
    }

    private static let latin: [Unicode.Scalar: String] = [
        "c": "k", "q": "k", "w": "v", "y": "i", "j": "i", "z": "s", "x": "ks",
    ]
    private static let cyrillic: [Unicode.Scalar: String] = [
        "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "s", "з": "s", "и": "i", "й": "i", "к": "k",
        "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h",
        "ц": "k", "ч": "kh", "ш": "sh", "щ": "sh", "ы": "i", "э": "e", "ю": "u", "я": "a",
    ]
}
