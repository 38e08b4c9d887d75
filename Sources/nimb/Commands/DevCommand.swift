import ArgumentParser
import Foundation
import Logging
import ORDGateway
import Pipeline
import Postgres
import PrivatePostgres
import ServiceLifecycle
import Store
import Synchronization
import UnixSignals

/// `nimb dev`: everything on one machine, for looking around and for developing a shop against it.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev", abstract: "Run everything here: private database, demo retailer, server and worker.",
        discussion: """
            The first start makes a private PostgreSQL cluster (unix socket only), migrates it, seeds a small demo \
            retailer and makes random keys; later starts go on where the last one ended. Ctrl-C ends everything, the \
            database too. Delete the folder to start afresh.
            """)

    @Option(help: "Folder of the database, the event log, the secrets and the keys.")
    var directory = ".nimb"

    @OptionGroup var options: ServeOptions
    @OptionGroup var mail: MailOptions

    @OptionGroup var registration: OperatorArguments

    @Option(help: "Port of the demo shop.")
    var shopPort = 8083

    @Option(help: "Port of the stand-in for the operator of advertising data, unless --ord-url names one; 0 = any.")
    var ordPort = 0

    func validate() throws {
        guard ![options.port, options.managementPort, options.mediaPort].contains(shopPort) else {
            throw ValidationError("The shop needs a port of its own.")
        }
    }

    @Option(help: "What is written to standard error: trace, debug, info, notice, warning, error.")
    var logLevel = "warning"

    func run() async throws {
        try options.requireFreePorts()
        try Preflight.requireFree(port: shopPort, option: "--shop-port")
        try Preflight.requireDisk(at: FileManager.default.currentDirectoryPath, gigabytes: 1)
        let home = URL(fileURLWithPath: directory)
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
        var node = NodeOptions()
        node.data = home.path
        node.node = 1
        node.logLevel = logLevel
        let logger = node.logger("nimb.dev")

        Console.warn("nimb dev: starting the private database")
        let cluster = try await PrivateCluster.start(directory: home.appendingPathComponent("postgres"), logger: logger)
        do {
            try await serve(home, node, cluster, logger)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    private func serve(_ home: URL, _ node: NodeOptions, _ cluster: PrivateCluster, _ logger: Logger) async throws {
        let database = PostgresOptions(url: cluster.url(database: "nimb"), applicationName: "nimb dev")
            .asSystem
        let past = try await DemoHistory.begin(home: home, adminURL: cluster.url(database: "postgres"))
        var demo = DemoInstallation(
            home: home, options: options, databaseURL: cluster.url(database: "nimb"), shopPort: shopPort)
        demo.clock = past.clock.now
        try await demo.prepare(adminURL: cluster.url(database: "postgres"), database: database)
        // Its pages may also be opened by number; the storefront's address has the name.
        var options = options
        options.corsOrigins.append("http://127.0.0.1:\(shopPort)")
        let runtime = NodeRuntime(
            options: options, node: node, outbound: options.outbound.policy(local: true),
            secrets: try SecretsFile.load(home.appendingPathComponent("secrets").path, create: true),
            database: database, logger: logger)
        try await past.live(
            runtime, shopKey: try past.key("NIMB_KEY_DEMO_SHOP"),
            registersByStandIn: try registration.options() == nil, logger: logger)
        let page = try demo.page()
        let assembly = try await runtime.assemble { Console.say(page) }
        let worker = PipelineWorker(
            directory: node.logDirectory, database: database, clock: SystemClock.now, registry: runtime.metrics,
            logger: logger)
        let pool = PostgresPool(database, maximumConnections: 4)
        // Unless a real operator is named, a small stand-in gives tokens; they mean nothing outside this machine.
        let named = try registration.options()
        let place = Mutex<OperatorOptions?>(named)
        let standIn = OperatorStub(port: ordPort, token: "dev", logger: logger) { port in
            place.withLock { $0 = OperatorOptions(baseURL: "http://127.0.0.1:\(port)", token: "dev") }
        }
        let jobs = try WorkerJobs(
            pool: pool, metrics: runtime.metrics, logger: logger, mail: mail, isDevelopment: true,
            outbound: options.outbound.policy(local: true), sealer: Sealer(key: runtime.secrets.sealingKey),
            inbox: options.managementBase, registration: { place.withLock { $0 } }
        ).runner()
        // Stopped in reverse: the listeners first, the worker last, so that it ships what they took.
        let services: [any Service] =
            (named == nil ? [standIn] : []) + [worker, jobs] + assembly.services
            + [demo.shop(logger: logger)]
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigint, .sigterm],
                logger: logger))
        do {
            try await group.run()
        } catch {
            await assembly.close()
            await pool.close()
            throw error
        }
        await assembly.close()
        await pool.close()
    }
}
