import AdModel
import Postgres

/// Makes mails and webhook deliveries of fresh notices, each exactly once.
public enum NoticeDispatch {
    /// Notices of one round.
    public static let batchLimit = 200
    /// Mails of one notice.
    public static let recipientLimit = 200

    /// Kinds that the retailer's sellers hear of by mail although they are an advertiser's.
    private static let forSellers: Set<NoticeKind> = [.eridFailed, .feedLate]

    /// Queues what is to be sent; call until it returns 0. Needs the scope of the system.
    /// - Parameter link: address of the inbox, for mails.
    /// - Returns: how many notices were handled.
    public static func round(
        now: Timestamp, link: String, on db: isolated PostgresConnection
    ) throws -> Int {
        let fresh = try db.query(
            """
            select n.id, n.kind, n.advertiser_id, n.object_id,
                array(select key from jsonb_each_text(n.details) order by key) as keys,
                array(select coalesce(value, '') from jsonb_each_text(n.details) order by key) as values
            from notice n where n.dispatched_at is null order by n.id limit \(batchLimit) for update skip locked
            """)
        for row in fresh {
            let id = try row.int64("id")
            let advertiser = try row.int32IfPresent("advertiser_id")
            try queueDeliveries(id, advertiser, now, on: db)
            if let kind = NoticeKind(rawValue: try row.string("kind")) {
                let details = Dictionary(zip(try row.stringArray("keys"), try row.stringArray("values"))) { first, _ in
                    first
                }
                for reader in try readers(of: kind, advertiser, on: db) {
                    let object = try row.string("object_id")
                    try MailOutbox.enqueue(
                        to: reader.address,
                        subject: NoticeTexts.title(kind, id: object, language: reader.language),
                        body: NoticeTexts.mail(
                            kind, id: object, details: details, link: link, language: reader.language),
                        kind: "notice.\(kind.rawValue.filter { !$0.isNumber })", at: now, on: db)
                }
            }
            try db.query(
                "update notice set dispatched_at = $2 where id = $1", [.int8(id), .timestamptz(micros: now.micros)])
        }
        return fresh.count
    }

    private static func queueDeliveries(
        _ notice: Int64, _ advertiser: Int32?, _ now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try db.query(
            """
            insert into webhook_delivery (code, webhook_id, notice_id, advertiser_id, state, next_attempt_at, created_at)
            select 'whd-' || replace(gen_random_uuid()::text, '-', ''), w.id, n.id, w.advertiser_id, 'pending', $3, $3
            from webhook w, notice n
            where n.id = $1 and w.active and n.kind = any (w.kinds)
                and (w.advertiser_id is null or w.advertiser_id = $2)
            on conflict (webhook_id, notice_id) do nothing
            """, [.int8(notice), .int4(orNull: advertiser), .timestamptz(micros: now.micros)])
    }

    private struct Reader {
        var address: String
        var language: String
    }

    /// People of the advertiser; of the retailer, who sells: for his own notices and for those only he can mend.
    private static func readers(
        of kind: NoticeKind, _ advertiser: Int32?, on db: isolated PostgresConnection
    ) throws -> [Reader] {
        try db.query(
            """
            select distinct u.email, coalesce(p.language, u.language) as language
            from app_user u join membership m on m.user_id = u.id
            left join notice_preference p on p.reader = 'user:' || u.code
            where not u.disabled and u.password_hash is not null
                and ($3::text = any (coalesce(p.mail_kinds, array[$3::text])))
                and (m.advertiser_id = $1
                    or (m.advertiser_id is null and m.role in ('admin', 'adops') and ($1::int is null or $2)))
            order by u.email limit \(recipientLimit)
            """, [.int4(orNull: advertiser), .bool(forSellers.contains(kind)), .text(kind.rawValue)]
        ).map { Reader(address: try $0.string("email"), language: try $0.string("language")) }
    }
}
