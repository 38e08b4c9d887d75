import AdModel
import Audiences
import ClickModel
import Decisioning
import Foundation
import Postgres
import Shelves

/// The small tables that serving reads whole: a change of one of their rows reads all of them again.
struct ServingSettings: Equatable, Sendable {
    var impressionDeadline = Timestamp.Span.hours(1)
    var clickDeadline = Timestamp.Span.hours(24)
    var stockMaxAge = Timestamp.Span.hours(24)
    var locations: [SnapshotInput.Location] = []
    var places: [SnapshotInput.Storefront] = []
    var storefronts: [ServingStorefront] = []
    var placements: [SnapshotInput.Placement] = []
    var categories: [SnapshotInput.Category] = []
    var brands: [SnapshotInput.Brand] = []
    var audiences: [SnapshotInput.Audience] = []
    var audienceDefinitions: [AudienceDefinition] = []
    var rfm = RFMThresholds()
    var erasures: [ServingErasure] = []
    var brandAliases: [String: Int32] = [:]
    var serverKeys: [[UInt8]: ServerKey] = [:]
    var clickWeights: ClickWeights?

    /// As they are valid at `now`.
    init(_ connection: isolated PostgresConnection, now: Timestamp) throws {
        let instant = PostgresValue.timestamptz(micros: now.micros)
        try readRetailer(connection)
        try readStorefronts(connection, instant)
        try readPlacements(connection)
        try readCatalogue(connection, instant)
        do {
            clickWeights = try ClickModels.activeWeights(on: connection)
        } catch let error as ClickModelError {
            throw ServingDataError(code: error.code, message: error.message)
        }
        try readAudiences(connection, instant)
        for row in try connection.query(
            """
            select hash, storefront_id, expires_at from api_key
            where kind = 'shop' and expires_at > $1 and revoked_at is null
            """, [instant])
        {
            serverKeys[try row.bytes("hash")] = ServerKey(
                storefrontID: try row.int32("storefront_id"),
                expiresAt: Timestamp(micros: try row.micros("expires_at")))
        }
    }

    init(_ data: ServingData) {
        impressionDeadline = data.impressionDeadline
        clickDeadline = data.clickDeadline
        stockMaxAge = data.input.stockMaxAge
        locations = data.input.locations
        places = data.input.storefronts
        storefronts = data.storefronts
        placements = data.input.placements
        categories = data.input.categories
        brands = data.input.brands
        audiences = data.input.audiences
        audienceDefinitions = data.audiences
        rfm = data.rfm
        erasures = data.erasures
        brandAliases = data.brandAliases
        serverKeys = data.serverKeys
        clickWeights = data.input.clickWeights
    }

    func put(into data: inout ServingData) {
        data.impressionDeadline = impressionDeadline
        data.clickDeadline = clickDeadline
        data.input.stockMaxAge = stockMaxAge
        data.input.locations = locations
        data.input.storefronts = places
        data.storefronts = storefronts
        data.input.placements = placements
        data.input.categories = categories
        data.input.brands = brands
        data.input.audiences = audiences
        data.audiences = audienceDefinitions
        data.rfm = rfm
        data.erasures = erasures
        data.brandAliases = brandAliases
        data.serverKeys = serverKeys
        data.input.clickWeights = clickWeights
    }

    /// What numbers the index, beyond what it was in `old`: then a snapshot of the one can be patched for the other.
    /// nil = the index is numbered another way.
    func additions(
        to old: ServingSettings
    ) -> (categories: [SnapshotInput.Category], brands: [SnapshotInput.Brand])? {
        guard stockMaxAge == old.stockMaxAge, locations == old.locations, places == old.places,
            placements == old.placements, clickWeights == old.clickWeights, audiences == old.audiences,
            categories.starts(with: old.categories), brands.starts(with: old.brands)
        else { return nil }
        return (Array(categories[old.categories.count...]), Array(brands[old.brands.count...]))
    }

    /// Brand spellings that mean something else in `other`.
    func spellings(differingFrom other: ServingSettings) -> Set<String> {
        var texts: Set<String> = []
        for (alias, brand) in brandAliases where other.brandAliases[alias] != brand { texts.insert(alias) }
        for alias in other.brandAliases.keys where brandAliases[alias] == nil { texts.insert(alias) }
        if brands != other.brands {
            let own = Set(brands.map { "\($0.id) \($0.code)" })
            let others = Set(other.brands.map { "\($0.id) \($0.code)" })
            for text in own.symmetricDifference(others) {
                if let space = text.firstIndex(of: " ") { texts.insert(String(text[text.index(after: space)...])) }
            }
        }
        return texts
    }

    // MARK: Reading

