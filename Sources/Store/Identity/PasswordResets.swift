import AdModel
import Postgres

/// Links with which somebody chooses a password: after forgetting it, or for the first time. Each works once.
public enum PasswordResets {
    /// Life of a link that was asked for.
    public static let life = Timestamp.Span.hours(1)
    /// Life of the link that a new user gets.
    public static let welcomeLife = Timestamp.Span.days(7)
    /// Links of one user in one life; more requests send nothing.
    public static let perUser = 3

    /// Where a token is used; it stands behind `#`, which browsers keep to themselves.
    public static func link(_ base: String, _ token: SecretToken) -> String {
        IdentityMail.link(base, "password", token)
    }

    /// Makes the link of a new user and queues the message.
    public static func welcome(
        _ user: UserRecord, base: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> SecretToken {
        let token = try make(user.id, life: welcomeLife, now: now, on: db)
        let message = IdentityMail.welcome(
            language: user.language, link: link(base, token),
            days: welcomeLife.micros / Timestamp.Span.days(1).micros)
        try MailOutbox.enqueue(
            to: user.email, subject: message.subject, body: message.body, kind: "identity.welcome", at: now, on: db)
        return token
    }

    /// Makes a link for an operator who hands it over himself.
    public static func make(
        _ user: Int32, life: Timestamp.Span = life, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> SecretToken {
        let token = SecretToken()
        try db.query(
            "insert into password_reset (user_id, token_hash, created_at, expires_at) values ($1, $2, $3, $4)",
            [
                .int4(user), .bytea(token.hash), .timestamptz(micros: now.micros),
                .timestamptz(micros: (now + life).micros),
            ])
        return token
    }

    /// Queues a link for a login name. Says nothing about whether there is such a user, nor whether he is enabled.
    public static func request(
        _ email: EmailAddress, base: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        let rows = try db.query(
            """
            select u.id, u.email, u.language from app_user u where u.email = $1 and not u.disabled
                and (select count(*) from password_reset r where r.user_id = u.id and r.created_at > $2) < $3
            for update
            """,
            [.text(email.text), .timestamptz(micros: (now - life).micros), .int(perUser)])
        guard let row = rows.first else { return }
        let token = try make(try row.int32("id"), now: now, on: db)
        let message = IdentityMail.reset(
            language: try row.string("language"), link: link(base, token),
            minutes: life.micros / Timestamp.Span.minutes(1).micros)
        try MailOutbox.enqueue(
            to: try row.string("email"), subject: message.subject, body: message.body, kind: "identity.reset", at: now,
            on: db)
    }

    /// Whose token it is while it works; nil for one that is unknown, used or too old.
    public static func user(
        of token: SecretToken, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> UserRecord? {
        let rows = try db.query(
            """
            select u.code from password_reset r join app_user u on u.id = r.user_id
            where r.token_hash = $1 and r.used_at is null and r.expires_at > $2 and not u.disabled
            """, [.bytea(token.hash), .timestamptz(micros: now.micros)])
        guard let row = rows.first else { return nil }
        return try Users.find(try row.string("code"), on: db)
    }

    /// Uses a token up and sets the password; false when somebody else was faster or it no longer works. Ends all
    /// sessions and takes the power of the user's other links.
    public static func complete(
        _ token: SecretToken, hash: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> UserRecord? {
        let rows = try db.query(
            """
            update password_reset r set used_at = $2 from app_user u
            where r.token_hash = $1 and r.used_at is null and r.expires_at > $2
                and u.id = r.user_id and not u.disabled
            returning u.code, u.id
            """, [.bytea(token.hash), .timestamptz(micros: now.micros)])
        guard let row = rows.first, let user = try Users.find(try row.string("code"), on: db) else { return nil }
        try Users.changePassword(user, hash: hash, now: now, on: db)
        return user
    }

    /// Takes the power of every link of a user.
    static func cancel(ofUser user: Int32, now: Timestamp, on db: isolated PostgresConnection) throws {
        try db.query(
            "update password_reset set used_at = $2 where user_id = $1 and used_at is null",
            [.int4(user), .timestamptz(micros: now.micros)])
    }

    /// Removes links that no longer matter; returns how many.
    public static func sweep(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        try db.query(
            "delete from password_reset where expires_at < $1", [.timestamptz(micros: (now - .days(30)).micros)]
        ).affected
    }
}
