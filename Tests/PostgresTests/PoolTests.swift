import Dispatch
import Postgres
import PrivatePostgres
import Synchronization
import TestKit
import Testing

/// A flag between tasks.
final class Flag: Sendable {
    private let state = Atomic(false)
    private let gate = DispatchSemaphore(value: 0)
    var isUp: Bool { state.load(ordering: .acquiring) }

    func raise() {
        state.store(true, ordering: .releasing)
        gate.signal()
    }

    /// Blocks the connection's own thread until the flag is up; one may wait.
    func wait() { gate.wait() }
}

/// Counts who is inside, and how many were at once.
final class Gauge: Sendable {
    private let state = Mutex((now: 0, highest: 0))
    var highest: Int { state.withLock { $0.highest } }
    func enter() {
        state.withLock { state in
            state.now += 1
            state.highest = max(state.highest, state.now)
        }
    }
    func leave() { state.withLock { $0.now -= 1 } }
}

@Suite("the pool", .emptyDatabase)
struct PoolTests {
    private func pool(_ connections: Int, wait: Duration = .seconds(30)) -> PostgresPool {
        PostgresPool(TestDatabase.current.pool.options, maximumConnections: connections, acquireTimeout: wait)
    }

    @Test func neverOpensMoreThanItsBound() async throws {
        let pool = pool(3)
        let gauge = Gauge()
        let pids = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<60 {
                group.addTask {
                    try await pool.withConnection { connection in
                        gauge.enter()
                        defer { gauge.leave() }
                        // Nobody leaves before the bound was reached, or the test would pass with one connection.
                        var pid = 0
                        for _ in 0..<50_000 {
                            pid = try connection.query("select pg_backend_pid()").single().int(0)
                            if gauge.highest == 3 { break }
                        }
                        return pid
                    }
                }
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(pids.count == 3)
        #expect(gauge.highest == 3)
        await pool.close()
    }

    @Test func refusesWhatWouldWaitTooLongOrBeTooMany() async throws {
        let pool = pool(1, wait: .milliseconds(50))
        let entered = Flag()
        let release = Flag()
        let holder = Task {
            try await pool.withConnection { connection in
                entered.raise()
                try connection.query("select 1")
                release.wait()
            }
        }
        try await eventually { entered.isUp }
        let late = await #expect(throws: PostgresError.self) {
            try await pool.withConnection { _ = try $0.query("select 1") }
        }
        #expect(late?.code == "pool_timeout")
        let waiting = Task { try await pool.withConnection { _ = try $0.query("select 1") } }
        waiting.cancel()
        let cancelled = await #expect(throws: PostgresError.self) { try await waiting.value }
        #expect(cancelled?.code == "cancelled")
        release.raise()
        try await holder.value
        #expect(try await pool.withConnection { try $0.query("select 1").single().int(0) } == 1)
        await pool.close()
    }

    @Test func theNumberOfWaitersIsBounded() async throws {
        let pool = pool(1)
        let entered = Flag()
        let release = Flag()
        let holder = Task {
            try await pool.withConnection { connection in
                entered.raise()
                try connection.query("select 1")
                release.wait()
            }
        }
        try await eventually { entered.isUp }
        let codes = await withTaskGroup(of: String.self) { group in
            for _ in 0..<(PostgresPool.waiterLimit + 50) {
                group.addTask {
                    do {
                        try await pool.withConnection { _ in }
                        return "served"
                    } catch { return (error as? PostgresError)?.code ?? "?" }
                }
            }
            var codes: [String: Int] = [:]
            for await code in group {
                codes[code, default: 0] += 1
                // The refused ones come back first; only then may the holder go.
                if codes["pool_exhausted"] == 50 { release.raise() }
            }
            return codes
        }
        try await holder.value
        #expect(codes == ["served": PostgresPool.waiterLimit, "pool_exhausted": 50])
        await pool.close()
    }

    @Test func closingWaitsForTheRunningAndRefusesTheNext() async throws {
        let pool = pool(2)
        let entered = Flag()
        let release = Flag()
        let finished = Flag()
        let closed = Flag()
        let running = Task {
            try await pool.withConnection { connection in
                entered.raise()
                release.wait()
                try connection.query("select 1")
                finished.raise()
            }
        }
        try await eventually { entered.isUp }
        let closing = Task {
            await pool.close()
            closed.raise()
        }
        try await eventually("the pool refuses new work") {
            do { try await pool.withConnection { _ in } } catch let error as PostgresError {
                return error.code == "pool_closed"
            }
            return false
        }
        #expect(!closed.isUp)
        release.raise()
        await closing.value
        #expect(finished.isUp)
        try await running.value
        let error = await #expect(throws: PostgresError.self) { try await pool.withConnection { _ in } }
        #expect(error?.code == "pool_closed")
        await pool.close()
    }

