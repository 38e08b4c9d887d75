import CLibPQ

/// How to reach a PostgreSQL server and how long to wait for it.
///
/// The connection string is libpq's: a `postgresql://` URL or `key=value` pairs; `sslmode`, `sslrootcert` and
/// the like pass through. Its secrets never appear in `description`.
public struct PostgresOptions: Sendable {
    /// The connection string, with its secrets.
    public var url: String
    /// Shown in `pg_stat_activity`, unless the connection string names another.
    public var applicationName: String
    /// Longest time one statement may run before the server ends it; zero means no limit.
    public var statementTimeout: Duration
    /// Longest wait for a lock; zero means no limit.
    public var lockTimeout: Duration
    /// Longest time to establish a connection, at least two seconds (libpq's minimum).
    public var connectTimeout: Duration
    /// Role that each session takes with SET ROLE; nil stays with the role that connects.
    public var role: String?
    /// Settings of each session, by name; names and values are ours, never a request's.
    public var settings: [String: String] = [:]
    /// How far the threads that wait for answers and read them give way to the rest of the process, 0...19.
    public var niceness: Int32 = 0

    public init(
        url: String, applicationName: String = "nimb", statementTimeout: Duration = .seconds(30),
        lockTimeout: Duration = .seconds(10), connectTimeout: Duration = .seconds(5)
    ) {
        self.url = url
        self.applicationName = applicationName
        self.statementTimeout = statementTimeout
        self.lockTimeout = lockTimeout
        self.connectTimeout = connectTimeout
    }

    /// Throws when libpq cannot read the connection string. The string itself is not repeated in the error.
    public func validate() throws(PostgresError) {
        guard let parsed = PQconninfoParse(url, nil) else {
            throw PostgresError(
                .invalidConnectionString,
                "the database connection string is malformed; write postgresql://user:password@host:5432/database")
        }
        PQconninfoFree(parsed)
    }
}

extension PostgresOptions: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Host, port, database and user; never a password, a key or any other option.
    public var description: String {
        guard let parsed = PQconninfoParse(url, nil) else { return "(malformed connection string)" }
        defer { PQconninfoFree(parsed) }
        var parts: [String] = []
        var option = parsed
        while let keyword = option.pointee.keyword {
            let name = String(cString: keyword)
            if ["host", "hostaddr", "port", "dbname", "user"].contains(name), let value = option.pointee.val {
                parts.append("\(name)=\(String(cString: value))")
            }
            option += 1
        }
        return parts.isEmpty ? "(libpq defaults)" : parts.joined(separator: " ")
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["server": description]) }
}

extension PostgresOptions {
    /// The statements that give a session its role and settings.
    var sessionSettings: String {
        var text = role.map { "; set role \"\($0.replacing("\"", with: "\"\""))\"" } ?? ""
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
            text += "; set \(name) = '\(value.replacing("'", with: "''"))'"
        }
        return text
    }

    /// The statements that give a session its timeouts.
    var timeoutSettings: String {
        "set statement_timeout = \(statementTimeout.milliseconds); set lock_timeout = \(lockTimeout.milliseconds)"
    }
}

extension Duration {
    /// Whole milliseconds, rounded up, never negative.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return max(0, seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
