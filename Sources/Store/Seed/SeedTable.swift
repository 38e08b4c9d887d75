import Postgres

/// A column and what it should hold.
struct SeedColumn {
    let name: String
    let value: PostgresValue
    /// Text after the parameter, such as `::text::interval`.
    let cast: String

    init(_ name: String, _ value: PostgresValue, cast: String = "") {
        self.name = name
        self.value = value
        self.cast = cast
    }

    init(_ name: String, _ text: String?) { self.init(name, text.map { .text($0) } ?? .null) }
    init(_ name: String, _ number: Int64?) { self.init(name, number.map { .int8($0) } ?? .null) }
    init(_ name: String, _ number: Int32) { self.init(name, .int4(number)) }
    init(_ name: String, _ flag: Bool) { self.init(name, .bool(flag)) }
    init(_ name: String, _ texts: [String]) { self.init(name, .textArray(texts)) }
}

/// What became of a row.
enum SeedChange { case created, updated, unchanged }

/// Rows found by their code, inserted when missing, updated only where they differ: a second run writes nothing, and
/// no identity value is used up by a row that exists.
enum SeedTable {
    static func put(
        _ table: String, key: [SeedColumn], _ columns: [SeedColumn], on db: isolated PostgresConnection
    ) throws -> (id: Int32, change: SeedChange) {
        func list(_ columns: [SeedColumn], from first: Int) -> String {
            columns.enumerated().map { "$\(first + $0)\($1.cast)" }.joined(separator: ", ")
        }
        let match = key.enumerated().map { "\($1.name) = $\($0 + 1)\($1.cast)" }.joined(separator: " and ")
        let names = columns.map(\.name).joined(separator: ", ")
        let values = list(columns, from: key.count + 1)
        let parameters = key.map(\.value) + columns.map(\.value)
        let found = try db.query(
            "select id, row(\(names)) is distinct from row(\(values)) as differs from \(table) where \(match)",
            parameters)
        if let row = found.first {
            let id = try row.int32("id")
            guard try row.bool("differs") else { return (id, .unchanged) }
            try db.query("update \(table) set (\(names)) = row(\(values)) where \(match)", parameters)
            return (id, .updated)
        }
        let all = key + columns
        let inserted = try db.query(
            """
            insert into \(table) (\(all.map(\.name).joined(separator: ", "))) values (\(list(all, from: 1)))
            returning id
            """, all.map(\.value))
        guard let row = inserted.first else { throw SeedTableError(table: table) }
        return (try row.int32("id"), .created)
    }
}

/// An insert returned no row: a rule or trigger that is not ours stands in the way.
struct SeedTableError: Error, CustomStringConvertible {
    let table: String
    var code: String { "seed_insert_lost" }
    var description: String { "inserting into \(table) returned no row; remove rules and triggers that are not Nimb's" }
}
