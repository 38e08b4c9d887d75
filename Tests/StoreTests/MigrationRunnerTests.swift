import Foundation
import Postgres
import Store
import TestKit
import Testing

@Suite("migrations", .emptyDatabase)
struct MigrationRunnerTests {
    private var pool: PostgresPool { TestDatabase.current.pool }

    /// A folder with the files, removed when the body ends.
    private func with<R>(_ files: [String: String], _ body: (URL) async throws -> R) async throws -> R {
        let folder = try Repository.temporaryFolder("migrations")
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, sql) in files {
            try Data(sql.utf8).write(to: folder.appendingPathComponent(name))
        }
        return try await body(folder)
    }

    private func tables() async throws -> Set<String> {
        try await pool.withConnection { connection in
            let sql = "select table_name::text from information_schema.tables where table_schema = 'public'"
            return Set(try connection.query(sql).map { try $0.string(0) })
        }
    }

    private static let first = "20260101000000_first.sql"
    private static let second = "20260102000000_second.sql"
    private static let files = [
        first: "create table a (id int); create index on a (id); -- нимб\n", second: "create table b (id int);",
        "notes.txt": "not a migration",
    ]

    @Test func ourOwnApplyOnceAndAreListed() async throws {
        let runner = MigrationRunner(pool: pool)
        #expect(try await runner.status().allSatisfy { $0.appliedAtMicros == nil })
        let applied = try await runner.run()
        #expect(applied.count >= 2)
        #expect(applied == applied.sorted())
        #expect(try await runner.run() == [])
        #expect(try await runner.status().map(\.name) == applied)
        #expect(try await runner.status().allSatisfy { $0.appliedAtMicros != nil })
        #expect(try await tables().contains("storefront"))
    }

    @Test func newFilesAreAppliedInOrder() async throws {
        try await with(Self.files) { folder in
            let runner = MigrationRunner(pool: pool, folder: folder)
            #expect(try await runner.run() == [Self.first, Self.second])
            let third = "20260103000000_third.sql"
            try Data("alter table b rename to c".utf8).write(to: folder.appendingPathComponent(third))
            #expect(try await runner.status().map { $0.appliedAtMicros == nil } == [false, false, true])
            #expect(try await runner.run() == [third])
            #expect(try await tables() == ["a", "c", "schema_migration"])
        }
    }

    @Test func aChangedFileIsRefusedByName() async throws {
        try await with(Self.files) { folder in
            let runner = MigrationRunner(pool: pool, folder: folder)
            try await runner.run()
            try Data("create table a (id bigint);".utf8).write(to: folder.appendingPathComponent(Self.first))
            try Data("create table d ()".utf8).write(to: folder.appendingPathComponent("20260109000000_d.sql"))
            for attempt in 0..<2 {
                let error = await #expect(throws: MigrationError.self) {
                    if attempt == 0 { try await runner.run() } else { _ = try await runner.status() }
                }
                #expect(error?.code == "migration_changed")
                #expect(error?.message.contains(Self.first) == true)
            }
            #expect(try await !tables().contains("d"))
        }
    }

    @Test func aMigrationOfANewerBinaryIsRefusedByName() async throws {
        try await with(Self.files) { folder in
            let runner = MigrationRunner(pool: pool, folder: folder)
            try await runner.run()
            try FileManager.default.removeItem(at: folder.appendingPathComponent(Self.second))
            let error = await #expect(throws: MigrationError.self) { try await runner.run() }
            #expect(error?.code == "migration_unknown")
            #expect(error?.message.contains(Self.second) == true)
        }
    }

    @Test func aFileOlderThanHistoryIsRefusedByName() async throws {
        try await with(Self.files) { folder in
            let runner = MigrationRunner(pool: pool, folder: folder)
            try await runner.run()
            let late = "20260101120000_late.sql"
            try Data("create table d ()".utf8).write(to: folder.appendingPathComponent(late))
            let error = await #expect(throws: MigrationError.self) { try await runner.run() }
            #expect(error?.code == "migration_out_of_order")
            #expect(error?.message.contains(late) == true)
        }
    }

    @Test func aFailingFileLeavesNothingOfItselfBehind() async throws {
        var files = Self.files
        files[Self.second] = "create table b (id int); insert into b values (1); select 1 / 0;"
        try await with(files) { folder in
            let runner = MigrationRunner(pool: pool, folder: folder)
            let error = await #expect(throws: MigrationError.self) { try await runner.run() }
            #expect(error?.code == "migration_failed")
            #expect(error?.message.contains(Self.second) == true)
            #expect(try await tables() == ["a", "schema_migration"])
            try Data("create table b (id int)".utf8).write(to: folder.appendingPathComponent(Self.second))
            #expect(try await runner.run() == [Self.second])
        }
    }

    @Test func runnersAtTheSameTimeApplyEachFileOnce() async throws {
        try await with(Self.files) { folder in
            let pool = pool
            let applied = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<4 { group.addTask { try await MigrationRunner(pool: pool, folder: folder).run() } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(applied.sorted() == [Self.first, Self.second])
        }
    }

    @Test func theSessionKeepsItsTimeouts() async throws {
        let one = PostgresPool(pool.options, maximumConnections: 1)
        try await MigrationRunner(pool: one).run()
        let timeout = try await one.withConnection { try $0.query("show statement_timeout").single().string(0) }
        #expect(timeout == "30s")
        await one.close()
    }
}
