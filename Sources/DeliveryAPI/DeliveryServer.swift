import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// The public listener: placements, events, orders, stock, health. A `Service` of the composition root's group.
///
/// Order of a stop: no new connections, what was taken is finished, connections are closed. The event log is closed
/// by whoever opened it, after this service has ended.
///
/// Composition, in this order inside one service group (the first is stopped last):
/// `EventLog` -> `ServingHolder()` -> `ServingRefresher(serving:loader:listening:...)` -> `LeaseKeeper(...)` ->
/// `ProfileRebuild.run(...)` once, before listening -> `DeliveryServer(environment:host:port:logger:)`.
public final class DeliveryServer: Service {
    private let environment: DeliveryEnvironment
    private let host: String
    private let port: Int
    private let logger: Logger
    private let listener: EdgeListener
    private let onListening: @Sendable (Int) -> Void
    private let stopping: Flag

    private final class Flag: Sendable {
        let value = Atomic<Bool>(false)
    }

    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - onListening: told the port once connections are taken.
    public init(
        environment: DeliveryEnvironment, host: String, port: Int, logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.environment = environment
        self.host = host
        self.port = port
        self.logger = logger
        self.onListening = onListening
        let flag = Flag()
        stopping = flag
        let loops = environment.settings.loops
        listener = EdgeListener(
            limits: environment.settings.limits, metrics: environment.metrics,
            loops: loops > 0 ? loops : EdgeListener.coreCount,
            makeRouter: { _ in
                EdgeEndpoints(environment, isStopping: { flag.value.load(ordering: .relaxed) })
            })
    }

    /// Binds and serves until `stop`. The result is the port.
    public func start() async throws -> Int {
        let bound = try await listener.start(host: host, port: port)
        logger.info("delivery is listening", metadata: ["host": "\(host)", "port": "\(bound)"])
        onListening(bound)
        return bound
    }

    /// Stops accepting, finishes what was taken, closes. At most once.
    public func stop() async {
        stopping.value.store(true, ordering: .relaxed)
        await listener.stop()
        logger.info("delivery has stopped")
    }

    /// Serves until the group shuts down.
    public func run() async throws {
        do {
            _ = try await start()
        } catch {
            await stop()
            throw error
        }
        try? await gracefulShutdown()
        await stop()
    }

    /// The pipeline of one connection on a channel of the caller's, for tests without sockets.
    package static func configure(
        _ channel: any Channel, _ environment: DeliveryEnvironment, usesFastPath: Bool = true
    ) throws {
        let shared = EdgeShared(limits: environment.settings.limits, metrics: environment.metrics)
        let router = EdgeEndpoints(environment, isStopping: { false })
        let edge = EdgeLoop(loop: channel.eventLoop, shared: shared, router: router)
        try EdgeListener.configure(channel, edge, limits: environment.settings.limits, usesFastPath: usesFastPath)
    }
}
