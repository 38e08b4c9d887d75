import Postgres

/// Planning looks at what is booked and was asked for by everybody. What leaves it are sums, periods and slots; who
/// has booked what is told to those alone who see it anyway.
enum PlanningScope {
    /// Longest that a planning question may take in the database.
    static let timeLimitMilliseconds = 10_000

    /// Reads beyond the tenant of the transaction, which is the tenant again afterwards.
    static func acrossTenants<Result>(
        _ db: isolated PostgresConnection, _ body: (isolated PostgresConnection) throws -> Result
    ) throws -> Result {
        let before = try db.query(
            """
            select coalesce(current_setting('nimb.scope', true), '') as scope,
                current_setting('statement_timeout') as timeout,
                set_config('nimb.scope', 'system', true) as system,
                set_config('statement_timeout', '\(timeLimitMilliseconds)', true) as limited
            """
        ).single()
        let result = try body(db)
        try db.query(
            """
            select set_config('nimb.scope', $1, true), set_config('statement_timeout', $2, true)
            """, [.text(try before.string("scope")), .text(try before.string("timeout"))])
        return result
    }
}
