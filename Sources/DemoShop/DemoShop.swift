import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Outbound
import ServiceLifecycle

/// A shop to try the ad server in: server-rendered pages under `/shop/` that read the catalogue through the management
/// API, carry the tag, and send orders to the delivery API, as any shop would. It keeps nothing: the cart is a cookie.
public final class DemoShop: Service {
    /// Between two tries while the catalogue has never been read.
    static let retryPause: Duration = .seconds(1)
    /// Connections open at a time; more wait in the kernel's queue.
    static let connectionLimit = 512

    private let options: DemoShopOptions
    private let logger: Logger
    private let onRunning: @Sendable (Int) async -> Void
    private let holder = CatalogueHolder()

    /// - Parameter onRunning: told the port once requests are accepted. Until the catalogue has been read, pages say so.
    public init(
        options: DemoShopOptions, logger: Logger, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.options = options
        self.logger = logger
        self.onRunning = onRunning
    }

    /// Serves until the task is cancelled or the service group shuts down.
    public func run() async throws {
        let client = OutboundClient(policy: OutboundPolicy(allowedHosts: Self.hosts(options)))
        let reader = CatalogueReader(options: options, client: client)
        let routes = ShopRoutes(
            options: options, pages: try ShopPages(), holder: holder, reader: reader,
            desk: OrderDesk(options: options, client: client), logger: logger)
        let running = onRunning
        let application = Application(
            router: routes.router(), server: .http1(configuration: .init(idleTimeout: .seconds(60))),
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionLimit)),
            onServerRunning: { channel in await running(channel.localAddress?.port ?? 0) }, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            group.addTask { [holder, logger, options] in
                await cancelWhenGracefulShutdown {
                    await Self.keepReading(reader, into: holder, every: options.refreshSeconds, logger: logger)
                }
            }
            try await group.waitForAll()
        }
    }

    private static func keepReading(
        _ reader: CatalogueReader, into holder: CatalogueHolder, every seconds: Int, logger: Logger
    ) async {
        while !Task.isCancelled {
            var pause = Duration.seconds(max(1, seconds))
            do {
                holder.replace(try await reader.read())
            } catch {
                // The last catalogue stays on the shelves.
                logger.debug("the catalogue was not read", metadata: ["error": "\(error)"])
                if holder.catalogue == nil { pause = retryPause }
            }
            try? await Task.sleep(for: pause)
        }
    }

    /// The two listeners that the shop's server calls are its operator's choice, also when they are private.
    private static func hosts(_ options: DemoShopOptions) -> Set<String> {
        Set(
            [options.managementURL, options.deliveryURL].map { url in
                let rest = url.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first ?? ""
                return String(rest.split(separator: ":").first ?? "")
            })
    }
}
