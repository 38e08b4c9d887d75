import Postgres
import Testing

/// The database of the running test.
public final class TestDatabase: Sendable {
    public let name: String
    /// Connection string, also for child processes.
    public let url: String
    /// A pool of four connections, closed when the test ends.
    public let pool: PostgresPool

    @TaskLocal private static var running: TestDatabase?

    init(name: String, url: String) {
        self.name = name
        self.url = url
        pool = PostgresPool(PostgresOptions(url: url, applicationName: "tests"), maximumConnections: 4)
    }

    /// The database of the running test, which must carry the `.database` trait.
    public static var current: TestDatabase {
        guard let running else { preconditionFailure("add the trait .database to this test or its suite") }
        return running
    }

    /// One number from it; 0 when there is none.
    public func number(_ sql: String) async throws -> Int64 {
        try await pool.withConnection { try $0.query(sql).first?.int64(0) ?? 0 }
    }

    /// Changes rows directly, for what the API refuses.
    public func run(_ sql: String) async throws { try await pool.withConnection { try $0.script(sql) } }

    /// A migrated database that stays until the test process ends, for what several tests share.
    public static func forProcess() async throws -> TestDatabase {
        try await TestCluster.shared.makeDatabase(migrated: true)
    }

    /// Runs `body` with a database of its own, for code that is not under the trait.
    public static func with<R>(migrated: Bool = true, _ body: @Sendable () async throws -> R) async throws -> R {
        let database = try await TestCluster.shared.makeDatabase(migrated: migrated)
        do {
            let value = try await $running.withValue(database) { try await body() }
            await TestCluster.shared.drop(database)
            return value
        } catch {
            await TestCluster.shared.drop(database)
            throw error
        }
    }
}

/// Gives each test a database of its own; see `Trait.database`.
public struct DatabaseTrait: SuiteTrait, TestTrait, TestScoping {
    let migrated: Bool
    public var isRecursive: Bool { true }

    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await TestDatabase.with(migrated: migrated, function)
    }
}

extension Trait where Self == DatabaseTrait {
    /// A clone of the migrated template database per test (for a suite: for each of its tests), at
    /// `TestDatabase.current`; dropped when the test ends.
    public static var database: DatabaseTrait { DatabaseTrait(migrated: true) }
    /// An empty database without our schema.
    public static var emptyDatabase: DatabaseTrait { DatabaseTrait(migrated: false) }
}
