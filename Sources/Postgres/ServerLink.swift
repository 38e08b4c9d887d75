import CLibPQ
import Glibc

/// Owns a libpq connection.
///
/// Unchecked: made, used and closed by one actor (or one listener thread) at a time; libpq allows a connection to
/// move between threads as long as no two use it at once. `deinit` runs when nobody can.
final class ServerLink: @unchecked Sendable {
    let pointer: OpaquePointer
    let cancelHandle: CancelHandle?

    /// Connects and sets the session up; blocks for at most the connect timeout per address.
    init(_ options: PostgresOptions) throws(PostgresError) {
        try options.validate()
        // Later entries win: the connection string may overrule the defaults before it, not what follows.
        let settings: [(String, String)] = [
            ("connect_timeout", String(max(2, options.connectTimeout.milliseconds / 1_000))),
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "30000"),
            ("fallback_application_name", options.applicationName),
            ("dbname", options.url),
            ("client_encoding", "UTF8"),
        ]
        guard let pointer = ServerLink.connect(settings) else {
            throw PostgresError(.resourceExhausted, "out of memory while connecting to PostgreSQL")
        }
        guard PQstatus(pointer) == CONNECTION_OK else {
            let error = ServerLink.connectError(pointer, options)
            PQfinish(pointer)
            throw error
        }
        PQsetNoticeReceiver(pointer, { _, _ in }, nil)
        self.pointer = pointer
        cancelHandle = CancelHandle(connection: pointer)
        try execute(
            options.timeoutSettings + "; set timezone = 'UTC'; set client_min_messages = warning"
                + options.sessionSettings)
    }

    deinit { PQfinish(pointer) }

    private static func connect(_ settings: [(String, String)]) -> OpaquePointer? {
        var keywords: [UnsafeMutablePointer<CChar>?] = settings.map { strdup($0.0) }
        var values: [UnsafeMutablePointer<CChar>?] = settings.map { strdup($0.1) }
        defer { for pointer in keywords + values { free(pointer) } }
        keywords.append(nil)
        values.append(nil)
        return keywords.withUnsafeBufferPointer { keywords in
            values.withUnsafeBufferPointer { values in
                keywords.withMemoryRebound(to: UnsafePointer<CChar>?.self) { keywords in
                    values.withMemoryRebound(to: UnsafePointer<CChar>?.self) { values in
                        PQconnectdbParams(keywords.baseAddress, values.baseAddress, 1)
                    }
                }
            }
        }
    }

    /// libpq gives no SQLSTATE for a failed connection, only text in the server's language.
    private static func connectError(_ pointer: OpaquePointer, _ options: PostgresOptions) -> PostgresError {
        let text = PostgresError.oneLine(PQerrorMessage(pointer).map { String(cString: $0) } ?? "")
        let kind: PostgresError.Kind =
            if PQconnectionNeedsPassword(pointer) != 0 || text.contains("authentication failed") {
                .authenticationFailed
            } else if text.contains("does not exist"), text.contains("database") {
                .databaseMissing
            } else if text.contains("too many clients") || text.contains("connection slots") {
                .tooManyConnections
            } else {
                .cannotConnect
            }
        return PostgresError(kind, "cannot connect to PostgreSQL (\(options)): \(text)")
    }

    var isBroken: Bool { PQstatus(pointer) == CONNECTION_BAD }
    var transactionStatus: PGTransactionStatusType { PQtransactionStatus(pointer) }

    /// False when the server has closed an idle connection. Costs one `poll`; a round trip only when the server
    /// has said something unasked, which is mostly its farewell.
    func isAliveWhenIdle() -> Bool {
        guard !isBroken else { return false }
        var descriptor = pollfd(fd: PQsocket(pointer), events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, 0) > 0 else { return true }
        return (try? execute("")) != nil && !isBroken
    }

    /// Runs statements without parameters and drops their rows.
    func execute(_ sql: String, cancelled: () -> Bool = { false }) throws(PostgresError) {
        let result = PQexec(pointer, sql)
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return
        default: throw PostgresError(result: result, connection: pointer, cancelled: cancelled())
        }
    }
}
