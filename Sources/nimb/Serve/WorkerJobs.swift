import AdModel
import Foundation
import Jobs
import Logging
import ORD
import ORDGateway
import Outbound
import Postgres
import Store
import Telemetry

/// The jobs of `nimb worker` (and of `nimb dev`): what goes on by itself besides shipping the log.
struct WorkerJobs {
    let pool: PostgresPool
    let metrics: MetricsRegistry
    let logger: Logger
    let mail: MailOptions
    /// Messages are shown at the console unless a mail command is given.
    var isDevelopment = false
    /// Which foreign addresses jobs may call.
    var outbound = OutboundPolicy.publicOnly
    /// Opens the secrets of webhooks; nil = webhooks wait.
    var sealer: Sealer?
    /// Where people find their notices.
    var inbox = "http://127.0.0.1:8081"
    /// The time that jobs go by.
    var clock: @Sendable () -> Timestamp = SystemClock.now
    /// The operator of advertising data, asked before each run; nil = tokens are typed by finance.
    var registration: @Sendable () -> OperatorOptions? = { nil }

    /// All jobs, one line each; their closures bring together what the rings keep apart.
    func runner() throws -> JobRunner {
        JobRunner(jobs: try jobs(), pool: pool, clock: clock, metrics: metrics, logger: logger)
    }

    /// What the runner runs, in the order of the list.
    func jobs() throws -> [Job] {
        let mailJob = try mail.job(pool: pool, isDevelopment: isDevelopment, metrics: metrics, logger: logger)
        let client = OutboundClient(policy: outbound)
        return [
            mailJob,
            Job(name: "identity-sweep", every: .seconds(3_600)) { now in
                _ = try await pool.transaction { try IdentitySweep.run(now: now, on: $0) }
            },
            Job(name: "campaigns", every: .seconds(5)) { now in
                _ = try await CampaignSchedule.run(pool: pool, now: now)
            },
            Job(name: "brand-aliases", every: .seconds(60)) { now in
                _ = try await pool.transaction { try BrandAliases.applyBoundaries(now: now, on: $0) }
            },
            Job(name: "grants", every: .seconds(60)) { now in
                _ = try await pool.transaction { try PromotedProducts.followGrants(now: now, on: $0) }
            },
            FeedJob(
                pool: pool, client: client, clock: clock, metrics: metrics, logger: logger,
                importer: FeedImports.importer(pool, clock: clock)
            ).job,
            try registrationJob(client),
        ].compactMap { $0 }
            + NoticeJobs(pool: pool, client: client, sealer: sealer, link: inbox, clock: clock).jobs
    }

    /// Registers approved creatives with the operator.
    private func registrationJob(_ client: OutboundClient) throws -> Job {
        let kktu = try KKTUDictionary(csv: Data(contentsOf: DataFiles.url("kktu.csv")))
        let (pool, logger, registration) = (pool, logger, registration)
        return Job(name: "registration", every: .seconds(5)) { _ in
            guard let options = registration() else { return }
            let registrar = CreativeRegistrar(
                pool: pool, client: OperatorClient(options: options, outbound: client), kktu: kktu,
                batch: options.batch, logger: logger, clock: clock)
            try await registrar.run()
        }
    }
}
