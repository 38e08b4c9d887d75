import AdModel
import DeliveryAPI
import EventLog
import Foundation
import GeoIP
import Logging
import ManagementAPI
import Measurement
import ORD
import Outbound
import Postgres
import Profiles
import ServiceLifecycle
import Store
import Synchronization
import Telemetry

/// A serving node put together: event log, snapshot, profiles, leases and the three listeners.
///
/// Order of a start: the log is opened (and recovered), the snapshot is loaded, profiles are rebuilt from the log,
/// then the listeners bind. Order of a stop: listeners, leases, log.
struct NodeRuntime {
    var options: ServeOptions
    let node: NodeOptions
    /// Which foreign addresses may be stored; jobs call them.
    var outbound: OutboundPolicy?
    let secrets: SecretsFile
    /// Serving works for all tenants; the management API takes its own role.
    let database: PostgresOptions
    let logger: Logger
    /// The time of everything on this node.
    var clock: @Sendable () -> Timestamp = SystemClock.now
    let metrics = MetricsRegistry()

    /// Services in the order of their start; the group stops them in reverse.
    struct Assembly {
        var services: [any Service]
        var log: EventLog
        var pools: [PostgresPool]
        /// The parts that a simulation drives by itself instead of running the services.
        var environment: DeliveryEnvironment
        var refresher: ServingRefresher
        var leases: LeaseKeeper
        var goals: GoalKeeper
        var audiences: AudienceKeeper
        var delivery: DeliveryServer

        /// After the services have ended: the log first, it holds what was acknowledged.
        func close() async {
            log.close()
            for pool in pools { await pool.close() }
        }
    }

    /// - Parameters:
    ///   - sink: where events go instead of the node's log; only the benchmark of the log's price gives one.
    ///   - watching: stands between the edge and the log.
    ///   - onReady: called once all three listeners take connections.
    func assemble(
        sink: (any EventSink)? = nil, watching: ((EventLog) -> any EventSink)? = nil,
        onReady: @escaping @Sendable () -> Void
    ) async throws -> Assembly {
        let log = try EventLog(directory: node.logDirectory, nodeID: node.node)
        if log.recoveredCutBytes > 0 {
            logger.notice("the event log had a torn tail", metadata: ["cut_bytes": "\(log.recoveredCutBytes)"])
        }
        let system = database.asSystem
        // What keeps serving up to date must not keep shoppers waiting.
        var background = system
        background.niceness = 5
        let pool = PostgresPool(background, maximumConnections: 6)
        let formats = try AdFormatLoader.load(extra: options.adformats)
        let loader = SnapshotLoader(pool: pool, formats: formats, mediaBaseURL: options.mediaBase)
        let serving = ServingHolder()
        let profiles = ProfileStore(maximumProfiles: options.profiles)
        var backend = DeliveryBackend.live(
            pool: pool, formats: formats, geo: try geo(), preview: PreviewParameter(secret: secrets.shopperKey),
            mediaBaseURL: options.mediaBase)
        backend.explain = { record in
            let found = try await pool.transaction(.repeatableRead) { db in
                try DecisionReader.describe(record, answers: [], viewer: .retailer, on: db)
            }
            return DecisionJSON.explanation(found)
        }
        let environment = DeliveryEnvironment(
            settings: try settings(), serving: serving, profiles: profiles, log: sink ?? watching?(log) ?? log,
            tokens: AdTokenCodec(secrets.tokenKeys), shopperHash: ShopperHash(key: secrets.shopperKey),
            agents: try agents(),
            backend: backend,
            tag: try AdFormatLoader.tag(formats), metrics: metrics, clock: clock)
        // Before the first state is seen, or a shopper's caps would start anew whenever the database is late.
        let refresher = ServingRefresher(
            serving: serving, loader: loader, listening: system, metrics: metrics, logger: logger,
            onFirstLoad: { await rebuildProfiles(environment, $0, pool) }, clock: clock)
        let leases = LeaseKeeper(
            serving: serving, store: LeaseStore(pool: pool, nodeID: node.node), nodeCode: "node-\(node.node)",
            metrics: metrics, logger: logger, clock: clock)
        let goals = GoalKeeper(
            serving: serving, store: GoalStore(pool: pool), metrics: metrics, logger: logger, clock: clock)
        let audiences = AudienceKeeper(
            environment: environment,
            loader: AudienceLoader(
                pool: pool, keys: environment.keys,
                log: LogIdentity(nodeID: node.node, high: log.logID.high, low: log.logID.low)),
            logDirectory: node.logDirectory, logger: logger)
        await refresher.refresh()
        await leases.round()
        await goals.round()
        let caps = CapKeeper(
            holder: environment.caps, serving: serving, profiles: profiles,
            membership: CapMembership(pool: pool, nodeID: node.node), hash: environment.shopperHash, nodeID: node.node,
            metrics: metrics, logger: logger, clock: clock)
        await caps.round()
        await audiences.look()

        let ready = Countdown(3, then: onReady)
        let delivery = DeliveryServer(
            environment: environment, host: options.host, port: options.port, logger: logger,
            onListening: { _ in ready.step() })
        let registry = metrics
        // A pool of its own: a long report must not keep leases and stock waiting.
        let reading = PostgresPool(system, maximumConnections: 3)
        let health = NodeHealth(log: log, refresher: refresher, pool: reading, nodeID: node.node)
        var services = ManagementServices(
            database: database, sealer: Sealer(key: secrets.sealingKey), clock: clock)
        services.preview = PreviewParameter(secret: secrets.shopperKey)
        services.shopperKeys = environment.keys
        services.limits = RateLimits(actor: options.requestsPerMinute, network: options.anonymousRequestsPerMinute)
        services.formats = formats
        services.trustedProxies = try trustedProxies()
        services.outbound = outbound ?? options.outbound.policy()
        services.kktu = try KKTUDictionary(csv: Data(contentsOf: DataFiles.url("kktu.csv")))
        services.deliveryBaseURL = options.publicBase
        services.mediaBaseURL = options.mediaBase
        services.managementBaseURL = options.managementBase
        services.deliveryDocument = try DataFiles.deliveryDocument()
        services.snapshots = SnapshotArchive(loader: loader, shopperHash: environment.shopperHash)
        let own = node
        services.recentDecision = { try await DecisionLog.recent($0, node: own, pool: reading) }
        let management = ManagementServer(
            options: ListenerOptions(host: options.managementHost, port: options.managementPort), services: services,
            metrics: { registry.render() }, health: { await health.checks() }, logger: logger,
            onRunning: { _ in ready.step() })
        let media = MediaServer(
            options: ListenerOptions(host: options.host, port: options.mediaPort), pool: reading, logger: logger,
            onRunning: { _ in ready.step() })
        let bots = BotListRefresher(file: agentsFile, environment: environment, logger: logger)
        return Assembly(
            services: [leases, goals, caps, refresher, audiences, bots, management, media, delivery], log: log,
            pools: [pool, reading, services.pool], environment: environment, refresher: refresher, leases: leases,
            goals: goals, audiences: audiences, delivery: delivery)
    }

