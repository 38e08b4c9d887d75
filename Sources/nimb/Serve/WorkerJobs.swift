import Jobs
import Logging
import Postgres
import Telemetry

/// The jobs of `nimb worker` (and of `nimb dev`): what goes on by itself besides shipping the log.
struct WorkerJobs {
    let pool: PostgresPool
    let metrics: MetricsRegistry
    let logger: Logger

    /// All jobs, one line each; their closures bring together what the rings keep apart.
    func runner() -> JobRunner {
        JobRunner(jobs: jobs(), pool: pool, clock: SystemClock.now, metrics: metrics, logger: logger)
    }

    private func jobs() -> [Job] { [] }
}