    private mutating func readRetailer(_ connection: isolated PostgresConnection) throws {
        let rows = try connection.query(
            """
            select (extract(epoch from billing_deadline_impression) * 1000000)::bigint as impression,
                (extract(epoch from billing_deadline_click) * 1000000)::bigint as click,
                (extract(epoch from stock_max_age) * 1000000)::bigint as age
            from retailer
            """)
        guard let row = rows.first else { return }
        impressionDeadline = Timestamp.Span(micros: try row.int64("impression"))
        clickDeadline = Timestamp.Span(micros: try row.int64("click"))
        stockMaxAge = Timestamp.Span(micros: try row.int64("age"))
    }

    private mutating func readAudiences(_ connection: isolated PostgresConnection, _ now: PostgresValue) throws {
        for row in try connection.query("select id, code from audience order by id") {
            audiences.append(SnapshotInput.Audience(id: try row.int32("id"), code: try row.string("code")))
        }
        audienceDefinitions = try AudienceBookReader.definitions(on: connection)
        rfm = try RFMSettings.load(on: connection).thresholds
        let recent = try connection.query(
            """
            select shopper_keys, requested_at, done_at is null as open from erasure
            where requested_at > $1::timestamptz - make_interval(days => $2::int) order by id
            """, [now, .int4(Int32(ServingErasure.keptDays))])
        for row in recent {
            let at = Timestamp(micros: try row.micros("requested_at"))
            let isOpen = try row.bool("open")
            for key in try row.int64Array("shopper_keys") {
                erasures.append(ServingErasure(key: UInt64(bitPattern: key), at: at, isOpen: isOpen))
            }
        }
    }

    private mutating func readStorefronts(_ connection: isolated PostgresConnection, _ now: PostgresValue) throws {
        for row in try connection.query("select id, code, region_codes from stock_location order by id") {
            locations.append(
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
            places.append(SnapshotInput.Storefront(id: id, code: code, defaultLocationID: location))
            storefronts.append(
                ServingStorefront(
                    id: id, code: code, origin: origin, landingHosts: hosts,
                    zoneOffsetSeconds: try row.int64("zone_offset"), defaultLocationID: location))
        }
    }

    private mutating func readPlacements(_ connection: isolated PostgresConnection) throws {
        let rows = try connection.query(
            """
            select id, storefront_id, code, page_type, formats, max_ads, rank, floor_micros, repeat_advertiser,
                repeat_brand, competitor_block, margin_weight_percent, shelf
            from placement order by id
            """)
        for row in rows {
            let word = try row.string("page_type")
            guard let pageType = PageType(rawValue: word) else {
                throw ServingDataError(code: "unknown_page_type", message: "placement with page type \(word)")
            }
            var placement =
                SnapshotInput.Placement(
                    id: try row.int32("id"), storefrontID: try row.int32("storefront_id"),
                    code: try row.string("code"), pageType: pageType, formats: try row.stringArray("formats"),
                    maxAds: Int(try row.int32("max_ads")), rank: try row.int32("rank"),
                    floor: Micros(try row.int64("floor_micros")), repeatAdvertiser: try row.bool("repeat_advertiser"),
                    repeatBrand: try row.bool("repeat_brand"),
                    competitorBlock: CompetitorBlock(rawValue: try row.string("competitor_block")) ?? .none)
            placement.marginWeight = Double(try row.int32("margin_weight_percent")) / 100
            placement.shelf = try row.stringIfPresent("shelf").flatMap { ShelfPlan(json: $0) }
            placements.append(placement)
        }
    }

    private mutating func readCatalogue(_ connection: isolated PostgresConnection, _ now: PostgresValue) throws {
        for row in try connection.query("select id, code, parent_id from category order by id") {
            categories.append(
                SnapshotInput.Category(
                    id: try row.int32("id"), code: try row.string("code"),
                    parentID: try row.int32IfPresent("parent_id")))
        }
        for row in try connection.query("select id, code, competitor_block from brand order by id") {
            brands.append(
                SnapshotInput.Brand(
                    id: try row.int32("id"), code: try row.string("code"),
                    competitorBlock: CompetitorBlock(rawValue: try row.string("competitor_block")) ?? .none))
        }
        let aliases = try connection.query(
            "select alias, brand_id from brand_alias where valid_from <= $1 and valid_to > $1 order by id", [now])
        for row in aliases { brandAliases[try row.string("alias")] = try row.int32("brand_id") }
    }

    /// `https://shop.example/path` to `https://shop.example` and `shop.example`.
    private static func originAndHost(_ url: String) -> (origin: String, host: String?) {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme, let host = parts.host else {
            return ("", nil)
        }
        let port = parts.port.map { ":\($0)" } ?? ""
        return ("\(scheme.lowercased())://\(host.lowercased())\(port)", host.lowercased())
    }
}
