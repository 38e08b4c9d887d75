import AdModel
import Foundation
import Postgres
import Store

/// The demo retailer of `nimb dev`: made on the first start, found again on the next.
struct DemoInstallation {
    let home: URL
    let options: ServeOptions
    let databaseURL: String
    let shopPort: Int
    /// The time at which the retailer is set up; his history goes on from it.
    var clock: @Sendable () -> Timestamp = SystemClock.now

    var environmentFile: URL { home.appendingPathComponent("dev.env") }

    /// Creates the database when absent, migrates it, and sets the retailer up unless an earlier start did.
    func prepare(adminURL: String, database: PostgresOptions) async throws {
        let admin = PostgresPool(PostgresOptions(url: adminURL, applicationName: "nimb dev"), maximumConnections: 1)
        let exists = try await admin.withConnection { connection in
            try connection.query("select 1 from pg_database where datname = 'nimb'").count == 1
        }
        if !exists { try await admin.withConnection { try $0.script("create database nimb") } }
        await admin.close()

        let pool = PostgresPool(database, maximumConnections: 4)
        let applied = try await MigrationRunner(pool: pool).run()
        if !applied.isEmpty { Console.warn("nimb dev: applied \(applied.count) migrations") }
        do {
            try await DemoSetup(
                home: home, shopPort: shopPort, database: database, pool: pool, clock: clock, addresses: addresses
            ).run()
        } catch {
            await pool.close()
            throw error
        }
        await pool.close()
        let environment = DemoEnvironment(file: environmentFile)
        guard environment[DemoEnvironment.key("retailer")] != nil else {
            throw Refusal(
                "the keys of the demo in \(environmentFile.path) are gone; delete \(home.path) and start again.")
        }
        try environment.write(addresses: addresses)
    }

    /// Of this start; the secrets stay from start to start.
    private var addresses: [String] {
        [
            "NIMB_SHOP=\(DemoAddresses.shop(port: shopPort))", "NIMB_DELIVERY=\(options.publicBase)",
            "NIMB_MANAGEMENT=\(options.managementBase)", "NIMB_MEDIA=\(options.mediaBase)",
            "NIMB_DATABASE_URL='\(databaseURL)'",
        ]
    }

    /// What a newcomer needs to know, once everything answers.
    func page() throws -> String {
        let environment = DemoEnvironment(file: environmentFile)
        let logins = DemoUser.all.map { user in
            let password = environment[DemoEnvironment.password(user.id)] ?? "?"
            return "    \(user.email)\(String(repeating: " ", count: 24 - user.email.count))\(password)"
        }
        let keys = environment.secrets.filter { $0.name.hasPrefix("NIMB_KEY_") }.map { "    \($0.name)=\($0.value)" }
        return """

              Nimb is running.

              shop         \(DemoAddresses.shop(port: shopPort))/      where people buy
              cabinet      \(options.managementBase)/admin/      sign in as
            \(logins.joined(separator: "\n"))

              delivery     \(options.publicBase)      placements, events, clicks, orders, stock
              management   \(options.managementBase)      everything else; /docs/management and /docs/delivery explain
              media        \(options.mediaBase)      pictures of creatives
              database     psql '\(databaseURL)'

              keys (random like the passwords, of this installation only; all in \(environmentFile.path))
            \(keys.joined(separator: "\n"))

              The five-minute tour is in README.md. Ctrl-C ends everything.

            """
    }
}
