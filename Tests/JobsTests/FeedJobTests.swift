import AdModel
import CatalogImport
import Foundation
import Jobs
import Logging
import Outbound
import Postgres
import Store
import Synchronization
import Telemetry
import TestKit
import Testing

private let start = Timestamp(rfc3339: "2026-11-22T09:00:00Z") ?? Timestamp(micros: 0)

/// A shop with feeds on a local server, a clock that stands, and the job that fetches them.
private final class FeedShop: Sendable {
    let server: LocalServer
    let folder: URL
    let time = Mutex<Timestamp>(start)
    let imports = Mutex<[String]>([])

    init(_ server: LocalServer) throws {
        self.server = server
        folder = try Repository.temporaryFolder("feeds")
    }

    var pool: PostgresPool { TestDatabase.current.pool }

    func pass(_ span: Timestamp.Span) { time.withLock { $0 = $0 + span } }

    var job: FeedJob {
        let importer = FeedImporter(catalogue: CatalogueStore(pool: pool))
        var limits = FeedLimitsOfRun()
        limits.sentBytes = 100_000
        limits.fileBytes = 1_000_000
        limits.timeout = .seconds(5)
        return FeedJob(
            pool: pool, client: OutboundClient(policy: OutboundPolicy(allowedHosts: [server.host])), limits: limits,
            folder: folder, clock: { self.time.withLock { $0 } }, metrics: MetricsRegistry(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        ) { request in
            self.imports.withLock { $0.append(request.location) }
            do {
                let report = try await importer.run(
                    file: URL(fileURLWithPath: request.file), storefront: request.storefront,
                    location: request.location, removedShareLimit: request.removedShareLimit,
                    now: self.time.withLock { $0 })
                return FeedOutcome.Import(
                    feedDate: report.date, offers: report.tally.offers, accepted: report.change.accepted,
                    removed: report.change.removed, productsCreated: report.change.productsCreated,
                    productsChanged: report.change.productsChanged, badOffers: report.tally.bad)
            } catch let error as FeedError {
                throw FeedImportFailure(code: error.code, detail: error.description, isRetryable: false)
            } catch let error as CatalogueError {
                throw FeedImportFailure(code: error.code, detail: error.description, isRetryable: false)
            }
        }
    }

    /// Locations r1 … r<count>, each with a feed at `/<location>.xml`.
    func prepare(_ count: Int) async throws {
        let url = server.url
        try await pool.withConnection { db in
            try db.script("insert into storefront (code, name, url) values ('shop', 'Shop', 'https://shop.test')")
            for number in 1...count {
                try db.query("insert into stock_location (code, name) values ($1, $1)", [.text("r\(number)")])
                _ = try Feeds.create(
                    FeedDraft(
                        code: "f\(number)", storefront: "shop", location: "r\(number)", url: "\(url)/r\(number).xml"),
                    now: start, on: db)
            }
        }
    }

    func feed(_ code: String) async throws -> FeedRecord {
        try await pool.withConnection { try Feeds.find(code, on: $0) }
    }

    func runs(_ code: String) async throws -> [FeedRunRecord] {
        try await pool.withConnection { db in
            try FeedRuns.list(feed: try Feeds.find(code, on: db), before: 0, limit: 100, on: db)
        }
    }

    /// SKU, quantity and price of a location.
    func stock(_ location: String) async throws -> [String] {
        try await pool.withConnection { db in
            try db.query(
                """
                select p.sku || ' ' || s.quantity || ' ' || s.price_micros as line from stock s
                join product p on p.id = s.product_id join stock_location l on l.id = s.location_id
                where l.code = $1 order by p.sku
                """, [.text(location)]
            ).map { try $0.string("line") }
        }
    }

    func count(_ sql: String) async throws -> Int64 {
        try await pool.withConnection { try $0.query("select count(*) as n from \(sql)").single().int64("n") }
    }
}

/// A feed of these offers: SKU, count, price in roubles.
private func yml(_ offers: [(String, Int, Int)], date: String = "2026-11-22T08:00:00+00:00") -> [UInt8] {
    let items = offers.map { sku, count, price in
        "<offer id=\"\(sku)\" available=\"\(count > 0)\"><name>Товар \(sku)</name><price>\(price)</price>"
            + "<currencyId>RUB</currencyId><categoryId>1</categoryId><vendor>Марка</vendor><count>\(count)</count></offer>"
    }
    return Array(
        ("<?xml version=\"1.0\" encoding=\"UTF-8\"?><yml_catalog date=\"\(date)\"><shop><categories>"
            + "<category id=\"1\">Товары</category></categories><offers>\(items.joined())</offers></shop></yml_catalog>")
            .utf8)
}

/// The number in `/r17.xml`.
private func number(_ uri: String) -> Int { Int(uri.filter(\.isNumber)) ?? 0 }

@Suite("Scheduled feeds", .database)
struct FeedJobTests {
    private func withShop(
        _ count: Int, _ handler: @escaping LocalServer.Handler, _ body: (FeedShop) async throws -> Void
    ) async throws {
        try await LocalServer.with(handler) { server in
            let shop = try FeedShop(server)
            defer { try? FileManager.default.removeItem(at: shop.folder) }
            try await shop.prepare(count)
            try await body(shop)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: shop.folder.path) == [], "no file is left behind")
        }
    }

    @Test func thirtyRegionsShareTheirProductsAndKeepTheirOwnStockAndPrices() async throws {
        try await withShop(30) { request in
            let region = number(request.uri)
            // Everywhere the same product, one of the region's own, and one that half of the regions lack.
            var offers = [("shared", region, 100 + region), ("own-\(region)", 1, 50)]
            if region.isMultiple(of: 2) { offers.append(("even", 2, 10)) }
            return .response(200, headers: [(name: "ETag", value: "\"v1\"")], body: yml(offers))
        } _: { shop in
            try await shop.job.run()
            #expect(try await shop.count("product") == 32)
            for region in 1...30 {
                var expected = ["own-\(region) 1 50000000", "shared \(region) \(100 + region)000000"]
                if region.isMultiple(of: 2) { expected.insert("even 2 10000000", at: 0) }
                #expect(try await shop.stock("r\(region)") == expected)
                let feed = try await shop.feed("f\(region)")
                #expect(feed.lastSuccessAt == start)
                #expect(feed.nextRunAt == start + .seconds(3_600))
                let runs = try await shop.runs("f\(region)")
                #expect(runs.map(\.status) == [.imported])
                #expect(runs.first?.accepted == Int32(expected.count))
                #expect(runs.first?.httpStatus == 200)
                #expect((runs.first?.bytes ?? 0) > 300)
            }
            // Not due yet: nothing is asked.
            try await shop.job.run()
            #expect(shop.server.requests.count == 30)
            // An hour later nothing has changed: asked, not imported.
            shop.server.answer { request in
                request.header("if-none-match") == "\"v1\"" ? .response(304) : .response(500)
            }
            shop.pass(.seconds(3_600))
            let before = try await shop.count("feed_import")
            try await shop.job.run()
            #expect(try await shop.count("feed_import") == before)
            #expect(shop.imports.withLock { $0.count } == 30)
            #expect(try await shop.count("feed_run where status = 'unchanged'") == 30)
            #expect(try await shop.feed("f7").lastSuccessAt == start + .seconds(3_600))
        }
    }

    @Test func aFailingFeedDisturbsNoOther() async throws {
        try await withShop(8) { request in
            switch number(request.uri) {
            case 1: .response(503)
            case 2: .response(404)
            case 3: .response(200, body: Array("<html>no</html>".utf8))
            case 4: .cut(200, length: 9_999, body: yml([("a", 1, 1)]))
            case 5: .response(200, body: [UInt8](repeating: 0x20, count: 200_000))
            case 6: .response(302, headers: [(name: "Location", value: "https://169.254.169.254/latest")])
            case 7: .response(200, body: yml([]))
            default: .response(200, body: yml([("good", 3, 7)]))
            }
        } _: { shop in
            try await shop.job.run()
            #expect(try await shop.stock("r8") == ["good 3 7000000"])
            var errors: [String?] = []
            for code in 1...8 { errors.append(try await shop.runs("f\(code)").first?.errorCode) }
            #expect(
                errors == [
                    "feed_http_status", "feed_http_status", "feed_wrong_root", "outbound_cut_off", "outbound_too_large",
                    "outbound_forbidden_address", "nothing_accepted", nil,
                ])
            // What may go away by itself is tried again after a minute, what a person must change after the interval.
            for (code, wait) in [(1, 60), (2, 3_600), (3, 3_600), (4, 60), (5, 3_600), (6, 3_600)] as [(Int, Int64)] {
                let feed = try await shop.feed("f\(code)")
                #expect(feed.nextRunAt == start + .seconds(wait), "f\(code)")
                #expect(feed.failures == 1)
                #expect(feed.lastSuccessAt == nil)
            }
            shop.pass(.seconds(60))
            try await shop.job.run()
            #expect(try await shop.feed("f1").nextRunAt == start + .seconds(60 + 120))
            #expect(try await shop.runs("f1").count == 2)
            #expect(try await shop.runs("f2").count == 1)
        }
    }

    @Test func aServerWithoutValidatorsIsRecognisedByItsBytes() async throws {
        try await withShop(1) { _ in
            .response(200, body: yml([("a", 1, 1)]))
        } _: { shop in
            try await shop.job.run()
            shop.pass(.seconds(3_600))
            try await shop.job.run()
            #expect(try await shop.runs("f1").map(\.status) == [.unchanged, .imported])
            #expect(shop.imports.withLock { $0.count } == 1)
            shop.server.answer { _ in .response(200, body: yml([("a", 2, 1)], date: "2026-11-22T10:30:00+00:00")) }
            shop.pass(.seconds(3_600))
            try await shop.job.run()
            #expect(try await shop.stock("r1") == ["a 2 1000000"])
        }
    }

    @Test func aFeedThatTakesTooMuchAwayChangesNothingAndIsNotForgotten() async throws {
        let many = (0..<10).map { ("p\($0)", 5, 10) }
        try await withShop(1) { _ in
            .response(200, headers: [(name: "ETag", value: "\"1\"")], body: yml(many))
        } _: { shop in
            try await shop.job.run()
            let stock = try await shop.stock("r1")
            let few = yml([("p0", 5, 10)], date: "2026-11-22T09:30:00+00:00")
            shop.server.answer { request in
                // The refused version must not count as known.
                request.header("if-none-match") == "\"2\""
                    ? .response(304)
                    : .response(200, headers: [(name: "ETag", value: "\"2\"")], body: few)
            }
            for _ in 0..<2 {
                shop.pass(.seconds(3_600))
                try await shop.job.run()
                #expect(try await shop.runs("f1").first?.errorCode == "removes_too_much")
                #expect(try await shop.stock("r1") == stock)
            }
            // The retailer allows it: the next run takes it.
            try await shop.pool.withConnection { db in
                var feed = try Feeds.find("f1", on: db)
                feed.removedShareLimit = 1_000_000
                feed = try Feeds.update(feed, now: start, on: db)
                try Feeds.request(feed, now: start, on: db)
            }
            try await shop.job.run()
            #expect(try await shop.runs("f1").first?.status == .imported)
            #expect(try await shop.runs("f1").first?.isRequested == true)
            #expect(try await shop.runs("f1").first?.removed == 9)
        }
    }

    @Test func aLateFeedIsToldOfOncePerEpisode() async throws {
        try await withShop(2) { request in
            number(request.uri) == 1 ? .response(500) : .response(200, body: yml([("a", 1, 1)]))
        } _: { shop in
            try await shop.job.run()
            #expect(try await shop.count("notice") == 0)
            shop.pass(.seconds(7_201))
            try await shop.job.run()
            try await shop.job.run()
            #expect(try await shop.count("notice where kind = 'feed_late' and object_id = 'f1'") == 1)
            #expect(try await shop.count("notice") == 1)
            #expect(try await shop.feed("f1").lateSince == start + .seconds(7_201))
            // A success ends the episode; the next one is a new notice.
            shop.server.answer { _ in .response(200, body: yml([("b", 1, 1)])) }
            shop.pass(.seconds(3_600))
            try await shop.job.run()
            #expect(try await shop.feed("f1").lateSince == nil)
            shop.server.answer { _ in .response(500) }
            shop.pass(.seconds(3_600))
            try await shop.job.run()
            #expect(try await shop.count("notice") == 1)
            shop.pass(.seconds(3_700))
            try await shop.job.run()
            #expect(try await shop.count("notice where object_id = 'f1'") == 2)
        }
    }

    @Test func aFeedThatIsOffRunsOnlyWhenAsked() async throws {
        try await withShop(1) { _ in
            .response(200, body: yml([("a", 1, 1)]))
        } _: { shop in
            try await shop.pool.withConnection { db in
                var feed = try Feeds.find("f1", on: db)
                feed.isEnabled = false
                _ = try Feeds.update(feed, now: start, on: db)
            }
            shop.pass(.days(3))
            try await shop.job.run()
            #expect(shop.server.requests.isEmpty)
            #expect(try await shop.count("notice") == 0)
            try await shop.pool.withConnection { db in
                try Feeds.request(try Feeds.find("f1", on: db), now: start, on: db)
            }
            try await shop.job.run()
            try await shop.job.run()
            #expect(shop.server.requests.count == 1)
        }
    }

    @Test func aRunOfADeadWorkerIsClosedAndTheFeedGoesOn() async throws {
        try await withShop(1) { _ in
            .response(200, body: yml([("a", 1, 1)]))
        } _: { shop in
            let lost = try await shop.pool.transaction { db in
                try #require(try FeedSchedule.claim(limit: 5, now: start, on: db).first)
            }
            #expect(try await shop.feed("f1").isRunning)
            // Held by a worker that may be alive: left alone.
            try await shop.job.run()
            #expect(shop.server.requests.isEmpty)
            // Renewed in time: still left alone.
            shop.pass(.seconds(FeedSchedule.claimSeconds - 1))
            let now = shop.time.withLock { $0 }
            let renewed = try await shop.pool.transaction { try FeedSchedule.renew(lost, now: now, on: $0) }
            #expect(renewed)
            shop.pass(.seconds(10))
            try await shop.job.run()
            #expect(shop.server.requests.isEmpty)
            shop.pass(.seconds(FeedSchedule.claimSeconds))
            try await shop.job.run()
            #expect(try await shop.runs("f1").map(\.status) == [.imported, .failed])
            #expect(try await shop.runs("f1").last?.errorCode == "interrupted")
            // The dead worker comes back: its word does not count any more.
            try await shop.pool.transaction { db in
                try FeedSchedule.finish(
                    lost, .failed(code: "late", detail: "late", isRetryable: true), now: start, on: db)
                #expect(try FeedSchedule.renew(lost, now: start, on: db) == false)
            }
            #expect(try await shop.feed("f1").failures == 0)
        }
    }

    @Test func twoWorkersNeverTakeOneFeed() async throws {
        try await withShop(6) { _ in
            .response(200, body: yml([("a", 1, 1)]))
        } _: { shop in
            let job = shop.job
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 { group.addTask { try await job.run() } }
                try await group.waitForAll()
            }
            #expect(shop.server.requests.count == 6)
            #expect(try await shop.count("feed_run where status = 'imported'") == 6)
        }
    }
}
