import AdModel
import Audiences
import Decisioning

/// All that serving reads of the database, taken at one control version in one transaction.
public struct ServingData: Equatable, Sendable {
    /// What decisions are made from.
    public var input: SnapshotInput
    public var storefronts: [ServingStorefront] = []
    /// SHA-256 of a server key to what it opens. Only unexpired keys of kind `shop`.
    public var serverKeys: [[UInt8]: ServerKey] = [:]
    /// By creative version id; also versions that no longer serve, as long as an ad may still be clicked.
    public var creatives = ServingCreatives()
    /// By product id, promoted products only.
    public var products = IDPages<ServingProduct>()
    /// Brand names as the shop writes them, to brand ids.
    public var brandAliases: [String: Int32] = [:]
    /// Audiences by id, and where cohorts of buyers begin: what the facts of shoppers are kept for.
    public var audiences: [AudienceDefinition] = []
    public var rfm = RFMThresholds()
    /// Shoppers erased lately: what the log still says of the time before is not to be believed.
    public var erasures: [ServingErasure] = []
    /// Billing deadlines of the retailer.
    public var impressionDeadline = Timestamp.Span.hours(1)
    public var clickDeadline = Timestamp.Span.hours(24)
    /// Ids of the products whose stock decisions look at.
    public var promotedProductIDs: [Int32] = []
    /// Products beside the promoted ones that the snapshot knows, and whether the catalogue has more than the limit.
    public var contextProducts = 0
    public var isContextCut = false
    /// When what is valid by date was worked out, and when the settings were read.
    public var checkedAt = Timestamp(micros: .min)
    public var settingsReadAt = Timestamp(micros: .min)

    public init(version: Int64) { input = SnapshotInput(version: version) }
}

/// A shopper who asked to be forgotten.
public struct ServingErasure: Equatable, Sendable {
    /// Days that erasures are remembered: as long as segments of a log may lie about.
    public static let keptDays = 31

    /// Key of the visitor or customer.
    public var key: UInt64
    /// What was received before is forgotten.
    public var at: Timestamp
    /// The rows of the database still name the shopper.
    public var isOpen: Bool

    public init(key: UInt64, at: Timestamp, isOpen: Bool) {
        self.key = key
        self.at = at
        self.isOpen = isOpen
    }
}

/// What the edge knows of a storefront beside its placements.
public struct ServingStorefront: Equatable, Sendable {
    public var id: Int32
    public var code: String
    /// `scheme://host[:port]` of the shop, for CORS.
    public var origin: String
    /// Lower-case hosts that clicks may land on.
    public var landingHosts: Set<String>
    /// Seconds that the storefront's zone is ahead of UTC at the time of loading.
    public var zoneOffsetSeconds: Int64
    public var defaultLocationID: Int32?

    public init(
        id: Int32, code: String, origin: String, landingHosts: Set<String>, zoneOffsetSeconds: Int64,
        defaultLocationID: Int32?
    ) {
        self.id = id
        self.code = code
        self.origin = origin
        self.landingHosts = landingHosts
        self.zoneOffsetSeconds = zoneOffsetSeconds
        self.defaultLocationID = defaultLocationID
    }
}

/// A server key and until when it is good.
public struct ServerKey: Equatable, Sendable {
    public var storefrontID: Int32
    public var expiresAt: Timestamp

    public init(storefrontID: Int32, expiresAt: Timestamp) {
        self.storefrontID = storefrontID
        self.expiresAt = expiresAt
    }
}

/// A creative version as clicks and rendering need it.
public struct ServingCreative: Equatable, Sendable {
    public struct Picture: Sendable, Equatable {
        public var url: String
        public var width: Int32
        public var height: Int32

        public init(url: String, width: Int32, height: Int32) {
            self.url = url
            self.width = width
            self.height = height
        }
    }

    public var versionID: Int32
    public var lineItemID: Int32
    /// `<creative code>-v<version>`.
    public var publicID: String
    public var format: String
    public var landingURL: String
    /// Empty when there is none; such a creative never serves.
    public var erid: String
    /// The creative's fields, JSON.
    public var fieldsJSON: String
    public var pictures: [Picture]
    public var advertiserName: String
    public var advertiserINN: String

    public init(
        versionID: Int32, lineItemID: Int32, publicID: String, format: String, landingURL: String, erid: String,
        fieldsJSON: String, pictures: [Picture], advertiserName: String, advertiserINN: String
    ) {
        self.versionID = versionID
        self.lineItemID = lineItemID
        self.publicID = publicID
        self.format = format
        self.landingURL = landingURL
        self.erid = erid
        self.fieldsJSON = fieldsJSON
        self.pictures = pictures
        self.advertiserName = advertiserName
        self.advertiserINN = advertiserINN
    }
}

/// Creative versions by id, and which of them each line item has.
public struct ServingCreatives: Equatable, Sendable {
    private var byVersion = IDPages<ServingCreative>()
    private var versions = IDPages<[Int32]>()

    public init() {}

    /// All of them, in order of the version ids.
    public var values: [ServingCreative] { byVersion.ids.compactMap { byVersion[$0] } }

    /// By version id; nil = not known, or not to be clicked any more.
    public subscript(versionID: Int32) -> ServingCreative? {
        get { byVersion[versionID] }
        set {
            if let old = byVersion[versionID] {
                versions[old.lineItemID] = versions[old.lineItemID]?.filter { $0 != versionID }
            }
            byVersion[versionID] = newValue
            if let new = newValue { versions[new.lineItemID] = (versions[new.lineItemID] ?? []) + [versionID] }
        }
    }

    /// Forgets all versions of a line item.
    public mutating func remove(ofLineItem id: Int32) {
        for version in versions[id] ?? [] { byVersion[version] = nil }
        versions[id] = nil
    }

    public static func == (one: Self, other: Self) -> Bool { one.byVersion == other.byVersion }
}

/// A promoted product as clicks and rendering need it.
public struct ServingProduct: Equatable, Sendable {
    public var sku: String
    public var name: String
    public var url: String?
    public var pictureURL: String?

    public init(sku: String, name: String, url: String?, pictureURL: String?) {
        self.sku = sku
        self.name = name
        self.url = url
        self.pictureURL = pictureURL
    }
}

/// Why serving data cannot be used; the old data stays in use.
public struct ServingDataError: Error, Sendable, CustomStringConvertible {
    /// Stable.
    public var code: String
    public var message: String
    /// Loading again without a change of the data would fail again.
    public var isRetryable: Bool { false }

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code): \(message)" }
}
