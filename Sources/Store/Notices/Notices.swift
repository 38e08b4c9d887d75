import AdModel
import Postgres

/// Things that somebody should know. Raised inside the transaction that makes them true; mails and webhook deliveries
/// are made of them later by a job.
public enum Notices {
    /// Records a notice unless its episode has one already.
    ///
    /// - Parameters:
    ///   - advertiser: whose it is; nil for the retailer alone.
    ///   - object: what it is about: `campaign`, `line_item`, `creative`, `advertiser`, `feed`.
    ///   - id: the public id of that object.
    ///   - detailsJSON: a JSON object with what a reader needs beside; no personal data.
    ///   - dedupeKey: names the episode, at most 255 characters, for example `creative_rejected:cr-1:3`. A second
    ///     notice of the same episode changes nothing.
    ///   - now: when it came to be; the database's clock unless given.
    /// - Returns: true when the notice is new.
    @discardableResult
    public static func raise(
        kind: NoticeKind, advertiser: Int32?, object: String, id: String, detailsJSON: String = "{}",
        dedupeKey: String, now: Timestamp? = nil, on db: isolated PostgresConnection
    ) throws -> Bool {
        try !db.query(
            """
            insert into notice (code, kind, advertiser_id, object, object_id, details, dedupe_key, raised_at)
            values ('ntc-' || replace(gen_random_uuid()::text, '-', ''), $1, $2, $3, $4, $5, $6,
                coalesce($7::timestamptz, now()))
            on conflict (dedupe_key) do nothing
            returning 1 as one
            """,
            [
                .text(kind.rawValue), .int4(orNull: advertiser), .text(object), .text(id), .jsonb(detailsJSON),
                .text(dedupeKey), .timestamptz(orNull: now?.micros),
            ]
        ).isEmpty
    }
}
