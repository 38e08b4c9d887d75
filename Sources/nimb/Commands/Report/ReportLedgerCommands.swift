import AdModel
import Archive
import ArgumentParser
import Foundation
import ManagementAPI
import Postgres
import Store

/// `nimb report publish`: closes a month, or restates a closed one.
struct ReportPublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publish a month's attribution, or a restatement of it.",
        discussion: """
            The month is replayed first and must agree with the ledger. Its first version closes it: later corrections \
            post to the month of their recording. Shipping waits while it runs.
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(help: "Month in the accounting zone, YYYY-MM.")
    var month: String
    @Option(help: "A word on it, at most 500 characters.")
    var note: String?

    func run() async throws {
        let month = try parseMonth(month)
        let pool = try database.pool(applicationName: "nimb report publish", maximumConnections: 1)
        let (note, now) = (note, SystemClock.now())
        let text = try await pool.closing { pool in
            try await pool.transaction { db in
                let made = try Publications.publish(month: month, by: "system:console", note: note, now: now, on: db)
                let text = AttributionJSON.publication(made, shares: try Publications.shares(of: made.id, on: db))
                try AuditLog.record(
                    AuditEntry(
                        actor: "system:console", action: "publication.created", object: "publication", id: made.code,
                        advertiser: nil, before: nil, after: text, requestID: "console", at: now), on: db)
                return text
            }
        }
        Console.say(text)
    }
}

/// `nimb report diff`: which orders moved between two versions of a month, and why.
struct ReportDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Say which orders moved between two versions of a month, and why.")

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Id of the publication, pub-...")
    var publication: String
    @Option(help: "Another publication of the month, or current; the version before unless given.")
    var against: String?
    @Option(help: "See it as this advertiser does.")
    var advertiser: String?
    @Option(help: "Orders to name at most, 1 to 100000.")
    var limit = 1_000

    func validate() throws {
        guard (1...100_000).contains(limit) else { throw ValidationError("--limit must be 1 to 100000") }
    }

    func run() async throws {
        let pool = try database.pool(applicationName: "nimb report diff", maximumConnections: 1)
        let (id, against, advertiser, limit) = (publication, against, advertiser, limit)
        let text = try await pool.closing { pool in
            try await pool.transaction(.repeatableRead) { db in
                guard let publication = try Publications.find(id, on: db) else {
                    throw Refusal("there is no publication \(id)")
                }
                var other: Publication?
                if let against, against != "current" {
                    other = try Publications.find(against, on: db)
                    if other == nil { throw Refusal("there is no publication \(against)") }
                }
                let viewer = try LedgerViewer.named(advertiser, on: db)
                if case .advertisers(let ids) = viewer { try TenantScope.advertisers(ids).enter(on: db) }
                return AttributionJSON.diff(
                    try PublicationDiff.read(
                        publication, against: other, isCurrent: against == "current", viewer: viewer, after: 0,
                        limit: limit, on: db))
            }
        }
        Console.say(text)
    }
}

/// `nimb report ledger-files`: an advertiser's ledger as files that `nimb attribute` reads.
struct ReportLedgerFilesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger-files", abstract: "Write an advertiser's ledger as the files that nimb attribute reads.",
        discussion: """
            There is a folder for each policy. Shoppers and orders are blinded under the advertiser's key, rivals are \
            reduced to what decides. In a folder, nimb attribute gives credits.csv byte for byte.
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var range: DayRange
    @Option(help: "Code of the advertiser.")
    var advertiser: String
    @Option(help: "A new or empty folder, or a file whose name ends in .zip (at most 256 MiB of content).")
    var out: String

    func run() async throws {
        let pool = try database.pool(applicationName: "nimb report ledger-files", maximumConnections: 1)
        let (code, days, path) = (advertiser, range.days, out)
        let summary = try await pool.closing { pool in
            try await pool.transaction(.repeatableRead) { db in
                let request = LedgerFiles.Request(
                    advertiserID: try LedgerViewer.id(code, on: db), from: days.from, to: days.to)
                guard path.hasSuffix(".zip") else {
                    let folder = try LedgerFolder(path)
                    let summary = try LedgerFiles.write(request, on: db, to: folder)
                    try folder.finish()
                    return summary
                }
                let memory = LedgerFileMemory()
                let summary = try LedgerFiles.write(request, on: db, to: memory)
                let bytes = try ZipWriter.bytes(
                    of: memory.files.map { ArchiveEntry(name: $0.key, bytes: $0.value) })
                try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
                return summary
            }
        }
        Console.say(
            "\(out): \(summary.policies.joined(separator: " ")), \(summary.lines) lines of \(summary.orders) orders, "
                + "\(summary.touches) touches, \(summary.rivals) rivals, \(summary.credits) credits")
    }
}

/// Writes the files of an export below a folder.
private final class LedgerFolder: LedgerFileSink {
    private let root: URL
    private var handles: [String: FileHandle] = [:]
    private var waiting: [String: [UInt8]] = [:]

    init(_ path: String) throws {
        root = URL(fileURLWithPath: path, isDirectory: true)
        let manager = FileManager.default
        try manager.createDirectory(at: root, withIntermediateDirectories: true)
        guard try manager.contentsOfDirectory(atPath: path).isEmpty else {
            throw Refusal("\(path) is not empty; name a new folder")
        }
    }

    func append(_ bytes: [UInt8], to path: String) throws {
        waiting[path, default: []] += bytes
        if (waiting[path]?.count ?? 0) > 1 << 16 { try flush(path) }
    }

    private func flush(_ path: String) throws {
        guard let bytes = waiting.removeValue(forKey: path) else { return }
        if handles[path] == nil {
            let file = root.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            guard FileManager.default.createFile(atPath: file.path, contents: nil) else {
                throw Refusal("cannot write \(file.path)")
            }
            handles[path] = try FileHandle(forWritingTo: file)
        }
        try handles[path]?.write(contentsOf: Data(bytes))
    }

    func finish() throws {
        for path in waiting.keys.sorted() { try flush(path) }
        for handle in handles.values { try handle.close() }
    }
}
