import AdModel
import Decisioning
import Foundation
import ORD
import Postgres
import Profiles
import Shelves
import Stemmer

/// The rows that decisions are made of, as the tables have them: all of them, or those with the given ids.
enum ServingRows {
    static func lineItems(
        _ connection: isolated PostgresConnection, now: PostgresValue, ids: [Int32]? = nil
    ) throws -> [SnapshotInput.LineItem] {
        let rows = try connection.query(
            """
            select l.id, l.code, l.campaign_id, l.advertiser_id, l.paused, l.starts_at, l.ends_at, l.tier, l.pricing,
                l.bid_micros, l.goal_impressions, l.pacing, l.caps::text as caps, l.targeting::text as targeting, c.state,
                c.kktu is not null as has_kktu, c.holdout_share, c.holdout_salt, c.companions, l.shelf::text as shelf,
                coalesce((
                    select array_agg(p.id order by s.place)
                    from line_item_version v
                    cross join lateral unnest(v.promoted_skus) with ordinality s (sku, place)
                    join product p on p.sku = s.sku
                    where v.line_item_id = l.id and v.valid_from <= $1 and v.valid_to > $1), '{}') as promoted
            from line_item l join campaign c on c.id = l.campaign_id
            where l.ends_at > $1 and c.state not in ('finished', 'archived')
                \(ids == nil ? "" : "and l.id = any($2)")
            order by l.id
            """, ids.map { [now, .int4Array($0)] } ?? [now])
        let stemmer = WordStemmer()
        return try rows.map { try lineItem($0, stemmer) }
    }

    private static func lineItem(_ row: PostgresRow, _ stemmer: WordStemmer) throws -> SnapshotInput.LineItem {
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
        item.goalImpressions = try row.int64IfPresent("goal_impressions")
        item.isCompanion = try row.bool("companions")
        item.promotedProductIDs = try row.int32Array("promoted")
        item.shelf = try row.stringIfPresent("shelf").flatMap { ShelfPlan(json: $0) }
        do {
            let decoder = JSONDecoder()
            item.targeting = try decoder.decode(Targeting.self, from: Data(try row.string("targeting").utf8))
                .wordsReplaced(stemmer.stem)
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

    static func advertisers(
        _ connection: isolated PostgresConnection, ids: [Int32]? = nil
    ) throws -> [SnapshotInput.Advertiser] {
        let rows = try connection.query(
            """
            select id, code, caps::text as caps from advertiser \(ids == nil ? "" : "where id = any($1)") order by id
            """, ids.map { [.int4Array($0)] } ?? [])
        return try rows.map { row in
            do {
                return SnapshotInput.Advertiser(id: try row.int32("id"), caps: try limits(try row.string("caps")))
            } catch let error as DecodingError {
                throw ServingDataError(
                    code: "unreadable_advertiser",
                    message: "advertiser \(try row.string("code")): caps cannot be read: \(error)")
            }
        }
    }

    /// Creative versions of line items, and which of them serves: of each creative its newest servable one, else its
    /// newest.
    struct Creatives {
        var all: [ServingCreative] = []
        /// By line item, in order of the creatives.
        var serving: [Int32: [SnapshotInput.Creative]] = [:]
    }

    static func creatives(
        _ connection: isolated PostgresConnection, now: PostgresValue, mediaBaseURL: String, lineItemIDs: [Int32]? = nil
    ) throws -> Creatives {
        let rows = try connection.query(
            """
            select v.id, v.version, v.fields::text as fields, v.landing_url, coalesce(v.erid, '') as erid,
                v.approved_at is not null and v.approved_at <= $1 and v.erid is not null
                    and coalesce(v.erid_status, 'new') <> 'bad' and v.revoked_at is null and not c.paused as servable,
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
                \(lineItemIDs == nil ? "" : "and c.line_item_id = any($3)")
            order by c.id, v.version
            """,
            [now, .int4(Int32(SnapshotLoader.clickableDays))] + (lineItemIDs.map { [.int4Array($0)] } ?? []))
        var found = Creatives()
        var chosen: [Int32: (lineItem: Int32, creative: SnapshotInput.Creative)] = [:]
        for row in rows {
            let creative = try creative(row, mediaBaseURL: mediaBaseURL)
            found.all.append(creative)
            // The operator's own check: what it would not take for a token is none here either.
            let servable = try row.bool("servable") && ERID.isPlausible(creative.erid)
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
            found.serving[entry.lineItem, default: []].append(entry.creative)
        }
        return found
    }

    static func creative(_ row: PostgresRow, mediaBaseURL: String) throws -> ServingCreative {
        ServingCreative(
            versionID: try row.int32("id"), lineItemID: try row.int32("line_item_id"),
            publicID: "\(try row.string("code"))-v\(try row.int32("version"))", format: try row.string("format"),
            landingURL: try row.string("landing_url"), erid: try row.string("erid"),
            fieldsJSON: try row.string("fields"),
            pictures: try row.stringArray("pictures").compactMap { picture($0, mediaBaseURL) },
            advertiserName: try row.string("advertiser_name"), advertiserINN: try row.string("advertiser_inn"))
    }

    private static func picture(_ text: String, _ base: String) -> ServingCreative.Picture? {
        let parts = text.split(separator: " ")
        guard parts.count == 3, let width = Int32(parts[1]), let height = Int32(parts[2]) else { return nil }
        return ServingCreative.Picture(url: "\(base)/media/\(parts[0])", width: width, height: height)
    }

    /// An alias first, then the brand's own code: the same one step as attribution takes.
    struct BrandNames {
        private let ids: [String: Int32]
        private let aliases: [String: Int32]

        init(_ data: ServingData) {
            ids = Dictionary(data.input.brands.map { ($0.code, $0.id) }, uniquingKeysWith: { first, _ in first })
            aliases = data.brandAliases
        }

        func id(_ raw: String?) -> Int32? { raw.flatMap { aliases[$0] ?? ids[$0] } }
    }

    /// Products with what an answer shows of them.
    static func shownProducts(
        _ connection: isolated PostgresConnection, ids: [Int32], brands: BrandNames
    ) throws -> [(input: SnapshotInput.Product, shown: ServingProduct)] {
        let rows = try connection.query(
            """
            select id, sku, name, brand, url, picture_url, category_ids, purchase_price_micros,
                (select min(s.price_micros) from stock s where s.product_id = p.id and s.quantity > 0) as price_micros
            from product p where id = any($1) order by id
            """, [.int4Array(ids)])
        return try rows.map { row in
            let shown = ServingProduct(
                sku: try row.string("sku"), name: try row.string("name"), url: try row.stringIfPresent("url"),
                pictureURL: try row.stringIfPresent("picture_url"))
            var input = SnapshotInput.Product(
                id: try row.int32("id"), sku: shown.sku, brandID: brands.id(try row.stringIfPresent("brand")),
                categoryIDs: try row.int32Array("category_ids"), fragment: Fragments.product(shown))
            if let price = try row.int64IfPresent("price_micros"), price > 0 {
                input.price = Micros(price)
                if let paid = try row.int64IfPresent("purchase_price_micros") {
                    input.margin = min(max(1 - Double(paid) / Double(price), 0), 1)
                }
            }
            return (input, shown)
        }
    }
}
