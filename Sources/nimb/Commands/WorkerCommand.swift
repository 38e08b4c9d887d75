import ArgumentParser
import Pipeline
import Postgres
import ServiceLifecycle
import Store
import Telemetry
import UnixSignals

/// `nimb worker`: ships one node's event log to PostgreSQL.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Ship this node's event log to PostgreSQL.",
        discussion: """
            Runs beside `nimb serve` on the same machine. Each batch of events becomes rows, charges, credits and report \
            figures in one transaction together with its checkpoint, so a worker may be killed at any time. While \
            PostgreSQL is away the log grows on disk and nothing is lost.
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var database: DatabaseOptions
    @OptionGroup var mail: MailOptions
    @OptionGroup var outbound: OutboundOptions
    @OptionGroup var registration: OperatorArguments

    @Option(help: "File of keys that the nodes share; without it webhooks are kept until a worker has it.")
    var secrets: String?

    @Option(
        name: .customLong("management-url"), help: "Address of the management listener as people see it, for mails.")
    var managementURL = "http://127.0.0.1:8081"

    func run() async throws {
        let logger = node.logger("nimb.worker")
        let options = try database.options(applicationName: "nimb worker")
        let metrics = MetricsRegistry()
        let worker = PipelineWorker(
            directory: node.logDirectory, database: options, clock: SystemClock.now, registry: metrics, logger: logger)
        let pool = PostgresPool(options, maximumConnections: 4)
        let register = try registration.options()
        let jobs = try WorkerJobs(
            pool: pool, metrics: metrics, logger: logger, mail: mail, outbound: outbound.policy(),
            sealer: try secrets.map { Sealer(key: try SecretsFile.load($0, create: false).sealingKey) },
            inbox: managementURL, registration: { register }
        ).runner()
        Console.say("nimb worker: ready, shipping \(node.logDirectory)")
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: worker), .init(service: jobs)], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger))
        do {
            try await group.run()
        } catch {
            await pool.close()
            throw error
        }
        await pool.close()
    }
}
