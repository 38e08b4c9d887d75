import AdModel
import Postgres

/// A feed that a worker holds for one run.
public struct ClaimedFeed: Sendable, Equatable {
    public var id: Int32
    public var code: String
    public var run: Int64
    public var storefront: String
    public var location: String
    public var url: String
    public var removedShareLimit: Int32
    /// What the last import was made of.
    public var etag: String?
    public var lastModified: String?
    public var digest: [UInt8]?
}

/// How a run ended.
public enum FeedOutcome: Sendable, Equatable {
    /// What identifies the version that was fetched, for the next conditional request.
    public struct Version: Sendable, Equatable {
        public var etag: String?
        public var lastModified: String?
        /// SHA-256 of the file.
        public var digest: [UInt8]?

        public init(etag: String? = nil, lastModified: String? = nil, digest: [UInt8]? = nil) {
            self.etag = etag
            self.lastModified = lastModified
            self.digest = digest
        }
    }

    /// What an import did.
    public struct Import: Sendable, Equatable {
        public var feedDate: Timestamp
        public var offers: Int
        public var accepted: Int
        public var removed: Int
        public var productsCreated: Int
        public var productsChanged: Int
        public var badOffers: [String: Int]

        public init(
            feedDate: Timestamp, offers: Int, accepted: Int, removed: Int, productsCreated: Int, productsChanged: Int,
            badOffers: [String: Int]
        ) {
            self.feedDate = feedDate
            self.offers = offers
            self.accepted = accepted
            self.removed = removed
            self.productsCreated = productsCreated
            self.productsChanged = productsChanged
            self.badOffers = badOffers
        }
    }

    case imported(Import, Version)
    /// The server said so, or sent the same bytes again.
    case unchanged(Version)
    /// Nothing was changed.
    case failed(code: String, detail: String, isRetryable: Bool)
}

/// Which feeds are due, who runs them, and which are late. A run is claimed for a while and held by renewing the claim,
/// so that the feed of a worker that died goes on after `claimSeconds`.
public enum FeedSchedule {
    /// How long a claim lasts without being renewed.
    public static let claimSeconds: Int64 = 300
    /// First pause after a failure that may go away by itself; it doubles up to the feed's interval.
    public static let retrySeconds: Int64 = 60
    /// Characters of an error that are kept.
    static let detailLimit = 500

