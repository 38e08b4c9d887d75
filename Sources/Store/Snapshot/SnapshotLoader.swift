import AdFormats
import AdModel
import Decisioning
import Foundation
import Postgres
import Profiles

/// PostgreSQL to what serving runs on. Reads only; every load is one repeatable-read transaction.
public struct SnapshotLoader: Sendable {
    /// Products beside the promoted ones that a snapshot knows, to give a page's product its category and brand.
    public static let contextProductLimit = 1_000_000
    /// Creative versions of line items that ended this long ago can still be clicked.
    public static let clickableDays = 3

    private let pool: PostgresPool
    private let formats: [SnapshotInput.Format]
    private let mediaBaseURL: String
    private let contextProducts: Int

    /// - Parameters:
    ///   - formats: the ad formats that are installed.
    ///   - mediaBaseURL: address of the media listener, without a trailing slash; pictures are
    ///     `<base>/media/<sha256>.<extension>`.
    ///   - contextProducts: how many products beside the promoted ones are loaded at most.
    public init(
        pool: PostgresPool, formats: AdFormatSet, mediaBaseURL: String,
        contextProducts: Int = Self.contextProductLimit
    ) {
        self.contextProducts = contextProducts
        self.pool = pool
        self.formats = formats.formats.values.sorted { $0.name < $1.name }.map {
            SnapshotInput.Format(
                name: $0.name, minimumCards: $0.minimumCards, maximumCards: $0.maximumCards, priorCTR: $0.priorCTR)
        }
        self.mediaBaseURL = mediaBaseURL
    }

    /// Versions of the two streams of change, cheap enough to ask often.
    public func versions() async throws -> (control: Int64, stock: Int64) {
        try await pool.withConnection { connection in
            let rows = try connection.query("select stream, version from control_version")
            var control: Int64 = 0
            var stock: Int64 = 0
            for row in rows {
                if try row.string("stream") == "control" {
                    control = try row.int64("version")
                } else {
                    stock = try row.int64("version")
                }
            }
            return (control, stock)
        }
    }

    /// Everything but stock, as it is valid at `now`.
    public func load(now: Timestamp) async throws -> ServingData {
        let formats = formats
        let mediaBaseURL = mediaBaseURL
        let contextProducts = contextProducts
        return try await pool.transaction(.repeatableRead) { connection in
            let version = try connection.query("select version from control_version where stream = 'control'").single()
                .int64("version")
            var data = ServingData(version: version)
            data.input.formats = formats
            let instant = PostgresValue.timestamptz(micros: now.micros)
            try Self.retailer(connection, &data)
            try Self.storefronts(connection, instant, &data)
            try Self.keys(connection, instant, &data)
            try Self.catalogue(connection, instant, &data)
            try Self.lineItems(connection, instant, &data)
            try Self.creatives(connection, instant, mediaBaseURL, &data)
            try Self.products(connection, contextLimit: contextProducts, &data)
            return data
        }
    }

    private static func retailer(_ connection: isolated PostgresConnection, _ data: inout ServingData) throws {
        let rows = try connection.query(
            """
            select (extract(epoch from billing_deadline_impression) * 1000000)::bigint as impression,
                (extract(epoch from billing_deadline_click) * 1000000)::bigint as click,
                (extract(epoch from stock_max_age) * 1000000)::bigint as age
            from retailer
            """)
        guard let row = rows.first else { return }
        data.impressionDeadline = Timestamp.Span(micros: try row.int64("impression"))
        data.clickDeadline = Timestamp.Span(micros: try row.int64("click"))
        data.input.stockMaxAge = Timestamp.Span(micros: try row.int64("age"))
    }

