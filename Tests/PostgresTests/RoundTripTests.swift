import Postgres
import TestKit
import Testing

/// SplitMix64: small, seeded, good enough to choose test values.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite("values travel both ways", .emptyDatabase)
struct RoundTripTests {
    private func answer<R: Sendable>(
        _ sql: String, _ parameters: [PostgresValue] = [], _ read: @escaping @Sendable (PostgresRow) throws -> R
    ) async throws -> R {
        try await TestDatabase.current.pool.withConnection { connection in
            try read(try connection.query(sql, parameters).single())
        }
    }

    private func refusal(_ sql: String, _ parameters: [PostgresValue]) async -> PostgresError? {
        await #expect(throws: PostgresError.self) { try await self.answer(sql, parameters) { _ in 0 } }
    }

    @Test(arguments: [Int64.min, -1, 0, 1, .max])
    func bigint(_ number: Int64) async throws {
        #expect(try await answer("select $1::bigint", [.int8(number)]) { try $0.int64(0) } == number)
        #expect(try await answer("select $1::bigint", [.int8(number)]) { try $0.int(0) } == Int(number))
        #expect(try await answer("select $1::numeric", [.int8(number)]) { try $0.int64(0) } == number)
        #expect(try await answer("select $1::numeric", [.int8(number)]) { try $0.string(0) } == String(number))
    }

    @Test func narrowNumbers() async throws {
        #expect(try await answer("select $1::int", [.int4(.min)]) { try $0.int32(0) } == .min)
        #expect(try await answer("select $1::smallint", [.int2(.max)]) { try $0.int16(0) } == .max)
        // A value is converted to the width the place has, never cut.
        #expect(try await answer("select $1::smallint", [.int8(7)]) { try $0.int64(0) } == 7)
        #expect(await refusal("select $1::smallint", [.int4(70_000)])?.code == "encoding")
        #expect(await refusal("select $1::int", [.int8(1 << 40)])?.code == "encoding")
        await #expect(throws: PostgresError.self) { try await answer("select 70000") { try $0.int16(0) } }
    }

    @Test(arguments: [Double(0), -0.0, 1.5, -1e300, .leastNonzeroMagnitude, .infinity, -.infinity])
    func double(_ number: Double) async throws {
        let back = try await answer("select $1::float8", [.float8(number)]) { try $0.double(0) }
        #expect(back.bitPattern == number.bitPattern)
    }

