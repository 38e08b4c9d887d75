import AdModel
import CatalogImport
import Foundation
import Postgres
import Store

/// The demo retailer of `nimb dev`: made on the first start, found again on the next.
struct DemoInstallation {
    let home: URL
    let options: ServeOptions
    let databaseURL: String
    /// The time at which the retailer is set up; his history goes on from it.
    var clock: @Sendable () -> Timestamp = SystemClock.now

    private var environmentFile: URL { home.appendingPathComponent("dev.env") }

    /// Creates the database when absent, migrates it, and seeds it when it is empty.
    func prepare(adminURL: String, database: PostgresOptions) async throws {
        let admin = PostgresPool(PostgresOptions(url: adminURL, applicationName: "nimb dev"), maximumConnections: 1)
        let exists = try await admin.withConnection { connection in
            try connection.query("select 1 from pg_database where datname = 'nimb'").count == 1
        }
        if !exists { try await admin.withConnection { try $0.script("create database nimb") } }
        await admin.close()

        let pool = PostgresPool(database, maximumConnections: 1)
        for name in try await MigrationRunner(pool: pool).run() { Console.warn("nimb dev: applied \(name)") }
        let isSeeded = try await pool.withConnection { try $0.query("select 1 from retailer").count == 1 }
        if !isSeeded { try await seedShop(database, pool) }
        guard ((try? String(contentsOf: environmentFile, encoding: .utf8)) ?? "").contains("NIMB_KEY_") else {
            throw Refusal(
                "the keys of the demo in \(environmentFile.path) are gone; delete \(home.path) and start again.")
        }
        try await importFeeds(pool)
        // After the catalogue: campaigns speak of its products. Applied at every start, so that an interrupted first
        // one is completed.
        _ = try await SeedRunner.apply(DataFiles.url("demo-campaigns.yaml"), database: database, clock: clock) { name in
            Console.warn("nimb dev: \(name)")
        }
        await pool.close()
        try refreshAddresses()
    }

    private func seedShop(_ database: PostgresOptions, _ pool: PostgresPool) async throws {
        Console.warn("nimb dev: setting up the demo retailer")
        let report = try await SeedRunner.apply(DataFiles.url("demo-shop.yaml"), database: database, clock: clock)
        let retailer = try await BootstrapKey.make(name: "nimb dev", lifetime: nil, pool: pool, clock: clock)
        // At once: the keys are told only now.
        try write(
            report.keys.map { "\(Self.variable($0.id))=\($0.secret)" } + ["NIMB_KEY_RETAILER=\(retailer.text)"])
    }

    /// Imports the demo feed of every location that has none yet, so that an interrupted first start is completed.
    private func importFeeds(_ pool: PostgresPool) async throws {
        for location in ["msk", "spb", "ekb"] {
            let isImported = try await pool.withConnection { connection in
                try connection.query(
                    "select 1 from feed_import f join stock_location l on l.id = f.location_id where l.code = $1 limit 1",
                    [.text(location)]
                ).count == 1
            }
            if isImported { continue }
            _ = try await FeedImporter(catalogue: CatalogueStore(pool: pool)).run(
                file: DataFiles.url("demo-feed-\(location).xml"), storefront: "shop", location: location,
                removedShareLimit: 1_000_000, now: clock(), dryRun: false, progress: { _ in })
        }
    }

    /// `demo-shop` becomes `NIMB_KEY_DEMO_SHOP`.
    private static func variable(_ code: String) -> String {
        "NIMB_KEY_" + code.uppercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
    }

    /// Keys are shown once by the seed and kept only here; addresses may differ from start to start.
    private func refreshAddresses() throws {
        let text = (try? String(contentsOf: environmentFile, encoding: .utf8)) ?? ""
        try write(text.split(separator: "\n").map(String.init).filter { $0.hasPrefix("NIMB_KEY_") })
    }

    private func write(_ keys: [String]) throws {
        let lines =
            [
                "# Addresses and keys of this development installation; read it with: . \(environmentFile.path)",
                "NIMB_DELIVERY=\(options.publicBase)",
                "NIMB_MANAGEMENT=http://\(options.managementHost):\(options.managementPort)",
                "NIMB_MEDIA=\(options.mediaBase)", "NIMB_DATABASE_URL='\(databaseURL)'",
            ] + keys
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: environmentFile, options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: environmentFile.path)
    }

    /// What a newcomer needs to know, once everything answers.
    func page() throws -> String {
        let text = try String(contentsOf: environmentFile, encoding: .utf8)
        let keys = text.split(separator: "\n").filter { $0.hasPrefix("NIMB_KEY_") }.map { "    \($0)" }
        return """

              Nimb is running.

              delivery     \(options.publicBase)      placements, events, clicks, orders, stock
              management   http://\(options.managementHost):\(options.managementPort)      reports, health, metrics
              media        \(options.mediaBase)      pictures of creatives
              database     psql '\(databaseURL)'

              keys (random, of this installation only; also in \(environmentFile.path))
            \(keys.joined(separator: "\n"))

              The five-minute tour is in README.md. Ctrl-C ends everything.

            """
    }
}
