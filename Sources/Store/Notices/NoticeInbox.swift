import AdModel
import Postgres

/// A notice as one reader sees it.
public struct Notice: Equatable, Sendable {
    public var id: Int64
    public var code: String
    public var kind: NoticeKind
    /// Public id; nil for notices of the retailer alone.
    public var advertiser: String?
    /// `campaign`, `line_item`, `creative`, `advertiser`, `feed`.
    public var object: String
    public var objectID: String
    /// A JSON object.
    public var details: String
    public var raisedAt: Timestamp
    /// nil = this reader has not read it.
    public var readAt: Timestamp?
}

/// The inbox: whoever may see an advertiser sees his notices, each reader with marks of his own.
public enum NoticeInbox {
    /// Beyond this many nobody counts.
    public static let countLimit: Int64 = 1_000

    /// Newest first.
    /// - Parameters:
    ///   - reader: who reads, `user:usr-…` or `key:…`.
    ///   - before: id of the last notice of the page before; 0 for the first page.
    public static func list(
        reader: String, kind: String?, advertiser: String?, unread: Bool?, before: Int64, limit: Int64,
        on db: isolated PostgresConnection
    ) throws -> [Notice] {
        try db.query(
            """
            \(columns)
            where ($2::bigint = 0 or n.id < $2) and ($3::text is null or n.kind = $3)
                and ($4::text is null or a.code = $4) and ($5::boolean is null or (r.read_at is null) = $5)
            order by n.id desc limit $6
            """,
            [
                .text(reader), .int8(before), .text(orNull: kind), .text(orNull: advertiser), .bool(orNull: unread),
                .int8(limit),
            ]
        ).map(notice)
    }

    /// How many are unread, at most `countLimit`.
    public static func unread(reader: String, on db: isolated PostgresConnection) throws -> Int64 {
        try db.query(
            """
            select count(*) as n from (
                select 1 from notice n where not exists (
                    select 1 from notice_read r where r.notice_id = n.id and r.reader = $1)
                limit \(countLimit)) u
            """, [.text(reader)]
        ).single().int64("n")
    }

    /// Marks one notice read; a second mark changes nothing.
    public static func markRead(
        _ code: String, reader: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Notice {
        try db.query(
            """
            insert into notice_read (reader, notice_id, read_at) select $1, id, $3 from notice where code = $2
            on conflict do nothing
            """, [.text(reader), .text(code), .timestamptz(micros: now.micros)])
        guard let row = try db.query("\(columns) where n.code = $2", [.text(reader), .text(code)]).first else {
            throw Refusal.notFound
        }
        return try notice(row)
    }

    /// Marks everything read that is not newer than a notice.
    public static func markAllRead(
        upTo code: String, reader: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        guard let last = try db.query("select id from notice where code = $1", [.text(code)]).first else {
            throw Refusal.unknownReference("up_to", code)
        }
        try db.query(
            """
            insert into notice_read (reader, notice_id, read_at) select $1, id, $3 from notice where id <= $2
            on conflict do nothing
            """, [.text(reader), .int8(try last.int64("id")), .timestamptz(micros: now.micros)])
    }

    private static let columns = """
        select n.id, n.code, n.kind, a.code as advertiser, n.object, n.object_id, n.details::text as details,
            n.raised_at, r.read_at
        from notice n left join advertiser a on a.id = n.advertiser_id
        left join notice_read r on r.notice_id = n.id and r.reader = $1
        """

    private static func notice(_ row: PostgresRow) throws -> Notice {
        guard let kind = NoticeKind(rawValue: try row.string("kind")) else {
            throw PostgresError(.decoding, "the kind of notice \(try row.string("code")) is not known")
        }
        return Notice(
            id: try row.int64("id"), code: try row.string("code"), kind: kind,
            advertiser: try row.stringIfPresent("advertiser"), object: try row.string("object"),
            objectID: try row.string("object_id"), details: try row.string("details"),
            raisedAt: Timestamp(micros: try row.micros("raised_at")),
            readAt: try row.microsIfPresent("read_at").map { Timestamp(micros: $0) })
    }
}

/// What a reader wants by mail.
public struct NoticePreferences: Equatable, Sendable {
    public var mailKinds: [String]
    /// `ru` or `en`.
    public var language: String
    /// 0 until something was chosen.
    public var revision: Int64

    public init(mailKinds: [String], language: String, revision: Int64 = 0) {
        self.mailKinds = mailKinds
        self.language = language
        self.revision = revision
    }

    /// Everything by mail, in the reader's own language.
    public static func get(reader: String, user: Int32?, on db: isolated PostgresConnection) throws -> NoticePreferences
    {
        if let row = try db.query(
            "select mail_kinds, language, revision from notice_preference where reader = $1", [.text(reader)]
        ).first {
            return NoticePreferences(
                mailKinds: try row.stringArray("mail_kinds"), language: try row.string("language"),
                revision: try row.int64("revision"))
        }
        let row = try user.flatMap { try db.query("select language from app_user where id = $1", [.int4($0)]).first }
        return NoticePreferences(mailKinds: NoticeKind.names, language: try row?.string("language") ?? "ru")
    }

    /// Stores what was chosen; the revision must be the one that was read.
    public func save(reader: String, on db: isolated PostgresConnection) throws -> NoticePreferences {
        let rows = try db.query(
            """
            insert into notice_preference (reader, mail_kinds, language) values ($1, $2, $3)
            on conflict (reader) do update set mail_kinds = $2, language = $3,
                revision = notice_preference.revision + 1 where notice_preference.revision = $4
            returning revision
            """, [.text(reader), .textArray(mailKinds), .text(language), .int8(revision)])
        guard let row = rows.first else {
            throw Refusal(.preconditionFailed, "They have changed since you read them; read them again.")
        }
        return NoticePreferences(mailKinds: mailKinds, language: language, revision: try row.int64("revision"))
    }
}
