import AdModel
import Archive
import ArgumentParser
import FinanceExports
import Foundation
import ORD
import Postgres
import Store

/// `nimb ord export`: a month as files, or the list of what is missing.
struct ORDExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a month as files: for operators, for 1C, or for people.",
        discussion: """
            What goes to an operator (vk, mediascout, ozon) is written only when ledger, statistics, items and acts agree \
            and nothing is missing; else each finding is printed to standard error, nothing is written and the exit code \
            is 1. Of a closed month its acts have to be issued, and the VK bundle is kept as the month's export. The same \
            ledger gives the same bytes. An open month gives a rehearsal. Several files come as one ZIP.

              nimb ord export --month 2026-10
              nimb ord export --month 2026-10 --format xlsx --out october.xlsx
              nimb ord export --month 2026-10 --format ozon --switch television_type=TV
              nimb ord export --month 2026-10 --sign-key key.pem --sign-cert cert.pem

            Switches say how an operator reads what its documents leave open; without --switch those that finance has \
            set are used.
            \(ORDExportCommand.switchHelp)
            """)

    private static var switchHelp: String {
        OperatorSwitches.known.sorted { $0.key < $1.key }.flatMap { format, known in
            known.map { "  \(format) \($0.name): \($0.meaning)" }
        }.joined(separator: "\n")
    }

    @OptionGroup var database: DatabaseOptions

    @Option(help: "Calendar month in the accounting zone, YYYY-MM.")
    var month: String

    @Option(
        name: [.customLong("format"), .customLong("profile")],
        help: "One of \(MonthFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format = MonthFormat.vk.rawValue

    @Option(name: .customLong("out"), help: "The file to write; its own name in this folder unless given.")
    var output: String?

    @Option(name: .customLong("switch"), help: "A switch of the operator, name=value; may be repeated.")
    var switches: [String] = []

    @Option(help: "A frozen version; the newest unless given.")
    var version: Int32?

    @Option(
        help: "Rehearse as if today (UTC) were this day, YYYY-MM-DD; the manifest then says rehearsal_today.")
    var today: String?

    @Option(help: "Private key in PEM that signs the manifest; its passphrase in NIMB_SIGN_PASSPHRASE.")
    var signKey: String?
    @Option(help: "Certificate of the signer in PEM.")
    var signCert: String?

    func validate() throws {
        guard AccountingMonth(month) != nil else {
            throw ValidationError("--month must be a calendar month such as 2026-11")
        }
        guard MonthFormat(rawValue: format) != nil else {
            throw ValidationError(
                "--format must be one of \(MonthFormat.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard today.map({ Day($0) != nil }) ?? true else {
            throw ValidationError("--today must be a day such as 2026-12-01")
        }
        guard (signKey == nil) == (signCert == nil) else {
            throw ValidationError("--sign-key and --sign-cert go together")
        }
        _ = try chosen(OperatorSwitches())
    }

    func run() async throws {
        guard let month = AccountingMonth(month), let format = MonthFormat(rawValue: format) else { return }
        let signer = try signer()
        let pool = try database.pool(applicationName: "nimb ord export", maximumConnections: 1)
        let files: [ExportFile]
        let warnings: [Finding]
        do {
            (files, warnings) = try await pool.closing { pool in
                let files = try await read(month, pool)
                if format.needsGate, files.isFinal { try await keep(files, format, pool) }
                return (
                    try await format.files(for: files, signer: signer),
                    format.needsGate ? files.findings().filter { $0.severity != .note } : []
                )
            }
        } catch let refusal as ORDError {
            Self.report(refusal.findings)
            Self.report("nothing was written: \(refusal.findings.count(where: { $0.severity == .error })) errors")
            throw ExitCode.failure
        } catch let refusal as Store.Refusal {
            ORDConsole.say(refusal)
            throw ExitCode.failure
        }
        Self.report(warnings)
        try write(files, month)
    }

    // MARK: Reading

    private func read(_ month: AccountingMonth, _ pool: PostgresPool) async throws -> ExportMonth {
        let realToday = SystemClock.now().utcDay
        let today = self.today.flatMap { Day($0) } ?? realToday
        let isFrozen = try await pool.transaction { db in try MonthClose.state(of: month, on: db) != .open }
        var files: ExportMonth
        if isFrozen {
            files = try await pool.transaction(.repeatableRead) { db in
                try MonthFiles.month(
                    month, version: version, kktu: ORDConsole.kktu(on: db), now: SystemClock.now(), on: db)
            }
        } else {
            guard version == nil else { throw Refusal("\(month) is not frozen: it has no versions.") }
            let reading = try await FinanceStore.read(month, from: pool)
            let (kktu, known) = try await pool.transaction { db in
                (try ORDConsole.kktu(on: db), try OperatorSettings.switches(on: db))
            }
            files = ExportMonth(
                statement: reading.statement, mediaBytes: reading.mediaBytes, kktu: kktu, today: today,
                toolVersion: MonthFiles.toolVersion)
            files.switches = known
        }
        files.today = today
        files.rehearsal = today != realToday
        files.switches = try chosen(files.switches)
        return files
    }

    /// The switches that finance has set, with those of the command line over them.
    private func chosen(_ known: OperatorSwitches) throws -> OperatorSwitches {
        var switches = known
        for text in self.switches {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { throw ValidationError("--switch is name=value, not \(text)") }
            if let problem = switches.set(parts[0], parts[1], of: format) {
                throw ValidationError("--switch: \(problem)")
            }
        }
        return switches
    }

    /// What leaves the house is written down; a rehearsal or a trial of switches is not.
    private func keep(_ files: ExportMonth, _ format: MonthFormat, _ pool: PostgresPool) async throws {
        guard !files.rehearsal, switches.isEmpty, version == nil else { return }
        let month = files.statement.month
        try await pool.transaction { db in
            let state = try MonthClose.state(of: month, on: db)
            guard [.actsIssued, .exported, .accepted].contains(state) else {
                throw Store.Refusal(
                    .invalidState, field: "month",
                    "\(month) is \(state.rawValue): reconcile it and issue its acts first (nimb ord close).")
            }
            guard format == .vk else { return }
            let actor = ORDConsole.actor()
            let bundle = try VKBundle.export(files)
            let zip = try MonthFormat.archive(bundle.suggestedName, bundle.files, manifest: bundle.manifest, nil)[0]
            let made = try MonthFiles.recordBundle(
                bundle, zip: zip.bytes, of: month, edition: files.statement.edition, by: actor, on: db)
            try ORDConsole.audit(
                "export.made", "export", made.code, after: "{\"month\":\"\(month)\"}", on: db)
        }
    }

    private func signer() throws -> ManifestSigner? {
        guard let signKey, let signCert else { return nil }
        func bytes(_ path: String) throws -> [UInt8] {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw Refusal("the file \(path) cannot be read.")
            }
            return [UInt8](data)
        }
        return ManifestSigner(
            keyPEM: try bytes(signKey), certificatePEM: try bytes(signCert),
            passphrase: ProcessInfo.processInfo.environment["NIMB_SIGN_PASSPHRASE"])
    }

    // MARK: Writing

    private func write(_ files: [ExportFile], _ month: AccountingMonth) throws {
        guard let first = files.first else {
            Self.report("\(month) has nothing to write in this format")
            return
        }
        // A signature stays beside what it signs.
        let signature = files.first { $0.name.hasSuffix(".p7s") }
        let papers = files.filter { $0.name != signature?.name }
        var file = first
        if papers.count > 1 {
            file = ExportFile(
                name: "\(format)-\(month).zip", contentType: "application/zip",
                bytes: try ZipWriter.bytes(of: papers.map { ArchiveEntry(name: $0.name, bytes: $0.bytes) }))
        }
        let path = output ?? file.name
        try Data(file.bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
        print("\(path): \(file.bytes.count) bytes")
        if let signature {
            let place = URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(signature.name)
            try Data(signature.bytes).write(to: place, options: .atomic)
            print("\(place.relativePath): signature of the manifest")
        }
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
