import AdModel
import Postgres

/// A message that the mail job has taken on for one attempt.
public struct QueuedMail: Equatable, Sendable {
    public var id: Int64
    public var kind: String
    public var to: String
    public var subject: String
    public var body: String
    /// This attempt included.
    public var attempt: Int
    public var createdAt: Timestamp

    public init(
        id: Int64, kind: String, to: String, subject: String, body: String, attempt: Int, createdAt: Timestamp
    ) {
        self.id = id
        self.kind = kind
        self.to = to
        self.subject = subject
        self.body = body
        self.attempt = attempt
        self.createdAt = createdAt
    }
}

/// The sending side of the outbox; needs a connection that sees all tenants.
public enum MailQueue {
    /// Attempts after which a message is given up.
    public static let attemptLimit = 10
    /// Wait after the first failed attempt; each further one waits twice as long.
    public static let firstWait = Timestamp.Span.minutes(1)
    /// The longest wait.
    public static let longestWait = Timestamp.Span.hours(6)
    /// How long rows without bodies are kept, for looking things up.
    public static let memory = Timestamp.Span.days(30)

    /// The wait after so many failed attempts.
    public static func wait(after attempts: Int) -> Timestamp.Span {
        let doublings = Int64(min(max(0, attempts - 1), 20))
        return Timestamp.Span(micros: min(longestWait.micros, firstWait.micros << doublings))
    }

    /// Takes on the message that is due longest, and puts off its next attempt: a sender that dies leaves it waiting.
    public static func take(now: Timestamp, on db: isolated PostgresConnection) throws -> QueuedMail? {
        let rows = try db.query(
            """
            select id, kind, to_address, subject, body, attempts, created_at from mail_outbox
            where state = 'waiting' and next_at <= $1 order by next_at, id limit 1 for update skip locked
            """, [.timestamptz(micros: now.micros)])
        guard let row = rows.first else { return nil }
        let mail = QueuedMail(
            id: try row.int64("id"), kind: try row.string("kind"), to: try row.string("to_address"),
            subject: try row.string("subject"), body: try row.string("body"),
            attempt: Int(try row.int32("attempts")) + 1, createdAt: Timestamp(micros: try row.micros("created_at")))
        try db.query(
            "update mail_outbox set attempts = $2, next_at = $3 where id = $1",
            [
                .int8(mail.id), .int(mail.attempt),
                .timestamptz(micros: (now + wait(after: mail.attempt)).micros),
            ])
        return mail
    }

    /// The message is on its way; its body is wiped.
    public static func sent(_ mail: QueuedMail, now: Timestamp, on db: isolated PostgresConnection) throws {
        try db.query(
            """
            update mail_outbox set state = 'sent', body = null, finished_at = $2, last_error = null
            where id = $1 and state = 'waiting'
            """, [.int8(mail.id), .timestamptz(micros: now.micros)])
    }

    /// The attempt failed; after the last one the message is given up and its body wiped.
    /// - Parameter reason: one line without addresses and without the message.
    /// - Returns: whether it was given up.
    public static func failed(
        _ mail: QueuedMail, reason: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Bool {
        let isDead = mail.attempt >= attemptLimit
        try db.query(
            """
            update mail_outbox set last_error = $2, state = case when $3 then 'dead' else state end,
                body = case when $3 then null else body end, finished_at = case when $3 then $4 else finished_at end
            where id = $1 and state = 'waiting'
            """,
            [
                .int8(mail.id), .text(String(reason.prefix(255))), .bool(isDead), .timestamptz(micros: now.micros),
            ])
        return isDead
    }

    /// Removes rows of long ago; returns how many.
    public static func sweep(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        try db.query(
            "delete from mail_outbox where finished_at < $1", [.timestamptz(micros: (now - memory).micros)]
        ).affected
    }
}

/// Removes what nobody needs to remember: ended sessions, forgiven guesses, used links, sent mail.
public enum IdentitySweep {
    /// How long invitations that are not open are kept.
    public static let invitationMemory = Timestamp.Span.days(90)

    /// Returns how many rows went.
    public static func run(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        let invitations = try db.query(
            "delete from invitation where expires_at < $1",
            [.timestamptz(micros: (now - invitationMemory).micros)]
        ).affected
        return try invitations + Sessions.sweep(now: now, on: db) + GuessThrottle.forget(now: now, on: db)
            + PasswordResets.sweep(now: now, on: db) + MailQueue.sweep(now: now, on: db)
    }
}
