import CLibPQ

/// A statement that the server has parsed, with the types of its parameters and columns.
struct PreparedStatement {
    let name: String
    let parameterTypes: [UInt32]
    let columns: RowDescription
    var lastUse: UInt64
}

/// Statements of one connection by their text, least recently used ones dropped first.
struct StatementCache {
    /// Statements kept per connection.
    static let limit = 256

    private var statements: [String: PreparedStatement] = [:]
    private var uses: UInt64 = 0
    private var made: UInt64 = 0

    mutating func statement(for sql: String, on link: ServerLink, cancelled: () -> Bool) throws(PostgresError)
        -> PreparedStatement
    {
        uses += 1
        if let known = statements[sql] {
            statements[sql]?.lastUse = uses
            return known
        }
        if statements.count >= Self.limit { evict(from: link) }
        made += 1
        let name = "s\(made)"
        let prepared = PQprepare(link.pointer, name, sql, 0, nil)
        defer { PQclear(prepared) }
        guard PQresultStatus(prepared) == PGRES_COMMAND_OK else {
            throw PostgresError(result: prepared, connection: link.pointer, cancelled: cancelled())
        }
        let described = PQdescribePrepared(link.pointer, name)
        defer { PQclear(described) }
        guard let described, PQresultStatus(described) == PGRES_COMMAND_OK else {
            throw PostgresError(result: described, connection: link.pointer, cancelled: cancelled())
        }
        let statement = PreparedStatement(
            name: name, parameterTypes: (0..<PQnparams(described)).map { PQparamtype(described, $0) },
            columns: RowDescription(result: described), lastUse: uses)
        statements[sql] = statement
        return statement
    }

    /// Forgets a statement whose plan no longer fits the schema; its name is not used again.
    mutating func forget(_ sql: String) { statements[sql] = nil }

    mutating func removeAll() { statements.removeAll() }

    private mutating func evict(from link: ServerLink) {
        guard let (sql, statement) = statements.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return }
        statements[sql] = nil
        // In a failed transaction the server refuses this; the statement then stays until the connection ends.
        try? link.execute("deallocate \(statement.name)")
    }
}
