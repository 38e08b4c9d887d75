import AdModel
import ArgumentParser
import Postgres
import Store

/// `nimb migrate`: brings the database to this binary's schema, or says where it stands.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring the database to the schema of this nimb.")

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Only list the migrations and when each was applied.")
    var status = false

    func run() async throws {
        let pool = try database.pool(applicationName: "nimb migrate", maximumConnections: 1)
        let runner = MigrationRunner(pool: pool)
        if status {
            for migration in try await runner.status() {
                let state = migration.appliedAtMicros.map { "applied \(Timestamp(micros: $0).rfc3339)" } ?? "pending"
                print("\(migration.name)  \(state)")
            }
        } else {
            let applied = try await runner.run()
            for name in applied { print("applied \(name)") }
            if applied.isEmpty { print("the schema is up to date") }
        }
        await pool.close()
    }
}