    private static func storefronts(
        _ connection: isolated PostgresConnection, _ now: PostgresValue, _ data: inout ServingData
    ) throws {
        for row in try connection.query("select id, code, region_codes from stock_location order by id") {
            data.input.locations.append(
                SnapshotInput.Location(
                    id: try row.int32("id"), code: try row.string("code"),
                    regionCodes: try row.stringArray("region_codes")))
        }
        let rows = try connection.query(
            """
            select id, code, url, landing_hosts, default_location_id,
                extract(epoch from ($1::timestamptz at time zone zone) - ($1::timestamptz at time zone 'UTC'))::bigint
                    as zone_offset
            from storefront order by id
            """, [now])
        for row in rows {
            let id = try row.int32("id")
            let code = try row.string("code")
            let location = try row.int32IfPresent("default_location_id")
            let (origin, host) = Self.originAndHost(try row.string("url"))
            var hosts = Set(try row.stringArray("landing_hosts").map { $0.lowercased() })
            if let host { hosts.insert(host) }
            data.input.storefronts.append(SnapshotInput.Storefront(id: id, code: code, defaultLocationID: location))
            data.storefronts.append(
                ServingStorefront(
                    id: id, code: code, origin: origin, landingHosts: hosts,
                    zoneOffsetSeconds: try row.int64("zone_offset"), defaultLocationID: location))
        }
        let placements = try connection.query(
            """
            select id, storefront_id, code, page_type, formats, max_ads, rank, floor_micros, repeat_advertiser,
                repeat_brand
            from placement order by id
            """)
        for row in placements {
            let word = try row.string("page_type")
            guard let pageType = PageType(rawValue: word) else {
                throw ServingDataError(code: "unknown_page_type", message: "placement with page type \(word)")
            }
            data.input.placements.append(
                SnapshotInput.Placement(
                    id: try row.int32("id"), storefrontID: try row.int32("storefront_id"),
                    code: try row.string("code"), pageType: pageType, formats: try row.stringArray("formats"),
                    maxAds: Int(try row.int32("max_ads")), rank: try row.int32("rank"),
                    floor: Micros(try row.int64("floor_micros")), repeatAdvertiser: try row.bool("repeat_advertiser"),
                    repeatBrand: try row.bool("repeat_brand")))
        }
    }

    /// `https://shop.example/path` to `https://shop.example` and `shop.example`.
    static func originAndHost(_ url: String) -> (origin: String, host: String?) {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme, let host = parts.host else {
            return ("", nil)
        }
        let port = parts.port.map { ":\($0)" } ?? ""
        return ("\(scheme.lowercased())://\(host.lowercased())\(port)", host.lowercased())
    }

    private static func keys(
        _ connection: isolated PostgresConnection, _ now: PostgresValue, _ data: inout ServingData
    ) throws {
        let rows = try connection.query(
            "select hash, storefront_id, expires_at from api_key where kind = 'shop' and expires_at > $1", [now])
        for row in rows {
            data.serverKeys[try row.bytes("hash")] = ServerKey(
                storefrontID: try row.int32("storefront_id"),
                expiresAt: Timestamp(micros: try row.micros("expires_at")))
        }
    }

    private static func catalogue(
        _ connection: isolated PostgresConnection, _ now: PostgresValue, _ data: inout ServingData
    ) throws {
        for row in try connection.query("select id, code, parent_id from category order by id") {
            data.input.categories.append(
                SnapshotInput.Category(
                    id: try row.int32("id"), code: try row.string("code"),
                    parentID: try row.int32IfPresent("parent_id")))
        }
        for row in try connection.query("select id, code, name from brand order by id") {
            let id = try row.int32("id")
            data.input.brands.append(SnapshotInput.Brand(id: id, code: try row.string("code")))
        }
        let aliases = try connection.query(
            "select alias, brand_id from brand_alias where valid_from <= $1 and valid_to > $1 order by id", [now])
        for row in aliases { data.brandAliases[try row.string("alias")] = try row.int32("brand_id") }
    }

    private static func lineItems(
        _ connection: isolated PostgresConnection, _ now: PostgresValue, _ data: inout ServingData
    ) throws {
        for row in try connection.query("select id, code, caps::text as caps from advertiser order by id") {
            let id = try row.int32("id")
            do {
                data.input.advertisers.append(
                    SnapshotInput.Advertiser(id: id, caps: try limits(try row.string("caps"))))
            } catch let error as DecodingError {
                throw ServingDataError(
                    code: "unreadable_advertiser",
                    message: "advertiser \(try row.string("code")): caps cannot be read: \(error)")
            }
        }
        let rows = try connection.query(
            """
            select l.id, l.code, l.campaign_id, l.advertiser_id, l.paused, l.starts_at, l.ends_at, l.tier, l.pricing,
                l.bid_micros, l.pacing, l.caps::text as caps, l.targeting::text as targeting, c.state,
                c.kktu is not null as has_kktu, c.holdout_share, c.holdout_salt,
                coalesce((
                    select array_agg(p.id order by s.place)
                    from line_item_version v
                    cross join lateral unnest(v.promoted_skus) with ordinality s (sku, place)
                    join product p on p.sku = s.sku
                    where v.line_item_id = l.id and v.valid_from <= $1 and v.valid_to > $1), '{}') as promoted
            from line_item l join campaign c on c.id = l.campaign_id
            where l.ends_at > $1 and c.state not in ('finished', 'archived')
            order by l.id
            """, [now])
        var promoted: Set<Int32> = []
        for row in rows {
            let item = try lineItem(row)
            promoted.formUnion(item.promotedProductIDs)
            data.input.lineItems.append(item)
        }
        data.promotedProductIDs = promoted.sorted()
    }

