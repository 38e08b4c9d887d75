import CLibPQ

/// One connection, with its blocking calls on an executor of its own. Handed out by `PostgresPool`.
///
/// Between two borrowers an open transaction is rolled back; other session state (settings, session locks,
/// temporary tables) is the borrower's to undo.
public actor PostgresConnection {
    let options: PostgresOptions
    private let executor: ConnectionExecutor
    private var link: ServerLink?
    private var statements = StatementCache()
    private var cancellation = LeaseCancellation()

    init(_ options: PostgresOptions) {
        self.options = options
        executor = ConnectionExecutor(niceness: options.niceness)
    }

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    // MARK: Borrowing

    /// Runs `body` with a live connection; replaces one that the server has closed meanwhile.
    func lease<R: Sendable>(
        _ cancellation: LeaseCancellation, _ body: @Sendable (isolated PostgresConnection) throws -> R
    ) throws -> R {
        self.cancellation = cancellation
        try refuseWhenCancelled()
        if link?.isAliveWhenIdle() != true {
            disconnect()
            link = try ServerLink(options)
        }
        cancellation.attach(link?.cancelHandle)
        defer { endLease() }
        return try body(self)
    }

    private func endLease() {
        absorb(cancellation.finish())
        guard let link else { return }
        if !link.isBroken, link.transactionStatus != PQTRANS_IDLE { try? link.execute("rollback") }
        if link.isBroken || link.transactionStatus != PQTRANS_IDLE { disconnect() }
    }

    /// A cancellation that was sent may still be on its way: an empty statement takes it, not the next real one.
    private func absorb(_ sent: Bool) {
        if sent, let link, !link.isBroken { try? link.execute("") }
    }

    func disconnect() {
        link = nil
        statements.removeAll()
    }

    private func current() throws(PostgresError) -> ServerLink {
        guard let link else { throw PostgresError(.connectionLost, "the connection is closed") }
        return link
    }

    private func refuseWhenCancelled() throws(PostgresError) {
        if cancellation.isCancelled { throw PostgresError(.cancelled, "the task was cancelled") }
    }

    /// Puts the session's statement and lock timeouts back to those of the options.
    public func resetTimeouts() throws(PostgresError) {
        try script(options.timeoutSettings)
    }

    // MARK: Statements

    /// Runs one statement, prepared once per text, with binary parameters and rows.
    @discardableResult
    public func query(_ sql: String, _ parameters: [PostgresValue] = []) throws(PostgresError) -> PostgresRows {
        let (link, statement, encoded) = try begin(sql, parameters)
        let result = encoded.withPointers { values, lengths, formats in
            PQexecPrepared(link.pointer, statement.name, encoded.count, values, lengths, formats, 1)
        }
        guard let result, [PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY].contains(PQresultStatus(result)) else {
            throw failure(result, link, sql)
        }
        return PostgresRows(result: result, description: statement.columns)
    }

    /// Runs one statement and hands over its rows one by one, so that a large answer is never held whole.
    /// `body` must not use the connection.
    public func forEachRow(
        _ sql: String, _ parameters: [PostgresValue] = [], _ body: (PostgresRow) throws -> Void
    ) throws {
        let (link, statement, encoded) = try begin(sql, parameters)
        let sent = encoded.withPointers { values, lengths, formats in
            PQsendQueryPrepared(link.pointer, statement.name, encoded.count, values, lengths, formats, 1)
        }
        guard sent == 1, PQsetSingleRowMode(link.pointer) == 1 else { throw failure(nil, link, sql) }
        var problem: (any Error)?
        while let result = PQgetResult(link.pointer) {
            switch PQresultStatus(result) {
            case PGRES_SINGLE_TUPLE:
                let rows = PostgresRows(result: result, description: statement.columns)
                guard problem == nil else { continue }
                do { try body(rows[0]) } catch {
                    problem = error
                    // What is left of the answer is not wanted: without this it would be read to its end.
                    link.cancelHandle?.cancel()
                }
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK: PQclear(result)
            default:
                let error = failure(result, link, sql)
                problem = problem ?? error
            }
        }
        if let problem { throw problem }
    }

    /// Runs several statements without parameters, in one implicit transaction unless the text says otherwise.
    public func script(_ sql: String) throws(PostgresError) {
        let link = try current()
        let cancellation = cancellation
        try refuseWhenCancelled()
        try link.execute(sql, cancelled: { cancellation.isCancelled })
    }

    private func begin(_ sql: String, _ parameters: [PostgresValue]) throws(PostgresError)
        -> (ServerLink, PreparedStatement, EncodedParameters)
    {
        let link = try current()
        try refuseWhenCancelled()
        let cancellation = cancellation
        let statement = try statements.statement(for: sql, on: link, cancelled: { cancellation.isCancelled })
        return (link, statement, try EncodedParameters(parameters, types: statement.parameterTypes))
    }

    /// Takes over `result`.
    private func failure(_ result: OpaquePointer?, _ link: ServerLink, _ sql: String) -> PostgresError {
        defer { PQclear(result) }
        let error = PostgresError(result: result, connection: link.pointer, cancelled: cancellation.isCancelled)
        if error.kind == .stalePlan || error.sqlState == "26000" { statements.forget(sql) }
        return error
    }

    // MARK: Transactions

    /// Runs `body` in a transaction; commits when it returns, rolls back when it throws.
    public func transaction<R>(_ isolation: IsolationLevel = .readCommitted, _ body: () throws -> R) throws -> R {
        try script("begin isolation level \(isolation.rawValue)")
        let value: R
        do { value = try body() } catch {
            undo("rollback")
            throw error
        }
        try commit()
        return value
    }

    /// Runs `body` inside the open transaction; what it did is undone alone when it throws.
    public func savepoint<R>(_ body: () throws -> R) throws -> R {
        try script("savepoint nimb")
        do {
            let value = try body()
            try script("release savepoint nimb")
            return value
        } catch {
            undo("rollback to savepoint nimb; release savepoint nimb")
            throw error
        }
    }

    /// Works for a cancelled task too. A failure leaves the transaction as failed as it was, which is enough.
    private func undo(_ sql: String) {
        absorb(cancellation.hold())
        defer { cancellation.resume() }
        if let link, !link.isBroken { try? link.execute(sql) }
    }

    private func commit() throws(PostgresError) {
        let link = try current()
        guard let result = PQexec(link.pointer, "commit") else { throw failure(nil, link, "commit") }
        guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw failure(result, link, "commit") }
        defer { PQclear(result) }
        guard let tag = PQcmdStatus(result), String(cString: tag) == "COMMIT" else {
            throw PostgresError(
                .transactionAborted, "the transaction was rolled back because one of its statements had failed")
        }
    }

    // MARK: COPY

    /// Loads rows with binary COPY and returns how many the server stored. `table` may be `schema.table`;
    /// when `body` throws, nothing is stored.
    @discardableResult
    public func copyIn(
        _ table: String, _ columns: [String], _ body: (inout CopyWriter) throws -> Void
    ) throws -> Int {
        let link = try current()
        try refuseWhenCancelled()
        let target = table.split(separator: ".", omittingEmptySubsequences: false).map { quoted(String($0)) }
            .joined(separator: ".")
        let list = columns.map(quoted).joined(separator: ", ")
        let cancellation = cancellation
        // The column types come from the server, so that a value is sent in the width its column has.
        let shape = try statements.statement(
            for: "select \(list) from \(target) limit 0", on: link, cancelled: { cancellation.isCancelled })
        let started = PQexec(link.pointer, "copy \(target) (\(list)) from stdin (format binary)")
        guard PQresultStatus(started) == PGRES_COPY_IN else { throw failure(started, link, "") }
        PQclear(started)
        var writer = CopyWriter(connection: link.pointer, columns: shape.columns)
        var problem: (any Error)?
        do {
            try body(&writer)
            try writer.finish()
        } catch { problem = error }
        _ = PQputCopyEnd(link.pointer, problem == nil ? nil : "the sender gave up")
        var stored = 0
        while let result = PQgetResult(link.pointer) {
            if PQresultStatus(result) == PGRES_COMMAND_OK {
                stored = PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
                PQclear(result)
            } else {
                let error = failure(result, link, "")
                // The server repeats our own reason when we gave up; a lost connection shows here first.
                if problem == nil || (problem as? PostgresError)?.kind == .connectionLost { problem = error }
            }
        }
        if let problem { throw problem }
        return stored
    }

    private nonisolated func quoted(_ identifier: String) -> String {
        "\"" + identifier.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}

/// How much a transaction sees of others. See PostgreSQL's manual, chapter 13.2.
public enum IsolationLevel: String, Sendable {
    case readCommitted = "read committed"
    case repeatableRead = "repeatable read"
    case serializable
}
