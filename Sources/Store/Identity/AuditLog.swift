import AdModel
import Postgres

/// One change: who did what to which object, and what it was before and after.
public struct AuditEntry: Equatable, Sendable {
    /// On whose behalf somebody acts. Advertisers are told of the retailer's people as "retailer" only.
    public enum Side: String, Sendable { case retailer, advertiser, system }

    /// `user:usr-…`, `key:key-…` or `system:<part>`.
    public var actor: String
    /// Told by the tenant of the transaction unless given.
    public var side: Side?
    /// Object and past participle: `campaign.updated`.
    public var action: String
    /// Kind of the object: `campaign`.
    public var object: String
    /// Public id (`code`) of the object.
    public var id: String
    /// The advertiser whose business it is; nil = the retailer's own.
    public var advertiser: Int32?
    /// JSON texts of what changed; never with a secret or a hash in them. Nil = the object did not exist.
    public var before: String?
    public var after: String?
    public var requestID: String
    public var at: Timestamp

    public init(
        actor: String, side: Side? = nil, action: String, object: String, id: String, advertiser: Int32?,
        before: String?, after: String?, requestID: String, at: Timestamp
    ) {
        self.actor = actor
        self.side = side
        self.action = action
        self.object = object
        self.id = id
        self.advertiser = advertiser
        self.before = before
        self.after = after
        self.requestID = requestID
        self.at = at
    }
}

/// The append-only log of changes.
public enum AuditLog {
    /// Adds an entry inside the caller's transaction, so that no change is without its entry.
    public static func record(_ entry: AuditEntry, on db: isolated PostgresConnection) throws {
        try db.query(
            """
            insert into audit_entry (at, actor, side, action, object, object_id, advertiser_id, before, after, request_id)
            values ($1, $2, coalesce($3, case nimb_scope() when 'retailer' then 'retailer'
                when 'advertisers' then 'advertiser' else 'system' end), $4, $5, $6, $7, $8, $9, $10)
            """,
            [
                .timestamptz(micros: entry.at.micros), .text(entry.actor), .text(orNull: entry.side?.rawValue),
                .text(entry.action), .text(entry.object), .text(entry.id), .int4(orNull: entry.advertiser),
                .jsonb(orNull: entry.before), .jsonb(orNull: entry.after), .text(entry.requestID),
            ])
    }
}