    /// Profiles live in memory only; after a restart they come back from the node's own log and the database.
    private func rebuildProfiles(
        _ environment: DeliveryEnvironment, _ state: ServingState, _ pool: PostgresPool
    ) async {
        var reader: EventLogReader?
        do {
            reader = try EventLogReader(directory: node.logDirectory)
        } catch {
            logger.warning("profiles are rebuilt without the log", metadata: ["error": "\(error)"])
        }
        await ProfileRebuild.run(
            reader, history: ProfileHistory(pool: pool), into: environment.profiles, state: state,
            hash: environment.shopperHash, now: clock(), logger: logger)
    }

    private func settings() throws -> DeliverySettings {
        var settings = DeliverySettings()
        settings.nodeID = node.node
        settings.publicBaseURL = options.publicBase
        settings.trustedProxies = try trustedProxies()
        settings.corsOrigins = Set(options.corsOrigins)
        settings.customerSecrets = secrets.customerSecrets
        settings.loops = options.loops
        return settings
    }

    private func trustedProxies() throws -> TrustedProxies {
        guard let proxies = TrustedProxies(options.trustedProxies) else {
            throw Refusal("--trusted-proxies takes networks such as 10.0.0.0/8; one of those given is not.")
        }
        return proxies
    }

    private var agentsFile: URL {
        options.botAgents.map { URL(fileURLWithPath: $0) } ?? DataFiles.url("bot-agents.txt")
    }

    private func agents() throws -> UserAgentClassifier {
        guard let text = try? String(contentsOf: agentsFile, encoding: .utf8) else {
            throw Refusal("the list of bot agents \(agentsFile.path) cannot be read; check --bot-agents.")
        }
        return try UserAgentClassifier(list: text)
    }

    private func geo() throws -> GeoDatabase? { try options.geoip.map { try GeoDatabase(path: $0) } }
}

/// Calls back when everything awaited has happened.
private final class Countdown: Sendable {
    private let left: Mutex<Int>
    private let done: @Sendable () -> Void

    init(_ count: Int, then done: @escaping @Sendable () -> Void) {
        left = Mutex(count)
        self.done = done
    }

    func step() {
        let reached = left.withLock { left in
            left -= 1
            return left == 0
        }
        if reached { done() }
    }
}
