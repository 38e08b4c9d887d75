import Postgres
import TestKit
import Testing

@Suite("a connection", .emptyDatabase)
struct ConnectionTests {
    @Test func answersAStatement() async throws {
        let pool = TestDatabase.current.pool
        let number = try await pool.withConnection { connection in
            try connection.query("select $1::int8 + 1 as n", [.int8(41)]).single().int64("n")
        }
        #expect(number == 42)
    }
}

@Suite("the template", .database)
struct TemplateTests {
    @Test func holdsTheSchema() async throws {
        let count = try await TestDatabase.current.pool.withConnection { connection in
            try connection.query("select count(*) from schema_migration").single().int64(0)
        }
        #expect(count >= 2)
    }
}
