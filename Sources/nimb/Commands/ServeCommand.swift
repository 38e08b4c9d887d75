import ArgumentParser
import ServiceLifecycle
import UnixSignals

/// `nimb serve`: a serving node with its three listeners.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve ads, take events, answer reports.",
        discussion: """
            Delivery (--port) is public: placements, events, clicks, orders, stock. Management (--management-port) is for \
            reports, health and metrics. Media (--media-port) serves pictures and nothing else. Run `nimb worker` with the \
            same --data beside it. SIGTERM stops taking connections, finishes what was taken, and closes the log.
            """)

    @OptionGroup var options: ServeOptions
    @OptionGroup var node: NodeOptions
    @OptionGroup var database: DatabaseOptions

    @Option(help: "File of keys that the nodes share; made by nimb secrets.")
    var secrets: String

    /// Where a node's time comes from.
    enum Clock: String, ExpressibleByArgument, CaseIterable { case system, virtual }

    @Option(help: "Where the time comes from: system; virtual is for the history of nimb dev, and for tests.")
    var clock = Clock.system

    func validate() throws {
        guard clock == .system else {
            throw ValidationError(
                "--clock virtual is not for serving: money would be charged at made-up times. nimb dev lives its "
                    + "history on a virtual clock by itself (\(HistoryMark.variable) sets its days).")
        }
    }

    func run() async throws {
        try options.requireFreePorts()
        let logger = node.logger("nimb.serve")
        let runtime = NodeRuntime(
            options: options, node: node, secrets: try SecretsFile.load(secrets, create: false),
            database: try database.options(applicationName: "nimb serve"), logger: logger)
        let base = options.publicBase
        let assembly = try await runtime.assemble { Console.say("nimb serve: ready on \(base)") }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: assembly.services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger))
        do {
            try await group.run()
        } catch {
            await assembly.close()
            throw error
        }
        await assembly.close()
    }
}
