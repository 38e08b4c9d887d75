import AdModel
import Audiences
import Postgres

/// Audiences in the database, as the tenant of the transaction may see and change them.
public enum AudienceStore {
    private static let columns = """
        a.id, a.code, a.advertiser_id, v.code as advertiser, a.name, a.condition::text as condition, a.created_at,
            a.revision
        """

    /// By id, ascending.
    public static func list(
        after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [AudienceRecord] {
        try db.query(
            """
            select \(columns) from audience a left join advertiser v on v.id = a.advertiser_id
            where a.id > $1 order by a.id limit $2
            """, [.int8(after), .int8(limit)]
        ).map(record)
    }

    /// Throws `Refusal.notFound`. `lock` keeps the row until the end of the transaction.
    public static func find(
        _ code: String, lock: Bool = false, on db: isolated PostgresConnection
    ) throws -> AudienceRecord {
        let rows = try db.query(
            """
            select \(columns) from audience a left join advertiser v on v.id = a.advertiser_id where a.code = $1
            \(lock ? "for update of a" : "")
            """, [.text(code)])
        guard let row = rows.first else { throw Refusal.notFound }
        return try record(row)
    }

    /// Stores a new audience. What it names must exist for the tenant (`check`).
    public static func create(
        _ draft: AudienceRecord, actor: String, on db: isolated PostgresConnection
    ) throws -> AudienceRecord {
        let count = try PlanningScope.acrossTenants(db) {
            try $0.query("select count(*) as n from audience").single().int("n")
        }
        guard count < AudienceBook.audienceLimit else {
            throw Refusal(
                .limitReached, "There are \(AudienceBook.audienceLimit) audiences, as many as there may be; remove one."
            )
        }
        let rows = try db.query(
            """
            insert into audience (code, advertiser_id, name, condition, created_at, actor)
            values ($1, $2, $3, $4, $5, $6) on conflict (code) do nothing returning id
            """,
            [
                .text(draft.code), .int4(orNull: draft.advertiserID), .text(draft.name),
                .jsonb(AudienceDocument.text(draft.condition)), .timestamptz(micros: draft.createdAt.micros),
                .text(actor),
            ])
        guard !rows.isEmpty else {
            throw Refusal(.conflict, field: "id", "There is an audience “\(draft.code)” already.")
        }
        return try find(draft.code, on: db)
    }

    /// Stores name and condition.
    public static func update(_ audience: AudienceRecord, on db: isolated PostgresConnection) throws -> AudienceRecord {
        let rows = try db.query(
            """
            update audience set name = $3, condition = $4, revision = revision + 1 where id = $1 and revision = $2
            returning id
            """,
            [
                .int4(audience.id), .int8(audience.revision), .text(audience.name),
                .jsonb(AudienceDocument.text(audience.condition)),
            ])
        // A row that the tenant sees and may not write: the retailer's, for an advertiser.
        guard !rows.isEmpty else { throw Refusal(.forbidden, "This audience is the retailer's.") }
        return try find(audience.code, on: db)
    }

    /// Refused while a line item names it.
    public static func delete(_ audience: AudienceRecord, on db: isolated PostgresConnection) throws {
        let isNamed = try PlanningScope.acrossTenants(db) { db in
            try db.query(
                """
                select exists (select 1 from line_item where jsonb_exists(targeting->'audiences', $1)
                    or jsonb_exists(targeting->'not'->'audiences', $1)) as named
                """, [.text(audience.code)]
            ).single().bool("named")
        }
        guard !isNamed else {
            throw Refusal(.invalidState, "A line item is aimed at it; take it out of the targeting first.")
        }
        let rows = try db.query("delete from audience where id = $1 returning id", [.int4(audience.id)])
        guard !rows.isEmpty else { throw Refusal(.forbidden, "This audience is the retailer's.") }
    }

    /// Refuses a condition that names what the tenant does not see: then it could count what is not his business.
    public static func check(
        _ condition: AudienceCondition, field: String, on db: isolated PostgresConnection
    ) throws {
        func require(_ names: Set<String>, _ sql: String, _ what: String) throws {
            guard !names.isEmpty else { return }
            let known = Set(try db.query(sql, [.textArray(names.sorted())]).map { try $0.string(0) })
            guard let missing = names.subtracting(known).min() else { return }
            throw Refusal.field(field, "unknown_reference", "There is no \(what) “\(missing.prefix(64))”.")
        }
        func names(_ list: KeyPath<CountedEvents, [String]>) -> Set<String> {
            Set(condition.events.flatMap { $0.events[keyPath: list] })
        }
        try require(names(\.brands), "select code from brand where code = any($1)", "brand")
        try require(names(\.categories), "select code from category where code = any($1)", "category")
        try require(names(\.advertisers), "select code from advertiser where code = any($1)", "advertiser")
        try require(names(\.campaigns), "select code from campaign where code = any($1)", "campaign")
        try require(names(\.creatives), "select code from creative where code = any($1)", "creative")
    }

    private static func record(_ row: PostgresRow) throws -> AudienceRecord {
        let id = try row.int32("id")
        guard let condition = AudienceDocument.condition(try row.string("condition")) else {
            throw AudienceDocumentError(audience: id)
        }
        return AudienceRecord(
            id: id, code: try row.string("code"), advertiserID: try row.int32IfPresent("advertiser_id"),
            advertiserCode: try row.stringIfPresent("advertiser"), name: try row.string("name"), condition: condition,
            createdAt: Timestamp(micros: try row.micros("created_at")), revision: try row.int64("revision"))
    }
}
