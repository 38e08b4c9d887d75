import AdModel
import Attribution
import Foundation
import TestKit

/// One JSON file of `Cases/`: a rule and its examples. `README.json`-free: the format is the properties below.
///
/// Rows are objects; what a row leaves out is taken from `defaults`, the fixture of attribution.md's worked examples:
/// order `o` at T with one line of 1 unit and 100; `p1`, `p2` variants of brand B, `p3` of B, `p4` of brand X;
/// campaigns `k1` (a1) and `k2` (a2) of brand B; a1 and a2 own B. Times are `T-14d-1us`, or literal.
struct CaseFile: Decodable, Sendable {
    var rule: String
    var about: String
    var examples: [Example]

    struct Example: Decodable, Sendable {
        typealias Row = [String: String]
        var name: String
        var policy: String?
        /// Another scope than the policy's.
        var scope: String?
        var touches: [Row]?
        var lines: [Row]?
        var products: [Row]?
        var campaigns: [Row]?
        var brands: [Row]?
        var grants: [Row]?
        var links: [Row]?
        var adjustments: [Row]?
        var rivals: [Row]?
        /// Whole files instead of rows; `{T-1h}` stands for an instant.
        var files: [String: [String]]?
        /// `touch interaction level kind units amount`, in front of it `line_no: ` when there are several lines.
        var expect: [String]?
        /// Exact output without its header.
        var bytes: [String]?
        var refused: Refusal?
        /// Reasons by touch id, for an order of one line.
        var losers: [String: String]?
        /// What happens one after another, and the rows that each step appends to the ledger.
        var steps: [Step]?
        var posting: Posting?
    }

    struct Refusal: Decodable, Sendable {
        var code: String
        var table: String?
        /// Line numbers in the files: the one at fault first.
        var lines: [Int]?
    }

    struct Step: Decodable, Sendable {
        var touches: [Example.Row]?
        var links: [Example.Row]?
        var adjustments: [Example.Row]?
        /// Touches found invalid.
        var invalid: [String]?
        var appended: [String]
    }

    struct Posting: Decodable, Sendable {
        var cause: String
        var recorded: String
        var published: [String]
        var month: String
    }

    static let start: Int64 = 1_740_787_200_000_000 + 60 * 86_400_000_000

    static func all() throws -> [(name: String, file: CaseFile)] {
        let folder = Repository.root.appending(path: "Tests/AttributionTests/Cases")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "json" }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { url in
                do {
                    return (url.lastPathComponent, try JSONDecoder().decode(CaseFile.self, from: Data(contentsOf: url)))
                } catch { throw CaseError("\(url.lastPathComponent): \(error)") }
            }
    }

    /// `T-14d-1us` as microseconds; anything else as it is.
    static func time(_ text: String) throws -> Int64 {
        guard text.hasPrefix("T") else {
            guard let literal = Int64(text) ?? Timestamp(rfc3339: text)?.micros else { throw CaseError("time \(text)") }
            return literal
        }
        var result = start
        var rest = text.dropFirst()
        while let sign = rest.first {
            rest = rest.dropFirst()
            let digits = rest.prefix { $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            let size: [Substring: Int64] = [
                "d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "us": 1,
            ]
            guard let number = Int64(digits), let size = size[unit] else { throw CaseError("time \(text)") }
            result += (sign == "-" ? -1 : 1) * number * size
        }
        return result
    }
}

struct CaseError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

extension CaseFile.Example {
    func policyValue() throws -> AttributionPolicy {
        let preset = try AttributionPolicy.preset(policy ?? "default@1")
        guard let scope = scope.flatMap(AttributionPolicy.Scope.init) else { return preset }
        return try AttributionPolicy(
            name: preset.name, clickWindow: preset.clickWindow, viewWindow: preset.viewWindow,
            viewCounting: preset.viewCounting, levels: preset.levels, precedence: preset.precedence, scope: scope,
            separatesInteractions: preset.separatesInteractions, basis: preset.basis)
    }

    func world() throws -> World {
        var world = World()
        world.touches = try (touches ?? [[:]]).map(CaseRows.touch)
        world.lines = try (lines ?? [[:]]).map(CaseRows.line)
        world.products = try (products ?? CaseRows.products).map(CaseRows.product)
        world.campaigns = try (campaigns ?? CaseRows.campaigns).map(CaseRows.campaign)
        world.aliases = try (brands ?? []).map(CaseRows.alias)
        world.grants = try (grants ?? CaseRows.grants).map(CaseRows.grant)
        world.links = try (links ?? []).map(CaseRows.link)
        world.adjustments = try (adjustments ?? []).map(CaseRows.adjustment)
        world.rivals = try (rivals ?? []).map(CaseRows.rival)
        return world
    }

    /// The example's files: rows written out, then what it gives as text.
    func worldFiles(style: WorldFiles.Style) throws -> WorldFiles {
        var result = WorldFiles(try world(), style: style)
        for (name, lines) in files ?? [:] {
            guard let table = AttributionTable(rawValue: name) else { throw CaseError("file \(name)") }
            var text = lines.joined(separator: "\n") + (lines.isEmpty ? "" : "\n")
            while let open = text.firstIndex(of: "{"), let close = text.firstIndex(of: "}") {
                let inside = String(text[text.index(after: open)..<close])
                text.replaceSubrange(open...close, with: String(try CaseFile.time(inside)))
            }
            result.texts[table] = Array(text.utf8)
        }
        return result
    }
}

