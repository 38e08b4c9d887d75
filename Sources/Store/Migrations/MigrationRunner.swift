import Crypto
import Foundation
import MigrationFiles
import Postgres

/// Why the schema was left as it was.
public struct MigrationError: Error, Equatable, CustomStringConvertible {
    /// Stable snake_case code: `migration_changed`, `migration_unknown`, `migration_out_of_order`,
    /// `migration_failed`, `migration_unreadable`.
    public let code: String
    /// One sentence that names the file.
    public let message: String
    public var isRetryable: Bool { false }
    public var description: String { message }
}

/// One file and whether the database has it.
public struct MigrationStatus: Equatable, Sendable {
    public let name: String
    /// Microseconds since the Unix epoch; nil while the file waits to be applied.
    public let appliedAtMicros: Int64?
}

/// Brings a database to the schema of this binary: the SQL files of a folder, in the order of their names, each in
/// a transaction of its own, one runner at a time. Forward only.
public struct MigrationRunner: Sendable {
    /// Key of the advisory lock; any number that no other part uses.
    private static let lockKey: Int64 = 0x6e69_6d62_0001

    private struct File: Sendable {
        let name: String
        let sql: String
        let checksum: [UInt8]
    }

    private let pool: PostgresPool
    private let folder: URL

    /// `folder` holds files named `YYYYMMDDHHMMSS_what_it_does.sql`; by default those shipped with the binary.
    public init(pool: PostgresPool, folder: URL = MigrationFiles.folder) {
        self.pool = pool
        self.folder = folder
    }

    /// Applies what is missing and returns the names of the files applied now. Refuses, changing nothing, when
    /// history and files disagree; when a file fails, those before it stay applied.
    @discardableResult
    public func run() async throws -> [String] {
        let files = try files()
        return try await pool.withConnection { connection in
            // Building an index on a big table takes longer than any request may; so does another runner.
            try connection.script("set statement_timeout = 0; set lock_timeout = 0")
            try connection.query("select pg_advisory_lock($1)", [.int8(Self.lockKey)])
            defer {
                _ = try? connection.query("select pg_advisory_unlock($1)", [.int8(Self.lockKey)])
                try? connection.resetTimeouts()
            }
            try connection.script(
                """
                create table if not exists schema_migration (
                    name text primary key,
                    checksum bytea not null,
                    applied_at timestamptz not null default now()
                )
                """)
            let pending = try Self.pending(files, applied: Self.applied(connection))
            for file in pending { try Self.apply(file, connection) }
            return pending.map(\.name)
        }
    }

    /// Every file in order with the time it was applied. Throws as `run` does when history and files disagree.
    public func status() async throws -> [MigrationStatus] {
        let files = try files()
        return try await pool.withConnection { connection in
            let exists = try connection.query("select to_regclass('schema_migration') is not null").single().bool(0)
            let applied = exists ? try Self.applied(connection) : [:]
            _ = try Self.pending(files, applied: applied)
            return files.map { MigrationStatus(name: $0.name, appliedAtMicros: applied[$0.name]?.at) }
        }
    }

    private func files() throws -> [File] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .filter { $0.hasSuffix(".sql") }.sorted()
        } catch {
            throw MigrationError(
                code: "migration_unreadable", message: "the folder \(folder.path) with the migrations cannot be read")
        }
        return try names.map { name in
            guard let data = FileManager.default.contents(atPath: folder.appendingPathComponent(name).path),
                let sql = String(data: data, encoding: .utf8)
            else {
                throw MigrationError(
                    code: "migration_unreadable", message: "the migration \(name) cannot be read as UTF-8 text")
            }
            return File(name: name, sql: sql, checksum: Array(SHA256.hash(data: data)))
        }
    }

    private static func applied(
        _ connection: isolated PostgresConnection
    ) throws -> [String: (checksum: [UInt8], at: Int64)] {
        var applied: [String: (checksum: [UInt8], at: Int64)] = [:]
        for row in try connection.query("select name, checksum, applied_at from schema_migration") {
            applied[try row.string("name")] = (try row.bytes("checksum"), try row.micros("applied_at"))
        }
        return applied
    }

    private static func pending(
        _ files: [File], applied: [String: (checksum: [UInt8], at: Int64)]
    ) throws(MigrationError) -> [File] {
        let known = Set(files.map(\.name))
        if let stranger = applied.keys.filter({ !known.contains($0) }).min() {
            throw MigrationError(
                code: "migration_unknown",
                message: "the database has the migration \(stranger), which this nimb does not know; run a newer nimb")
        }
        let last = applied.keys.max()
        for file in files {
            if let entry = applied[file.name] {
                guard entry.checksum == file.checksum else {
                    throw MigrationError(
                        code: "migration_changed",
                        message: "the migration \(file.name) was changed after it had been applied; "
                            + "restore the file and put the change into a new one")
                }
            } else if let last, file.name < last {
                throw MigrationError(
                    code: "migration_out_of_order",
                    message: "the migration \(file.name) is older than \(last), which is already applied; "
                        + "give it a newer timestamp")
            }
        }
        return files.filter { applied[$0.name] == nil }
    }

    private static func apply(_ file: File, _ connection: isolated PostgresConnection) throws {
        do {
            try connection.transaction {
                try connection.script(file.sql)
                try connection.query(
                    "insert into schema_migration (name, checksum) values ($1, $2)",
                    [.text(file.name), .bytea(file.checksum)])
            }
        } catch let error as PostgresError where !error.isRetryable && error.kind != .cancelled {
            throw MigrationError(
                code: "migration_failed",
                message: "the migration \(file.name) failed: \(error.message)")
        }
    }
}
