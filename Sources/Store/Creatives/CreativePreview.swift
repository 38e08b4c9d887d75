import AdFormats
import AdModel
import Postgres

/// What a version of a creative looks like, from the template that serves it.
public enum CreativePreview {
    /// HTML, and the origins that its pictures come from.
    public struct Page: Sendable {
        public var html: String
        public var pictureOrigins: [String]
    }

    /// - Parameter mediaBaseURL: address of the media listener, without a trailing slash.
    public static func page(
        _ version: CreativeVersionRecord, of creative: CreativeRecord, format: AdFormat, mediaBaseURL: String,
        on db: isolated PostgresConnection
    ) throws -> Page {
        let owner = try db.query(
            """
            select p.name, coalesce(p.inn, p.foreign_inn, '') as inn from advertiser a
            join counterparty p on p.id = a.counterparty_id where a.id = $1
            """, [.int4(creative.advertiserID)]
        ).first
        let cards = format.maximumCards > 0 ? try products(of: creative, limit: format.maximumCards, on: db) : []
        let pictures = version.media.map { media -> FieldValue in
            .object([
                "url": .string("\(mediaBaseURL)/\(media.path)"), "width": .integer(Int64(media.width)),
                "height": .integer(Int64(media.height)),
            ])
        }
        let ad = FieldValue.object([
            "format": .string(creative.format), "creative_id": .string("\(creative.code)-v\(version.version)"),
            "fields": try FieldValue(json: Array(version.fieldsJSON.utf8)), "pictures": .array(pictures),
            "products": .array(cards.map(\.value)),
            "label": .object([
                "text": .string(Fragments.label), "advertiser": .string(try owner?.string("name") ?? ""),
                "inn": .string(try owner?.string("inn") ?? ""), "erid": .string(version.erid ?? "—"),
            ]),
            // Nothing of a preview counts.
            "tracking": .object([
                "impression": .string("data:,"), "viewable": .string("data:,"), "click": .string(version.landingURL),
            ]),
        ])
        var origins = [CreativeStore.originAndHost(mediaBaseURL).origin]
        for card in cards {
            guard let picture = card.picture else { continue }
            let origin = CreativeStore.originAndHost(picture).origin
            if isPlain(origin), !origins.contains(origin) { origins.append(origin) }
        }
        let body = format.renderHTML(ad)
        return Page(
            html: """
                <!doctype html><html lang="ru"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
                <title>Предпросмотр</title><style>body{margin:16px;font-family:system-ui,sans-serif}
                \(format.commonStylesheet)
                \(format.stylesheet)</style><body>\(body)</body></html>
                """, pictureOrigins: origins)
    }

    /// Only what can stand in a policy header as it is.
    private static func isPlain(_ origin: String) -> Bool {
        (origin.hasPrefix("https://") || origin.hasPrefix("http://"))
            && origin.utf8.allSatisfy {
                (0x30...0x3A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x2F
            }
    }

    /// The first buyable products of the line item, with the prices of the first storefront's own location.
    private static func products(
        of creative: CreativeRecord, limit: Int, on db: isolated PostgresConnection
    ) throws -> [(value: FieldValue, picture: String?)] {
        try db.query(
            """
            select p.sku, p.name, p.url, p.picture_url, s.price_micros, s.old_price_micros
            from line_item_version v
            cross join lateral unnest(v.promoted_skus) with ordinality n (sku, place)
            join product p on p.sku = n.sku
            left join stock s on s.product_id = p.id and s.quantity > 0
                and s.location_id = (select default_location_id from storefront order by id limit 1)
            where v.line_item_id = $1 and v.valid_to = 'infinity'
            order by s.product_id is null, n.place limit $2
            """, [.int4(creative.lineItemID), .int(limit)]
        ).map { row in
            var card: [String: FieldValue] = [
                "sku": .string(try row.string("sku")), "name": .string(try row.string("name")),
                "url": .string(try row.stringIfPresent("url") ?? creative.newest.landingURL),
                "price": .string(roubles(try row.int64IfPresent("price_micros") ?? 0)),
            ]
            let picture = try row.stringIfPresent("picture_url")
            if let picture { card["picture_url"] = .string(picture) }
            if let old = try row.int64IfPresent("old_price_micros") { card["old_price"] = .string(roubles(old)) }
            return (.object(card), picture)
        }
    }

    /// `1290.00`.
    private static func roubles(_ micros: Int64) -> String {
        let kopecks = (micros + 5_000) / 10_000
        let rest = kopecks % 100
        return "\(kopecks / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
