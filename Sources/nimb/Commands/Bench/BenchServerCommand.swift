import ArgumentParser
import DeliveryAPI
import EventLog
import ServiceLifecycle
import UnixSignals

/// The servers that `nimb bench http` drives, each as a process of its own so that it can have a core of its own.
struct BenchServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Run one contestant of nimb bench http.", shouldDisplay: false)

    enum Kind: String, ExpressibleByArgument {
        /// The bare SwiftNIO responder.
        case bare
        /// Nimb with an event log that forgets: what the log costs is the difference.
        case unlogged
    }

    @Argument var kind: Kind
    @Option var bodyBytes = 1_536
    @Option var secrets = ""
    @OptionGroup var options: ServeOptions
    @OptionGroup var node: NodeOptions
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        switch kind {
        case .bare: try await YardstickServer(port: options.port, bodyBytes: bodyBytes).run()
        case .unlogged:
            let logger = node.logger("nimb.bench")
            let runtime = NodeRuntime(
                options: options, node: node, secrets: try SecretsFile.load(secrets, create: false),
                database: try database.options(applicationName: "nimb bench"), logger: logger)
            let assembly = try await runtime.assemble(sink: ForgetfulSink()) { Console.say("ready") }
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: assembly.services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm],
                    logger: logger))
            try await group.run()
        }
    }
}

/// Acknowledges at once and keeps nothing.
private struct ForgetfulSink: EventSink {
    func append(_ record: UnsafeRawBufferPointer) throws(EventLogError) {}

    func append(
        _ batch: borrowing LogBatch, acknowledge onDurable: @escaping @Sendable (Result<Void, EventLogError>) -> Void
    ) throws(EventLogError) {
        onDurable(.success(()))
    }
}
