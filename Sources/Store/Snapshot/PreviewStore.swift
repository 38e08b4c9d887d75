import AdModel
import Postgres

/// A creative version as a preview shows it: in whatever state it is.
public struct PreviewCreative: Sendable, Equatable {
    /// A product of its line item, with its shelf prices by location id.
    public struct Card: Sendable, Equatable {
        public var fragment: [UInt8]
        public var url: String?
        public var prices: [Int32: Price]

        public init(fragment: [UInt8], url: String?, prices: [Int32: Price]) {
            self.fragment = fragment
            self.url = url
            self.prices = prices
        }
    }

    public struct Price: Sendable, Equatable {
        public var price: Micros
        public var oldPrice: Micros?
        public var isBuyable: Bool

        public init(price: Micros, oldPrice: Micros?, isBuyable: Bool) {
            self.price = price
            self.oldPrice = oldPrice
            self.isBuyable = isBuyable
        }
    }

    public var creative: ServingCreative
    public var fragment: [UInt8]
    public var cards: [Card]

    public init(creative: ServingCreative, fragment: [UInt8], cards: [Card]) {
        self.creative = creative
        self.fragment = fragment
        self.cards = cards
    }
}

/// Reads creatives for previews, off the request path.
public struct PreviewStore: Sendable {
    /// Products of a line item that a preview chooses its cards from.
    public static let productLimit = 64

    private let pool: PostgresPool
    private let mediaBaseURL: String

    public init(pool: PostgresPool, mediaBaseURL: String) {
        self.pool = pool
        self.mediaBaseURL = mediaBaseURL
    }

    /// nil when there is no such version.
    public func creative(versionID: Int32, now: Timestamp) async throws -> PreviewCreative? {
        let mediaBaseURL = mediaBaseURL
        return try await pool.transaction(.repeatableRead) { connection in
            let row = try connection.query(
                """
                select v.id, v.version, v.fields::text as fields, v.landing_url, coalesce(v.erid, '') as erid,
                    c.code, c.line_item_id, c.format, p.name as advertiser_name,
                    coalesce(p.inn, p.foreign_inn, '') as advertiser_inn,
                    coalesce((
                        select array_agg(encode(m.sha256, 'hex') || '.' ||
                            replace(split_part(m.content_type, '/', 2), 'jpeg', 'jpg') || ' ' || m.width || ' '
                            || m.height order by s.place)
                        from unnest(v.media_sha256) with ordinality s (hash, place)
                        join media m on m.sha256 = s.hash), '{}') as pictures
                from creative_version v join creative c on c.id = v.creative_id
                join advertiser a on a.id = c.advertiser_id join counterparty p on p.id = a.counterparty_id
                where v.id = $1
                """, [.int4(versionID)]
            ).first
            guard let row else { return nil }
            let creative = try ServingRows.creative(row, mediaBaseURL: mediaBaseURL)
            return PreviewCreative(
                creative: creative, fragment: Fragments.creative(creative),
                cards: try Self.cards(connection, lineItemID: creative.lineItemID, now: now))
        }
    }

    private static func cards(
        _ connection: isolated PostgresConnection, lineItemID: Int32, now: Timestamp
    ) throws -> [PreviewCreative.Card] {
        let products = try connection.query(
            """
            select p.id, p.sku, p.name, p.url, p.picture_url from line_item_version v
            cross join lateral unnest(v.promoted_skus) with ordinality s (sku, place)
            join product p on p.sku = s.sku
            where v.line_item_id = $1 and v.valid_from <= $2 and v.valid_to > $2
            order by s.place limit \(productLimit)
            """, [.int4(lineItemID), .timestamptz(micros: now.micros)])
        var prices: [Int32: [Int32: PreviewCreative.Price]] = [:]
        for row in try connection.query(
            """
            select product_id, location_id, quantity > 0 as buyable, price_micros, old_price_micros from stock
            where product_id = any($1)
            """, [.int4Array(try products.map { try $0.int32("id") })])
        {
            prices[try row.int32("product_id"), default: [:]][try row.int32("location_id")] = PreviewCreative.Price(
                price: Micros(try row.int64("price_micros")),
                oldPrice: try row.int64IfPresent("old_price_micros").map { Micros($0) },
                isBuyable: try row.bool("buyable"))
        }
        return try products.map { row in
            let shown = ServingProduct(
                sku: try row.string("sku"), name: try row.string("name"), url: try row.stringIfPresent("url"),
                pictureURL: try row.stringIfPresent("picture_url"))
            return PreviewCreative.Card(
                fragment: Fragments.product(shown), url: shown.url, prices: prices[try row.int32("id")] ?? [:])
        }
    }
}
