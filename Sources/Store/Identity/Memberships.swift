import AdModel
import Postgres

/// One role of one user: with the retailer, or with an advertiser.
public struct MembershipRecord: Equatable, Sendable {
    public var id: Int32
    public var code: String
    public var userID: Int32
    public var userCode: String
    public var advertiserID: Int32?
    public var advertiserCode: String?
    public var advertiserName: String?
    public var role: String
    public var createdAt: Timestamp
    public var revision: Int64
}

/// Who may act for whom.
public enum Memberships {
    /// Memberships of one user.
    public static let perUser = 500

    private static let select = """
        select m.id, m.code, m.user_id, u.code as user_code, m.advertiser_id, a.code as advertiser_code,
            a.name as advertiser_name, m.role, m.created_at, m.revision
        from membership m join app_user u on u.id = m.user_id left join advertiser a on a.id = m.advertiser_id
        """

    /// Gives a user a role. One user has several roles with the retailer and one with each advertiser.
    public static func create(
        code: String, user: UserRecord, advertiser: Int32?, role: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> MembershipRecord {
        let side: AuditEntry.Side = advertiser == nil ? .retailer : .advertiser
        guard user.side == side else {
            throw Refusal.field(
                "role", "wrong_side",
                "A user works either for the retailer or for advertisers; use another address for the other.")
        }
        let held = try db.query("select count(*) as n from membership where user_id = $1", [.int4(user.id)])
        guard try held.single().int64("n") < perUser else {
            throw Refusal(.limitReached, field: "user", "A user has at most \(perUser) memberships.")
        }
        do {
            try db.savepoint {
                _ = try db.query(
                    """
                    insert into membership (code, user_id, side, advertiser_id, role, created_at)
                    values ($1, $2, $3, $4, $5, $6)
                    """,
                    [
                        .text(code), .int4(user.id), .text(side.rawValue), .int4(orNull: advertiser), .text(role),
                        .timestamptz(micros: now.micros),
                    ])
            }
        } catch let error as PostgresError where error.kind == .uniqueViolation {
            if error.constraint == "membership_code_key" {
                throw Refusal(.conflict, field: "id", "Another membership has this id.")
            }
            throw Refusal(.conflict, field: "role", "The user has one already; change it instead.")
        }
        return try require(code, on: db)
    }

    /// The membership of a code.
    public static func find(_ code: String, on db: isolated PostgresConnection) throws -> MembershipRecord? {
        try db.query("\(select) where m.code = $1", [.text(code)]).first.map(read)
    }

    /// The same, locked until the transaction ends; `not_found` when there is none to see.
    public static func lock(_ code: String, on db: isolated PostgresConnection) throws -> MembershipRecord {
        try db.query("select 1 as one from membership where code = $1 for update", [.text(code)])
        return try require(code, on: db)
    }

    /// Memberships by internal id, of one user (code) or one advertiser (code) when given.
    public static func list(
        user: String?, advertiser: String?, after: Int64?, limit: Int, on db: isolated PostgresConnection
    ) throws -> [MembershipRecord] {
        try db.query(
            """
            \(select) where m.id > $1 and ($2::text is null or u.code = $2) and ($3::text is null or a.code = $3)
            order by m.id limit $4
            """, [.int8(after ?? 0), .text(orNull: user), .text(orNull: advertiser), .int(limit)]
        ).map(read)
    }

    /// Gives a locked membership another role of the same side.
    public static func setRole(
        _ membership: MembershipRecord, _ role: String, on db: isolated PostgresConnection
    ) throws -> MembershipRecord {
        guard AccessRoles.isAdvertiser(role) == (membership.advertiserID != nil) else {
            throw Refusal.field("role", "wrong_side", "The role belongs to the other side.")
        }
        do {
            try db.savepoint {
                _ = try db.query(
                    "update membership set role = $2, revision = revision + 1 where id = $1",
                    [.int4(membership.id), .text(role)])
            }
        } catch let error as PostgresError where error.kind == .uniqueViolation {
            throw Refusal(.conflict, field: "role", "The user has this role already.")
        }
        if membership.role == "admin" { try Users.requireAnAdmin(on: db) }
        return try require(membership.code, on: db)
    }

    /// Takes a role away; the last admin keeps his.
    public static func delete(_ membership: MembershipRecord, on db: isolated PostgresConnection) throws {
        try db.query("delete from membership where id = $1", [.int4(membership.id)])
        if membership.role == "admin" { try Users.requireAnAdmin(on: db) }
    }

    /// The visible memberships of users.
    static func of(
        _ users: [Int32], on db: isolated PostgresConnection
    ) throws -> [Int32: [MembershipRecord]] {
        let rows = try db.query("\(select) where m.user_id = any($1) order by m.id", [.int4Array(users)])
        return Dictionary(grouping: try rows.map(read), by: \.userID)
    }

    private static func require(_ code: String, on db: isolated PostgresConnection) throws -> MembershipRecord {
        guard let found = try find(code, on: db) else { throw Refusal.notFound }
        return found
    }

    private static func read(_ row: PostgresRow) throws -> MembershipRecord {
        MembershipRecord(
            id: try row.int32("id"), code: try row.string("code"), userID: try row.int32("user_id"),
            userCode: try row.string("user_code"), advertiserID: try row.int32IfPresent("advertiser_id"),
            advertiserCode: try row.stringIfPresent("advertiser_code"),
            advertiserName: try row.stringIfPresent("advertiser_name"), role: try row.string("role"),
            createdAt: Timestamp(micros: try row.micros("created_at")), revision: try row.int64("revision"))
    }
}
