import AdModel
import Postgres

/// A user as management shows him; nothing in it is secret.
public struct UserRecord: Equatable, Sendable {
    public var id: Int32
    public var code: String
    public var email: String
    public var name: String
    /// `ru` or `en`.
    public var language: String
    public var side: AuditEntry.Side
    public var hasPassword: Bool
    public var disabled: Bool
    public var createdAt: Timestamp
    public var revision: Int64
    /// Those that the reader may see.
    public var memberships: [MembershipRecord] = []
}

/// People who log in. Visible is who belongs to an advertiser of the tenant; to the retailer, everybody.
public enum Users {
    /// Which users a list holds.
    public struct Filter: Sendable {
        /// Code of an advertiser.
        public var advertiser: String?
        public var role: String?
        public var disabled: Bool?
        /// Part of the name or the address.
        public var text: String?

        public init(advertiser: String? = nil, role: String? = nil, disabled: Bool? = nil, text: String? = nil) {
            self.advertiser = advertiser
            self.role = role
            self.disabled = disabled
            self.text = text
        }
    }

    private static let columns = """
        u.id, u.code, u.email, u.name, u.language, u.side, u.password_hash is not null as has_password, u.disabled,
        u.created_at, u.revision
        """

    /// Adds a user without a password.
    public static func create(
        code: String, email: EmailAddress, name: String, language: String, side: AuditEntry.Side,
        passwordHash: String? = nil, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> UserRecord {
        do {
            try db.savepoint {
                _ = try db.query(
                    """
                    insert into app_user (code, email, name, language, side, password_hash, created_at)
                    values ($1, $2, $3, $4, $5, $6, $7)
                    """,
                    [
                        .text(code), .text(email.text), .text(name), .text(language), .text(side.rawValue),
                        .text(orNull: passwordHash), .timestamptz(micros: now.micros),
                    ])
            }
        } catch let error as PostgresError where error.kind == .uniqueViolation {
            if error.constraint == "app_user_email_key" {
                throw Refusal(.conflict, field: "email", "A user has this address; give him a membership instead.")
            }
            throw Refusal(.conflict, field: "id", "Another user has this id.")
        }
        return try require(code, on: db)
    }

    /// The user of a code, his memberships as far as they are visible.
    public static func find(_ code: String, on db: isolated PostgresConnection) throws -> UserRecord? {
        let rows = try db.query("select \(columns) from app_user u where u.code = $1", [.text(code)])
        return try rows.first.map { row in try withMemberships([try read(row)], on: db)[0] }
    }

    /// The user of a login name.
    public static func find(email: EmailAddress, on db: isolated PostgresConnection) throws -> UserRecord? {
        let rows = try db.query("select \(columns) from app_user u where u.email = $1", [.text(email.text)])
        return try rows.first.map { row in try withMemberships([try read(row)], on: db)[0] }
    }

    /// The user of a code, locked against changes until the transaction ends; `not_found` when there is none to see.
    public static func lock(_ code: String, on db: isolated PostgresConnection) throws -> UserRecord {
        try db.query("select 1 as one from app_user where code = $1 for update", [.text(code)])
        return try require(code, on: db)
    }

    static func require(_ code: String, on db: isolated PostgresConnection) throws -> UserRecord {
        guard let user = try find(code, on: db) else { throw Refusal.notFound }
        return user
    }

    /// Users by internal id.
    public static func list(
        _ filter: Filter, after: Int64?, limit: Int, on db: isolated PostgresConnection
    ) throws -> [UserRecord] {
        let rows = try db.query(
            """
            select \(columns) from app_user u
            where u.id > $1 and ($2::boolean is null or u.disabled = $2)
                and ($3::text is null or position(lower($3) in lower(u.name)) > 0 or position(lower($3) in u.email) > 0)
                and ($4::text is null or exists (select 1 from membership m join advertiser a on a.id = m.advertiser_id
                    where m.user_id = u.id and a.code = $4))
                and ($5::text is null or exists (select 1 from membership m where m.user_id = u.id and m.role = $5))
            order by u.id limit $6
            """,
            [
                .int8(after ?? 0), .bool(orNull: filter.disabled), .text(orNull: filter.text),
                .text(orNull: filter.advertiser), .text(orNull: filter.role), .int(limit),
            ])
        return try withMemberships(try rows.map(read), on: db)
    }

    /// What of a user is changed; nil = stays.
    public struct Patch: Sendable {
        public var name: String?
        public var language: String?
        public var disabled: Bool?

        public init(name: String? = nil, language: String? = nil, disabled: Bool? = nil) {
            self.name = name
            self.language = language
            self.disabled = disabled
        }
    }

    /// Changes a locked user. Disabling ends his sessions; the last admin cannot be disabled.
    public static func update(
        _ user: UserRecord, _ patch: Patch, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> UserRecord {
        try db.query(
            """
            update app_user set name = coalesce($2, name), language = coalesce($3, language),
                disabled = coalesce($4, disabled), revision = revision + 1 where id = $1
            """,
            [
                .int4(user.id), .text(orNull: patch.name), .text(orNull: patch.language), .bool(orNull: patch.disabled),
            ])
        if patch.disabled == true {
            try Sessions.endAll(ofUser: user.id, now: now, on: db)
            try PasswordResets.cancel(ofUser: user.id, now: now, on: db)
            try requireAnAdmin(on: db)
        }
        return try require(user.code, on: db)
    }

    /// Removes a locked user with his memberships and sessions. The audit log keeps his id.
    public static func delete(_ user: UserRecord, on db: isolated PostgresConnection) throws {
        for table in ["password_reset", "user_session", "membership"] {
            try db.query("delete from \(table) where user_id = $1", [.int4(user.id)])
        }
        try db.query("delete from app_user where id = $1", [.int4(user.id)])
        try requireAnAdmin(on: db)
    }

    /// Sets a password and ends every session of the user.
    public static func setPassword(
        _ user: Int32, hash: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try db.query(
            "update app_user set password_hash = $2, revision = revision + 1 where id = $1",
            [.int4(user), .text(hash)])
        try Sessions.endAll(ofUser: user, now: now, on: db)
        try PasswordResets.cancel(ofUser: user, now: now, on: db)
    }

    /// The same by the user's own wish, with a message to him in case it was not.
    public static func changePassword(
        _ user: UserRecord, hash: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try setPassword(user.id, hash: hash, now: now, on: db)
        let message = IdentityMail.passwordChanged(language: user.language)
        try MailOutbox.enqueue(
            to: user.email, subject: message.subject, body: message.body, kind: "identity.password_changed", at: now,
            on: db)
    }

    /// Puts the same password's stronger hash in place, unless the password was changed meanwhile.
    public static func renewHash(
        _ user: Int32, from old: String, to new: String, on db: isolated PostgresConnection
    ) throws {
        try db.query(
            "update app_user set password_hash = $3 where id = $1 and password_hash = $2",
            [.int4(user), .text(old), .text(new)])
    }

    /// The stored password of a login name, for checking and nothing else.
    public static func credentials(
        of email: EmailAddress, on db: isolated PostgresConnection
    ) throws -> (user: Int32, code: String, hash: String?, disabled: Bool)? {
        let rows = try db.query(
            "select id, code, password_hash, disabled from app_user where email = $1", [.text(email.text)])
        return try rows.first.map { row in
            (
                try row.int32("id"), try row.string("code"), try row.stringIfPresent("password_hash"),
                try row.bool("disabled")
            )
        }
    }

    /// Whether the stored password is still the one that was checked and the user may come in; locked until the
    /// transaction ends.
    public static func isCurrent(_ user: Int32, hash: String, on db: isolated PostgresConnection) throws -> Bool {
        try !db.query(
            "select 1 as one from app_user where id = $1 and password_hash = $2 and not disabled for update",
            [.int4(user), .text(hash)]
        ).isEmpty
    }

    /// Refuses when nobody is left who could let others in. Checks of two transactions follow each other.
    static func requireAnAdmin(on db: isolated PostgresConnection) throws {
        try db.query("select pg_advisory_xact_lock(hashtext('nimb admins'))")
        let rows = try db.query(
            """
            select 1 as one from membership m join app_user u on u.id = m.user_id
            where m.advertiser_id is null and m.role = 'admin' and not u.disabled limit 1
            """)
        if rows.isEmpty {
            throw Refusal(.lastAdmin, "This is the last admin; make somebody else one first.")
        }
    }

    private static func read(_ row: PostgresRow) throws -> UserRecord {
        UserRecord(
            id: try row.int32("id"), code: try row.string("code"), email: try row.string("email"),
            name: try row.string("name"), language: try row.string("language"),
            side: try row.string("side") == "retailer" ? .retailer : .advertiser,
            hasPassword: try row.bool("has_password"), disabled: try row.bool("disabled"),
            createdAt: Timestamp(micros: try row.micros("created_at")), revision: try row.int64("revision"))
    }

    private static func withMemberships(
        _ users: [UserRecord], on db: isolated PostgresConnection
    ) throws -> [UserRecord] {
        var users = users
        let all = try Memberships.of(users.map(\.id), on: db)
        for index in users.indices { users[index].memberships = all[users[index].id] ?? [] }
        return users
    }
}
