import Postgres
import TestKit
import Testing

@Suite("statements", .emptyDatabase)
struct StatementTests {
    private var pool: PostgresPool { TestDatabase.current.pool }

    private func failure(
        _ body: @escaping @Sendable (isolated PostgresConnection) throws -> Void
    ) async -> PostgresError? {
        await #expect(throws: PostgresError.self) { try await pool.withConnection(body) }
    }

    @Test func countWhatTheyChange() async throws {
        let counts = try await pool.withConnection { connection in
            try connection.script("create table t (a int); create table u (b int)")
            return [
                try connection.query("insert into t select generate_series(1, 5)").affected,
                try connection.query("update t set a = a + $1 where a > $2", [.int4(1), .int4(3)]).affected,
                try connection.query("select * from t").affected, try connection.query("delete from t").affected,
            ]
        }
        #expect(counts == [5, 2, 5, 5])
    }

    @Test func refuseTheWrongNumberOfParametersAndUnknownColumns() async throws {
        #expect(await failure { try $0.query("select $1::int") }?.code == "encoding")
        #expect(await failure { _ = try $0.query("select 1 as a").single().int("b") }?.code == "decoding")
        #expect(await failure { _ = try $0.query("select 1 as a").single().int(1) }?.code == "decoding")
        #expect(await failure { _ = try $0.query("select 'x' as a").single().int("a") }?.code == "decoding")
        #expect(await failure { _ = try $0.query("select 1 where false").single() }?.code == "decoding")
    }

