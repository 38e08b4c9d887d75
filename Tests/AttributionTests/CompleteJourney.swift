import AdModel
import Attribution
import Foundation
import TestKit

/// The Complete Journey (84.51°) as an attribution world: a store promotion of a product in a week is a view for each
/// household with a basket in that store in that week, at the week's first instant; the manufacturer is the brand.
///
/// It tests agreement, not effect: nobody knows who saw what.
struct CompleteJourney {
    /// The extract that the project ships.
    static let extract = Repository.root.appending(path: "Tests/AttributionTests/Cases/completejourney")
    /// The whole data set, where it is present.
    static let whole = Repository.root.appending(path: "../shared/data/completejourney")

    private(set) var products: [AttributionID: ProductRow] = [:]
    private(set) var touches: [AttributionID: [TouchRow]] = [:]
    private(set) var orders: [AttributionID: [OrderLineRow]] = [:]
    private var manufacturers: Set<String> = []
    private var categories: [String: Set<String>] = [:]

    /// The first instant of week 20; a week is seven days.
    private static let firstWeek = Timestamp(rfc3339: "2017-05-08T00:00:00Z") ?? Timestamp(micros: 0)

    init(_ folder: URL) throws {
        var makers: [String: String] = [:]
        var kinds: [String: String] = [:]
        for row in try Self.rows(folder, "products.csv") {
            let (id, maker) = (row["product_id"] ?? "", row["manufacturer_id"] ?? "")
            makers[id] = maker
            kinds[id] = row["product_category"] ?? ""
            manufacturers.insert(maker)
            let type = row["product_type"] ?? ""
            products[AttributionID(id)] = ProductRow(
                sku: AttributionID(id), groupID: type.isEmpty ? .absent : AttributionID("\(maker)/\(type)"),
                brandID: AttributionID(maker), categoryIDs: [AttributionID(row["product_category"] ?? "")])
        }
        var visits: [String: Set<String>] = [:]
        for row in try Self.rows(folder, "transactions.csv") {
            let household = row["household_id"] ?? ""
            visits["\(row["store_id"] ?? "")/\(row["week"] ?? "")", default: []].insert(household)
            let instant = (row["transaction_timestamp"] ?? "").replacingOccurrences(of: " ", with: "T") + "Z"
            let order = AttributionID(row["basket_id"] ?? "")
            orders[order, default: []].append(
                OrderLineRow(
                    orderID: order, lineNumber: Int64(orders[order]?.count ?? 0) + 1,
                    shopperID: AttributionID(household), orderedAt: Timestamp(rfc3339: instant) ?? Self.firstWeek,
                    channel: .offline, sku: AttributionID(row["product_id"] ?? ""),
                    units: Int64(row["quantity"] ?? "") ?? 0, netAmountMicros: Self.micros(row["sales_value"] ?? "")))
        }
        for row in try Self.rows(folder, "promotions.csv") {
            let (product, store, week) = (row["product_id"] ?? "", row["store_id"] ?? "", row["week"] ?? "")
            guard let maker = makers[product] else { continue }
            categories[maker, default: []].insert(kinds[product] ?? "")
            for household in (visits["\(store)/\(week)"] ?? []).sorted() {
                touches[AttributionID(household), default: []].append(
                    TouchRow(
                        touchID: AttributionID("w\(week)-s\(store)-p\(product)-h\(household)"),
                        shopperID: AttributionID(household),
                        occurredAt: Self.firstWeek + .days(7 * ((Int64(week) ?? 20) - 20)), kind: .view,
                        advertiserID: AttributionID("a\(maker)"), campaignID: AttributionID("k\(maker)"),
                        lineItemID: AttributionID("l\(maker)"), promotedSKUs: [AttributionID(product)]))
            }
        }
    }

    /// Everything that may decide some orders: their lines, all touches of their households, and the products, campaigns
    /// and grants that these name. A campaign lists the categories in which its manufacturer ever promoted.
    func world(of chosen: [AttributionID], noEarlierThan span: Timestamp.Span? = nil) -> World {
        var world = World()
        var households: Set<AttributionID> = []
        for order in chosen { world.lines += orders[order] ?? [] }
        for line in world.lines { households.insert(line.shopperID) }
        let last = world.lines.map(\.orderedAt).max() ?? Self.firstWeek
        let first = world.lines.map(\.orderedAt).min() ?? Self.firstWeek
        for household in households.sorted() {
            world.touches += (touches[household] ?? []).filter { touch in
                touch.occurredAt <= last && span.map { first - touch.occurredAt <= $0 } ?? true
            }
        }
        let skus = Set(world.lines.map(\.sku)).union(world.touches.flatMap(\.promotedSKUs))
        world.products = skus.sorted().compactMap { products[$0] }
        for maker in Set(world.touches.map { $0.campaignID.text.dropFirst() }).sorted() {
            let maker = String(maker)
            world.campaigns.append(
                CampaignVersionRow(
                    campaignID: AttributionID("k\(maker)"), advertiserID: AttributionID("a\(maker)"),
                    brandIDs: [AttributionID(maker)],
                    listedCategoryIDs: (categories[maker] ?? []).sorted().map { AttributionID($0) }))
            world.grants.append(
                BrandGrantRow(advertiserID: AttributionID("a\(maker)"), brandID: AttributionID(maker)))
        }
        return world
    }

    /// "2.49" as 2,490,000, digit by digit.
    private static func micros(_ text: String) -> Int64 {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? String(parts[1].prefix(6)) : ""
        let padded = fraction + String(repeating: "0", count: 6 - fraction.count)
        return (Int64(parts[0]) ?? 0) * 1_000_000 + (Int64(padded) ?? 0)
    }

    private static func rows(_ folder: URL, _ name: String) throws -> [[String: String]] {
        let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        var lines = text.split(separator: "\n").makeIterator()
        let header = cells(lines.next() ?? "")
        var result: [[String: String]] = []
        while let line = lines.next() {
            result.append(Dictionary(zip(header, cells(line)), uniquingKeysWith: { first, _ in first }))
        }
        return result
    }

    /// RFC 4180 without line ends in cells.
    private static func cells(_ line: Substring) -> [String] {
        guard line.utf8.contains(0x22) else {
            return line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        var cells: [String] = []
        var cell = ""
        var quoted = false
        var last: Character?
        for character in line {
            if character == "\"" {
                if !quoted, last == "\"" { cell.append("\"") }
                quoted.toggle()
            } else if character == ",", !quoted {
                cells.append(cell)
                cell = ""
            } else {
                cell.append(character)
            }
            last = character
        }
        return cells + [cell]
    }
}
