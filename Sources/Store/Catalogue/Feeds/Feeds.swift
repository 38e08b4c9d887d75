import AdModel
import Postgres

/// A full feed that is fetched by address: the catalogue of a storefront with the stock and prices of one location.
public struct FeedRecord: Sendable, Equatable {
    public var id: Int32
    public var code: String
    /// Codes of the storefront and the stock location.
    public var storefront: String
    public var location: String
    public var url: String
    public var intervalSeconds: Int32
    public var isEnabled: Bool
    /// How much of what can be bought in the location a feed may take away, in millionths.
    public var removedShareLimit: Int32
    public var nextRunAt: Timestamp
    /// Somebody asked for a run that has not begun yet.
    public var isRequested: Bool
    public var isRunning: Bool
    /// Failed runs since the last success.
    public var failures: Int32
    public var lastSuccessAt: Timestamp?
    /// Since when it is late; nil while it is not.
    public var lateSince: Timestamp?
    public var revision: Int64
}

/// What the retailer decides about a feed.
public struct FeedDraft: Sendable, Equatable {
    public var code: String
    public var storefront: String
    public var location: String
    public var url: String
    public var intervalSeconds: Int32
    public var isEnabled: Bool
    public var removedShareLimit: Int32

    public init(
        code: String, storefront: String, location: String, url: String, intervalSeconds: Int32 = 3_600,
        isEnabled: Bool = true, removedShareLimit: Int32 = 300_000
    ) {
        self.code = code
        self.storefront = storefront
        self.location = location
        self.url = url
        self.intervalSeconds = intervalSeconds
        self.isEnabled = isEnabled
        self.removedShareLimit = removedShareLimit
    }
}

/// Scheduled feeds as the retailer keeps them.
public enum Feeds {
    /// Shortest and longest pause between two runs, seconds.
    public static let intervals: ClosedRange<Int64> = 300...604_800

    private static let selection = """
        select f.*, s.code as storefront, l.code as location, f.claimed_until is not null as running
        from feed f join storefront s on s.id = f.storefront_id join stock_location l on l.id = f.location_id
        """

    /// By id, ascending.
    public static func list(
        storefront: String? = nil, location: String? = nil, late: Bool? = nil, after: Int64, limit: Int64,
        on db: isolated PostgresConnection
    ) throws -> [FeedRecord] {
        try db.query(
            """
            \(selection) where f.id > $1 and ($3::text is null or s.code = $3) and ($4::text is null or l.code = $4)
                and ($5::boolean is null or (f.late_since is not null) = $5)
            order by f.id limit $2
            """,
            [
                .int8(after), .int8(limit), .text(orNull: storefront), .text(orNull: location), .bool(orNull: late),
            ]
        ).map(record)
    }

    /// Throws `Refusal.notFound`. `lock` keeps the row until the end of the transaction.
    public static func find(
        _ code: String, lock: Bool = false, on db: isolated PostgresConnection
    ) throws -> FeedRecord {
        guard
            let row = try db.query("\(selection) where f.code = $1 \(lock ? "for update of f" : "")", [.text(code)])
                .first
        else { throw Refusal.notFound }
        return try record(row)
    }

    /// Due at once.
    public static func create(
        _ draft: FeedDraft, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> FeedRecord {
        guard let shop = try db.query("select id from storefront where code = $1", [.text(draft.storefront)]).first
        else {
            throw Refusal.unknownReference("storefront", draft.storefront)
        }
        // Locked, so that two feeds of one location are created one after the other.
        guard
            let place = try db.query(
                "select id from stock_location where code = $1 for update", [.text(draft.location)]
            ).first
        else { throw Refusal.unknownReference("location", draft.location) }
        let location = try place.int32("id")
        if let other = try db.query("select code from feed where location_id = $1", [.int4(location)]).first {
            throw Refusal(
                .conflict, field: "location",
                "The feed \(try other.string("code")) fills this location already: a full feed tells all the stock of "
                    + "its location.")
        }
        let added = try db.query(
            """
            insert into feed (code, storefront_id, location_id, url, interval_seconds, enabled, removed_share_limit,
                created_at, next_run_at, waiting_since) values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8)
            on conflict (code) do nothing
            """,
            [
                .text(draft.code), .int4(try shop.int32("id")), .int4(location), .text(draft.url),
                .int4(draft.intervalSeconds), .bool(draft.isEnabled), .int4(draft.removedShareLimit),
                .timestamptz(micros: now.micros),
            ])
        guard added.affected == 1 else {
            throw Refusal(.conflict, field: "id", "There is a feed “\(draft.code)” already.")
        }
        return try find(draft.code, on: db)
    }

    /// Writes address, interval, switch and limit. What was fetched from another address says nothing about this one,
    /// so a new address starts without validators and is due at once, like a feed that is switched on.
    public static func update(
        _ feed: FeedRecord, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> FeedRecord {
        try db.query(
            """
            update feed set url = $3, interval_seconds = $4::int, enabled = $5, removed_share_limit = $6,
                revision = revision + 1,
                etag = case when url = $3 then etag end,
                last_modified = case when url = $3 then last_modified end,
                digest = case when url = $3 then digest end,
                waiting_since = case when $5 and not enabled then $7::timestamptz else waiting_since end,
                late_since = case when $5 then late_since end,
                next_run_at = case when url <> $3 or $5 and not enabled then $7::timestamptz
                    else least(next_run_at, $7::timestamptz + make_interval(secs => $4::int)) end
            where id = $1 and revision = $2
            """,
            [
                .int4(feed.id), .int8(feed.revision), .text(feed.url), .int4(feed.intervalSeconds),
                .bool(feed.isEnabled), .int4(feed.removedShareLimit), .timestamptz(micros: now.micros),
            ])
        return try find(feed.code, on: db)
    }

    /// Makes the feed due, also one that is switched off. A feed that is running runs again afterwards.
    public static func request(_ feed: FeedRecord, now: Timestamp, on db: isolated PostgresConnection) throws {
        try db.query("update feed set requested = true where id = $1", [.int4(feed.id)])
    }

    /// Its history goes with it; the catalogue stays.
    public static func delete(_ feed: FeedRecord, on db: isolated PostgresConnection) throws {
        if feed.isRunning {
            throw Refusal(.conflict, "The feed is being imported now; switch it off, then delete it when it has ended.")
        }
        try db.query("delete from feed where id = $1", [.int4(feed.id)])
    }

    private static func record(_ row: PostgresRow) throws -> FeedRecord {
        FeedRecord(
            id: try row.int32("id"), code: try row.string("code"), storefront: try row.string("storefront"),
            location: try row.string("location"), url: try row.string("url"),
            intervalSeconds: try row.int32("interval_seconds"), isEnabled: try row.bool("enabled"),
            removedShareLimit: try row.int32("removed_share_limit"),
            nextRunAt: Timestamp(micros: try row.micros("next_run_at")), isRequested: try row.bool("requested"),
            isRunning: try row.bool("running"), failures: try row.int32("failures"),
            lastSuccessAt: try row.microsIfPresent("last_success_at").map(Timestamp.init(micros:)),
            lateSince: try row.microsIfPresent("late_since").map(Timestamp.init(micros:)),
            revision: try row.int64("revision"))
    }
}
