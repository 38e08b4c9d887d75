import AdModel
import Audiences
import Billing
import Measurement
import Postgres

/// Reads all that audiences are evaluated on, in one view of the database.
public struct AudienceLoader: Sendable {
    /// Facts as the database knows them.
    public struct Loaded: Sendable {
        public var facts: AudienceFacts
        public var zone: AccountingZone
        /// Up to where the log is in them; nil = nothing of it was shipped.
        public var position: Int64?
    }

    private let pool: PostgresPool
    private let keys: ShopperKeys
    private let log: LogIdentity?
    private let maximumShoppers: Int

    /// - Parameter log: the node's own log, whose events the node counts by itself beyond what is shipped.
    public init(pool: PostgresPool, keys: ShopperKeys, log: LogIdentity?, maximumShoppers: Int = 8_000_000) {
        self.pool = pool
        self.keys = keys
        self.log = log
        self.maximumShoppers = maximumShoppers
    }

    /// - Parameter onView: called when it is settled what the result will hold: what is received from then on, it
    ///   will not.
    public func load(
        _ definitions: [AudienceDefinition], thresholds: RFMThresholds, now: Timestamp,
        onView: @escaping @Sendable () -> Void
    ) async throws -> Loaded {
        let keys = keys
        let log = log
        let maximumShoppers = maximumShoppers
        return try await pool.transaction(.repeatableRead) { db in
            let position = try log.flatMap { try CheckpointStore.position(of: $0, on: db) }
            let zone = try RetailerZone.load(on: db)
            onView()
            let book = try AudienceBookReader.book(definitions, thresholds: thresholds, on: db)
            let facts = try Self.facts(
                of: book, keys: keys, zone: zone, now: now, maximumShoppers: maximumShoppers, on: db)
            return Loaded(facts: facts, zone: zone, position: position)
        }
    }

    private static func facts(
        of book: AudienceBook, keys: ShopperKeys, zone: AccountingZone, now: Timestamp, maximumShoppers: Int,
        on db: isolated PostgresConnection
    ) throws -> AudienceFacts {
        let facts = AudienceFacts(book, maximumShoppers: maximumShoppers)
        let today = zone.day(of: now).number
        try AudienceFactsReader(facts: facts, keys: keys, zone: zone.identifier, now: now, today: today).read(db)
        facts.findChampions(today: today)
        return facts
    }
}

/// How many shoppers a condition holds for now.
public struct AudienceSize: Sendable, Equatable {
    /// Fewer are not told to advertisers.
    public static let least = 100
    /// Longest that the database may think about it.
    static let timeLimitMilliseconds = 10_000

    public var shoppers: Int
    /// All shoppers that are known.
    public var known: Int

    /// Counts over all shoppers, for a condition that need not be stored. As the ledgers have it: what was shipped.
    public static func make(
        _ definition: AudienceDefinition, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> AudienceSize {
        // Nobody's names leave this function, so any key will do.
        let keys = ShopperKeys(ShopperHash(key: (0..<16).map { _ in UInt8.random(in: 0...255) }))
        return try PlanningScope.acrossTenants(db) { db in
            let zone = try RetailerZone.load(on: db)
            let thresholds = try RFMSettings.load(on: db).thresholds
            let book = try AudienceBookReader.book([definition], thresholds: thresholds, on: db)
            let facts = AudienceFacts(book)
            let today = zone.day(of: now).number
            try AudienceFactsReader(facts: facts, keys: keys, zone: zone.identifier, now: now, today: today).read(db)
            facts.findChampions(today: today)
            let sizes = facts.sizes(today: today)
            return AudienceSize(shoppers: sizes.members[0], known: sizes.shoppers)
        }
    }
}
