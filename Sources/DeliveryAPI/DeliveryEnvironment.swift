import AdFormats
import AdModel
import Audiences
import Decisioning
import Measurement
import Profiles
import Store
import Synchronization
import Telemetry

/// What the operator chooses for the edge.
public struct DeliverySettings: Sendable {
    /// Number of this node; part of every decision id.
    public var nodeID: Int16 = 1
    /// Public address of the edge, without a trailing slash; tracking and click addresses start with it.
    public var publicBaseURL = "http://localhost:8080"
    public var trustedProxies = TrustedProxies.none
    /// Origins that may call from pages, beside those of the storefronts' own addresses.
    public var corsOrigins: Set<String> = []
    /// Secrets that the shop signs customer ids with; all are tried, so that one can be replaced.
    public var customerSecrets: [[UInt8]] = []
    /// Ad events of one shopper in a minute that are more than a person can cause.
    public var eventsPerMinute = 300
    public var limits = HTTPLimits()
    /// Event loops; 0 = one per core.
    public var loops = 0

    public init() {}

    /// Cookies carry `Secure` when the edge is reached by https.
    var isHTTPS: Bool { publicBaseURL.hasPrefix("https://") }
}

/// What the edge asks of the database, off the request path.
public struct DeliveryBackend: Sendable {
    /// Content hash stored for a client id, nil when it is new. `kind` is `order` or `adjustment`.
    public var contentHash:
        (@Sendable (_ storefrontID: Int32, _ kind: String, _ clientID: String) async throws -> [UInt8]?)?
    /// Stores stock deltas of a location (by code). Throws `StockError` for what is wrong with the call.
    public var applyStock:
        (@Sendable (_ deltas: [StockDelta], _ location: String, _ asOf: Timestamp) async throws -> StockResult)?
    /// Turns an ad, as the answer has it, into HTML; nil when the format is not installed.
    public var renderHTML: (@Sendable (_ format: String, _ ad: [UInt8]) -> String?)?
    /// Opens the signed parameters of previews; nil where there are none.
    public var previewParameter: PreviewParameter?
    /// Reads a creative version for a preview, whatever its state.
    public var previewCreative: (@Sendable (_ versionID: Int32, _ now: Timestamp) async throws -> PreviewCreative?)?
    /// Says as JSON why a decision came out as it did, for the owner of the shop; nil where nobody can.
    public var explain: (@Sendable (DecisionRecord) async throws -> String)?
    /// ISO 3166-2 (or 3166-1) code of an address's place.
    public var region: (@Sendable (ClientAddress) -> RegionCode?)?

    public init() {}
}

/// Everything the edge is composed of. Made by the composition root, shared by all event loops.
public final class DeliveryEnvironment: Sendable {
    public let settings: DeliverySettings
    public let serving: ServingHolder
    public let profiles: ProfileStore
    /// What is counted of shoppers for audiences.
    public let audiences = LiveAudiences()
    public let log: any EventSink
    public let tokens: AdTokenCodec
    public let shopperHash: ShopperHash
    public let backend: DeliveryBackend
    public let metrics: MetricsRegistry
    /// The clock of everything the edge stamps: real, or the simulator's.
    public let clock: @Sendable () -> Timestamp
    let rates: EventRateLimiter
    let recent: RecentEvents
    let links: RecentKeys
    let counters: EdgeCounters
    let previews = PreviewCache()
    /// Which shoppers' caps this node counts.
    public let caps: CapHolder
    let tag: TagAnswers?
    private let agents: Mutex<UserAgentClassifier>

    /// - Parameter tag: what is answered at `/tag/…`; without it there is nothing.
    public init(
        settings: DeliverySettings, serving: ServingHolder, profiles: ProfileStore, log: any EventSink,
        tokens: AdTokenCodec, shopperHash: ShopperHash, agents: UserAgentClassifier,
        backend: DeliveryBackend = DeliveryBackend(), tag: TagFiles? = nil,
        caps: CapHolder = CapHolder(), metrics: MetricsRegistry,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.settings = settings
        self.serving = serving
        self.profiles = profiles
        self.log = log
        self.tokens = tokens
        self.shopperHash = shopperHash
        self.agents = Mutex(agents)
        self.backend = backend
        self.tag = tag.map(TagAnswers.init)
        self.caps = caps
        self.metrics = metrics
        self.clock = clock
        rates = EventRateLimiter(limitPerMinute: settings.eventsPerMinute)
        recent = RecentEvents()
        links = RecentKeys(capacity: 65_536)
        counters = EdgeCounters(metrics)
    }

    /// Names of shoppers in memory.
    public var keys: ShopperKeys { ShopperKeys(shopperHash) }

    /// Puts a newer list of bot agents in use.
    public func use(_ classifier: UserAgentClassifier) { agents.withLock { $0 = classifier } }

    func isBot(_ agent: String) -> Bool { agents.withLock { $0 }.isBot(agent) }
}

/// Counters of the edge, made once.
final class EdgeCounters: Sendable {
    let decisions: Counter
    let ads: Counter
    let noFill: [Counter]
    let noFillLogFull: Counter
    let decisionTime: DurationHistogram
    let accepted: Counter
    let duplicates: Counter
    let invalid: [InvalidReason: Counter]
    let refused: [ProblemCode: Counter]
    let clicksNotLogged: Counter
    let logRefusals: Counter
    let databaseFailures: Counter

    init(_ metrics: MetricsRegistry) {
        decisions = metrics.counter("nimb_decisions_total", "Placement calls decided.")
        ads = metrics.counter("nimb_ads_total", "Ads served.")
        noFill = NoFillReason.allCases.map {
            metrics.counter("nimb_no_fill_total", "Slots left empty, by reason.", [("reason", $0.name)])
        }
        noFillLogFull = metrics.counter("nimb_no_fill_total", "Slots left empty, by reason.", [("reason", "log_full")])
        decisionTime = metrics.duration("nimb_placements_seconds", "Parsing, deciding and writing one answer.")
        accepted = metrics.counter("nimb_events_accepted_total", "Events put into the log.")
        duplicates = metrics.counter("nimb_events_duplicate_total", "Events recognised as repeated by the edge.")
        invalid = Dictionary(
            uniqueKeysWithValues: InvalidReason.allCases.map {
                ($0, metrics.counter("nimb_events_invalid_total", "Invalid traffic.", [("reason", $0.rawValue)]))
            })
        refused = Dictionary(
            uniqueKeysWithValues: ProblemCode.allCases.map {
                ($0, metrics.counter("nimb_events_refused_total", "Events refused.", [("code", $0.rawValue)]))
            })
        clicksNotLogged = metrics.counter(
            "nimb_clicks_not_logged_total", "Clicks redirected although the log could not take them.")
        logRefusals = metrics.counter("nimb_log_refusals_total", "Appends that the event log refused.")
        databaseFailures = metrics.counter(
            "nimb_edge_database_failures_total", "Look-ups for which the database was not available.")
    }
}
