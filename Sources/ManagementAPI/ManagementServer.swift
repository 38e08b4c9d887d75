import AdModel
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Postgres
import ServiceLifecycle
import Store

/// What `GET /v1/health` says of one part of the process.
public struct HealthCheck: Equatable, Sendable {
    /// Stable word, for example `database` or `worker`.
    public var name: String
    public var healthy: Bool
    /// One sentence for people, without personal data; nil when there is nothing to say.
    public var detail: String?

    public init(name: String, healthy: Bool, detail: String? = nil) {
        self.name = name
        self.healthy = healthy
        self.detail = detail
    }
}

/// Where a listener binds and what it admits.
public struct ListenerOptions: Sendable {
    public var host: String
    /// 0 = any free port, told to `onRunning`.
    public var port: Int
    /// Connections open at a time; more wait in the kernel's queue.
    public var maximumConnections: Int
    /// Seconds after which an idle connection is closed.
    public var idleSeconds: Int

    public init(host: String = "127.0.0.1", port: Int, maximumConnections: Int = 512, idleSeconds: Int = 60) {
        self.host = host
        self.port = port
        self.maximumConnections = maximumConnections
        self.idleSeconds = idleSeconds
    }
}

/// The management listener: the API of advertisers and retailer, health and metrics. Loopback by default; put it
/// behind TLS elsewhere.
public struct ManagementServer: Service {
    private let options: ListenerOptions
    private let services: ManagementServices
    private let metrics: @Sendable () -> String
    private let health: @Sendable () async -> [HealthCheck]
    private let logger: Logger
    private let onRunning: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - metrics: the Prometheus text of the process.
    ///   - health: checks besides the data base, which this server asks itself.
    ///   - onRunning: told the port once requests are accepted.
    public init(
        options: ListenerOptions, services: ManagementServices,
        metrics: @escaping @Sendable () -> String, health: @escaping @Sendable () async -> [HealthCheck] = { [] },
        logger: Logger, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.options = options
        self.services = services
        self.metrics = metrics
        self.health = health
        self.logger = logger
        self.onRunning = onRunning
    }

    /// Serves until the task is cancelled or the service group shuts down.
    public func run() async throws {
        // A document that contradicts itself must stop the start, not the first reader.
        _ = try OpenAPIBundle.text()
        let router = Router(context: ManagementContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: RequestScope())
        ManagementRoutes.all().install(
            on: router, gate: Gate(services: services, authenticator: Authenticator(services: services)))
        try AdminPages.install(on: router, services: services, logger: logger)
        router.get("/v1/health") { _, _ in await healthResponse() }
        router.get("/metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics())))
        }
        for path in ["/v1/health", "/metrics"] { RouteTable.refuseOthers(than: ["GET"], at: path, on: router) }
        try await Listener.run(router, options: options, logger: logger, onRunning: onRunning)
    }

    private func healthResponse() async -> Response {
        var checks = [await databaseCheck()]
        checks += await health()
        let healthy = checks.allSatisfy(\.healthy)
        var json = JSONText()
        json.object { json in
            json.member("status", healthy ? "ok" : "degraded")
            json.member("checks", array: checks) { json, check in
                json.object {
                    $0.member("name", check.name)
                    $0.member("status", check.healthy ? "ok" : "failed")
                    if let detail = check.detail { $0.member("detail", detail) }
                }
            }
        }
        return Response(
            status: healthy ? .ok : .serviceUnavailable,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: json.text)))
    }

    private func databaseCheck() async -> HealthCheck {
        do {
            try await services.pool.withConnection { _ = try $0.query("select 1") }
            return HealthCheck(name: "database", healthy: true)
        } catch {
            return HealthCheck(name: "database", healthy: false, detail: "The data base does not answer.")
        }
    }
}

/// What both listeners share.
enum Listener {
    static func run(
        _ router: Router<ManagementContext>, options: ListenerOptions, logger: Logger,
        onRunning: @escaping @Sendable (Int) async -> Void
    ) async throws {
        let http = HTTP1Channel.Configuration(idleTimeout: .seconds(Int64(options.idleSeconds)))
        let application = Application(
            router: router, server: .http1(configuration: http),
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port),
                availableConnectionsDelegate: MaximumAvailableConnections(options.maximumConnections)),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) }, logger: logger)
        try await application.run()
    }
}