    /// Takes up to `limit` due feeds, those that have waited longest first, and begins a run of each.
    public static func claim(
        limit: Int, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> [ClaimedFeed] {
        let instant = PostgresValue.timestamptz(micros: now.micros)
        // Runs of workers that died.
        try db.query(
            """
            with dead as (
                select id from feed where claimed_until <= $1 order by id for update skip locked
            ), freed as (
                update feed f set claimed_until = null, failures = failures + 1 from dead where f.id = dead.id
            )
            update feed_run r set status = 'failed', finished_at = $1, error_code = 'interrupted',
                error_detail = 'the worker ended in the middle of the run'
            from dead where r.feed_id = dead.id and r.status = 'running'
            """, [instant])
        let due = try db.query(
            """
            select f.*, s.code as storefront, l.code as location from feed f
            join storefront s on s.id = f.storefront_id join stock_location l on l.id = f.location_id
            where f.claimed_until is null and (f.requested or f.enabled and f.next_run_at <= $1)
            order by f.requested desc, f.next_run_at, f.id limit $2 for update of f skip locked
            """, [instant, .int(limit)])
        return try due.map { row in
            let id = try row.int32("id")
            let run = try db.query(
                "insert into feed_run (feed_id, requested, started_at) values ($1, $2, $3) returning id",
                [.int4(id), .bool(try row.bool("requested")), instant]
            ).single().int64("id")
            try db.query(
                """
                update feed set requested = false, claimed_until = $2::timestamptz + make_interval(secs => \(claimSeconds))
                where id = $1
                """, [.int4(id), instant])
            return ClaimedFeed(
                id: id, code: try row.string("code"), run: run, storefront: try row.string("storefront"),
                location: try row.string("location"), url: try row.string("url"),
                removedShareLimit: try row.int32("removed_share_limit"), etag: try row.stringIfPresent("etag"),
                lastModified: try row.stringIfPresent("last_modified"), digest: try row.bytesIfPresent("digest"))
        }
    }

    /// Keeps a claim alive. False when it was lost: somebody else may run the feed.
    public static func renew(
        _ feed: ClaimedFeed, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Bool {
        try db.query(
            """
            update feed set claimed_until = $3::timestamptz + make_interval(secs => \(claimSeconds))
            where id = $1 and claimed_until is not null
                and exists (select 1 from feed_run r where r.id = $2 and r.status = 'running')
            """, [.int4(feed.id), .int8(feed.run), .timestamptz(micros: now.micros)]
        ).affected == 1
    }

    /// Records how the run ended and when the next one is due. Does nothing when the claim was lost.
    public static func finish(
        _ feed: ClaimedFeed, _ outcome: FeedOutcome, httpStatus: Int? = nil, bytes: Int? = nil, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws {
        let instant = PostgresValue.timestamptz(micros: now.micros)
        var status = FeedRunRecord.Status.failed
        var error: (code: String, detail: String)?
        var imported: FeedOutcome.Import?
        var version: FeedOutcome.Version?
        switch outcome {
        case .imported(let facts, let fetched): (status, imported, version) = (.imported, facts, fetched)
        case .unchanged(let fetched): (status, version) = (.unchanged, fetched)
        case .failed(let code, let detail, _): error = (code, String(detail.prefix(detailLimit)))
        }
        let bad = (imported?.badOffers ?? [:]).sorted { $0.key < $1.key }
            .map { "\(JSONFragment.quoted($0.key)):\($0.value)" }.joined(separator: ",")
        let recorded = try db.query(
            """
            update feed_run set status = $2, finished_at = $3, error_code = $4, error_detail = $5, http_status = $6,
                bytes = $7, feed_date = $8, offers = $9, accepted = $10, removed = $11, products_created = $12,
                products_changed = $13, bad_offers = $14
            where id = $1 and status = 'running'
            """,
            [
                .int8(feed.run), .text(status.rawValue), instant, .text(orNull: error?.code),
                .text(orNull: error?.detail), .int4(orNull: httpStatus.map(Int32.init)),
                .int8(orNull: bytes.map(Int64.init)), .timestamptz(orNull: imported?.feedDate.micros),
                .int4(orNull: imported.map { Int32($0.offers) }), .int4(orNull: imported.map { Int32($0.accepted) }),
                .int4(orNull: imported.map { Int32($0.removed) }),
                .int4(orNull: imported.map { Int32($0.productsCreated) }),
                .int4(orNull: imported.map { Int32($0.productsChanged) }), .jsonb("{\(bad)}"),
            ])
        guard recorded.affected == 1 else { return }
        if let version {
            try succeed(feed, version, instant, on: db)
        } else if case .failed(_, _, let isRetryable) = outcome {
            // What a person has to change first is asked for again at the usual time only.
            try db.query(
                """
                update feed set claimed_until = null, failures = failures + 1, next_run_at = $2::timestamptz
                    + make_interval(secs => case when $3 then
                        least(interval_seconds, \(retrySeconds) * power(2, least(failures, 12))) else interval_seconds end)
                where id = $1
                """, [.int4(feed.id), instant, .bool(isRetryable)])
        }
        try db.query(
            "delete from feed_run where feed_id = $1 and started_at < $2::timestamptz - interval '\(FeedRuns.keptDays) days'",
            [.int4(feed.id), instant])
    }

    /// An address that was changed meanwhile keeps its fresh start.
    private static func succeed(
        _ feed: ClaimedFeed, _ version: FeedOutcome.Version, _ instant: PostgresValue,
        on db: isolated PostgresConnection
    ) throws {
        try db.query(
            """
            update feed set claimed_until = null, failures = 0, last_success_at = $2::timestamptz, waiting_since = $2::timestamptz,
                late_since = null,
                etag = case when url = $6 then $3::text end, last_modified = case when url = $6 then $4::text end,
                digest = case when url = $6 then $5::bytea end,
                next_run_at = case when url = $6 then $2::timestamptz + make_interval(secs => interval_seconds)
                    else $2::timestamptz end
            where id = $1
            """,
            [
                .int4(feed.id), instant, .text(orNull: version.etag), .text(orNull: version.lastModified),
                .bytea(orNull: version.digest), .text(feed.url),
            ])
    }

    /// Tells of every feed that has not succeeded for twice its interval, once per episode.
    /// - Returns: codes of the feeds that became late now.
    public static func raiseLate(now: Timestamp, on db: isolated PostgresConnection) throws -> [String] {
        let rows = try db.query(
            """
            update feed f set late_since = $1 from storefront s, stock_location l
            where s.id = f.storefront_id and l.id = f.location_id and f.enabled and f.late_since is null
                and f.waiting_since + make_interval(secs => 2 * f.interval_seconds) < $1
            returning f.code, f.interval_seconds, f.waiting_since, s.code as storefront, l.code as location,
                (select r.error_code from feed_run r where r.feed_id = f.id and r.status <> 'running'
                    order by r.id desc limit 1) as error
            """, [.timestamptz(micros: now.micros)])
        return try rows.map { row in
            let code = try row.string("code")
            let waiting = Timestamp(micros: try row.micros("waiting_since"))
            let members = [
                "\"storefront\":\(JSONFragment.quoted(try row.string("storefront")))",
                "\"location\":\(JSONFragment.quoted(try row.string("location")))",
                "\"interval_seconds\":\(try row.int32("interval_seconds"))",
                "\"waiting_since\":\(JSONFragment.quoted(waiting.rfc3339))",
                "\"last_error\":\(try row.stringIfPresent("error").map(JSONFragment.quoted) ?? "null")",
            ]
            try Notices.raise(
                kind: .feedLate, advertiser: nil, object: "feed", id: code,
                detailsJSON: "{\(members.joined(separator: ","))}", dedupeKey: "feed_late:\(code):\(waiting.micros)",
                now: now, on: db)
            return code
        }
    }
}
