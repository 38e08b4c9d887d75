import Foundation
import Outbound

/// Reads the catalogue through the management API, as any partner of the retailer could.
struct CatalogueReader: Sendable {
    /// Entries of one answer.
    static let pageLimit = 500
    static let maximumBytes = 8 << 20

    struct Failure: Error, CustomStringConvertible {
        var status: Int
        var path: String
        var description: String { "the management API answered \(status) to \(path)" }
    }

    let options: DemoShopOptions
    let client: OutboundClient

    /// Everything at once; throws when any part cannot be had, so that a catalogue is never half of one.
    func read() async throws -> ShopCatalogue {
        var locations = options.locations
        if locations.isEmpty {
            let known: [LocationEntry] = try await all("/v1/stock-locations", limit: 1_000)
            locations = known.map {
                DemoShopOptions.Location(code: $0.id, name: $0.name, region: $0.regions?.first)
            }
        }
        let placements: [PlacementEntry] = try await all(
            "/v1/storefronts/\(Self.escaped(options.storefront))/placements", limit: 1_000)
        let categories: [CategoryEntry] = try await all("/v1/categories", limit: ShopCatalogue.categoryLimit)
        var products: [String: ShopProduct] = [:]
        var order: [String] = []
        for location in locations {
            let entries: [ProductEntry] = try await all(
                "/v1/products?location=\(Self.escaped(location.code))", limit: ShopCatalogue.productLimit)
            for entry in entries {
                guard let offer = entry.offer else { continue }
                if products[entry.sku] == nil {
                    order.append(entry.sku)
                    products[entry.sku] = ShopProduct(
                        sku: entry.sku, group: entry.group, name: entry.name, brand: entry.feed_brand ?? "",
                        brandCode: entry.brand,
                        categories: entry.categories, pictureURL: entry.picture_url)
                }
                products[entry.sku]?.offers[location.code] = ShopOffer(
                    priceMicros: offer.price_micros, oldPriceMicros: offer.old_price_micros, isBuyable: offer.buyable)
            }
        }
        return ShopCatalogue(
            locations: locations, placements: Set(placements.map(\.id)),
            categories: categories.map { ShopCategory(code: $0.id, name: $0.name, parent: $0.parent) },
            products: order.compactMap { products[$0] })
    }

    /// SKUs whose names hold the words in any grammatical form, at most one page of them.
    func search(_ words: String) async throws -> [String] {
        let path = "/v1/products?q=\(Self.escaped(words))&limit=\(Self.pageLimit)"
        let page: List<SKUEntry> = try await get(path)
        return page.items.map(\.sku)
    }

    private func all<Entry: Decodable>(_ path: String, limit: Int) async throws -> [Entry] {
        var entries: [Entry] = []
        var cursor: String?
        repeat {
            let joint = path.contains("?") ? "&" : "?"
            let page: List<Entry> = try await get(
                path + joint + "limit=\(Self.pageLimit)" + (cursor.map { "&cursor=\(Self.escaped($0))" } ?? ""))
            entries += page.items
            cursor = page.next_cursor
        } while cursor != nil && entries.count < limit
        return entries
    }

    func get<Body: Decodable>(_ path: String) async throws -> Body {
        let answer = try await client.send(
            OutboundRequest(
                .get, options.managementURL + path,
                headers: [("Authorization", "Bearer \(options.retailerKey)"), ("Accept", "application/json")],
                maximumBytes: Self.maximumBytes, timeout: .seconds(20)))
        guard answer.status == 200 else {
            throw Failure(status: answer.status, path: String(path.prefix { $0 != "?" }))
        }
        return try JSONDecoder().decode(Body.self, from: Data(answer.body))
    }

    static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "-._~"))) ?? ""
    }

    // Bodies of the management API; names are those of the wire.
    private struct List<Entry: Decodable>: Decodable {
        let items: [Entry]
        let next_cursor: String?
    }
    private struct LocationEntry: Decodable {
        let id: String
        let name: String
        let regions: [String]?
    }
    private struct PlacementEntry: Decodable { let id: String }
    private struct SKUEntry: Decodable { let sku: String }
    private struct CategoryEntry: Decodable {
        let id: String
        let name: String
        let parent: String?
    }
    private struct ProductEntry: Decodable {
        struct Offer: Decodable {
            let price_micros: Int64
            let old_price_micros: Int64?
            let buyable: Bool
        }
        let sku: String
        let group: String?
        let name: String
        let feed_brand: String?
        let brand: String?
        let categories: [String]
        let picture_url: String?
        let offer: Offer?
    }
}
