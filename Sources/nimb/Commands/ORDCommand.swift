import AdModel
import Archive
import ArgumentParser
import Foundation
import ORD
import Postgres
import Store

/// `nimb ord`: what the operator of advertising data receives.
struct ORDCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ord", abstract: "Reports for the operator of advertising data (ОРД).",
        subcommands: [
            ORDStatusCommand.self, ORDCloseCommand.self, ORDExportCommand.self, ORDPushCommand.self,
            ORDDiffCommand.self, ORDKKTUCommand.self,
        ])
}

/// `nimb ord export`: acts and statistics of a month as one ZIP file, or the list of what is missing.
struct ORDExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a month's acts, statistics and objects as a VK-shaped bundle.",
        discussion: """
            The bundle is written only when ledger, statistics, items and acts agree and nothing is missing; else each \
            finding is printed to standard error, nothing is written and the exit code is 1. The same ledger gives the \
            same bytes.
            """)

    @OptionGroup var database: DatabaseOptions

    @Option(help: "Calendar month in the accounting zone, YYYY-MM.")
    var month: String

    @Option(name: .customLong("out"), help: "The ZIP file to write.")
    var output: String

    @Option(
        help: "Rehearse as if today (UTC) were this day, YYYY-MM-DD; the manifest then says rehearsal_today.")
    var today: String?

    func run() async throws {
        guard let month = AccountingMonth(month) else {
            throw ValidationError("--month must be a calendar month such as 2026-11")
        }
        let realToday = Timestamp(micros: Int64(Date().timeIntervalSince1970 * 1_000_000)).utcDay
        var today = realToday
        if let text = self.today {
            guard let day = Day(text) else { throw ValidationError("--today must be a day such as 2026-12-01") }
            today = day
        }
        let kktu = try Self.kktu()
        let pool = try database.pool(applicationName: "nimb ord export", maximumConnections: 1)
        let bundle: VKBundle
        do {
            let reading = try await FinanceStore.read(month, from: pool)
            await pool.close()
            bundle = try VKBundle.export(
                reading.statement, mediaBytes: reading.mediaBytes, kktu: kktu, today: today,
                rehearsal: today != realToday, toolVersion: "nimb/1")
        } catch let refusal as ORDError {
            await pool.close()
            Self.report(refusal.findings)
            Self.report("nothing was written: \(refusal.findings.count(where: { $0.severity == .error })) errors")
            throw ExitCode.failure
        } catch {
            await pool.close()
            throw error
        }
        let bytes = try ZipWriter.bytes(of: bundle.files.map { ArchiveEntry(name: $0.name, bytes: $0.bytes) })
        try Data(bytes).write(to: URL(fileURLWithPath: output), options: .atomic)
        Self.report(bundle.warnings)
        print("\(output): \(bundle.files.count) files, \(bytes.count) bytes")
    }

    /// The classifier that was shipped with this program.
    static func kktu() throws -> KKTUDictionary {
        let file = Bundle.module.bundleURL.appendingPathComponent("Data/kktu.csv")
        return try KKTUDictionary(csv: [UInt8](Data(contentsOf: file)))
    }

    private static func report(_ findings: [Finding]) {
        for finding in findings { report(finding.description) }
    }

    private static func report(_ line: String) {
        FileHandle.standardError.write(Data("\(line)\n".utf8))
    }
}
