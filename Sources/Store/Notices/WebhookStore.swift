import AdModel
import Crypto
import Postgres

/// An address that gets notices.
public struct Webhook: Equatable, Sendable {
    public var id: Int32
    public var code: String
    /// Public id; nil for the retailer's, which gets every notice.
    public var advertiser: String?
    public var advertiserID: Int32?
    public var url: String
    public var kinds: [String]
    public var active: Bool
    public var createdAt: Timestamp
    public var revision: Int64
}

/// Webhooks and their secrets. A secret is shown once; at rest it is sealed with a key outside the database.
public enum WebhookStore {
    /// Webhooks of one owner.
    public static let limit: Int64 = 20
    /// What seals secrets.
    static let purpose = "webhook secret"

    /// A new secret as its owner sees it.
    public static func makeSecret() -> String {
        var generator = SystemRandomNumberGenerator()
        let digits = (0..<32).map { _ in
            let text = String(UInt8.random(in: 0...255, using: &generator), radix: 16)
            return text.count == 1 ? "0" + text : text
        }
        return "whsec_" + digits.joined()
    }

    /// - Throws: `Refusal` when the owner has `limit` webhooks already.
    public static func create(
        advertiser: Int32?, url: String, kinds: [String], active: Bool, secret: String, actor: String, sealer: Sealer,
        now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Webhook {
        let count = try db.query(
            "select count(*) as n from webhook where advertiser_id is not distinct from $1", [.int4(orNull: advertiser)]
        ).single().int64("n")
        guard count < limit else { throw Refusal(.conflict, "At most \(limit) webhooks: remove one first.") }
        let code = Code.make("whk")
        try db.query(
            """
            insert into webhook (code, advertiser_id, url, kinds, active, sealed_secret, created_at, actor)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                .text(code), .int4(orNull: advertiser), .text(url), .textArray(kinds), .bool(active),
                .bytea(Array(sealer.seal(Array(secret.utf8), purpose: purpose).utf8)),
                .timestamptz(micros: now.micros), .text(actor),
            ])
        return try get(code, on: db)
    }

    public static func update(
        _ webhook: Webhook, url: String, kinds: [String], active: Bool, on db: isolated PostgresConnection
    ) throws -> Webhook {
        try db.query(
            "update webhook set url = $2, kinds = $3, active = $4, revision = revision + 1 where id = $1",
            [.int4(webhook.id), .text(url), .textArray(kinds), .bool(active)])
        return try get(webhook.code, on: db)
    }

    public static func rotate(
        _ webhook: Webhook, secret: String, sealer: Sealer, on db: isolated PostgresConnection
    ) throws -> Webhook {
        try db.query(
            "update webhook set sealed_secret = $2, revision = revision + 1 where id = $1",
            [.int4(webhook.id), .bytea(Array(sealer.seal(Array(secret.utf8), purpose: purpose).utf8))])
        return try get(webhook.code, on: db)
    }

    public static func delete(_ webhook: Webhook, on db: isolated PostgresConnection) throws {
        try db.query("delete from webhook where id = $1", [.int4(webhook.id)])
    }

    /// - Throws: `Refusal.notFound` when there is none that the caller may see.
    public static func get(
        _ code: String, forUpdate: Bool = false, on db: isolated PostgresConnection
    ) throws -> Webhook {
        guard
            let row = try db.query("\(columns) where w.code = $1\(forUpdate ? " for update of w" : "")", [.text(code)])
                .first
        else { throw Refusal.notFound }
        return try webhook(row)
    }

    /// Oldest first.
    public static func list(after: Int64, limit: Int64, on db: isolated PostgresConnection) throws -> [Webhook] {
        try db.query("\(columns) where w.id > $1 order by w.id limit $2", [.int8(after), .int8(limit)]).map(webhook)
    }

    private static let columns = """
        select w.id, w.code, w.advertiser_id, a.code as advertiser, w.url, w.kinds, w.active, w.created_at, w.revision
        from webhook w left join advertiser a on a.id = w.advertiser_id
        """

    private static func webhook(_ row: PostgresRow) throws -> Webhook {
        Webhook(
            id: try row.int32("id"), code: try row.string("code"), advertiser: try row.stringIfPresent("advertiser"),
            advertiserID: try row.int32IfPresent("advertiser_id"), url: try row.string("url"),
            kinds: try row.stringArray("kinds"), active: try row.bool("active"),
            createdAt: Timestamp(micros: try row.micros("created_at")), revision: try row.int64("revision"))
    }
}

/// How a receiver knows that a delivery is ours and new.
public enum WebhookSignature {
    public static let header = "Nimb-Signature"

    /// `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">` under the webhook's secret.
    public static func make(secret: String, body: String, at now: Timestamp) -> String {
        let seconds = floorDivide(now.micros, 1_000_000)
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("\(seconds).\(body)".utf8), using: SymmetricKey(data: Array(secret.utf8)))
        let hex = code.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
        return "t=\(seconds),v1=\(hex)"
    }
}