    @Test func violationsAreTypedAndNameTheConstraint() async throws {
        try await pool.withConnection { connection in
            try connection.script(
                """
                create table parent (id int primary key);
                create table t (id int constraint t_pk primary key, p int references parent,
                    n int constraint positive check (n > 0), m int not null default 1);
                insert into t (id) values (1)
                """)
        }
        let unique = await failure { try $0.query("insert into t (id) values ($1)", [.int4(1)]) }
        #expect(unique?.code == "unique_violation")
        #expect(unique?.sqlState == "23505")
        #expect(unique?.constraint == "t_pk")
        #expect(unique?.detail?.contains("(1)") == true)
        #expect(unique?.isRetryable == false)
        #expect(unique?.description.contains("(1)") == false)
        #expect(await failure { try $0.query("insert into t values (2, 9)") }?.code == "foreign_key_violation")
        #expect(await failure { try $0.query("insert into t values (2, null, 0)") }?.constraint == "positive")
        #expect(
            await failure { try $0.query("insert into t values (2, null, 1, null)") }?.code == "not_null_violation")
        #expect(await failure { try $0.query("selec") }?.code == "invalid_statement")
        #expect(await failure { try $0.query("select * from nothing") }?.code == "undefined_table")
        #expect(await failure { try $0.query("select 1 / $1", [.int4(0)]) }?.code == "invalid_value")
    }

    @Test func aTransactionIsUndoneWhenItsBodyThrows() async throws {
        struct Stop: Error {}
        try await pool.withConnection { try $0.script("create table t (a int)") }
        await #expect(throws: Stop.self) {
            try await pool.transaction { connection in
                try connection.query("insert into t values (1)")
                throw Stop()
            }
        }
        try await pool.transaction { connection in
            try connection.query("insert into t values (2)")
            do {
                try connection.savepoint {
                    try connection.query("insert into t values (3)")
                    throw Stop()
                }
            } catch is Stop {}
        }
        let left = try await pool.withConnection { try $0.query("select a from t").map { try $0.int(0) } }
        #expect(left == [2])
    }

    @Test func aTransactionWhoseErrorWasSwallowedDoesNotPretendToCommit() async throws {
        let error = await #expect(throws: PostgresError.self) {
            try await pool.transaction { connection in _ = try? connection.query("select 1 / 0") }
        }
        #expect(error?.code == "transaction_aborted")
    }

    @Test func anOpenTransactionDoesNotReachTheNextBorrower() async throws {
        let one = PostgresPool(pool.options, maximumConnections: 1)
        try await one.withConnection { connection in
            try connection.script("create table t (a int)")
            try connection.script("begin; insert into t values (1)")
        }
        #expect(try await one.withConnection { try $0.query("select * from t").count } == 0)
        await one.close()
    }

    @Test func serializationFailuresAreRetryable() async throws {
        try await pool.withConnection { try $0.script("create table t (a int); insert into t values (0)") }
        let pool = pool
        let error = await #expect(throws: PostgresError.self) {
            try await pool.transaction(.repeatableRead) { connection in
                try connection.query("select * from t")
                // Another connection changes the row in between.
                let other = try SynchronousPeer(pool.options.url)
                try other.run("update t set a = a + 1")
                try connection.query("update t set a = a + 1")
            }
        }
        #expect(error?.code == "serialization_failure")
        #expect(error?.isRetryable == true)
    }

    @Test func statementAndLockTimeouts() async throws {
        var options = pool.options
        options.statementTimeout = .milliseconds(80)
        let hasty = PostgresPool(options, maximumConnections: 1)
        let holder = try SynchronousPeer(options.url)
        try holder.run("select pg_advisory_lock(2)")
        let error = await #expect(throws: PostgresError.self) {
            _ = try await hasty.withConnection { try $0.query("select pg_advisory_lock(2)").count }
        }
        withExtendedLifetime(holder) {}
        #expect(error?.code == "statement_timeout")
        #expect(error?.isRetryable == true)
        // The connection goes on.
        #expect(try await hasty.withConnection { try $0.query("select 1").single().int(0) } == 1)
        await hasty.close()

        options.statementTimeout = .seconds(30)
        options.lockTimeout = .milliseconds(50)
        let url = options.url
        let impatient = PostgresPool(options, maximumConnections: 1)
        try await pool.withConnection { try $0.script("create table t (a int)") }
        let locked = await #expect(throws: PostgresError.self) {
            try await impatient.transaction { connection in
                let other = try SynchronousPeer(url)
                try other.run("begin; lock table t")
                _ = try withExtendedLifetime(other) { try connection.query("insert into t values (1)") }
            }
        }
        #expect(locked?.code == "lock_timeout")
        await impatient.close()
    }

    @Test func cancellingTheTaskCancelsTheStatement() async throws {
        let one = PostgresPool(pool.options, maximumConnections: 1)
        let holder = try SynchronousPeer(pool.options.url)
        try holder.run("select pg_advisory_lock(3)")
        let task = Task { try await one.withConnection { try $0.query("select pg_advisory_lock(3)").count } }
        let watcher = pool
        try await eventually("the statement runs") {
            try await watcher.withConnection {
                try Self.waits(forLock: 3, on: $0)
            }
        }
        // The lock stays held, so nothing but the cancellation ends the statement.
        task.cancel()
        let error = await #expect(throws: PostgresError.self) { try await task.value }
        #expect(error?.code == "cancelled")
        // Nothing of the cancellation reaches whoever borrows the connection next.
        for n in 0..<20 {
            #expect(
                try await one.withConnection { try $0.query("select $1::int", [.int4(Int32(n))]).single().int(0) } == n)
        }
        withExtendedLifetime(holder) {}
        await one.close()
    }

    /// Whether somebody in this database waits for an advisory lock.
    private static func waits(forLock number: Int32, on db: isolated PostgresConnection) throws -> Bool {
        try db.query(
            """
            select 1 from pg_locks l join pg_database d on d.oid = l.database
            where l.locktype = 'advisory' and l.objid = $1::int4::int8::oid and not l.granted
                and d.datname = current_database()
            """, [.int4(number)]
        ).count == 1
    }

    @Test func cancellationReachesWorkAfterAFailedTransactionAndScriptsToo() async throws {
        let pool = pool
        let holder = try SynchronousPeer(pool.options.url)
        try holder.run("select pg_advisory_lock(4)")
        let task = Task {
            try await pool.withConnection { connection in
                _ = try? connection.transaction { try connection.query("select 1 / 0") }
                try connection.script("select 1; select pg_advisory_lock(4)")
            }
        }
        try await eventually("the script runs") {
            try await pool.withConnection { try Self.waits(forLock: 4, on: $0) }
        }
        task.cancel()
        let error = await #expect(throws: PostgresError.self) { try await task.value }
        #expect(error?.code == "cancelled")
        withExtendedLifetime(holder) {}
    }

    @Test func aCancelledTransactionIsRolledBack() async throws {
        try await pool.withConnection { try $0.script("create table t (a int)") }
        let pool = pool
        let task = Task {
            try await pool.transaction { connection in
                for n in 0..<1_000_000 { try connection.query("insert into t values ($1)", [.int4(Int32(n))]) }
            }
        }
        try await eventually("rows are being written") {
            try await pool.withConnection {
                try $0.query("select 1 from pg_stat_activity where query like 'insert into t%'").count > 0
            }
        }
        task.cancel()
        let error = await #expect(throws: PostgresError.self) { try await task.value }
        #expect(error?.code == "cancelled")
        #expect(try await pool.withConnection { try $0.query("select * from t").count } == 0)
    }

    @Test func moreTextsThanTheCacheHolds() async throws {
        try await pool.withConnection { connection in
            for round in 0..<2 {
                for n in 0..<400 {
                    #expect(try connection.query("select \(n) + $1::int", [.int4(1)]).single().int(0) == n + 1)
                }
                let kept = try connection.query("select count(*) from pg_prepared_statements").single().int(0)
                #expect(kept <= 256, "round \(round)")
            }
        }
    }

    @Test func aChangedTableIsPlannedAnewOnTheNextAttempt() async throws {
        let one = PostgresPool(pool.options, maximumConnections: 1)
        try await one.withConnection { connection in
            try connection.script("create table t (a int); insert into t values (1)")
            _ = try connection.query("select * from t")
            try connection.script("alter table t add column b text default 'x'")
        }
        let error = await #expect(throws: PostgresError.self) {
            try await one.withConnection { try $0.query("select * from t") }
        }
        #expect(error?.code == "stale_plan")
        #expect(error?.isRetryable == true)
        let value = try await one.withConnection { try $0.query("select * from t").single().string("b") }
        #expect(value == "x")
        await one.close()
    }

    @Test func largeAnswersComeRowByRow() async throws {
        let sum = try await pool.withConnection { connection in
            var sum: Int64 = 0
            try connection.forEachRow("select g::bigint from generate_series(1, $1) g", [.int4(50_000)]) {
                sum += try $0.int64(0)
            }
            return sum
        }
        #expect(sum == 50_000 * 50_001 / 2)
        struct Enough: Error {}
        await #expect(throws: Enough.self) {
            try await pool.withConnection { connection in
                try connection.forEachRow("select generate_series(1, 100000000)") { row in
                    if try row.int(0) == 10 { throw Enough() }
                }
            }
        }
    }
}
