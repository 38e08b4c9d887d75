import AdModel
import Logging
import NIOCore
import Postgres
import ServiceLifecycle
import Store
import Telemetry

/// Work that goes on by itself, again and again.
public struct Job: Sendable {
    /// Stable word, for example `feeds`; the name of its lock and of its metrics.
    public var name: String
    /// Pause between two runs.
    public var every: Duration
    /// One run. It must be safe to end it anywhere: the next run goes on.
    public var run: @Sendable (Timestamp) async throws -> Void

    public init(name: String, every: Duration, run: @escaping @Sendable (Timestamp) async throws -> Void) {
        self.name = name
        self.every = every
        self.run = run
    }
}

/// Runs each job in a loop of its own. A lock in the database keeps two workers from running one job at a time; a run
/// that fails is logged, counted and tried again after the pause.
public struct JobRunner: Service {
    private let jobs: [Job]
    private let pool: PostgresPool
    private let clock: @Sendable () -> Timestamp
    private let metrics: MetricsRegistry
    private let logger: Logger

    /// - Parameter pool: holds one connection per running job for its lock, besides what the jobs themselves use.
    public init(
        jobs: [Job], pool: PostgresPool, clock: @escaping @Sendable () -> Timestamp, metrics: MetricsRegistry,
        logger: Logger
    ) {
        self.jobs = jobs
        self.pool = pool
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
    }

    /// Runs until the task is cancelled or the service group shuts down.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                for job in jobs { group.addTask { await loop(job) } }
            }
        }
        // A service that returns ends its group; without jobs there is still nothing wrong.
        if jobs.isEmpty { try await gracefulShutdown() }
    }

    private func loop(_ job: Job) async {
        while !Task.isCancelled {
            await runOnce(job)
            try? await Task.sleep(for: job.every)
        }
    }

    /// One run under the job's lock; does nothing when another worker has it.
    public func runOnce(_ job: Job) async {
        do {
            if try await JobLock.take(job.name, pool: pool, clock: clock) {
                defer { metrics.counter("nimb_job_runs_total", "Runs of a job.", [("job", job.name)]).add() }
                do {
                    try await job.run(clock())
                } catch {
                    await release(job)
                    throw error
                }
                await release(job)
            }
        } catch is CancellationError {
            return
        } catch {
            metrics.counter("nimb_job_failures_total", "Runs of a job that failed.", [("job", job.name)]).add()
            logger.warning("a job failed", metadata: ["job": "\(job.name)", "error": "\(type(of: error))"])
        }
    }

    private func release(_ job: Job) async {
        let pool = pool
        // Also for a cancelled task: the lock must not wait for its expiry.
        await Task { try? await JobLock.release(job.name, pool: pool) }.value
    }
}

/// A lock with an expiry: a worker that died holds it no longer than that. (An advisory lock would keep a connection
/// of the pool for as long as the job runs.)
enum JobLock {
    /// Longest run of a job; after it another worker may begin.
    static let lifetime: Int64 = 15 * 60 * 1_000_000

    static func take(_ name: String, pool: PostgresPool, clock: @Sendable () -> Timestamp) async throws -> Bool {
        let now = clock()
        return try await pool.transaction { db in
            try TenantScope.system.enter(on: db)
            return try db.query(
                """
                insert into job_lock (name, held_until) values ($1, $2)
                on conflict (name) do update set held_until = excluded.held_until where job_lock.held_until <= $3
                returning 1
                """,
                [
                    .text(name), .timestamptz(micros: now.micros + lifetime), .timestamptz(micros: now.micros),
                ]
            ).first != nil
        }
    }

    static func release(_ name: String, pool: PostgresPool) async throws {
        try await pool.transaction { db in
            try TenantScope.system.enter(on: db)
            try db.query("update job_lock set held_until = '-infinity' where name = $1", [.text(name)])
        }
    }
}
