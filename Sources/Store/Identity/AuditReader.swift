import AdModel
import Postgres

/// An entry of the audit log as it is read.
public struct AuditRecord: Equatable, Sendable {
    public var id: Int64
    public var at: Timestamp
    public var actor: String
    public var side: AuditEntry.Side
    public var action: String
    public var object: String
    public var objectID: String
    public var advertiserCode: String?
    /// JSON texts.
    public var before: String?
    public var after: String?
    public var requestID: String
}

extension AuditLog {
    /// Which entries a page holds.
    public struct Filter: Sendable {
        public var actor: String?
        public var action: String?
        public var object: String?
        public var objectID: String?
        /// Code of an advertiser.
        public var advertiser: String?
        public var from: Timestamp?
        /// Not included.
        public var to: Timestamp?

        public init(
            actor: String? = nil, action: String? = nil, object: String? = nil, objectID: String? = nil,
            advertiser: String? = nil, from: Timestamp? = nil, to: Timestamp? = nil
        ) {
            self.actor = actor
            self.action = action
            self.object = object
            self.objectID = objectID
            self.advertiser = advertiser
            self.from = from
            self.to = to
        }
    }

    /// Entries that the tenant may see, the newest first.
    /// - Parameters:
    ///   - hidesStaff: for advertisers: who acted for the retailer is told as `retailer`, and cannot be searched by.
    ///   - before: internal id of the last entry of the page before.
    public static func list(
        _ filter: Filter, hidesStaff: Bool, before: Int64?, limit: Int, on db: isolated PostgresConnection
    ) throws -> [AuditRecord] {
        let rows = try db.query(
            """
            select * from (
                select e.id, e.at, case when $1 and e.side <> 'advertiser' then e.side else e.actor end as actor, e.side,
                    e.action, e.object, e.object_id, a.code as advertiser_code,
                    e.before::text as before, e.after::text as after, e.request_id
                from audit_entry e left join advertiser a on a.id = e.advertiser_id
                where e.id < $2 and ($3::text is null or e.action = $3) and ($4::text is null or e.object = $4)
                    and ($5::text is null or e.object_id = $5) and ($6::text is null or a.code = $6)
                    and ($7::timestamptz is null or e.at >= $7) and ($8::timestamptz is null or e.at < $8)
            ) as e where ($9::text is null or e.actor = $9) order by id desc limit $10
            """,
            [
                .bool(hidesStaff), .int8(before ?? .max), .text(orNull: filter.action), .text(orNull: filter.object),
                .text(orNull: filter.objectID), .text(orNull: filter.advertiser),
                .timestamptz(orNull: filter.from?.micros), .timestamptz(orNull: filter.to?.micros),
                .text(orNull: filter.actor), .int(limit),
            ])
        return try rows.map { row in
            AuditRecord(
                id: try row.int64("id"), at: Timestamp(micros: try row.micros("at")), actor: try row.string("actor"),
                side: AuditEntry.Side(rawValue: try row.string("side")) ?? .system,
                action: try row.string("action"), object: try row.string("object"),
                objectID: try row.string("object_id"), advertiserCode: try row.stringIfPresent("advertiser_code"),
                before: try row.stringIfPresent("before"), after: try row.stringIfPresent("after"),
                requestID: try row.string("request_id"))
        }
    }
}
