import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Telemetry

/// The listening socket and its event loops. Knows HTTP, nothing of ads.
final class EdgeListener: Sendable {
    private let shared: EdgeShared
    private let group: MultiThreadedEventLoopGroup
    private let makeRouter: @Sendable (any EventLoop) -> any EdgeRouter
    private let state = Mutex(State())

    private struct State {
        var listening: (any Channel)?
        var loops: [ObjectIdentifier: NIOLoopBound<EdgeLoop>] = [:]
    }

    init(
        limits: HTTPLimits, metrics: MetricsRegistry, loops: Int,
        makeRouter: @escaping @Sendable (any EventLoop) -> any EdgeRouter
    ) {
        shared = EdgeShared(limits: limits, metrics: metrics)
        group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, loops))
        self.makeRouter = makeRouter
    }

    /// Loops when nobody says otherwise.
    static var coreCount: Int { System.coreCount }

    /// Binds and accepts. The result is the port, which matters when 0 was asked for.
    func start(host: String, port: Int) async throws -> Int {
        for loop in group.makeIterator() {
            let shared = shared
            let makeRouter = makeRouter
            let bound = try await loop.submit {
                let edge = EdgeLoop(loop: loop, shared: shared, router: makeRouter(loop))
                edge.startSweeper()
                return NIOLoopBound(edge, eventLoop: loop)
            }.get()
            state.withLock { $0.loops[ObjectIdentifier(loop)] = bound }
        }
        let loops = state.withLock { $0.loops }
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [shared] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let edge = loops[ObjectIdentifier(channel.eventLoop)]?.value else {
                        throw ChannelError.operationUnsupported
                    }
                    try Self.configure(channel, edge, limits: shared.limits)
                }
            }
        let channel = try await bootstrap.bind(host: host, port: port).get()
        state.withLock { $0.listening = channel }
        return channel.localAddress?.port ?? port
    }

    /// The pipeline of one connection.
    static func configure(
        _ channel: any Channel, _ edge: EdgeLoop, limits: HTTPLimits, usesFastPath: Bool = true
    ) throws {
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = limits.headBytes
        decoding.maxHeaderListSize = limits.headBytes
        decoding.maxHeaderFieldCount = limits.headLines
        let decoder = HTTPRequestDecoder(
            leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop, limitConfiguration: decoding)
        let connection = ConnectionHandler(edge)
        if usesFastPath {
            try channel.pipeline.syncOperations.addHandler(FastRequestHandler(connection, limits: limits))
        }
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(decoder))
        try channel.pipeline.syncOperations.addHandler(connection)
    }

    /// Stops accepting, lets what was taken finish within the drain time, closes the rest, ends the loops.
    func stop() async {
        let (listening, loops) = state.withLock { state in
            defer { state.listening = nil }
            return (state.listening, Array(state.loops.values))
        }
        try? await listening?.close().get()
        for bound in loops { bound.eventLoop.execute { bound.value.drain() } }
        let deadline = ContinuousClock.now + .seconds(shared.limits.drainSeconds)
        while shared.connections.load(ordering: .relaxed) > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
        for bound in loops {
            bound.eventLoop.execute {
                bound.value.closeAll()
                bound.value.stopSweeper()
            }
        }
        try? await group.shutdownGracefully()
    }
}
