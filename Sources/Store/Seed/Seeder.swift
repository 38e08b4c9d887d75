import AdModel
import Postgres

/// Brings the selling side of the database to what a seed file says: one transaction, all or nothing, idempotent by
/// code. It adds and changes, and never removes an entity; lists inside an entity (aliases, grants, brands, listed
/// products) are the whole truth, so what left a list is closed at the time of the run.
public struct Seeder: Sendable {
    private let pool: PostgresPool
    private let rules: SeedRules

    public init(pool: PostgresPool, rules: SeedRules) {
        self.pool = pool
        self.rules = rules
    }

    /// Checks and writes. `now` opens and closes versions; `checkOnly` undoes everything after the checks of the
    /// database and reports what would change.
    /// Throws `SeedError` with every problem found, or `PostgresError`.
    public func apply(
        _ root: SeedValue, file name: String, now: Timestamp, checkOnly: Bool = false
    ) async throws -> SeedReport {
        do {
            return try await pool.transaction { db in
                let log = SeedLog()
                var reader = SeedReader(rules: rules, log: log)
                let file = reader.read(root)
                guard let file else {
                    try log.throwIfAny(file: name)
                    throw SeedError(
                        file: name, problems: [SeedProblem(path: "", reason: "is not a seed file")], unlisted: 0)
                }
                // Two seeds at once would each see the other's rows as missing.
                try db.query("select pg_advisory_xact_lock(hashtext('nimb seed'))")
                let existing = try SeedReferences.Existing.load(file, on: db)
                SeedReferences(file: file, declared: reader.declared, existing: existing, log: log).check()
                try log.throwIfAny(file: name)
                let writer = SeedWriter(file: file, rules: rules, now: now, log: log)
                try writer.write(on: db)
                try log.throwIfAny(file: name)
                // What the database checks at commit is checked now, so that it is told like any other problem.
                do { try db.query("set constraints all immediate") } catch let error as PostgresError
                    where error.sqlState == "23P01"
                {
                    throw SeedError(
                        file: name, problems: [SeedProblem(path: "", reason: error.message)], unlisted: 0)
                }
                if writer.report.changedAnything {
                    writer.report.controlVersion = try db.query("select bump_control_version('control') as v")
                        .first?.int64("v")
                }
                if checkOnly { throw CheckedOnly(report: writer.report) }
                return writer.report
            }
        } catch let checked as CheckedOnly {
            return checked.report
        }
    }

    /// Rolls the transaction back with the report in hand.
    private struct CheckedOnly: Error { let report: SeedReport }
}