    @Test func truthAndNull() async throws {
        #expect(try await answer("select $1::bool", [.bool(true)]) { try $0.bool(0) })
        #expect(try await !answer("select $1::bool as f", [.bool(false)]) { try $0.bool("f") })
        #expect(try await answer("select $1::int", [.null]) { try $0.int32IfPresent(0) } == nil)
        #expect(try await answer("select $1::text", [.text(orNull: nil)]) { try $0.isNull(0) })
        let error = await #expect(throws: PostgresError.self) {
            try await answer("select null::int as gone") { try $0.int32("gone") }
        }
        #expect(error?.message.contains("gone") == true)
    }

    @Test(arguments: [
        "", "нимб ☀️ 👩‍👩‍👧", "line\nbreak\ttab \"quote\" 'single' \\back", String(repeating: "я", count: 100_000),
    ])
    func text(_ text: String) async throws {
        #expect(try await answer("select $1::text", [.text(text)]) { try $0.string(0) } == text)
        #expect(try await answer("select octet_length($1)", [.text(text)]) { try $0.int(0) } == text.utf8.count)
    }

    @Test func aNulCharacterIsRefusedWithItsPlace() async throws {
        let error = await refusal("select $1::int, $2::text", [.int4(1), .text("a\0b")])
        #expect(error?.code == "encoding")
        #expect(error?.message == "parameter $2: the text holds a NUL character, which PostgreSQL cannot store")
        let inCopy = await #expect(throws: PostgresError.self) {
            try await TestDatabase.current.pool.withConnection { connection in
                try connection.script("create temporary table t (a text)")
                try connection.copyIn("t", ["a"]) { try $0.row(.text("a\0b")) }
            }
        }
        #expect(inCopy?.message.contains("row 1, column a") == true)
    }

    @Test func bytes() async throws {
        let all = (0...255).map { UInt8($0) }
        #expect(try await answer("select $1::bytea", [.bytea(all)]) { try $0.bytes(0) } == all)
        #expect(try await answer("select $1::bytea", [.bytea([])]) { try $0.bytes(0) } == [])
    }

    @Test func instants() async throws {
        let edges: [(Int64, String)] = [
            (0, "1970-01-01 00:00:00+00"), (-1, "1969-12-31 23:59:59.999999+00"),
            (1_795_248_000_000_001, "2026-11-21 08:00:00.000001+00"), (.min, "-infinity"), (.max, "infinity"),
        ]
        for (micros, text) in edges {
            let value = PostgresValue.timestamptz(micros: micros)
            #expect(try await answer("select $1::timestamptz", [value]) { try $0.micros(0) } == micros)
            #expect(try await answer("select $1::timestamptz::text", [value]) { try $0.string(0) } == text)
        }
        #expect(await refusal("select $1::timestamptz", [.timestamptz(micros: .min + 1)])?.code == "encoding")
    }

    @Test func days() async throws {
        for (days, text) in [
            (0, "1970-01-01"), (-1, "1969-12-31"), (20_778, "2026-11-21"), (Int32.min, "-infinity"), (.max, "infinity"),
        ] as [(Int32, String)] {
            #expect(try await answer("select $1::date", [.date(days: days)]) { try $0.days(0) } == days)
            #expect(try await answer("select $1::date::text", [.date(days: days)]) { try $0.string(0) } == text)
        }
    }

    @Test func uuidsIntervalsAndJSON() async throws {
        let uuid = PostgresValue.uuid(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        let text = "01234567-89ab-cdef-fedc-ba9876543210"
        #expect(try await answer("select $1::uuid::text", [uuid]) { try $0.string(0) } == text)
        let back = try await answer("select $1::uuid", [.text(text)]) { row in
            let (high, low) = try row.uuid(0)
            return PostgresValue.uuid(high: high, low: low)
        }
        #expect(back == uuid)
        let interval = PostgresInterval(months: -3, days: 5, micros: 7_200_000_000)
        #expect(try await answer("select $1::interval", [.interval(interval)]) { try $0.interval(0) } == interval)
        #expect(interval.fixedMicros == nil)
        #expect(try await answer("select interval '1 day 2 h'") { try $0.interval(0).fixedMicros } == 93_600_000_000)
        let document = #"{"имя": "нимб", "n": [1, 2.5, null]}"#
        #expect(try await answer("select $1::jsonb", [.jsonb(document)]) { try $0.string(0).count } == document.count)
        #expect(try await answer("select ($1::jsonb)->>'имя'", [.jsonb(document)]) { try $0.string(0) } == "нимб")
        #expect(try await answer("select $1::json", [.jsonb(document)]) { try $0.string(0) } == document)
    }

    @Test func arrays() async throws {
        #expect(try await answer("select $1::smallint[]", [.int2Array([1, -2])]) { try $0.int16Array(0) } == [1, -2])
        #expect(try await answer("select $1::int[]", [.int4Array([])]) { try $0.int32Array(0) } == [])
        #expect(try await answer("select $1::int[]", [.int4Array([3, .max])]) { try $0.int32Array(0) } == [3, .max])
        #expect(try await answer("select $1::bigint[]", [.int8Array([.min])]) { try $0.int64Array(0) } == [.min])
        #expect(try await answer("select $1::bigint[]", [.int4Array([5])]) { try $0.int64Array(0) } == [5])
        let texts = ["", "ы", "{}", "a,b", "NULL"]
        #expect(try await answer("select $1::text[]", [.textArray(texts)]) { try $0.stringArray(0) } == texts)
        let bytes: [[UInt8]] = [[], [0, 255]]
        #expect(try await answer("select $1::bytea[]", [.byteaArray(bytes)]) { try $0.bytesArray(0) } == bytes)
        #expect(try await answer("select 2 = any($1::int[])", [.int4Array([1, 2])]) { try $0.bool(0) })
        let sparse = PostgresValue.array([.date(days: 1), .null])
        #expect(try await answer("select ($1::date[])[2] is null", [sparse]) { try $0.bool(0) })
        await #expect(throws: PostgresError.self) {
            try await answer("select array[1, null]") { try $0.int32Array(0) }
        }
    }

    @Test func sumsOfMoneyAreExact() async throws {
        let sum = try await answer("select sum(x) from unnest($1::bigint[]) x", [.int8Array([.max, -1, 3, -2])]) {
            try $0.int64(0)
        }
        #expect(sum == .max)
        for text in ["0", "-0.5", "10000", "123456789012345678901234567890.00010", "0.00001234", "99990000", "NaN"] {
            #expect(try await answer("select $1::text::numeric", [.text(text)]) { try $0.string(0) } == text)
        }
        #expect(try await answer("select 12.00::numeric") { try $0.int64(0) } == 12)
        await #expect(throws: PostgresError.self) { try await answer("select 0.5::numeric") { try $0.int64(0) } }
    }

    @Test func randomRowsComeBackAsTheyWere() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        var rows: [[PostgresValue]] = []
        for _ in 0..<200 {
            let scalars = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                Unicode.Scalar(UInt32.random(in: 1...0xD7FF, using: &generator)).map(Character.init) ?? "?"
            }
            rows.append([
                .int8(.random(in: .min ... .max, using: &generator)), .text(String(scalars)),
                Bool.random(using: &generator) ? .null : .bytea([.random(in: 0...255, using: &generator)]),
                .timestamptz(micros: .random(in: -1 << 50...1 << 52, using: &generator)),
                .date(days: .random(in: -100_000...100_000, using: &generator)),
            ])
        }
        let sent = rows
        let back = try await TestDatabase.current.pool.withConnection { connection in
            try connection.script("create table r (n int, a bigint, b text, c bytea, d timestamptz, e date)")
            try connection.copyIn("r", ["n", "a", "b", "c", "d", "e"]) { writer in
                for (n, row) in sent.enumerated() { try writer.row([.int4(Int32(n))] + row) }
            }
            return try connection.query("select * from r order by n").map { row -> [PostgresValue] in
                [
                    .int8(try row.int64("a")), .text(try row.string("b")),
                    .bytea(orNull: try row.bytesIfPresent("c")),
                    .timestamptz(micros: try row.micros("d")), .date(days: try row.days("e")),
                ]
            }
        }
        #expect(back == rows, "seed \(seed)")
    }
}
