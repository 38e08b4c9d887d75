import AdModel
import ArgumentParser
import CatalogImport
import Foundation
import Postgres
import PrivatePostgres
import Store

/// `nimb bench import`: a generated feed of a million offers into a private cluster; offers per second and peak memory.
struct BenchImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import a generated feed into a throw-away cluster: offers/s, peak memory.",
        discussion:
            "The goal: 1,000,000 offers below 400 MB. The same file is imported twice: into an empty catalogue, "
            + "then over itself. The yardstick is reading the file without a database.")

    @Option(help: "Offers of the generated feed.")
    var offers = 1_000_000

    @Option(help: "Fail when peak memory passes this many MB; 0 = only report.")
    var maxMemory = 400

    func run() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nimb-bench-import-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("feed.xml")
        let bytes = try BenchFeed.write(offers: offers, to: file)
        print("feed: \(offers) offers, \(bytes >> 20) MB")

        let clock = ContinuousClock()
        let now = Timestamp(micros: Int64(Date().timeIntervalSince1970 * 1_000_000))
        var read = 0
        let reading = try clock.measure {
            _ = try FeedReader.read(file, zone: .gmt, now: now) { _ in read += 1 }
        }
        report("read only (yardstick)", read, reading)

        let cluster = try await PrivateCluster.start(
            directory: folder.appendingPathComponent("pg"), durability: .throwAway)
        do {
            try await importTwice(file, cluster: cluster, now: now, clock: clock)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
        let peak = (ProcessMemory.peakBytes ?? 0) >> 20
        print("peak memory \(peak) MB")
        if maxMemory > 0, peak > maxMemory {
            throw Refusal("peak memory \(peak) MB is above the limit of \(maxMemory) MB.")
        }
    }

    private func importTwice(
        _ file: URL, cluster: PrivateCluster, now: Timestamp, clock: ContinuousClock
    ) async throws {
        let pool = PostgresPool(
            PostgresOptions(url: cluster.url(), applicationName: "nimb bench"), maximumConnections: 1)
        _ = try await MigrationRunner(pool: pool).run()
        try await pool.withConnection { db in
            try db.script(
                """
                insert into storefront (code, name, url) values ('shop', 'Shop', 'https://shop.example/');
                insert into stock_location (code, name) values ('msk', 'Москва');
                """)
        }
        let importer = FeedImporter(catalogue: CatalogueStore(pool: pool))
        for what in ["into an empty catalogue", "over itself"] {
            let meter = ImportMeter()
            let start = clock.now
            let done = try await importer.run(
                file: file, storefront: "shop", location: "msk", now: now, progress: { meter.show($0) })
            meter.end()
            report(what, done.change.accepted, clock.now - start)
        }
        await pool.close()
    }

    private func report(_ what: String, _ count: Int, _ time: Duration) {
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        print(
            "\(what): \(count) offers in \(Int(seconds * 1_000)) ms, \(Int(Double(count) / max(seconds, 0.001))) offers/s"
        )
    }
}

/// A feed like a large shop's: several categories, variants, descriptions, prices with kopecks.
enum BenchFeed {
    static func write(offers: Int, to file: URL) throws -> Int {
        guard FileManager.default.createFile(atPath: file.path, contents: nil) else {
            throw Refusal("cannot write \(file.path).")
        }
        let handle = try FileHandle(forWritingTo: file)
        defer { try? handle.close() }
        var total = 0
        func put(_ text: String) throws {
            let data = Data(text.utf8)
            total += data.count
            try handle.write(contentsOf: data)
        }
        try put(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<yml_catalog date=\"2026-11-21T09:00+03:00\"><shop>\n<categories>\n"
        )
        for id in 1...1_000 {
            try put(
                "<category id=\"\(id)\"\(id > 10 ? " parentId=\"\(id % 10 + 1)\"" : "")>Категория \(id)</category>\n")
        }
        try put("</categories>\n<offers>\n")
        let description = String(repeating: "Подробное описание товара для покупателя. ", count: 6)
        var part = ""
        for id in 0..<offers {
            part += """
                <offer id="sku-\(id)" available="true" group_id="g-\(id / 4)"><url>https://shop.example/p/\(id)</url>\
                <price>\(99 + id % 9_000).\(10 + id % 90)</price><currencyId>RUB</currencyId><categoryId>\(id % 1_000 + 1)\
                </categoryId><picture>https://cdn.shop.example/i/\(id).webp</picture><name>Товар номер \(id)</name>\
                <vendor>Бренд \(id % 500)</vendor><count>\(id % 40)</count><param name="Вес">\(id % 900) г</param>\
                <description><![CDATA[\(description)]]></description></offer>

                """
            if id % 500 == 499 {
                try put(part)
                part.removeAll(keepingCapacity: true)
            }
        }
        try put(part + "</offers></shop></yml_catalog>\n")
        return total
    }
}
