import Foundation
import FoundationXML
import TestKit
import Testing

/// The demo retailer's feeds, as `nimb demo feeds` writes them.
@Suite("The demo catalogue") struct DemoCatalogueTests {
    static let regions = ["msk", "spb", "ekb"]

    private func feeds(_ arguments: [String] = []) async throws -> [String: Data] {
        let folder = try Repository.temporaryFolder("demo-catalogue")
        defer { try? FileManager.default.removeItem(at: folder) }
        let child = try ChildProcess.nimb(["demo", "feeds", "--out", folder.path] + arguments)
        #expect(try await child.exit(within: .seconds(60)) == 0, "\(child.output)")
        return try Dictionary(
            uniqueKeysWithValues: Self.regions.map {
                ($0, try Data(contentsOf: folder.appendingPathComponent("\($0).xml")))
            })
    }

    @Test func itIsTheSameBytesEveryTimeAndFollowsTheShopsAddress() async throws {
        let first = try await feeds()
        #expect(try await feeds() == first)
        let elsewhere = try await feeds(["--shop", "http://localhost:9000/shop"])
        for (region, feed) in first {
            let text = String(decoding: feed, as: UTF8.self)
            #expect(
                Data(text.replacing("http://localhost:8083/shop", with: "http://localhost:9000/shop").utf8)
                    == elsewhere[region])
        }
    }

    @Test func itHoldsTwoThousandProductsOfSixtyBrandsInThreeLevelsAndThreeRegions() async throws {
        var names: [String: String] = [:]
        var brands: Set<String> = []
        var prices: [String: [String: String]] = [:]
        var offered: [String: Set<String>] = [:]
        var soldOut: [String: Set<String>] = [:]
        var groups: [String: Set<String>] = [:]
        for (region, data) in try await feeds() {
            let feed = try ParsedFeed(data)
            try checkTree(feed)
            #expect(Set(feed.offers.map(\.id)).count == feed.offers.count, "a SKU stands twice in \(region)")
            for offer in feed.offers {
                check(offer)
                // One product has one name everywhere.
                #expect(names.updateValue(offer["name"], forKey: offer.id).map { $0 == offer["name"] } ?? true)
                brands.insert(offer["vendor"])
                prices[offer.id, default: [:]][region] = offer["price"]
                offered[region, default: []].insert(offer.id)
                if !offer.available { soldOut[region, default: []].insert(offer.id) }
                groups[offer.group, default: []].insert(offer.id)
            }
            #expect(feed.offers.contains { !$0["oldprice"].isEmpty })
        }
        #expect(names.count >= 2_000)
        #expect(Set(names.values).count == names.count, "two products of one name")
        let aliases = 2 * 6
        #expect((60...60 + aliases).contains(brands.count), "\(brands.sorted())")
        #expect(groups.values.count { $0.count > 1 } > 500, "variants")
        for region in Self.regions {
            let here = offered[region] ?? []
            #expect(here.count >= 2_000)
            #expect((40...400).contains(soldOut[region]?.count ?? 0))
            let elsewhere = Set(Self.regions.filter { $0 != region }.flatMap { offered[$0] ?? [] })
            #expect(!here.subtracting(elsewhere).isEmpty, "nothing is sold in \(region) alone")
        }
        #expect(prices.values.count { Set($0.values).count > 1 } > 1_000, "prices differ between regions")
    }

    private func checkTree(_ feed: ParsedFeed) throws {
        let parents = feed.categories
        func depth(_ id: String) -> Int { parents[id].flatMap { $0 }.map { depth($0) + 1 } ?? 1 }
        let depths = Dictionary(grouping: parents.keys, by: depth).mapValues(\.count)
        #expect(depths.keys.sorted() == [1, 2, 3])
        #expect((depths[1] ?? 0) >= 10 && (depths[2] ?? 0) >= 40 && (depths[3] ?? 0) >= 120, "\(depths)")
        #expect(feed.offers.allSatisfy { depth($0["categoryId"]) == 3 })
        #expect(Set(feed.offers.map { $0["categoryId"] }).count == depths[3], "an empty category")
    }

    private func check(_ offer: ParsedFeed.Offer) {
        let safe = offer.id.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
        }
        #expect(safe && offer.id.utf8.count <= 64, "\(offer.id)")
        #expect(offer["url"] == "http://localhost:8083/shop/product/\(offer.id)")
        #expect(offer["picture"] == "http://localhost:8083/shop/pictures/\(offer.id).svg")
        #expect((5...120).contains(offer["name"].count), "\(offer["name"])")
        #expect((3...40).contains(offer["vendor"].count))
        let price = Double(offer["price"]) ?? 0
        #expect(price >= 9 && price < 10_000, "\(offer.id) costs \(price)")
        #expect(offer["oldprice"].isEmpty || (Double(offer["oldprice"]) ?? 0) > price)
        #expect(offer.available == (offer["count"] != "0"))
    }
}

/// A YML feed, whole.
final class ParsedFeed: NSObject, XMLParserDelegate {
    struct Offer {
        var id: String
        var group: String
        var available: Bool
        var fields: [String: String] = [:]
        subscript(_ name: String) -> String { fields[name] ?? "" }
    }

    /// Parents by id.
    private(set) var categories: [String: String?] = [:]
    private(set) var offers: [Offer] = []
    private var offer: Offer?
    private var text = ""

    init(_ data: Data) throws {
        super.init()
        let parser = XMLParser(data: data)
        parser.delegate = self
        guard parser.parse() else { throw CocoaError(.fileReadCorruptFile) }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        text = ""
        if name == "category" { categories[attributes["id"] ?? ""] = .some(attributes["parentId"]) }
        if name == "offer" {
            offer = Offer(
                id: attributes["id"] ?? "", group: attributes["group_id"] ?? "",
                available: attributes["available"] == "true")
        }
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
        if name == "offer" {
            if let offer { offers.append(offer) }
            offer = nil
        } else {
            offer?.fields[name] = text
        }
    }
}
