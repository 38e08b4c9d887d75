import AdModel
import Decisioning
import Postgres

/// A brand as the retailer knows it; the spellings of the catalogue are its aliases.
public struct BrandRecord: Sendable, Equatable {
    public var id: Int32
    public var code: String
    public var name: String
    /// What rivals may show on the pages of the brand's products.
    public var competitorBlock: CompetitorBlock
    public var revision: Int64

    public init(
        id: Int32 = 0, code: String, name: String, competitorBlock: CompetitorBlock = .none, revision: Int64 = 1
    ) {
        self.id = id
        self.code = code
        self.name = name
        self.competitorBlock = competitorBlock
        self.revision = revision
    }
}

/// Brands as the retailer keeps them.
public enum Brands {
    public static let limit = 100_000

    /// By id, ascending; `search` finds the beginning of a name or of the code, whatever the case.
    public static func list(
        search: String? = nil, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [BrandRecord] {
        try db.query(
            """
            select * from brand where id > $1
                and ($3::text is null or starts_with(lower(name), lower($3)) or starts_with(lower(code), lower($3)))
            order by id limit $2
            """, [.int8(after), .int8(limit), .text(orNull: search)]
        ).map(record)
    }

    /// Throws `Refusal.notFound`. `lock` keeps the row until the end of the transaction.
    public static func find(
        _ code: String, lock: Bool = false, on db: isolated PostgresConnection
    ) throws -> BrandRecord {
        guard
            let row = try db.query("select * from brand where code = $1 \(lock ? "for update" : "")", [.text(code)])
                .first
        else { throw Refusal.notFound }
        return try record(row)
    }

    /// Creates the brand and, so that a shop that writes its very name needs nothing else, an alias for the name that
    /// has always been valid. Refused when the name is another brand's alias.
    public static func create(
        _ draft: BrandRecord, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> BrandRecord {
        guard try db.query("select count(*) as n from brand").single().int("n") < limit else {
            throw Refusal(.conflict, "There are \(limit) brands already, which is the limit.")
        }
        guard
            let row = try db.query(
                """
                insert into brand (code, name, competitor_block) values ($1, $2, $3)
                on conflict (code) do nothing returning *
                """,
                [.text(draft.code), .text(draft.name), .text(draft.competitorBlock.rawValue)]
            ).first
        else { throw Refusal(.conflict, field: "id", "There is a brand “\(draft.code)” already.") }
        let brand = try record(row)
        if brand.name != brand.code {
            _ = try BrandAliases.create(
                alias: brand.name, brand: brand.code, from: nil, to: nil, field: "name", now: now, on: db)
        }
        return brand
    }

    /// Writes all columns but the code; aliases stay as they are.
    public static func update(_ brand: BrandRecord, on db: isolated PostgresConnection) throws -> BrandRecord {
        try record(
            try db.query(
                """
                update brand set name = $3, competitor_block = $4, revision = revision + 1
                where id = $1 and revision = $2 returning *
                """,
                [
                    .int4(brand.id), .int8(brand.revision), .text(brand.name),
                    .text(brand.competitorBlock.rawValue),
                ]
            ).single())
    }

    /// Refused while products are spelled like it, somebody owns it or a campaign names it.
    public static func delete(_ brand: BrandRecord, on db: isolated PostgresConnection) throws {
        try SiteReferences.refuse(
            "brand",
            [
                ("an advertiser has or had a grant for it", "select 1 from brand_grant where brand_id = $1"),
                (
                    "products of the catalogue have it",
                    """
                    select 1 from product p where p.brand in (
                        select alias from brand_alias where brand_id = $1 union all select code from brand where id = $1)
                    """
                ),
                (
                    "a campaign names it",
                    """
                    select 1 from campaign_version v join brand b on b.id = $1 where v.brand_codes @> array[b.code]
                    """
                ),
                (
                    "a line item names it",
                    """
                    select 1 from line_item l join brand b on b.id = $1
                    where jsonb_exists(l.targeting->'brands', b.code) or jsonb_exists(l.targeting->'not'->'brands', b.code)
                        or jsonb_exists(l.promoted->'brands', b.code)
                    """
                ),
            ], id: brand.id, on: db)
        try db.query("delete from brand_alias where brand_id = $1", [.int4(brand.id)])
        try db.query("delete from brand where id = $1", [.int4(brand.id)])
    }

    private static func record(_ row: PostgresRow) throws -> BrandRecord {
        BrandRecord(
            id: try row.int32("id"), code: try row.string("code"), name: try row.string("name"),
            competitorBlock: CompetitorBlock(rawValue: try row.string("competitor_block")) ?? .none,
            revision: try row.int64("revision"))
    }
}

/// Since when and until when something holds, half open; nil = always.
public struct ValiditySpan: Sendable, Equatable {
    public var from: Timestamp?
    public var to: Timestamp?

    public init(from: Timestamp? = nil, to: Timestamp? = nil) {
        self.from = from
        self.to = to
    }

    init(_ row: PostgresRow) throws {
        let from = try row.micros("valid_from")
        let to = try row.micros("valid_to")
        self.from = from == .min ? nil : Timestamp(micros: from)
        self.to = to == .max ? nil : Timestamp(micros: to)
    }

    var sqlFrom: PostgresValue { .timestamptz(micros: from?.micros ?? .min) }
    var sqlTo: PostgresValue { .timestamptz(micros: to?.micros ?? .max) }

    func check() throws {
        if let from, let to, from >= to {
            throw Refusal.field("valid_to", "out_of_range", "Must be later than valid_from.")
        }
    }
}
