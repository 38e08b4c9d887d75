import ArgumentParser
import ManagementAPI
import Postgres
import Store

/// `nimb doctor`: checks that what is stored is sound.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check that what is stored is sound.", subcommands: [DoctorLedgerCommand.self])
}

/// `nimb doctor ledger`: every invariant of the ledgers; exit code 1 with the offending ids when one is broken.
struct DoctorLedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Check every invariant of the credit and charge ledgers, and the labels of what serves now.")

    @OptionGroup var database: DatabaseOptions
    @Option(help: "Offending ids to name per check, 1 to 1000.")
    var ids = LedgerDoctor.idLimit
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...1_000).contains(ids) else { throw ValidationError("--ids must be 1 to 1000") }
    }

    func run() async throws {
        let pool = try database.pool(applicationName: "nimb doctor", maximumConnections: 1)
        let limit = ids
        let report = try await pool.closing { pool in
            try await pool.transaction(.repeatableRead) { db in
                try LedgerDoctor.run(idLimit: limit, now: SystemClock.now(), on: db)
            }
        }
        if json {
            Console.say(AttributionJSON.doctor(report))
        } else {
            for finding in report.failures {
                Console.say("\(finding.check): \(finding.count) offences. \(finding.rule)")
                finding.ids.forEach { Console.say("  \($0)") }
                if finding.count > Int64(finding.ids.count) { Console.say("  ...") }
            }
            Console.say(
                report.isHealthy
                    ? "\(report.findings.count) checks, all hold"
                    : "\(report.findings.count) checks, \(report.failures.count) FAILED")
        }
        if !report.isHealthy { throw ExitCode.failure }
    }
}
