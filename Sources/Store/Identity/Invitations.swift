import AdModel
import Postgres

/// An invitation as management shows it; its token is told to the invited person only.
public struct InvitationRecord: Equatable, Sendable {
    /// Where an invitation stands.
    public enum State: String, CaseIterable, Sendable { case open, accepted, revoked, expired }

    public var id: Int32
    public var code: String
    public var email: String
    public var language: String
    public var advertiserID: Int32?
    public var advertiserCode: String?
    public var advertiserName: String?
    public var role: String
    public var createdAt: Timestamp
    public var expiresAt: Timestamp
    public var state: State
}

/// Invitations to a role, delivered by mail, accepted once.
public enum Invitations {
    /// Life of an invitation.
    public static let life = Timestamp.Span.days(7)
    /// Open invitations per advertiser (the retailer counts as one); more wait until some are accepted or revoked.
    public static let openLimit = 200

    /// What somebody is invited to.
    public struct Draft: Sendable {
        public var email: EmailAddress
        public var role: String
        public var advertiser: Int32?
        public var language: String
        /// For the audit of the invited person: `user:…` or `key:…`.
        public var invitedBy: String

        public init(email: EmailAddress, role: String, advertiser: Int32?, language: String, invitedBy: String) {
            self.email = email
            self.role = role
            self.advertiser = advertiser
            self.language = language
            self.invitedBy = invitedBy
        }
    }

    private static let select = """
        select i.id, i.code, i.email, i.language, i.advertiser_id, a.code as advertiser_code, a.name as advertiser_name,
            i.role, i.created_at, i.expires_at,
            case when i.used_at is not null then 'accepted' when i.revoked_at is not null then 'revoked'
                when i.expires_at <= $1 then 'expired' else 'open' end as state
        from invitation i left join advertiser a on a.id = i.advertiser_id
        """

    /// Stores an invitation and queues its message. Says nothing about whether the address has a user.
    public static func create(
        code: String, _ draft: Draft, base: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> (record: InvitationRecord, token: SecretToken) {
        let open = try db.query(
            """
            select count(*) as n from invitation where advertiser_id is not distinct from $1
                and used_at is null and revoked_at is null and expires_at > $2
            """, [.int4(orNull: draft.advertiser), .timestamptz(micros: now.micros)])
        guard try open.single().int64("n") < openLimit else {
            throw Refusal(.limitReached, "\(openLimit) invitations are open; revoke some first.")
        }
        let token = SecretToken()
        do {
            try db.savepoint {
                _ = try db.query(
                    """
                    insert into invitation (code, email, language, advertiser_id, role, token_hash, invited_by,
                        created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                    """,
                    [
                        .text(code), .text(draft.email.text), .text(draft.language), .int4(orNull: draft.advertiser),
                        .text(draft.role), .bytea(token.hash), .text(draft.invitedBy),
                        .timestamptz(micros: now.micros), .timestamptz(micros: (now + life).micros),
                    ])
            }
        } catch let error as PostgresError where error.kind == .uniqueViolation {
            throw Refusal(.conflict, field: "id", "Another invitation has this id.")
        }
        let record = try require(code, now: now, on: db)
        var whom = record.advertiserName
        if whom == nil { whom = try db.query("select name from retailer").first?.string("name") }
        let message = IdentityMail.invitation(
            language: draft.language, to: whom ?? "Nimb", link: IdentityMail.link(base, "invitation", token),
            days: life.micros / Timestamp.Span.days(1).micros)
        try MailOutbox.enqueue(
            to: draft.email.text, subject: message.subject, body: message.body, kind: "identity.invitation", at: now,
            on: db)
        return (record, token)
    }

    /// The invitation of a code.
    public static func find(
        _ code: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> InvitationRecord? {
        try db.query("\(select) where i.code = $2", [.timestamptz(micros: now.micros), .text(code)]).first.map(read)
    }

    /// Invitations by internal id.
    public static func list(
        state: InvitationRecord.State?, advertiser: String?, now: Timestamp, after: Int64?, limit: Int,
        on db: isolated PostgresConnection
    ) throws -> [InvitationRecord] {
        try db.query(
            """
            select * from (\(select)) as i where i.id > $2 and ($3::text is null or i.state = $3)
                and ($4::text is null or i.advertiser_code = $4)
            order by i.id limit $5
            """,
            [
                .timestamptz(micros: now.micros), .int8(after ?? 0), .text(orNull: state?.rawValue),
                .text(orNull: advertiser), .int(limit),
            ]
        ).map(read)
    }

    /// Takes the power of an open invitation.
    public static func revoke(
        _ code: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> (before: InvitationRecord, after: InvitationRecord) {
        try db.query("select 1 as one from invitation where code = $1 for update", [.text(code)])
        let before = try require(code, now: now, on: db)
        guard before.state == .open else {
            throw Refusal(.invalidState, "The invitation is \(before.state.rawValue); there is nothing to revoke.")
        }
        try db.query(
            "update invitation set revoked_at = $2 where id = $1",
            [.int4(before.id), .timestamptz(micros: now.micros)])
        return (before, try require(code, now: now, on: db))
    }

    /// The open invitation of a token; nil for one that is unknown, used, revoked or too old.
    public static func open(
        _ token: SecretToken, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> InvitationRecord? {
        let found = try db.query(
            "\(select) where i.token_hash = $2", [.timestamptz(micros: now.micros), .bytea(token.hash)]
        ).first.map(read)
        return found?.state == .open ? found : nil
    }

    /// Uses a token up; nil when somebody else was faster or it no longer works.
    public static func use(
        _ token: SecretToken, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> InvitationRecord? {
        let rows = try db.query(
            """
            update invitation set used_at = $2
            where token_hash = $1 and used_at is null and revoked_at is null and expires_at > $2 returning code
            """, [.bytea(token.hash), .timestamptz(micros: now.micros)])
        guard let row = rows.first else { return nil }
        return try find(try row.string("code"), now: now, on: db)
    }

    private static func require(
        _ code: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> InvitationRecord {
        guard let found = try find(code, now: now, on: db) else {
            throw Refusal.notFound
        }
        return found
    }

    private static func read(_ row: PostgresRow) throws -> InvitationRecord {
        InvitationRecord(
            id: try row.int32("id"), code: try row.string("code"), email: try row.string("email"),
            language: try row.string("language"), advertiserID: try row.int32IfPresent("advertiser_id"),
            advertiserCode: try row.stringIfPresent("advertiser_code"),
            advertiserName: try row.stringIfPresent("advertiser_name"), role: try row.string("role"),
            createdAt: Timestamp(micros: try row.micros("created_at")),
            expiresAt: Timestamp(micros: try row.micros("expires_at")),
            state: InvitationRecord.State(rawValue: try row.string("state")) ?? .expired)
    }
}
