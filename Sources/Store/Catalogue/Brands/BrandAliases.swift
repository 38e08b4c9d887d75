import AdModel
import Postgres

/// One spelling of a brand in the catalogue, approved by the retailer.
public struct BrandAliasRecord: Sendable, Equatable {
    public var id: Int32
    public var code: String
    /// Exact bytes of the feed's vendor.
    public var alias: String
    /// Code of the brand.
    public var brand: String
    public var validity: ValiditySpan
    public var revision: Int64
}

/// Aliases. One means one brand at a time; what a past order meant never changes, so an alias that has begun is ended,
/// not removed.
public enum BrandAliases {
    private static let selection =
        "select a.*, b.code as brand from brand_alias a join brand b on b.id = a.brand_id"

    /// By id, ascending.
    public static func list(
        brand: String? = nil, alias: String? = nil, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [BrandAliasRecord] {
        try db.query(
            """
            \(selection) where a.id > $1 and ($3::text is null or b.code = $3) and ($4::text is null or a.alias = $4)
            order by a.id limit $2
            """, [.int8(after), .int8(limit), .text(orNull: brand), .text(orNull: alias)]
        ).map(record)
    }

    /// Throws `Refusal.notFound`. `lock` keeps the row until the end of the transaction.
    public static func find(
        _ code: String, lock: Bool = false, on db: isolated PostgresConnection
    ) throws -> BrandAliasRecord {
        guard
            let row = try db.query("\(selection) where a.code = $1 \(lock ? "for update of a" : "")", [.text(code)])
                .first
        else { throw Refusal.notFound }
        return try record(row)
    }

    /// Approves a spelling. Line items that promote the brand promote its products from now on.
    /// - Parameter field: what a refusal of the alias itself names.
    public static func create(
        alias: String, brand: String, from: Timestamp?, to: Timestamp?, field: String = "alias", now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> BrandAliasRecord {
        let validity = ValiditySpan(from: from, to: to)
        try validity.check()
        guard let owner = try db.query("select id from brand where code = $1", [.text(brand)]).first else {
            throw Refusal.unknownReference("brand", brand)
        }
        try lock(on: db)
        try refuseOverlap(alias, except: 0, validity, field: field, on: db)
        let code = try db.query(
            """
            insert into brand_alias (alias, brand_id, valid_from, valid_to) values ($1, $2, $3, $4) returning code
            """, [.text(alias), .int4(try owner.int32("id")), validity.sqlFrom, validity.sqlTo]
        ).single().string("code")
        _ = try PromotedProducts.refresh(now: now, on: db)
        return try find(code, on: db)
    }

    /// Changes when an alias ends. The end may not be moved into the past.
    public static func end(
        _ alias: BrandAliasRecord, at to: Timestamp?, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> BrandAliasRecord {
        var changed = alias
        changed.validity.to = to
        try changed.validity.check()
        try ValidityRules.checkEnd(old: alias.validity.to, new: to, now: now)
        try lock(on: db)
        try refuseOverlap(alias.alias, except: alias.id, changed.validity, field: "valid_to", on: db)
        try db.query(
            "update brand_alias set valid_to = $3, revision = revision + 1 where id = $1 and revision = $2",
            [.int4(alias.id), .int8(alias.revision), changed.validity.sqlTo])
        _ = try PromotedProducts.refresh(now: now, on: db)
        return try find(alias.code, on: db)
    }

    /// Removes an alias that has not begun.
    public static func delete(
        _ alias: BrandAliasRecord, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try ValidityRules.checkNotBegun("alias", alias.validity.from, now: now)
        try db.query("delete from brand_alias where id = $1", [.int4(alias.id)])
    }

    /// Brings to serving what began or ended by itself since the last time. Returns whether anything did.
    public static func applyBoundaries(now: Timestamp, on db: isolated PostgresConnection) throws -> Bool {
        let instant = PostgresValue.timestamptz(micros: now.micros)
        let crossed = try db.query(
            """
            update alias_clock set applied_at = $1::timestamptz
            where exists (
                select 1 from brand_alias where valid_from > applied_at and valid_from <= $1
                union all select 1 from brand_alias where valid_to > applied_at and valid_to <= $1)
            """, [instant])
        guard crossed.affected > 0 else { return false }
        _ = try PromotedProducts.refresh(now: now, on: db)
        try db.query("select bump_control_version('control')")
        return true
    }

    /// The same lock as the constraint's, taken first: two approvals of one spelling then follow each other, and the
    /// second is told why it is refused.
    private static func lock(on db: isolated PostgresConnection) throws {
        try db.query("select pg_advisory_xact_lock(hashtext('nimb alias'))")
    }

    private static func refuseOverlap(
        _ alias: String, except id: Int32, _ validity: ValiditySpan, field: String, on db: isolated PostgresConnection
    ) throws {
        let others = try db.query(
            """
            \(selection) where a.alias = $1 and a.id <> $2 and a.valid_from < $4 and $3 < a.valid_to
            order by a.valid_from limit 1
            """, [.text(alias), .int4(id), validity.sqlFrom, validity.sqlTo])
        guard let row = others.first else { return }
        let other = try record(row)
        throw Refusal(
            .conflict, field: field,
            "“\(alias.prefix(64))” is an alias of the brand “\(other.brand)” (\(other.code)) in that time; end that one "
                + "first: a spelling means one brand at a time.")
    }

    private static func record(_ row: PostgresRow) throws -> BrandAliasRecord {
        BrandAliasRecord(
            id: try row.int32("id"), code: try row.string("code"), alias: try row.string("alias"),
            brand: try row.string("brand"), validity: try ValiditySpan(row), revision: try row.int64("revision"))
    }
}

/// What may be changed about something that holds from one instant to another: only the future.
enum ValidityRules {
    static func checkEnd(old: Timestamp?, new: Timestamp?, now: Timestamp) throws {
        if let old, old <= now {
            throw Refusal(
                .conflict, field: "valid_to",
                "It has ended already, and what it meant for past orders stays; create a new one instead.")
        }
        if let new, new < now {
            throw Refusal.field("valid_to", "out_of_range", "Must not be in the past: past orders keep their meaning.")
        }
    }

    static func checkNotBegun(_ noun: String, _ from: Timestamp?, now: Timestamp) throws {
        guard let from, from > now else {
            throw Refusal(
                .conflict, "This \(noun) is or was in force, and past orders keep their meaning; set valid_to instead.")
        }
    }
}
