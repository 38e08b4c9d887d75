import AdModel
import Postgres

/// An advertiser owns a brand for a time, by the retailer's decision.
public struct BrandGrantRecord: Sendable, Equatable {
    public var id: Int32
    public var code: String
    public var advertiserID: Int32
    /// Code of the advertiser.
    public var advertiser: String
    /// Code of the brand.
    public var brand: String
    public var brandName: String
    public var validity: ValiditySpan
    public var revision: Int64
}

/// Grants. Halo never crosses to a brand that the advertiser does not own when the order is made, so a grant that has
/// begun is ended, not removed.
public enum BrandGrants {
    private static let selection = """
        select g.*, a.code as advertiser, b.code as brand, b.name as brand_name from brand_grant g
        join advertiser a on a.id = g.advertiser_id join brand b on b.id = g.brand_id
        """

    /// By id, ascending; only those that the tenant may see.
    public static func list(
        advertiser: String? = nil, brand: String? = nil, at: Timestamp? = nil, after: Int64, limit: Int64,
        on db: isolated PostgresConnection
    ) throws -> [BrandGrantRecord] {
        try db.query(
            """
            \(selection) where g.id > $1 and ($3::text is null or a.code = $3) and ($4::text is null or b.code = $4)
                and ($5::timestamptz is null or g.valid_from <= $5 and $5 < g.valid_to)
            order by g.id limit $2
            """,
            [
                .int8(after), .int8(limit), .text(orNull: advertiser), .text(orNull: brand),
                .timestamptz(orNull: at?.micros),
            ]
        ).map(record)
    }

    /// Throws `Refusal.notFound`. `lock` keeps the row until the end of the transaction.
    public static func find(
        _ code: String, lock: Bool = false, on db: isolated PostgresConnection
    ) throws -> BrandGrantRecord {
        guard
            let row = try db.query("\(selection) where g.code = $1 \(lock ? "for update of g" : "")", [.text(code)])
                .first
        else { throw Refusal.notFound }
        return try record(row)
    }

    /// Several advertisers may own a brand at one time (a maker and his distributor); one advertiser has one grant for
    /// a brand at a time.
    public static func create(
        advertiser: String, brand: String, from: Timestamp?, to: Timestamp?, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> BrandGrantRecord {
        let validity = ValiditySpan(from: from, to: to)
        try validity.check()
        guard
            let owner = try db.query("select id from advertiser where code = $1 for update", [.text(advertiser)]).first
        else { throw Refusal.unknownReference("advertiser", advertiser) }
        guard let owned = try db.query("select id from brand where code = $1", [.text(brand)]).first else {
            throw Refusal.unknownReference("brand", brand)
        }
        let ids: [PostgresValue] = [.int4(try owner.int32("id")), .int4(try owned.int32("id"))]
        try refuseOverlap(ids, except: 0, validity, field: "brand", on: db)
        let code = try db.query(
            """
            insert into brand_grant (advertiser_id, brand_id, valid_from, valid_to) values ($1, $2, $3, $4)
            returning code
            """, ids + [validity.sqlFrom, validity.sqlTo]
        ).single().string("code")
        _ = try PromotedProducts.refresh(advertiser: try owner.int32("id"), now: now, on: db)
        return try find(code, on: db)
    }

    /// Changes when a grant ends. The end may not be moved into the past.
    public static func end(
        _ grant: BrandGrantRecord, at to: Timestamp?, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> BrandGrantRecord {
        var changed = grant
        changed.validity.to = to
        try changed.validity.check()
        try ValidityRules.checkEnd(old: grant.validity.to, new: to, now: now)
        // Grants of one advertiser are changed one after the other, like in `create`.
        try db.query("select 1 as one from advertiser where id = $1 for update", [.int4(grant.advertiserID)])
        let brand = try db.query("select id from brand where code = $1", [.text(grant.brand)]).single().int32("id")
        try refuseOverlap(
            [.int4(grant.advertiserID), .int4(brand)], except: grant.id, changed.validity, field: "valid_to", on: db)
        try db.query(
            "update brand_grant set valid_to = $3, revision = revision + 1 where id = $1 and revision = $2",
            [.int4(grant.id), .int8(grant.revision), changed.validity.sqlTo])
        _ = try PromotedProducts.refresh(advertiser: grant.advertiserID, now: now, on: db)
        return try find(grant.code, on: db)
    }

    /// Removes a grant that has not begun.
    public static func delete(_ grant: BrandGrantRecord, now: Timestamp, on db: isolated PostgresConnection) throws {
        try ValidityRules.checkNotBegun("grant", grant.validity.from, now: now)
        try db.query("delete from brand_grant where id = $1", [.int4(grant.id)])
    }

    private static func refuseOverlap(
        _ ids: [PostgresValue], except id: Int32, _ validity: ValiditySpan, field: String,
        on db: isolated PostgresConnection
    ) throws {
        let others = try db.query(
            """
            select code from brand_grant
            where advertiser_id = $1 and brand_id = $2 and id <> $3 and valid_from < $5 and $4 < valid_to
            order by valid_from limit 1
            """, ids + [.int4(id), validity.sqlFrom, validity.sqlTo])
        guard let other = try others.first?.string("code") else { return }
        throw Refusal(
            .conflict, field: field, "The advertiser owns the brand in that time by the grant \(other) already.")
    }

    private static func record(_ row: PostgresRow) throws -> BrandGrantRecord {
        BrandGrantRecord(
            id: try row.int32("id"), code: try row.string("code"), advertiserID: try row.int32("advertiser_id"),
            advertiser: try row.string("advertiser"), brand: try row.string("brand"),
            brandName: try row.string("brand_name"), validity: try ValiditySpan(row),
            revision: try row.int64("revision"))
    }
}
