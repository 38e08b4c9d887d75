import NIOCore
import Synchronization
import Telemetry

/// What is shared by all connections of the edge.
final class EdgeShared: Sendable {
    let limits: HTTPLimits
    let connections = Atomic<Int>(0)
    let requests: Counter
    let refusedConnections: Counter
    let connectionsGauge: Gauge
    private let requestSequence = Atomic<UInt64>(0)
    private let requestSalt: UInt64

    init(limits: HTTPLimits, metrics: MetricsRegistry) {
        self.limits = limits
        requests = metrics.counter("nimb_edge_requests_total", "Requests whose head was complete.")
        refusedConnections = metrics.counter(
            "nimb_edge_connections_refused_total", "Connections refused because too many were open.")
        connectionsGauge = metrics.gauge("nimb_edge_connections", "Open connections.")
        requestSalt = UInt64.random(in: 0...(.max))
    }

    /// 16 hexadecimal digits, unique in this process and hard to guess.
    func nextRequestID() -> String {
        let sequence = requestSequence.wrappingAdd(1, ordering: .relaxed).newValue
        let text = String(sequence &* 0x9E37_79B9_7F4A_7C15 ^ requestSalt, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}

/// Working memory and connection registry of one event loop. Never leaves it.
final class EdgeLoop {
    let loop: any EventLoop
    let shared: EdgeShared
    let router: any EdgeRouter
    var out: ByteBuffer
    var writer = AnswerWriter()
    /// Whole seconds since the loop was set up: deadlines are compared with it, so that a request reads no clock.
    private(set) var tick = 0
    private(set) var draining = false
    private var connections: [ObjectIdentifier: ConnectionHandler] = [:]
    private var sweeper: RepeatedTask?

    init(loop: any EventLoop, shared: EdgeShared, router: any EdgeRouter) {
        self.loop = loop
        self.shared = shared
        self.router = router
        out = ByteBufferAllocator().buffer(capacity: 16_384)
    }

    var connectionCount: Int { connections.count }

    func startSweeper() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        sweeper = loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in bound.value.sweep() }
    }

    func stopSweeper() {
        sweeper?.cancel()
        sweeper = nil
    }

    /// One second has passed: close what is overdue.
    func sweep() {
        tick += 1
        for connection in Array(connections.values) where connection.deadline <= tick { connection.overdue() }
    }

    /// False when the edge has no room for another connection.
    func register(_ connection: ConnectionHandler) -> Bool {
        connections[ObjectIdentifier(connection)] = connection
        let count = shared.connections.wrappingAdd(1, ordering: .relaxed).newValue
        shared.connectionsGauge.set(Int64(count))
        return count <= shared.limits.connections
    }

    func unregister(_ connection: ConnectionHandler) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        let count = shared.connections.wrappingSubtract(1, ordering: .relaxed).newValue
        shared.connectionsGauge.set(Int64(count))
    }

    /// No new request is taken; connections close as soon as they owe nothing.
    func drain() {
        draining = true
        for connection in Array(connections.values) { connection.drain() }
    }

    func closeAll() {
        for connection in Array(connections.values) { connection.abort() }
    }
}
