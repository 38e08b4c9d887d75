import AdFormats
import AdModel
import Measurement
import ORD
import Outbound
import Postgres
import Store

/// What the routes of the management API work with.
public struct ManagementServices: Sendable {
    /// Connections under the role of the management API: no tenant, no rows.
    public let pool: PostgresPool
    public var clock: @Sendable () -> Timestamp
    /// Seals cursors and secrets at rest; the same on every node.
    public var sealer: Sealer
    public var limits = RateLimits()
    /// Hashes passwords off the event loops and off database connections.
    public var passwords: any PasswordHashing = ScryptHasher()
    /// Proxies whose `X-Forwarded-For` is believed.
    public var trustedProxies = TrustedProxies.none
    /// Ad formats in use; nil where creatives are not served.
    public var formats: AdFormatSet?
    /// Codes of goods; nil where the dictionary is not loaded. Set to the one that ships; read with its refreshes, as
    /// they were seen last.
    public var kktu: KKTUDictionary? {
        get { kktuSource?.latest }
        set { kktuSource = newValue.map(KKTUSource.init) }
    }
    /// The dictionary with its refreshes.
    var kktuSource: KKTUSource?
    /// Which foreign addresses (feeds, webhooks) may be stored.
    public var outbound = OutboundPolicy.publicOnly
    /// Addresses as browsers see them, without a trailing slash.
    public var deliveryBaseURL = "http://127.0.0.1:8080"
    public var managementBaseURL = "http://127.0.0.1:8081"
    public var mediaBaseURL = "http://127.0.0.1:8082"
    /// Signs the parameters of previews. Unless it is given the secret of serving, no node shows what it signs.
    public var preview = PreviewParameter(secret: (0..<32).map { _ in UInt8.random(in: 0...255) })
    /// Names shoppers as nodes do; unless it has the secret of serving, no node knows whom an erasure is about.
    public var shopperKeys = ShopperKeys(ShopperHash(key: (0..<16).map { _ in UInt8.random(in: 0...255) }))
    /// Where Debian's JavaScript packages are installed, of which the cabinet uses two files.
    public var javascriptFolder = AdminSite.debianFolder
    /// Snapshots of past decisions; nil where nothing is asked again.
    public var snapshots: SnapshotArchive?
    /// Decisions of this node that are not shipped yet.
    public var recentDecision: (@Sendable (DecisionID) async throws -> DecisionRecord?)?
    /// The OpenAPI document of the delivery API, served beside our own.
    public var deliveryDocument = ""

    /// - Parameter database: how to reach the database; the role of the management API is taken by this initializer,
    ///   so that no route can work around the policies.
    public init(
        database: PostgresOptions, maximumConnections: Int = 4, sealer: Sealer = .random(),
        clock: @escaping @Sendable () -> Timestamp
    ) {
        pool = PostgresPool(database.asManagement, maximumConnections: maximumConnections)
        self.sealer = sealer
        self.clock = clock
    }
}