    private static func lineItem(_ row: PostgresRow) throws -> SnapshotInput.LineItem {
        let code = try row.string("code")
        var item = SnapshotInput.LineItem(
            id: try row.int32("id"), campaignID: try row.int32("campaign_id"),
            advertiserID: try row.int32("advertiser_id"))
        guard let tier = Tier(rawValue: try row.string("tier")),
            let pricing = Pricing(rawValue: try row.string("pricing"))
        else { throw ServingDataError(code: "unknown_pricing", message: "line item \(code): unknown tier or pricing") }
        let state = try row.string("state")
        item.tier = tier
        item.pricing = pricing
        item.bid = Micros(try row.int64("bid_micros"))
        item.isPaused = try row.bool("paused") || state == "paused"
        item.isApproved = state == "active" || state == "paused"
        item.hasKKTU = try row.bool("has_kktu")
        let heldOut = try row.int32("holdout_share")
        if heldOut > 0 {
            item.holdout = Holdout(share: heldOut, salt: UInt64(bitPattern: try row.int64("holdout_salt")))
        }
        item.startsAt = Timestamp(micros: try row.micros("starts_at"))
        item.endsAt = Timestamp(micros: try row.micros("ends_at"))
        item.needsLease = pricing != .fixed && tier != .house && item.bid > .zero
        item.isPacedEvenly = try row.string("pacing") == "even"
        item.promotedProductIDs = try row.int32Array("promoted")
        do {
            let decoder = JSONDecoder()
            item.targeting = try decoder.decode(Targeting.self, from: Data(try row.string("targeting").utf8))
            item.caps = try limits(try row.string("caps"))
        } catch let error as DecodingError {
            throw ServingDataError(
                code: "unreadable_line_item", message: "line item \(code): caps or targeting cannot be read: \(error)")
        }
        return item
    }

    /// `[{"count":3,"per":"day"}]`; throws `DecodingError`.
    private static func limits(_ json: String) throws -> CapLimits {
        var limits = CapLimits.none
        for cap in try FrequencyCap.read(json) { limits.limit(cap.per, to: UInt16(clamping: cap.count)) }
        return limits
    }

    private static func creatives(
        _ connection: isolated PostgresConnection, _ now: PostgresValue, _ mediaBaseURL: String,
        _ data: inout ServingData
    ) throws {
        let rows = try connection.query(
            """
            select v.id, v.version, v.fields::text as fields, v.landing_url, coalesce(v.erid, '') as erid,
                v.approved_at is not null and v.approved_at <= $1 and v.erid is not null
                    and coalesce(v.erid_status, 'new') <> 'bad' as servable,
                c.id as creative_id, c.code, c.line_item_id, c.format, p.name as advertiser_name,
                coalesce(p.inn, p.foreign_inn, '') as advertiser_inn,
                coalesce((
                    select array_agg(encode(m.sha256, 'hex') || '.' ||
                        replace(split_part(m.content_type, '/', 2), 'jpeg', 'jpg') || ' ' || m.width || ' ' || m.height
                        order by s.place)
                    from unnest(v.media_sha256) with ordinality s (hash, place)
                    join media m on m.sha256 = s.hash), '{}') as pictures
            from creative_version v
            join creative c on c.id = v.creative_id
            join line_item l on l.id = c.line_item_id
            join advertiser a on a.id = c.advertiser_id
            join counterparty p on p.id = a.counterparty_id
            where l.ends_at > $1::timestamptz - make_interval(days => $2::int)
            order by c.id, v.version
            """, [now, .int4(Int32(clickableDays))])
        var places: [Int32: Int] = [:]
        for (index, item) in data.input.lineItems.enumerated() { places[item.id] = index }
        /// The version of each creative that serves: its newest servable one, else its newest.
        var chosen: [Int32: (lineItem: Int32, creative: SnapshotInput.Creative)] = [:]
        for row in rows {
            let version = try row.int32("version")
            let creative = ServingCreative(
                versionID: try row.int32("id"), lineItemID: try row.int32("line_item_id"),
                publicID: "\(try row.string("code"))-v\(version)", format: try row.string("format"),
                landingURL: try row.string("landing_url"), erid: try row.string("erid"),
                fieldsJSON: try row.string("fields"),
                pictures: try row.stringArray("pictures").compactMap { Self.picture($0, mediaBaseURL) },
                advertiserName: try row.string("advertiser_name"), advertiserINN: try row.string("advertiser_inn"))
            data.creatives[creative.versionID] = creative
            let servable = try row.bool("servable")
            let creativeID = try row.int32("creative_id")
            if !servable, let before = chosen[creativeID], before.creative.isServable { continue }
            chosen[creativeID] = (
                creative.lineItemID,
                SnapshotInput.Creative(
                    versionID: creative.versionID, format: creative.format, isServable: servable,
                    fragment: Fragments.creative(creative))
            )
        }
        for (_, entry) in chosen.sorted(by: { $0.key < $1.key }) {
            guard let place = places[entry.lineItem] else { continue }
            data.input.lineItems[place].creatives.append(entry.creative)
        }
    }

