import AdModel
import Foundation
import ManagementAPI
import Postgres
import Store

/// Applies a seed file of the disk; `nimb seed` and `nimb dev` share it.
enum SeedRunner {
    /// The parsed file.
    static func read(_ file: URL, rewrite: (String) -> String = { $0 }) throws -> SeedValue {
        let name = file.lastPathComponent
        let size = (try? FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int) ?? 0
        guard size <= YAMLSeed.byteLimit else {
            throw SeedError(file: name, "is larger than \(YAMLSeed.byteLimit) bytes")
        }
        guard let data = FileManager.default.contents(atPath: file.path) else {
            throw SeedError(file: name, "cannot be read; check the path and its permissions")
        }
        guard let text = String(data: data, encoding: .utf8) else { throw SeedError(file: name, "is not UTF-8") }
        return try YAMLSeed.parse(rewrite(text), file: name)
    }

    /// Drives a running installation.
    /// - Parameters:
    ///   - today: what `today` means in the file; the day of `clock` in the accounting zone unless given.
    ///   - rewrite: changes the text of the file before it is read.
    ///   - onKey: told of each new key at once; its secret is told only then.
    static func apply(
        _ file: URL, to client: ManagementClient, isCheck: Bool = false, today: Day? = nil,
        clock: @Sendable () -> Timestamp = SystemClock.now, rewrite: (String) -> String = { $0 },
        onKey: @escaping @Sendable (String, String) throws -> Void = { _, _ in },
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> SeedReport {
        let tree = try read(file, rewrite: rewrite)
        let zoneName = tree["retailer"]?["accounting_zone"]?.text ?? "Europe/Moscow"
        guard let zone = TimeZone(identifier: zoneName) else {
            throw SeedError(
                file: file.lastPathComponent, path: "retailer.accounting_zone", "“\(zoneName)” is no time zone")
        }
        var driver = SeedDriver(
            client: client, file: file.lastPathComponent, folder: file.deletingLastPathComponent(), isCheck: isCheck,
            zone: zone, today: today ?? day(of: clock(), in: zone), onKey: onKey, progress: progress)
        return try await driver.apply(tree)
    }

    /// The calendar day of an instant in a zone.
    static func day(of instant: Timestamp, in zone: TimeZone) -> Day {
        let offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(instant.micros / 1_000_000)))
        return Day(number: Int32((instant.micros / 1_000_000 + Int64(offset)) / 86_400))
    }

    /// Drives an installation that is not running.
    static func apply(
        _ file: URL, database: PostgresOptions, isCheck: Bool = false,
        clock: @escaping @Sendable () -> Timestamp = SystemClock.now,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> SeedReport {
        _ = try read(file)
        let system = PostgresPool(database.asSystem, maximumConnections: 1)
        let secret = try await BootstrapKey.make(name: "seed", lifetime: nil, pool: system, clock: clock)
        let result: Result<SeedReport, any Error>
        do {
            result = .success(
                try await TemporaryAPI.run(database: database, key: secret.text, clock: clock) { client in
                    try await apply(file, to: client, isCheck: isCheck, clock: clock, progress: progress)
                })
        } catch { result = .failure(error) }
        try await BootstrapKey.remove(secret, pool: system)
        if case .success = result, !isCheck {
            _ = try await CampaignSchedule.run(pool: system, now: clock())
        }
        await system.close()
        return try result.get()
    }
}

/// A retailer's key that is made on the server's own console, before anybody can sign in.
enum BootstrapKey {
    struct Made: Sendable {
        var id: String
        var text: String
    }

    static func make(
        name: String, lifetime: Duration?, pool: PostgresPool,
        clock: @Sendable () -> Timestamp = SystemClock.now
    ) async throws -> Made {
        var generator = SystemRandomNumberGenerator()
        let text = APIKeyText.make(
            kind: "retailer", random: (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
        let id = Code.make("key")
        let now = clock()
        let expires = lifetime.map { now.micros + $0.components.seconds * 1_000_000 } ?? .max
        try await pool.transaction { db in
            try db.query(
                """
                insert into api_key (code, name, prefix, hash, kind, role, expires_at, created_by, created_at)
                values ($1, $2, $3, $4, 'retailer', 'admin', $5, 'system:console', $6)
                """,
                [
                    .text(id), .text(name), .text(APIKeyText.shownPrefix(text)), .bytea(APIKeyText.hash(text)),
                    .timestamptz(micros: expires), .timestamptz(micros: now.micros),
                ])
            try AuditLog.record(
                AuditEntry(
                    actor: "system:console", side: .system, action: "api_key.created", object: "api_key", id: id,
                    advertiser: nil, before: nil, after: nil, requestID: "console", at: now), on: db)
        }
        return Made(id: id, text: text)
    }

    static func remove(_ key: Made, pool: PostgresPool) async throws {
        _ = try await pool.transaction {
            try $0.query("delete from api_key where code = $1", [.text(key.id)]).affected
        }
    }
}
