import AdModel
import Postgres

/// One run of a feed.
public struct FeedRunRecord: Sendable, Equatable {
    public enum Status: String, Sendable, CaseIterable { case running, imported, unchanged, failed }

    public var id: Int64
    public var status: Status
    /// Asked for by somebody, not by the schedule.
    public var isRequested: Bool
    public var startedAt: Timestamp
    public var finishedAt: Timestamp?
    public var errorCode: String?
    /// For people; no secrets.
    public var errorDetail: String?
    public var httpStatus: Int32?
    /// As sent.
    public var bytes: Int64?
    public var feedDate: Timestamp?
    public var offers: Int32?
    public var accepted: Int32?
    /// Products that could be bought and are not in the feed any more.
    public var removed: Int32?
    public var productsCreated: Int32?
    public var productsChanged: Int32?
    /// Skipped offers by reason, as JSON.
    public var badOffersJSON: String
}

/// The history of feeds.
public enum FeedRuns {
    /// How long it is kept.
    public static let keptDays: Int64 = 90

    /// Newest first; `before` is the id of the last run of the page before, 0 for the first page.
    public static func list(
        feed: FeedRecord, before: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [FeedRunRecord] {
        try db.query(
            """
            select *, bad_offers::text as bad from feed_run where feed_id = $1 and ($2 = 0 or id < $2)
            order by id desc limit $3
            """, [.int4(feed.id), .int8(before), .int8(limit)]
        ).map { row in
            FeedRunRecord(
                id: try row.int64("id"), status: FeedRunRecord.Status(rawValue: try row.string("status")) ?? .failed,
                isRequested: try row.bool("requested"), startedAt: Timestamp(micros: try row.micros("started_at")),
                finishedAt: try row.microsIfPresent("finished_at").map(Timestamp.init(micros:)),
                errorCode: try row.stringIfPresent("error_code"), errorDetail: try row.stringIfPresent("error_detail"),
                httpStatus: try row.int32IfPresent("http_status"), bytes: try row.int64IfPresent("bytes"),
                feedDate: try row.microsIfPresent("feed_date").map(Timestamp.init(micros:)),
                offers: try row.int32IfPresent("offers"), accepted: try row.int32IfPresent("accepted"),
                removed: try row.int32IfPresent("removed"),
                productsCreated: try row.int32IfPresent("products_created"),
                productsChanged: try row.int32IfPresent("products_changed"), badOffersJSON: try row.string("bad"))
        }
    }
}
