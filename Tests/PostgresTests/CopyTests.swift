import Postgres
import TestKit
import Testing

@Suite("binary COPY", .emptyDatabase)
struct CopyTests {
    @Test func aHundredThousandRows() async throws {
        let pool = TestDatabase.current.pool
        let (stored, sum, texts) = try await pool.transaction { connection in
            try connection.script(
                #"create table "Odd Name" (id bigint primary key, "select" smallint, t text, a int[], d numeric)"#)
            let stored = try connection.copyIn("Odd Name", ["id", "select", "t", "a", "d"]) { writer in
                for n in 0..<100_000 {
                    let text: PostgresValue = n % 3 == 0 ? .null : .text("строка \(n)")
                    try writer.row(.int4(Int32(n)), .int8(Int64(n % 100)), text, .int4Array([1, 2]), .int(n))
                }
            }
            let row = try connection.query(#"select sum(id), count(t), sum(d) from "Odd Name""#).single()
            #expect(try row.int64(2) == 4_999_950_000)
            return (stored, try row.int64(0), try row.int64(1))
        }
        #expect(stored == 100_000)
        #expect(sum == 4_999_950_000)
        #expect(texts == 66_666)
    }

    @Test func nothingIsStoredWhenTheSenderThrows() async throws {
        struct Stop: Error {}
        let pool = TestDatabase.current.pool
        try await pool.withConnection { try $0.script("create table t (a int)") }
        await #expect(throws: Stop.self) {
            try await pool.withConnection { connection in
                try connection.copyIn("t", ["a"]) { writer in
                    for n in 0..<100_000 { try writer.row(.int4(Int32(n))) }
                    throw Stop()
                }
            }
        }
        #expect(try await pool.withConnection { try $0.query("select * from t").count } == 0)
    }

    @Test func theServersRefusalIsTyped() async throws {
        let pool = TestDatabase.current.pool
        try await pool.withConnection { try $0.script("create table t (a int primary key)") }
        let error = await #expect(throws: PostgresError.self) {
            try await pool.withConnection { connection in
                try connection.copyIn("t", ["a"]) { writer in
                    try writer.row(.int4(1))
                    try writer.row(.int4(1))
                }
            }
        }
        #expect(error?.code == "unique_violation")
        let width = await #expect(throws: PostgresError.self) {
            try await pool.withConnection { try $0.copyIn("t", ["a"]) { try $0.row(.int4(1), .int4(2)) } }
        }
        #expect(width?.code == "encoding")
        let missing = await #expect(throws: PostgresError.self) {
            try await pool.withConnection { try $0.copyIn("u", ["a"]) { try $0.row(.int4(1)) } }
        }
        #expect(missing?.code == "undefined_table")
        #expect(try await pool.withConnection { try $0.copyIn("t", ["a"]) { _ in } } == 0)
    }
}
