import ArgumentParser
import Foundation
import Postgres
import Store

/// Where the database is; shared by the commands that need one.
struct DatabaseOptions: ParsableArguments {
    /// Name of the environment variable that stands in for `--database-url`.
    static let variable = "NIMB_DATABASE_URL"

    @Option(
        name: .customLong("database-url"),
        help: ArgumentHelp(
            "Connection string of PostgreSQL (libpq's form; sslmode and the like pass through).",
            discussion: "Default: $\(DatabaseOptions.variable). A password is safer there than in the process list."))
    var databaseURL: String?

    /// The connection string from the option or the environment, checked for its form.
    func options(applicationName: String) throws -> PostgresOptions {
        guard let url = databaseURL ?? ProcessInfo.processInfo.environment[Self.variable], !url.isEmpty else {
            throw ValidationError(
                "No database is given: pass --database-url or set \(Self.variable), "
                    + "for example postgresql://nimb@localhost/nimb")
        }
        let options = PostgresOptions(url: url, applicationName: applicationName)
        do { try options.validate() } catch { throw ValidationError("\(error.message)") }
        // Commands work for the whole installation; the management API takes its own role.
        return options.asSystem
    }

    /// A pool over the given database; nothing is connected yet.
    func pool(applicationName: String, maximumConnections: Int = 4) throws -> PostgresPool {
        PostgresPool(try options(applicationName: applicationName), maximumConnections: maximumConnections)
    }
}
