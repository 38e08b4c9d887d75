import AdModel
import Postgres

/// Where stock and prices are told for: a region, a city or a store.
public struct StockLocationRecord: Sendable, Equatable {
    public var id: Int32
    public var code: String
    public var name: String
    /// ISO 3166-2 codes whose shoppers are served from here.
    public var regions: [String]
    public var revision: Int64

    public init(id: Int32 = 0, code: String, name: String, regions: [String] = [], revision: Int64 = 1) {
        self.id = id
        self.code = code
        self.name = name
        self.regions = regions
        self.revision = revision
    }
}

/// Stock locations as the retailer keeps them.
public enum StockLocations {
    /// Locations of one installation.
    public static let limit = 1_000
    /// Regions of one location.
    public static let regionLimit = 256

    /// By id, ascending.
    public static func list(
        after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [StockLocationRecord] {
        try db.query(
            "select * from stock_location where id > $1 order by id limit $2", [.int8(after), .int8(limit)]
        ).map(record)
    }

    /// Throws `Refusal.notFound`. `lock` keeps the row until the end of the transaction.
    public static func find(
        _ code: String, lock: Bool = false, on db: isolated PostgresConnection
    ) throws -> StockLocationRecord {
        guard
            let row = try db.query(
                "select * from stock_location where code = $1 \(lock ? "for update" : "")", [.text(code)]
            ).first
        else { throw Refusal.notFound }
        return try record(row)
    }

    public static func create(
        _ draft: StockLocationRecord, on db: isolated PostgresConnection
    ) throws -> StockLocationRecord {
        try check(draft, on: db)
        guard try db.query("select count(*) as n from stock_location").single().int("n") < limit else {
            throw Refusal(.conflict, "There are \(limit) stock locations already, which is the limit.")
        }
        guard
            let row = try db.query(
                """
                insert into stock_location (code, name, region_codes) values ($1, $2, $3)
                on conflict (code) do nothing returning *
                """, [.text(draft.code), .text(draft.name), .textArray(draft.regions)]
            ).first
        else { throw Refusal(.conflict, field: "id", "There is a stock location “\(draft.code)” already.") }
        return try record(row)
    }

    /// Writes all columns but the code and returns the row with its new revision.
    public static func update(
        _ location: StockLocationRecord, on db: isolated PostgresConnection
    ) throws -> StockLocationRecord {
        try check(location, on: db)
        return try record(
            try db.query(
                """
                update stock_location set name = $3, region_codes = $4, revision = revision + 1
                where id = $1 and revision = $2 returning *
                """,
                [.int4(location.id), .int8(location.revision), .text(location.name), .textArray(location.regions)]
            ).single())
    }

    /// Refused while a feed, a storefront or stock refers to it.
    public static func delete(_ location: StockLocationRecord, on db: isolated PostgresConnection) throws {
        try SiteReferences.refuse(
            "stock location",
            [
                ("a storefront has it as its default", "select 1 from storefront where default_location_id = $1"),
                ("a feed fills it", "select 1 from feed where location_id = $1"),
                ("it holds stock", "select 1 from stock where location_id = $1"),
                ("feeds were imported into it", "select 1 from feed_import where location_id = $1"),
                (
                    "a line item is aimed at it",
                    """
                    select 1 from line_item l join stock_location s on s.id = $1
                    where jsonb_exists(l.targeting->'locations', s.code)
                        or jsonb_exists(l.targeting->'not'->'locations', s.code)
                    """
                ),
            ], id: location.id, on: db)
        try db.query("delete from stock_location where id = $1", [.int4(location.id)])
    }

    private static func check(_ location: StockLocationRecord, on db: isolated PostgresConnection) throws {
        for (index, region) in location.regions.enumerated() where !Region.isCode(region) {
            throw Refusal.field("regions[\(index)]", "invalid", "Not an ISO 3166-2 code like RU-MOW.")
        }
        let taken = try db.query(
            """
            select l.code, r.region from stock_location l cross join lateral unnest(l.region_codes) r (region)
            where l.id <> $1 and r.region = any($2) order by l.id limit 1
            """, [.int4(location.id), .textArray(location.regions)])
        if let other = taken.first {
            throw Refusal(
                .conflict, field: "regions",
                "\(try other.string("region")) belongs to the stock location “\(try other.string("code"))” already: a "
                    + "shopper's region must name one location.")
        }
    }

    private static func record(_ row: PostgresRow) throws -> StockLocationRecord {
        StockLocationRecord(
            id: try row.int32("id"), code: try row.string("code"), name: try row.string("name"),
            regions: try row.stringArray("region_codes"), revision: try row.int64("revision"))
    }
}

/// Refuses to delete what something refers to, with the first reason found.
enum SiteReferences {
    static func refuse(
        _ noun: String, _ references: [(reason: String, sql: String)], id: Int32, on db: isolated PostgresConnection
    ) throws {
        for (reason, sql) in references where try !db.query("\(sql) limit 1", [.int4(id)]).isEmpty {
            throw Refusal(.conflict, "This \(noun) cannot be deleted: \(reason).")
        }
    }
}
