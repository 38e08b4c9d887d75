import AdModel
import Postgres

/// One notice on its way to one webhook.
public struct WebhookDelivery: Equatable, Sendable {
    public var id: Int64
    public var code: String
    /// Public id.
    public var notice: String
    public var kind: String
    /// `pending`, `delivered`, `dead`.
    public var state: String
    /// Since somebody last asked for it.
    public var attempts: Int
    public var nextAttemptAt: Timestamp
    public var createdAt: Timestamp
    public var deliveredAt: Timestamp?
    /// Of the last attempt.
    public var lastStatus: Int?
    public var lastError: String?
}

/// One try.
public struct WebhookAttempt: Equatable, Sendable {
    public var attemptedAt: Timestamp
    /// nil when there was no answer.
    public var status: Int?
    /// nil when it was delivered.
    public var error: String?
    public var milliseconds: Int
}

/// What is due: everything that is needed to send it.
public struct DueDelivery: Sendable {
    public var id: Int64
    public var code: String
    public var url: String
    /// nil when the secret was sealed with a key that is no longer there.
    public var secret: String?
    /// JSON.
    public var body: String
    public var attempts: Int
}

/// Deliveries of webhooks: what is due, what came of it.
public enum WebhookDeliveries {
    /// Tries until a delivery is dead.
    public static let attemptLimit = 12
    /// Attempts that a history shows.
    public static let historyLimit = 100
    /// Deliveries of one round.
    public static let batchLimit: Int64 = 64
    static let firstPause = Timestamp.Span.seconds(30)
    static let longestPause = Timestamp.Span.hours(6)

    /// 30 s, 1 min, 2 min, … up to 6 h.
    public static func pause(after attempts: Int) -> Timestamp.Span {
        let doubled = firstPause.micros << Int64(min(max(attempts - 1, 0), 20))
        return min(Timestamp.Span(micros: doubled), longestPause)
    }

    /// Deliveries whose time has come, oldest first. Webhooks that are not active keep theirs waiting.
    public static func due(
        now: Timestamp, sealer: Sealer, on db: isolated PostgresConnection
    ) throws -> [DueDelivery] {
        try db.query(
            """
            select d.id, d.code, w.url, w.sealed_secret, d.attempts, json_build_object('id', n.code, 'kind', n.kind,
                'advertiser', a.code, 'object', n.object, 'object_id', n.object_id, 'details', n.details, 'raised_at',
                to_char(n.raised_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text as body
            from webhook_delivery d join webhook w on w.id = d.webhook_id join notice n on n.id = d.notice_id
            left join advertiser a on a.id = n.advertiser_id
            where d.state = 'pending' and d.next_attempt_at <= $1 and w.active
            order by d.next_attempt_at, d.id limit \(batchLimit)
            """, [.timestamptz(micros: now.micros)]
        ).map { row in
            let sealed = String(decoding: try row.bytes("sealed_secret"), as: UTF8.self)
            return DueDelivery(
                id: try row.int64("id"), code: try row.string("code"), url: try row.string("url"),
                secret: sealer.open(sealed, purpose: WebhookStore.purpose).map { String(decoding: $0, as: UTF8.self) },
                body: try row.string("body"), attempts: try row.int("attempts"))
        }
    }

    /// Notes what came of an attempt: delivered, tried again later, or dead.
    public static func record(
        _ delivery: DueDelivery, status: Int?, error: String?, milliseconds: Int, at now: Timestamp,
        on db: isolated PostgresConnection
    ) throws {
        try db.query(
            """
            insert into webhook_attempt (delivery_id, attempted_at, status, error, milliseconds)
            values ($1, $2, $3, $4, $5)
            """,
            [
                .int8(delivery.id), .timestamptz(micros: now.micros), .int4(orNull: status.map(Int32.init)),
                .text(orNull: error.map { String($0.prefix(500)) }), .int4(Int32(clamping: milliseconds)),
            ])
        let attempts = delivery.attempts + 1
        let state = error == nil ? "delivered" : attempts >= attemptLimit ? "dead" : "pending"
        try db.query(
            """
            update webhook_delivery set state = $2, attempts = $3, next_attempt_at = $4, delivered_at = $5
            where id = $1
            """,
            [
                .int8(delivery.id), .text(state), .int4(Int32(attempts)),
                .timestamptz(micros: (now + pause(after: attempts)).micros),
                error == nil ? .timestamptz(micros: now.micros) : .null,
            ])
    }

    /// Makes a delivery due again, whatever came of it; its history stays.
    public static func redeliver(
        _ code: String, of webhook: Webhook, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> WebhookDelivery {
        try db.query(
            """
            update webhook_delivery set state = 'pending', attempts = 0, next_attempt_at = $3, delivered_at = null
            where code = $1 and webhook_id = $2
            """, [.text(code), .int4(webhook.id), .timestamptz(micros: now.micros)])
        return try get(code, of: webhook, on: db)
    }

    public static func get(
        _ code: String, of webhook: Webhook, on db: isolated PostgresConnection
    ) throws -> WebhookDelivery {
        guard
            let row = try db.query(
                "\(columns) where d.webhook_id = $1 and d.code = $2", [.int4(webhook.id), .text(code)]
            ).first
        else { throw Refusal.notFound }
        return try delivery(row)
    }

    /// Newest first.
    public static func list(
        of webhook: Webhook, state: String?, before: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [WebhookDelivery] {
        try db.query(
            """
            \(columns) where d.webhook_id = $1 and ($2::text is null or d.state = $2) and ($3::bigint = 0 or d.id < $3)
            order by d.id desc limit $4
            """, [.int4(webhook.id), .text(orNull: state), .int8(before), .int8(limit)]
        ).map(delivery)
    }

    /// Newest first.
    public static func history(
        of delivery: WebhookDelivery, on db: isolated PostgresConnection
    ) throws -> [WebhookAttempt] {
        try db.query(
            """
            select attempted_at, status, error, milliseconds from webhook_attempt where delivery_id = $1
            order by id desc limit \(historyLimit)
            """, [.int8(delivery.id)]
        ).map { row in
            WebhookAttempt(
                attemptedAt: Timestamp(micros: try row.micros("attempted_at")), status: try row.intIfPresent("status"),
                error: try row.stringIfPresent("error"), milliseconds: try row.int("milliseconds"))
        }
    }

    private static let columns = """
        select d.id, d.code, n.code as notice, n.kind, d.state, d.attempts, d.next_attempt_at, d.created_at,
            d.delivered_at, t.status, t.error
        from webhook_delivery d join notice n on n.id = d.notice_id
        left join lateral (select status, error from webhook_attempt where delivery_id = d.id order by id desc limit 1) t
            on true
        """

    private static func delivery(_ row: PostgresRow) throws -> WebhookDelivery {
        WebhookDelivery(
            id: try row.int64("id"), code: try row.string("code"), notice: try row.string("notice"),
            kind: try row.string("kind"), state: try row.string("state"), attempts: try row.int("attempts"),
            nextAttemptAt: Timestamp(micros: try row.micros("next_attempt_at")),
            createdAt: Timestamp(micros: try row.micros("created_at")),
            deliveredAt: try row.microsIfPresent("delivered_at").map { Timestamp(micros: $0) },
            lastStatus: try row.intIfPresent("status"), lastError: try row.stringIfPresent("error"))
    }
}
