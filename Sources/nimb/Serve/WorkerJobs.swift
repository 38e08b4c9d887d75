import AdModel
import FinanceExports
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
        // Registration and sending call one operator, and keep his pace together.
        let pace = OperatorPace()
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
            Job(name: "click-model", every: .seconds(3_600)) { now in
                _ = try await pool.transaction { try ClickModels.trainWhenDue(now: now, on: $0) }
            },
            Job(name: "erasures", every: .seconds(60)) { now in
                _ = try await pool.transaction { try Erasures.runDue(now: now, on: $0) }
            },
            Job(name: "shelves", every: .seconds(3_600)) { now in
                _ = try await ShelfJob.run(pool: pool, now: now)
            },
            Job(name: "grants", every: .seconds(60)) { now in
                _ = try await pool.transaction { try PromotedProducts.followGrants(now: now, on: $0) }
            },
            FeedJob(
                pool: pool, client: client, clock: clock, metrics: metrics, logger: logger,
                importer: FeedImports.importer(pool, clock: clock)
            ).job,
            try registrationJob(client, pace),
            sendingJob(client, pace),
            try pushScheduleJob(),
        ].compactMap { $0 }
            + NoticeJobs(pool: pool, client: client, sealer: sealer, link: inbox, clock: clock).jobs
    }

    /// Sends months to the operator.
    private func sendingJob(_ client: OutboundClient, _ pace: OperatorPace) -> Job {
        let (pool, logger, registration, clock) = (pool, logger, registration, clock)
        return Job(name: "sending", every: .seconds(5)) { _ in
            guard let options = registration() else { return }
            let sender = MonthSender(
                pool: pool, client: OperatorClient(options: options, outbound: client, pace: pace), logger: logger,
                clock: clock)
            try await sender.run()
        }
    }

    /// Presses the button where nobody has to: see `MonthPush.startDue`.
    private func pushScheduleJob() throws -> Job {
        let kktu = KKTUSource(try KKTUDictionary(csv: Data(contentsOf: DataFiles.url("kktu.csv"))))
        let pool = pool
        return Job(name: "push-schedule", every: .seconds(600)) { now in
            _ = try await pool.transaction { db in
                try MonthPush.startDue(kktu: kktu.current(on: db), now: now, on: db) { bundle in
                    try MonthFormat.archive(bundle.suggestedName, bundle.files, manifest: bundle.manifest, nil)[0].bytes
                }
            }
        }
    }

    /// Registers approved creatives with the operator.
    private func registrationJob(_ client: OutboundClient, _ pace: OperatorPace) throws -> Job {
        // With what refreshes have changed since: a code that is new today is sold today.
        let source = KKTUSource(try KKTUDictionary(csv: Data(contentsOf: DataFiles.url("kktu.csv"))))
        let (pool, logger, registration) = (pool, logger, registration)
        return Job(name: "registration", every: .seconds(5)) { _ in
            guard let options = registration() else { return }
            let kktu = try await pool.transaction { db in try source.current(on: db) }
            let registrar = CreativeRegistrar(
                pool: pool, client: OperatorClient(options: options, outbound: client, pace: pace), kktu: kktu,
                batch: options.batch, logger: logger, clock: clock)
            try await registrar.run()
        }
    }
}
