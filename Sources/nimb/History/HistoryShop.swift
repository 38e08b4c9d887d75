import AdModel
import Postgres
import Simulator

/// The demo shop as the simulator sees it, read from what was seeded: catalogue, prices and shelves, slots.
struct HistoryShop: Sendable {
    var shop: SimulatedShop
    /// Prices before discounts, by location and product.
    var oldPrices: [[Micros?]]
    /// Database ids of products, by index.
    var productIDs: [Int32]

    static func read(storefront: String, on db: isolated PostgresConnection) throws -> HistoryShop {
        var categories: [SimulatedShop.Category] = []
        var categoryIndex: [Int32: Int32] = [:]
        for row in try db.query("select id, code, name from category order by id") {
            categoryIndex[try row.int32("id")] = Int32(categories.count)
            categories.append(.init(code: try row.string("code"), name: try row.string("name")))
        }
        for row in try db.query("select id, parent_id from category where parent_id is not null") {
            if let own = categoryIndex[try row.int32("id")], let parent = categoryIndex[try row.int32("parent_id")] {
                categories[Int(own)].parent = parent
            }
        }
        var locations: [SimulatedShop.Location] = []
        var locationIDs: [Int32] = []
        for row in try db.query(
            """
            select l.id, l.code from stock_location l where exists (
                select from feed_import f join storefront s on s.id = f.storefront_id
                where f.location_id = l.id and s.code = $1) order by l.id
            """, [.text(storefront)])
        {
            locationIDs.append(try row.int32("id"))
            // The first place is the largest, as Moscow is.
            locations.append(
                .init(
                    code: try row.string("code"), weight: 1 / Double(locations.count + 1), prices: [], quantities: []))
        }
        guard !locations.isEmpty else { throw Refusal("the storefront \(storefront) has no catalogue to sell from.") }

        var result = HistoryShop(
            shop: SimulatedShop(
                products: [], categories: categories, brands: [], locations: locations, placements: [:]),
            oldPrices: [], productIDs: [])
        try result.readProducts(locationIDs, categoryIndex, on: db)
        try result.readStock(locationIDs, on: db)
        try result.readPlacements(storefront, on: db)
        return result
    }

    private mutating func readProducts(
        _ locations: [Int32], _ categories: [Int32: Int32], on db: isolated PostgresConnection
    ) throws {
        var brands: [Int32: Int32] = [:]
        var groups: [String: Int32] = [:]
        for row in try db.query(
            """
            select p.id, p.sku, p.group_id, p.category_ids[1] as category_id, b.id as brand_id, b.name as brand
            from product p
            left join lateral (select a.brand_id from brand_alias a where a.alias = p.brand order by a.id limit 1) a on true
            left join brand b on b.id = a.brand_id
            where exists (select from stock s where s.product_id = p.id and s.location_id = any($1)) order by p.id
            """, [.int4Array(locations)])
        {
            var brand: Int32 = -1
            if let id = try row.int32IfPresent("brand_id") {
                brand = brands[id] ?? Int32(shop.brands.count)
                if brands.updateValue(brand, forKey: id) == nil {
                    shop.brands.append(.init(name: try row.string("brand")))
                }
            }
            var group: Int32 = -1
            if let name = try row.stringIfPresent("group_id") {
                group = groups[name] ?? Int32(groups.count)
                groups[name] = group
            }
            let category = try row.int32IfPresent("category_id").flatMap { categories[$0] } ?? -1
            productIDs.append(try row.int32("id"))
            shop.products.append(
                .init(sku: try row.string("sku"), group: group, brand: brand, category: category))
        }
    }

    private mutating func readStock(_ locations: [Int32], on db: isolated PostgresConnection) throws {
        let count = productIDs.count
        let index = Dictionary(uniqueKeysWithValues: productIDs.enumerated().map { ($1, $0) })
        oldPrices = Array(repeating: Array(repeating: nil, count: count), count: locations.count)
        for place in locations.indices {
            shop.locations[place].prices = Array(repeating: .zero, count: count)
            shop.locations[place].quantities = Array(repeating: 0, count: count)
        }
        for row in try db.query(
            "select location_id, product_id, quantity, price_micros, old_price_micros from stock where location_id = any($1)",
            [.int4Array(locations)])
        {
            guard let place = locations.firstIndex(of: try row.int32("location_id")),
                let product = index[try row.int32("product_id")]
            else { continue }
            shop.locations[place].prices[product] = Micros(try row.int64("price_micros"))
            shop.locations[place].quantities[product] = try row.int32("quantity")
            oldPrices[place][product] = try row.int64IfPresent("old_price_micros").map { Micros($0) }
        }
    }

    private mutating func readPlacements(_ storefront: String, on db: isolated PostgresConnection) throws {
        for row in try db.query(
            """
            select p.code, p.page_type from placement p join storefront s on s.id = p.storefront_id
            where s.code = $1 order by p.rank, p.id
            """, [.text(storefront)])
        {
            guard let page = PageType(rawValue: try row.string("page_type")) else { continue }
            shop.placements[page, default: []].append(try row.string("code"))
        }
    }
}
