import AdModel
import Postgres

/// Mail on its way out. The mail job hands it to the configured command; see `Jobs/Mail`.
public enum MailOutbox {
    /// Bytes of a body.
    public static let bodyLimit = 65_536

    /// Queues a plain-text message inside the caller's transaction: it goes out if the transaction commits.
    /// - Parameters:
    ///   - address: one e-mail address.
    ///   - subject: one line, at most 255 characters; line breaks become spaces, more is cut.
    ///   - body: plain text; more than `bodyLimit` bytes are cut.
    ///   - kind: what it is about in small letters, `_` and `.`: `invitation`, `notice.rejected`. Shown in logs.
    ///   - at: when it was written; the data base's clock unless given.
    public static func enqueue(
        to address: String, subject: String, body: String, kind: String, at: Timestamp? = nil,
        on db: isolated PostgresConnection
    ) throws {
        let line = String(subject.map { $0.isNewline ? " " : $0 }.prefix(255))
        try db.query(
            """
            insert into mail_outbox (kind, to_address, subject, body, next_at, created_at)
            values ($1, $2, $3, $4, coalesce($5, now()), coalesce($5, now()))
            """,
            [
                .text(kind), .text(address), .text(line), .text(cut(body)), .timestamptz(orNull: at?.micros),
            ])
    }

    /// The longest beginning of whole characters within the limit.
    private static func cut(_ body: String) -> String {
        guard body.utf8.count > bodyLimit else { return body }
        var text = ""
        var bytes = 0
        for character in body {
            bytes += character.utf8.count
            if bytes > bodyLimit { break }
            text.append(character)
        }
        return text
    }
}