    private static func picture(_ text: String, _ base: String) -> ServingCreative.Picture? {
        let parts = text.split(separator: " ")
        guard parts.count == 3, let width = Int32(parts[1]), let height = Int32(parts[2]) else { return nil }
        return ServingCreative.Picture(url: "\(base)/media/\(parts[0])", width: width, height: height)
    }

    private static func products(
        _ connection: isolated PostgresConnection, contextLimit: Int, _ data: inout ServingData
    ) throws {
        let brandIDs = Dictionary(
            data.input.brands.map { ($0.code, $0.id) }, uniquingKeysWith: { first, _ in first })
        let aliases = data.brandAliases
        /// An alias first, then the brand's own code: the same one step as attribution takes.
        func brandID(_ raw: String?) -> Int32? { raw.flatMap { aliases[$0] ?? brandIDs[$0] } }
        let promoted = try connection.query(
            "select id, sku, name, brand, url, picture_url, category_ids from product where id = any($1) order by id",
            [.int4Array(data.promotedProductIDs)])
        for row in promoted {
            let id = try row.int32("id")
            let product = ServingProduct(
                sku: try row.string("sku"), name: try row.string("name"), url: try row.stringIfPresent("url"),
                pictureURL: try row.stringIfPresent("picture_url"))
            data.products[id] = product
            data.input.products.append(
                SnapshotInput.Product(
                    id: id, sku: product.sku, brandID: brandID(try row.stringIfPresent("brand")),
                    categoryIDs: try row.int32Array("category_ids"), fragment: Fragments.product(product)))
        }
        let others = try connection.query(
            "select id, sku, brand, category_ids from product where id <> all($1) order by id limit $2",
            [.int4Array(data.promotedProductIDs), .int4(Int32(contextLimit + 1))])
        // One more than is kept was asked for, to know whether anything is left out.
        data.isContextCut = others.count > contextLimit
        data.contextProducts = min(others.count, contextLimit)
        for row in others.prefix(contextLimit) {
            data.input.products.append(
                SnapshotInput.Product(
                    id: try row.int32("id"), sku: try row.string("sku"),
                    brandID: brandID(try row.stringIfPresent("brand")),
                    categoryIDs: try row.int32Array("category_ids")))
        }
    }

    // MARK: Stock

    /// Stock of the given products, and the number of the last change that is in it.
    public func stock(of productIDs: [Int32]) async throws -> (version: Int64, rows: [StockRow]) {
        try await stock("where product_id = any($1)", [.int4Array(productIDs)])
    }

    /// Stock rows changed after `version`, and the number of the last change among what exists now.
    public func stockChanges(after version: Int64) async throws -> (version: Int64, rows: [StockRow]) {
        try await stock("where change_number > $1", [.int8(version)])
    }

    private func stock(
        _ condition: String, _ parameters: [PostgresValue]
    ) async throws -> (version: Int64, rows: [StockRow]) {
        try await pool.transaction(.repeatableRead) { connection in
            let version = try connection.query("select version from control_version where stream = 'stock'").single()
                .int64("version")
            let found = try connection.query(
                """
                select location_id, product_id, quantity, price_micros, old_price_micros, as_of from stock \(condition)
                """, parameters)
            var rows: [StockRow] = []
            rows.reserveCapacity(found.count)
            for row in found {
                rows.append(
                    StockRow(
                        locationID: try row.int32("location_id"), productID: try row.int32("product_id"),
                        quantity: try row.int32("quantity"), price: Micros(try row.int64("price_micros")),
                        oldPrice: try row.int64IfPresent("old_price_micros").map { Micros($0) },
                        asOf: Timestamp(micros: try row.micros("as_of"))))
            }
            return (version, rows)
        }
    }
}