    @Test func aConnectionThatTheServerClosedIsReplaced() async throws {
        let pool = pool(1)
        let first = try await pool.withConnection { try $0.query("select pg_backend_pid()").single().int(0) }
        let administration = TestDatabase.current.pool
        try await administration.withConnection { connection in
            _ = try connection.query("select pg_terminate_backend($1)", [.int(first)])
        }
        try await eventually("the backend is gone") {
            try await administration.withConnection {
                try $0.query("select 1 from pg_stat_activity where pid = $1", [.int(first)]).count == 0
            }
        }
        let second = try await pool.withConnection { try $0.query("select pg_backend_pid()").single().int(0) }
        #expect(second != first)
        let error = await #expect(throws: PostgresError.self) {
            try await pool.withConnection { _ = try $0.query("select pg_terminate_backend(pg_backend_pid())") }
        }
        #expect(error?.code == "server_shutdown" || error?.code == "connection_lost")
        #expect(error?.isRetryable == true)
        #expect(try await pool.withConnection { try $0.query("select 1").single().int(0) } == 1)
        await pool.close()
    }

    @Test func failuresToConnectAreTypedAndKeepSecrets() async throws {
        let secret = "postgresql://nimb:hunter2@127.0.0.1:1/shop?sslmode=disable"
        let error = await #expect(throws: PostgresError.self) {
            try await PostgresPool(PostgresOptions(url: secret)).withConnection { _ in }
        }
        #expect(error?.code == "cannot_connect")
        #expect(error?.isRetryable == true)
        #expect(error?.message.contains("hunter2") == false)
        let options = PostgresOptions(url: secret)
        var dumped = ""
        dump(options, to: &dumped)
        for text in ["\(options)", String(reflecting: options), dumped] {
            #expect(!text.contains("hunter2"))
            #expect(text.contains("127.0.0.1"))
        }
        let malformed = await #expect(throws: PostgresError.self) {
            try await PostgresPool(PostgresOptions(url: "postgresql://nimb:hunter2@[")).withConnection { _ in }
        }
        #expect(malformed?.code == "invalid_connection_string")
        #expect(malformed?.message.contains("hunter2") == false)
        let missing = await #expect(throws: PostgresError.self) {
            let url = try await TestCluster.shared.cluster().url(database: "no such database")
            try await PostgresPool(PostgresOptions(url: url)).withConnection { _ in }
        }
        #expect(missing?.code == "database_missing")
    }

    /// Random statements, failures, cancellations and lost connections: the pool must stay whole.
    @Test func aSoakOfRandomWork() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        let pool = pool(3)
        try await pool.withConnection { try $0.script("create table t (a bigint primary key, worker int)") }
        // What is cancelled waits for a lock that nobody gives.
        let holder = try SynchronousPeer(pool.options.url)
        try holder.run("select pg_advisory_lock(1)")
        let acknowledged = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for worker in 0..<6 {
                group.addTask {
                    var generator = SeededGenerator(state: seed &+ UInt64(worker))
                    var done: [Int64] = []
                    for step in 0..<60 {
                        let id = Int64(worker * 1_000 + step)
                        let choice = Int.random(in: 0..<10, using: &generator)
                        let task = Task {
                            try await pool.transaction { connection in
                                try connection.query("insert into t values ($1, $2)", [.int8(id), .int(worker)])
                                switch choice {
                                case 0: try connection.query("select 1 / 0")
                                case 1: try connection.query("select pg_terminate_backend(pg_backend_pid())")
                                case 2: try connection.query("select pg_advisory_lock(1)")
                                case 3: try connection.copyIn("t", ["a"]) { try $0.row(.int8(id)) }
                                default: try connection.query("select count(*) from t")
                                }
                            }
                        }
                        if choice == 2 { task.cancel() }
                        if (try? await task.value) != nil { done.append(id) }
                    }
                    return done
                }
            }
            return try await group.reduce(into: Set<Int64>()) { $0.formUnion($1) }
        }
        let stored = try await pool.withConnection { connection in
            Set(try connection.query("select a from t").map { try $0.int64(0) })
        }
        #expect(stored == acknowledged, "seed \(seed)")
        #expect(!stored.isEmpty)
        withExtendedLifetime(holder) {}
        await pool.close()
    }
}
