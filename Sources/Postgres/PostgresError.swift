import CLibPQ

/// What went wrong between us and PostgreSQL.
public struct PostgresError: Error, Equatable {
    /// The closed list of causes that callers may act upon.
    public enum Kind: String, CaseIterable, Sendable {
        case invalidConnectionString = "invalid_connection_string"
        case cannotConnect = "cannot_connect"
        case authenticationFailed = "authentication_failed"
        case databaseMissing = "database_missing"
        case tooManyConnections = "too_many_connections"
        case connectionLost = "connection_lost"
        case serverShutdown = "server_shutdown"
        case uniqueViolation = "unique_violation"
        case foreignKeyViolation = "foreign_key_violation"
        case checkViolation = "check_violation"
        case notNullViolation = "not_null_violation"
        case exclusionViolation = "exclusion_violation"
        case serializationFailure = "serialization_failure"
        case deadlock
        case lockTimeout = "lock_timeout"
        case statementTimeout = "statement_timeout"
        /// The Swift task was cancelled.
        case cancelled
        case insufficientPrivilege = "insufficient_privilege"
        case undefinedTable = "undefined_table"
        case invalidStatement = "invalid_statement"
        case invalidValue = "invalid_value"
        case resourceExhausted = "resource_exhausted"
        /// COMMIT of a transaction in which a statement had failed: nothing was stored.
        case transactionAborted = "transaction_aborted"
        /// A statement's plan outlived a change of the schema; the next attempt plans anew.
        case stalePlan = "stale_plan"
        case encoding
        case decoding
        case poolExhausted = "pool_exhausted"
        case poolTimeout = "pool_timeout"
        case poolClosed = "pool_closed"
        case server = "server_error"
    }

    public let kind: Kind
    /// The server's five-character SQLSTATE, when the server spoke.
    public let sqlState: String?
    /// One sentence; statements and parameters are not repeated in it by us.
    public let message: String
    /// The server's detail; may hold row values, so it is left out of `description`.
    public let detail: String?
    /// The violated constraint, when there is one.
    public let constraint: String?

    public init(
        _ kind: Kind, _ message: String, sqlState: String? = nil, detail: String? = nil, constraint: String? = nil
    ) {
        self.kind = kind
        self.message = message
        self.sqlState = sqlState
        self.detail = detail
        self.constraint = constraint
    }

    /// Stable snake_case code of the cause.
    public var code: String { kind.rawValue }

    /// True when the same work may succeed if it is done again from the start of its transaction.
    public var isRetryable: Bool {
        switch kind {
        case .cannotConnect, .tooManyConnections, .connectionLost, .serverShutdown, .serializationFailure, .deadlock,
            .lockTimeout, .statementTimeout, .stalePlan, .poolExhausted, .poolTimeout, .resourceExhausted:
            true
        default: false
        }
    }
}

extension PostgresError: CustomStringConvertible {
    public var description: String {
        "\(code)\(sqlState.map { " (\($0))" } ?? ""): \(message)"
    }
}

extension PostgresError.Kind {
    /// The cause behind a SQLSTATE.
    init(sqlState: String) {
        switch sqlState {
        case "23505": self = .uniqueViolation
        case "23503": self = .foreignKeyViolation
        case "23514": self = .checkViolation
        case "23502": self = .notNullViolation
        case "23P01": self = .exclusionViolation
        case "40001": self = .serializationFailure
        case "40P01": self = .deadlock
        case "55P03": self = .lockTimeout
        case "57014": self = .statementTimeout
        case "57P01", "57P02", "57P03": self = .serverShutdown
        case "42501": self = .insufficientPrivilege
        case "42P01": self = .undefinedTable
        case "3D000": self = .databaseMissing
        case "53300": self = .tooManyConnections
        default:
            switch sqlState.prefix(2) {
            case "08": self = .connectionLost
            case "22": self = .invalidValue
            case "28": self = .authenticationFailed
            case "42", "26": self = .invalidStatement
            case "53", "54": self = .resourceExhausted
            default: self = .server
            }
        }
    }
}

extension PostgresError {
    /// The error that a failed result carries. `result` stays with the caller.
    init(result: OpaquePointer?, connection: OpaquePointer?, cancelled: Bool) {
        func field(_ code: Character) -> String? {
            guard let result, let ascii = code.asciiValue,
                let text = PQresultErrorField(result, Int32(ascii))
            else { return nil }
            return String(cString: text)
        }
        let state = field("C")
        let primary = field("M")
        let lost = PQstatus(connection) == CONNECTION_BAD
        var kind: Kind
        if let state {
            kind = Kind(sqlState: state)
            if kind == .statementTimeout, cancelled { kind = .cancelled }
            if state == "0A000", primary?.hasPrefix("cached plan") == true { kind = .stalePlan }
        } else {
            kind = lost ? .connectionLost : .server
        }
        let fallback = connection.flatMap { PQerrorMessage($0) }.map { String(cString: $0) } ?? ""
        self.init(
            kind, primary ?? PostgresError.oneLine(fallback), sqlState: state, detail: field("D"),
            constraint: field("n"))
    }

    /// Server and libpq messages may span lines; ours are one.
    static func oneLine(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: "; ")
        return line.isEmpty ? "the server closed the connection" : line
    }
}
