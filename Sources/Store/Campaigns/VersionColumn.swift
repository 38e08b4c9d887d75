import Postgres

/// A column of a versioned list and what it should hold.
struct VersionColumn {
    let name: String
    let value: PostgresValue

    init(_ name: String, _ value: PostgresValue) {
        self.name = name
        self.value = value
    }

    init(_ name: String, _ text: String) { self.init(name, .text(text)) }
    init(_ name: String, _ texts: [String]) { self.init(name, .textArray(texts)) }
}
