import AdModel
import Postgres

/// Sessions of users: only the hash of the token that the browser carries is stored.
public enum Sessions {
    /// A session ends after this time without a request.
    public static let idle = Timestamp.Span.hours(1)
    /// A session ends after this time however busy it is.
    public static let absolute = Timestamp.Span.hours(12)
    /// Sessions of one user at a time; the oldest ends when one more begins.
    public static let perUser = 20
    /// How long a network that a user has logged in from counts as his.
    public static let networkMemory = Timestamp.Span.days(30)

    /// Begins a session and returns its token, which is told to the browser and to nobody else.
    public static func begin(
        user: Int32, network: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> SecretToken {
        let token = SecretToken()
        try db.query(
            """
            update user_session set ended_at = $2 where id in (
                select id from user_session where user_id = $1 and ended_at is null order by id desc offset $3)
            """, [.int4(user), .timestamptz(micros: now.micros), .int(perUser - 1)])
        try db.query(
            """
            insert into user_session (user_id, token_hash, network, created_at, seen_at, expires_at)
            values ($1, $2, $3, $4, $4, $5)
            """,
            [
                .int4(user), .bytea(token.hash), .text(network), .timestamptz(micros: now.micros),
                .timestamptz(micros: (now + absolute).micros),
            ])
        return token
    }

    /// Ends one session.
    public static func end(_ session: Int64, now: Timestamp, on db: isolated PostgresConnection) throws {
        try db.query(
            "update user_session set ended_at = $2 where id = $1 and ended_at is null",
            [.int8(session), .timestamptz(micros: now.micros)])
    }

    /// Ends every session of a user: his password changed, or he was disabled.
    public static func endAll(ofUser user: Int32, now: Timestamp, on db: isolated PostgresConnection) throws {
        try db.query(
            "update user_session set ended_at = $2 where user_id = $1 and ended_at is null",
            [.int4(user), .timestamptz(micros: now.micros)])
    }

    /// Limits a session to one of its user's advertisers, or lifts the limit.
    public static func limit(
        _ session: Int64, toAdvertiser advertiser: Int32?, on db: isolated PostgresConnection
    ) throws {
        try db.query(
            "update user_session set advertiser_id = $2 where id = $1",
            [.int8(session), .int4(orNull: advertiser)])
    }

    /// Whether the login name has begun a session from the network lately.
    public static func hasBegun(
        _ email: EmailAddress, from network: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Bool {
        try !db.query(
            """
            select 1 as one from user_session s join app_user u on u.id = s.user_id
            where u.email = $1 and s.network = $2 and s.created_at > $3 limit 1
            """,
            [
                .text(email.text), .text(network),
                .timestamptz(micros: (now - networkMemory).micros),
            ]
        ).isEmpty
    }

    /// Removes sessions that no longer matter; returns how many.
    public static func sweep(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        try db.query(
            "delete from user_session where created_at < $1 and (ended_at is not null or expires_at < $2)",
            [.timestamptz(micros: (now - networkMemory).micros), .timestamptz(micros: now.micros)]
        ).affected
    }
}