/// Rows of the worked examples' fixture, and rows from JSON objects.
enum CaseRows {
    typealias Row = [String: String]

    static let products: [Row] = [
        ["sku": "p1", "group_id": "g", "brand_id": "B"], ["sku": "p2", "group_id": "g", "brand_id": "B"],
        ["sku": "p3", "brand_id": "B", "category_id": "c|c3"], ["sku": "p4", "brand_id": "X"],
    ]
    static let campaigns: [Row] = [
        ["campaign_id": "k1", "advertiser_id": "a1"], ["campaign_id": "k2", "advertiser_id": "a2"],
        ["campaign_id": "k3", "advertiser_id": "a1"],
    ]
    static let grants: [Row] = [["advertiser_id": "a1"], ["advertiser_id": "a2"]]

    private static func id(_ row: Row, _ key: String, _ standard: String = "") -> AttributionID {
        AttributionID(row[key] ?? standard)
    }
    private static func list(_ row: Row, _ key: String, _ standard: String = "") -> [AttributionID] {
        (row[key] ?? standard).split(separator: "|").map { AttributionID(String($0)) }
    }
    private static func at(_ row: Row, _ key: String, _ standard: String) throws -> Timestamp {
        Timestamp(micros: try CaseFile.time(row[key] ?? standard))
    }
    private static func open(_ row: Row, _ key: String) throws -> Timestamp? {
        try row[key].map { Timestamp(micros: try CaseFile.time($0)) }
    }

    static func touch(_ row: Row) throws -> TouchRow {
        let campaign = row["campaign_id"] ?? "k1"
        return TouchRow(
            touchID: id(row, "touch_id", "t1"), shopperID: id(row, "shopper_id", "s"),
            occurredAt: try at(row, "occurred_at", "T-1h"),
            kind: Interaction(rawValue: row["kind"] ?? "click") ?? .click,
            view: row["view"].flatMap(AttributionPolicy.ViewCounting.init), isInvalid: row["invalid"] == "true",
            advertiserID: id(row, "advertiser_id", campaign == "k2" ? "a2" : "a1"),
            campaignID: AttributionID(campaign), lineItemID: id(row, "line_item_id", "l1"),
            promotedSKUs: list(row, "promoted_skus", "p1"))
    }
    static func line(_ row: Row) throws -> OrderLineRow {
        OrderLineRow(
            orderID: id(row, "order_id", "o"), lineNumber: Int64(row["line_no"] ?? "1") ?? 1,
            shopperID: id(row, "shopper_id", "s"), orderedAt: try at(row, "ordered_at", "T"),
            channel: OrderChannel(rawValue: row["channel"] ?? "online") ?? .online, sku: id(row, "sku", "p1"),
            units: Int64(row["units"] ?? "1") ?? 1, netAmountMicros: Int64(row["net_amount_micros"] ?? "100") ?? 100)
    }
    static func product(_ row: Row) throws -> ProductRow {
        ProductRow(
            sku: id(row, "sku"), groupID: id(row, "group_id"), brandID: id(row, "brand_id"),
            categoryIDs: list(row, "category_id"))
    }
    static func campaign(_ row: Row) throws -> CampaignVersionRow {
        CampaignVersionRow(
            campaignID: id(row, "campaign_id", "k1"), advertiserID: id(row, "advertiser_id", "a1"),
            brandIDs: list(row, "brand_ids", "B"), listedSKUs: list(row, "listed_skus"),
            listedCategoryIDs: list(row, "listed_categories"), validFrom: try open(row, "valid_from"),
            validTo: try open(row, "valid_to"))
    }
    static func alias(_ row: Row) throws -> BrandAliasRow {
        BrandAliasRow(
            alias: id(row, "alias"), brandID: id(row, "brand_id"), validFrom: try open(row, "valid_from"),
            validTo: try open(row, "valid_to"))
    }
    static func grant(_ row: Row) throws -> BrandGrantRow {
        BrandGrantRow(
            advertiserID: id(row, "advertiser_id", "a1"), brandID: id(row, "brand_id", "B"),
            validFrom: try open(row, "valid_from"), validTo: try open(row, "valid_to"))
    }
    static func link(_ row: Row) throws -> IdentityLinkRow {
        IdentityLinkRow(
            visitorID: id(row, "visitor_id"), customerID: id(row, "customer_id"),
            linkedAt: try at(row, "linked_at", "T-1h"))
    }
    static func adjustment(_ row: Row) throws -> AdjustmentRow {
        AdjustmentRow(
            adjustmentID: id(row, "adjustment_id", "r1"), orderID: id(row, "order_id", "o"),
            lineNumber: row["line_no"] == "" ? nil : Int64(row["line_no"] ?? "1"),
            occurredAt: try at(row, "occurred_at", "T+1d"),
            kind: AdjustmentKind(rawValue: row["kind"] ?? "return") ?? .return,
            units: row["units"].flatMap { Int64($0) }, amountMicros: row["amount_micros"].flatMap { Int64($0) })
    }
    static func rival(_ row: Row) throws -> RivalRow {
        RivalRow(
            orderID: id(row, "order_id", "o"), lineNumber: Int64(row["line_no"] ?? "1") ?? 1,
            touchID: id(row, "touch_id", "x1"), kind: Interaction(rawValue: row["kind"] ?? "click") ?? .click,
            occurredAt: try at(row, "occurred_at", "T-1h"), level: MatchLevel(rawValue: row["level"] ?? "sku") ?? .sku)
    }
}
