import AdModel
import CatalogImport
import Foundation
import Postgres
import Store
import TestKit

enum FeedFixture {
    static let now = Timestamp(micros: 1_795_000_000_000_000)
    static var cases: URL { Repository.root.appendingPathComponent("Tests/CatalogImportTests/Cases") }
    static let zone = TimeZone(identifier: "Europe/Moscow") ?? TimeZone.gmt

    /// Storefront `shop`, locations `msk` and `spb`.
    static func prepare() async throws {
        try await TestDatabase.current.pool.withConnection { db in
            try db.script(
                """
                insert into storefront (code, name, url) values ('shop', 'Shop', 'https://shop.example/');
                insert into stock_location (code, name) values ('msk', 'Москва'), ('spb', 'Петербург');
                """)
        }
    }

    /// A feed around the given offers.
    static func feed(
        _ offers: String, date: String = "2026-11-01T10:00+03:00",
        categories: String = #"<category id="1">Всё</category><category id="2" parentId="1">Чай</category>"#,
        head: String = #"<?xml version="1.0" encoding="UTF-8"?>"#
    ) -> String {
        """
        \(head)
        <yml_catalog date="\(date)"><shop><name>Shop</name><categories>\(categories)</categories>
        <offers>\(offers)</offers></shop></yml_catalog>
        """
    }

    static func offer(
        _ id: String, price: String = "10.50", name: String = "Чай", extra: String = "<count>3</count>",
        attributes: String = ""
    ) -> String {
        "<offer id=\"\(id)\" \(attributes)><price>\(price)</price><categoryId>2</categoryId><name>\(name)</name>"
            + "<vendor>Лист</vendor>\(extra)</offer>"
    }

    /// Writes the bytes to a file that lives as long as `body`.
    static func withFile<R>(_ bytes: some Sequence<UInt8>, _ body: (URL) async throws -> R) async throws -> R {
        let folder = try Repository.temporaryFolder("feed")
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("feed.xml")
        try Data(bytes).write(to: file)
        return try await body(file)
    }

    @discardableResult
    static func importFeed(
        _ text: String, location: String = "msk", share: Int64 = 300_000, now: Timestamp = now, dryRun: Bool = false
    ) async throws -> FeedReport {
        try await withFile(text.utf8) { file in
            try await FeedImporter(catalogue: CatalogueStore(pool: TestDatabase.current.pool)).run(
                file: file, storefront: "shop", location: location, removedShareLimit: share, now: now, dryRun: dryRun)
        }
    }

    /// Reads without a database.
    static func read(_ bytes: some Sequence<UInt8>) async throws -> (
        offers: [CatalogueOffer], CatalogueFeedSummary, FeedTally
    ) {
        try await withFile(bytes) { file in
            var offers: [CatalogueOffer] = []
            let (summary, tally) = try FeedReader.read(file, zone: zone, now: now) { offers.append($0) }
            return (offers, summary, tally)
        }
    }

    /// Rows of a query as text, columns joined by commas.
    static func rows(_ sql: String) async throws -> [String] {
        try await TestDatabase.current.pool.withConnection { db in
            try db.query("select coalesce(t::text, '') as line from (\(sql)) t").map { try $0.string("line") }
        }
    }

    static let stockSQL =
        "select p.sku, s.quantity, s.price_micros, s.version from stock s join product p on p.id = s.product_id "
        + "join stock_location l on l.id = s.location_id and l.code = 'msk' order by p.sku"

    /// Everything an import could touch.
    static func dump() async throws -> [String] {
        var lines: [String] = []
        for table in ["category", "product", "stock", "feed_import", "control_version", "line_item_version"] {
            lines += try await rows("select * from \(table) order by 1, 2").map { "\(table) \($0)" }
        }
        return lines
    }
}
