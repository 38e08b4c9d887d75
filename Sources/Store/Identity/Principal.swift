import AdModel
import Postgres

/// Who stands behind a presented key or session, and what he may do.
public struct Principal: Equatable, Sendable {
    /// One advertiser that he may act for.
    public struct Access: Equatable, Sendable {
        public var advertiserID: Int32
        public var advertiserCode: String
        public var advertiserName: String
        public var role: String
    }

    /// The person of a session.
    public struct Person: Equatable, Sendable {
        public var id: Int32
        public var code: String
        public var email: String
        public var name: String
        public var language: String
    }

    /// The session he came with.
    public struct Session: Equatable, Sendable {
        public var id: Int64
        public var expiresAt: Timestamp
        /// The one advertiser that the session is limited to; nil = all of `advertisers`.
        public var advertiserID: Int32?
    }

    /// The API key he came with.
    public struct Key: Equatable, Sendable {
        public var code: String
        /// Nil = no limit.
        public var scopes: [String]?
        public var expiresAt: Timestamp
    }

    /// `user:usr-…` or `key:key-…`: safe to log.
    public var name: String
    public var side: AuditEntry.Side
    public var retailerRoles: [String]
    public var advertisers: [Access]
    public var person: Person?
    public var session: Session?
    public var key: Key?

    /// Nil = no limit.
    public var scopes: [String]? { key?.scopes }

    /// The advertisers that the caller acts for now: one when his session is limited to it, else all of his.
    public var activeAdvertisers: [Access] {
        guard let only = session?.advertiserID else { return advertisers }
        return advertisers.filter { $0.advertiserID == only }
    }
}

/// Finds out who presents a secret. Needs a connection that sees all tenants: nobody is known before.
public enum Principals {
    /// How often the last use of a key or a session is written.
    public static let touchEvery = Timestamp.Span.minutes(1)

    /// The holder of a management key; nil when it is unknown, expired, revoked or a shop's (those are for delivery).
    public static func holder(
        ofKey key: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Principal? {
        let rows = try db.query(
            """
            select k.id, k.code, k.kind, k.role, k.scopes, k.expires_at, k.last_used_at, k.advertiser_id,
                a.code as advertiser_code, a.name as advertiser_name
            from api_key k left join advertiser a on a.id = k.advertiser_id
            where k.hash = $1 and k.kind <> 'shop' and k.expires_at > $2 and k.revoked_at is null
            """, [.bytea(APIKeyText.hash(key)), .timestamptz(micros: now.micros)])
        guard let row = rows.first else { return nil }
        if try row.microsIfPresent("last_used_at").map({ Timestamp(micros: $0) + touchEvery <= now }) ?? true {
            try db.query(
                "update api_key set last_used_at = $2 where id = $1",
                [.int4(try row.int32("id")), .timestamptz(micros: now.micros)])
        }
        let code = try row.string("code")
        let own = Principal.Key(
            code: code, scopes: try row.stringArrayIfPresent("scopes"),
            expiresAt: Timestamp(micros: try row.micros("expires_at")))
        var principal = Principal(
            name: "key:\(code)", side: .retailer, retailerRoles: [], advertisers: [], person: nil, session: nil,
            key: own)
        // Keys from before there were roles may do what their kind may.
        let role = try row.stringIfPresent("role")
        if let advertiser = try row.int32IfPresent("advertiser_id") {
            principal.side = .advertiser
            principal.advertisers = [
                Principal.Access(
                    advertiserID: advertiser, advertiserCode: try row.string("advertiser_code"),
                    advertiserName: try row.string("advertiser_name"), role: role ?? "advertiser_manager")
            ]
        } else {
            principal.retailerRoles = [role ?? "admin"]
        }
        return principal
    }

    /// The owner of a session; nil when it has ended, was idle for too long, or its user is disabled.
    public static func owner(
        ofSession token: SecretToken, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Principal? {
        let rows = try db.query(
            """
            select s.id as session_id, s.expires_at, s.seen_at, s.advertiser_id,
                u.id, u.code, u.email, u.name, u.language, u.side
            from user_session s join app_user u on u.id = s.user_id
            where s.token_hash = $1 and s.ended_at is null and s.expires_at > $2 and s.seen_at > $3 and not u.disabled
            """,
            [
                .bytea(token.hash), .timestamptz(micros: now.micros),
                .timestamptz(micros: (now - Sessions.idle).micros),
            ])
        guard let row = rows.first else { return nil }
        let session = Principal.Session(
            id: try row.int64("session_id"), expiresAt: Timestamp(micros: try row.micros("expires_at")),
            advertiserID: try row.int32IfPresent("advertiser_id"))
        if Timestamp(micros: try row.micros("seen_at")) + touchEvery <= now {
            try db.query(
                "update user_session set seen_at = $2 where id = $1",
                [.int8(session.id), .timestamptz(micros: now.micros)])
        }
        let person = Principal.Person(
            id: try row.int32("id"), code: try row.string("code"), email: try row.string("email"),
            name: try row.string("name"), language: try row.string("language"))
        var principal = Principal(
            name: "user:\(person.code)", side: try row.string("side") == "retailer" ? .retailer : .advertiser,
            retailerRoles: [], advertisers: [], person: person, session: session, key: nil)
        let memberships = try db.query(
            """
            select m.role, m.advertiser_id, a.code, a.name
            from membership m left join advertiser a on a.id = m.advertiser_id
            where m.user_id = $1 order by m.id
            """, [.int4(person.id)])
        for row in memberships {
            let role = try row.string("role")
            guard let advertiser = try row.int32IfPresent("advertiser_id") else {
                principal.retailerRoles.append(role)
                continue
            }
            principal.advertisers.append(
                Principal.Access(
                    advertiserID: advertiser, advertiserCode: try row.string("code"),
                    advertiserName: try row.string("name"), role: role))
        }
        return principal
    }
}
