import AdModel
import Postgres

/// An API key as management shows it; the key itself is told once, when it is made.
public struct APIKeyRecord: Equatable, Sendable {
    public var id: Int32
    public var code: String
    public var name: String
    /// The beginning of the key, to recognise it by.
    public var prefix: String
    /// `shop`, `advertiser` or `retailer`.
    public var kind: String
    public var storefrontCode: String?
    public var advertiserID: Int32?
    public var advertiserCode: String?
    /// Nil for shop keys; keys from before there were roles show what they count as.
    public var role: String?
    /// Nil for shop keys; `*` = everything the role may.
    public var scopes: [String]?
    /// Nil = never.
    public var expiresAt: Timestamp?
    public var createdAt: Timestamp
    /// Written at most once a minute.
    public var lastUsedAt: Timestamp?
    public var revokedAt: Timestamp?
    public var revision: Int64
}

/// Keys for programs.
public enum APIKeys {
    /// Keys of one advertiser, one storefront or the retailer that are not revoked.
    public static let perOwner = 100

    /// What a new key is for.
    public enum Owner: Equatable, Sendable {
        case shop(storefront: Int32)
        case advertiser(Int32)
        case retailer

        var kind: String {
            switch self {
            case .shop: "shop"
            case .advertiser: "advertiser"
            case .retailer: "retailer"
            }
        }
    }

    private static let select = """
        select k.id, k.code, k.name, k.prefix, k.kind, s.code as storefront_code, k.advertiser_id,
            a.code as advertiser_code,
            case k.kind when 'shop' then null when 'advertiser' then coalesce(k.role, 'advertiser_manager')
                else coalesce(k.role, 'admin') end as role,
            case k.kind when 'shop' then null else coalesce(k.scopes, '{*}') end as scopes,
            k.expires_at, k.created_at, k.last_used_at, k.revoked_at, k.revision
        from api_key k left join storefront s on s.id = k.storefront_id left join advertiser a on a.id = k.advertiser_id
        """

    /// Makes a key and returns it with its text, which is told now and never again.
    public static func create(
        code: String, name: String, owner: Owner, role: String?, scopes: [String]?, expiresAt: Timestamp?,
        createdBy: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> (record: APIKeyRecord, text: String) {
        var storefront: Int32?
        var advertiser: Int32?
        switch owner {
        case .shop(let id): storefront = id
        case .advertiser(let id): advertiser = id
        case .retailer: break
        }
        let held = try db.query(
            """
            select count(*) as n from api_key where kind = $1 and storefront_id is not distinct from $2
                and advertiser_id is not distinct from $3 and revoked_at is null and expires_at > $4
            """,
            [
                .text(owner.kind), .int4(orNull: storefront), .int4(orNull: advertiser),
                .timestamptz(micros: now.micros),
            ])
        guard try held.single().int64("n") < perOwner else {
            throw Refusal(.limitReached, "There are \(perOwner) keys in use; revoke one first.")
        }
        let text = owner.keyPrefix + SecretToken().text
        do {
            try db.savepoint {
                _ = try db.query(
                    """
                    insert into api_key (code, name, prefix, hash, kind, storefront_id, advertiser_id, role, scopes,
                        expires_at, created_by, created_at)
                    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                    """,
                    [
                        .text(code), .text(name), .text(APIKeyText.shownPrefix(text)), .bytea(APIKeyText.hash(text)),
                        .text(owner.kind), .int4(orNull: storefront), .int4(orNull: advertiser), .text(orNull: role),
                        scopes.map { .textArray($0) } ?? .null,
                        .timestamptz(micros: expiresAt?.micros ?? .max), .text(createdBy),
                        .timestamptz(micros: now.micros),
                    ])
            }
        } catch let error as PostgresError where error.kind == .uniqueViolation {
            throw Refusal(.conflict, field: "id", "Another key has this id.")
        }
        return (try require(code, on: db), text)
    }

    /// The key of a code.
    public static func find(_ code: String, on db: isolated PostgresConnection) throws -> APIKeyRecord? {
        try db.query("\(select) where k.code = $1", [.text(code)]).first.map(read)
    }

    /// The same, locked until the transaction ends; `not_found` when there is none to see.
    public static func lock(_ code: String, on db: isolated PostgresConnection) throws -> APIKeyRecord {
        try db.query("select 1 as one from api_key where code = $1 for update", [.text(code)])
        return try require(code, on: db)
    }

    /// Keys by internal id.
    public static func list(
        kind: String?, advertiser: String?, revoked: Bool?, after: Int64?, limit: Int,
        on db: isolated PostgresConnection
    ) throws -> [APIKeyRecord] {
        try db.query(
            """
            \(select) where k.id > $1 and ($2::text is null or k.kind = $2) and ($3::text is null or a.code = $3)
                and ($4::boolean is null or (k.revoked_at is not null) = $4)
            order by k.id limit $5
            """,
            [
                .int8(after ?? 0), .text(orNull: kind), .text(orNull: advertiser), .bool(orNull: revoked), .int(limit),
            ]
        ).map(read)
    }

    /// Changes the name, the scopes (of keys that have them) or the end of a locked key; nil = stays.
    public static func update(
        _ key: APIKeyRecord, name: String?, scopes: [String]?, expiresAt: Timestamp??,
        on db: isolated PostgresConnection
    ) throws -> APIKeyRecord {
        guard key.revokedAt == nil else { throw Refusal(.invalidState, "The key is revoked; make another.") }
        try db.query(
            """
            update api_key set name = coalesce($2, name), scopes = coalesce($3, scopes),
                expires_at = coalesce($4, expires_at), revision = revision + 1 where id = $1
            """,
            [
                .int4(key.id), .text(orNull: name), scopes.map { .textArray($0) } ?? .null,
                .timestamptz(orNull: expiresAt.map { $0?.micros ?? .max }),
            ])
        return try require(key.code, on: db)
    }

    /// Ends a locked key for good. Ending twice changes nothing.
    public static func revoke(
        _ key: APIKeyRecord, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> APIKeyRecord {
        // The end is moved too, for readers that know only of it.
        try db.query(
            """
            update api_key set revoked_at = $2, expires_at = least(expires_at, $2), revision = revision + 1
            where id = $1 and revoked_at is null
            """, [.int4(key.id), .timestamptz(micros: now.micros)])
        return try require(key.code, on: db)
    }

    private static func require(_ code: String, on db: isolated PostgresConnection) throws -> APIKeyRecord {
        guard let found = try find(code, on: db) else { throw Refusal.notFound }
        return found
    }

    private static func read(_ row: PostgresRow) throws -> APIKeyRecord {
        let end = try row.micros("expires_at")
        return APIKeyRecord(
            id: try row.int32("id"), code: try row.string("code"), name: try row.string("name"),
            prefix: try row.string("prefix"), kind: try row.string("kind"),
            storefrontCode: try row.stringIfPresent("storefront_code"),
            advertiserID: try row.int32IfPresent("advertiser_id"),
            advertiserCode: try row.stringIfPresent("advertiser_code"), role: try row.stringIfPresent("role"),
            scopes: try row.stringArrayIfPresent("scopes"),
            expiresAt: end == .max ? nil : Timestamp(micros: end),
            createdAt: Timestamp(micros: try row.micros("created_at")),
            lastUsedAt: try row.microsIfPresent("last_used_at").map { Timestamp(micros: $0) },
            revokedAt: try row.microsIfPresent("revoked_at").map { Timestamp(micros: $0) },
            revision: try row.int64("revision"))
    }
}

extension APIKeys.Owner {
    fileprivate var keyPrefix: String { APIKeyText.prefix(kind: kind) }
}
