import Postgres
import TestKit
import Testing

@Suite("nimb migrate", .emptyDatabase)
struct MigrateCommandTests {
    private func run(_ arguments: [String], _ environment: [String: String] = [:]) async throws -> (Int32, [String]) {
        let process = try ChildProcess.nimb(["migrate"] + arguments, environment: environment)
        let code = try await process.exit()
        return (code, process.output)
    }

    @Test func appliesOnceAndTellsWhereItStands() async throws {
        let url = TestDatabase.current.url
        let (pendingCode, pending) = try await run(["--status", "--database-url", url])
        #expect(pendingCode == 0)
        #expect(pending.count >= 2)
        #expect(pending.allSatisfy { $0.hasSuffix(".sql  pending") })
        let (code, applied) = try await run([], ["NIMB_DATABASE_URL": url])
        #expect(code == 0)
        #expect(applied.count == pending.count)
        #expect(applied.allSatisfy { $0.hasPrefix("applied 2") })
        #expect(try await run(["--database-url", url]).1 == ["the schema is up to date"])
        let (_, listed) = try await run(["--status", "--database-url", url])
        #expect(listed.allSatisfy { $0.contains(".sql  applied 20") })
    }

    @Test func refusesInOneSentenceWithoutSecrets() async throws {
        let (none, advice) = try await run([])
        #expect(none != 0)
        #expect(advice.joined().contains("NIMB_DATABASE_URL"))
        let (code, output) = try await run(["--database-url", "postgresql://u:hunter2@127.0.0.1:1/x"])
        #expect(code != 0)
        #expect(output.joined().contains("cannot connect to PostgreSQL"))
        #expect(!output.joined().contains("hunter2"))
        let (malformed, complaint) = try await run(["--database-url", "postgresql://u:hunter2@["])
        #expect(malformed != 0)
        #expect(!complaint.joined().contains("hunter2"))
    }

    @Test func refusesADatabaseOfANewerNimb() async throws {
        let url = TestDatabase.current.url
        _ = try await run(["--database-url", url])
        try await TestDatabase.current.pool.withConnection { connection in
            _ = try connection.query("insert into schema_migration values ('29990101000000_later.sql', '\\x00', now())")
        }
        let (code, output) = try await run(["--database-url", url])
        #expect(code != 0)
        #expect(output.joined().contains("29990101000000_later.sql"))
    }
}
