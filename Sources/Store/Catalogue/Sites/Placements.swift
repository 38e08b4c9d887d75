import AdModel
import Decisioning
import Postgres
import Shelves

/// A slot on the pages of a storefront.
public struct PlacementRecord: Sendable, Equatable {
    public var id: Int32
    public var storefrontID: Int32
    /// Code of the storefront.
    public var storefront: String
    /// The shop's own code, `home.top`; unique within the storefront.
    public var code: String
    public var pageType: PageType
    /// Names of the ad formats that it takes.
    public var formats: [String]
    public var maxAds: Int32
    /// Slots of one page are decided in ascending order.
    public var rank: Int32
    /// Least price of 1,000 impressions, micro-roubles without VAT.
    public var floorMicros: Int64
    public var repeatAdvertiser: Bool
    public var repeatBrand: Bool
    /// What rivals of the page's brand may show here.
    public var competitorBlock: CompetitorBlock
    /// How much the shop's own margin counts, 0...100: a score is multiplied by 1 + weight x margin.
    public var marginWeightPercent: Int32 = 0
    /// How shelves are filled where the line item does not say; nil = in the order of the line item.
    public var shelf: ShelfPlan?
    public var revision: Int64

    public init(
        id: Int32 = 0, storefrontID: Int32, storefront: String, code: String, pageType: PageType, formats: [String],
        maxAds: Int32 = 1, rank: Int32 = 100, floorMicros: Int64 = 0, repeatAdvertiser: Bool = true,
        repeatBrand: Bool = true, competitorBlock: CompetitorBlock = .none, revision: Int64 = 1
    ) {
        self.id = id
        self.storefrontID = storefrontID
        self.storefront = storefront
        self.code = code
        self.pageType = pageType
        self.formats = formats
        self.maxAds = maxAds
        self.rank = rank
        self.floorMicros = floorMicros
        self.repeatAdvertiser = repeatAdvertiser
        self.repeatBrand = repeatBrand
        self.competitorBlock = competitorBlock
        self.revision = revision
    }
}

/// Placements as the retailer keeps them.
public enum Placements {
    /// Placements of one storefront.
    public static let limit = 1_000

    private static let selection =
        "select p.*, s.code as storefront from placement p join storefront s on s.id = p.storefront_id"

    /// Of one storefront, by id, ascending.
    public static func list(
        storefront: String, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [PlacementRecord] {
        let owner = try Storefronts.find(storefront, on: db)
        return try db.query(
            "\(selection) where p.storefront_id = $1 and p.id > $2 order by p.id limit $3",
            [.int4(owner.id), .int8(after), .int8(limit)]
        ).map(record)
    }

    /// Throws `Refusal.notFound`. `lock` keeps the row until the end of the transaction.
    public static func find(
        storefront: String, _ code: String, lock: Bool = false, on db: isolated PostgresConnection
    ) throws -> PlacementRecord {
        guard
            let row = try db.query(
                "\(selection) where s.code = $1 and p.code = $2 \(lock ? "for update of p" : "")",
                [.text(storefront), .text(code)]
            ).first
        else { throw Refusal.notFound }
        return try record(row)
    }

    public static func create(_ draft: PlacementRecord, on db: isolated PostgresConnection) throws -> PlacementRecord {
        let present = try db.query(
            "select count(*) as n from placement where storefront_id = $1", [.int4(draft.storefrontID)])
        guard try present.single().int("n") < limit else {
            throw Refusal(.conflict, "The storefront has \(limit) placements already, which is the limit.")
        }
        let added = try db.query(
            """
            insert into placement (storefront_id, code, page_type, formats, max_ads, rank, floor_micros,
                repeat_advertiser, repeat_brand, competitor_block, margin_weight_percent, shelf)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (storefront_id, code) do nothing
            """,
            [
                .int4(draft.storefrontID), .text(draft.code), .text(draft.pageType.rawValue), .textArray(draft.formats),
                .int4(draft.maxAds), .int4(draft.rank), .int8(draft.floorMicros), .bool(draft.repeatAdvertiser),
                .bool(draft.repeatBrand), .text(draft.competitorBlock.rawValue),
                .int4(draft.marginWeightPercent),
                draft.shelf.map { .jsonb($0.json) } ?? .null,
            ])
        guard added.affected == 1 else {
            throw Refusal(.conflict, field: "id", "The storefront has a placement “\(draft.code)” already.")
        }
        return try find(storefront: draft.storefront, draft.code, on: db)
    }

    /// Writes all columns but the code and returns the row with its new revision.
    public static func update(
        _ placement: PlacementRecord, on db: isolated PostgresConnection
    ) throws -> PlacementRecord {
        try db.query(
            """
            update placement set page_type = $3, formats = $4, max_ads = $5, rank = $6, floor_micros = $7,
                repeat_advertiser = $8, repeat_brand = $9, competitor_block = $10,
                margin_weight_percent = $11, shelf = $12, revision = revision + 1
            where id = $1 and revision = $2
            """,
            [
                .int4(placement.id), .int8(placement.revision), .text(placement.pageType.rawValue),
                .textArray(placement.formats), .int4(placement.maxAds), .int4(placement.rank),
                .int8(placement.floorMicros), .bool(placement.repeatAdvertiser), .bool(placement.repeatBrand),
                .text(placement.competitorBlock.rawValue), .int4(placement.marginWeightPercent),
                placement.shelf.map { .jsonb($0.json) } ?? .null,
            ])
        return try find(storefront: placement.storefront, placement.code, on: db)
    }

    /// Refused once it has delivered or a line item is aimed at it.
    public static func delete(_ placement: PlacementRecord, on db: isolated PostgresConnection) throws {
        try SiteReferences.refuse(
            "placement",
            [
                ("it has delivered ads", "select 1 from performance_day where placement_id = $1"),
                ("pages have asked for it", "select 1 from delivery_day where placement_id = $1"),
                (
                    "a line item is aimed at it",
                    """
                    select 1 from line_item l join placement p on p.id = $1
                    where jsonb_exists(l.targeting->'placements', p.code)
                        or jsonb_exists(l.targeting->'not'->'placements', p.code)
                    """
                ),
            ], id: placement.id, on: db)
        try db.query("delete from placement where id = $1", [.int4(placement.id)])
    }

    private static func record(_ row: PostgresRow) throws -> PlacementRecord {
        let word = try row.string("page_type")
        guard let pageType = PageType(rawValue: word) else {
            throw ServingDataError(code: "unknown_page_type", message: "placement with page type \(word)")
        }
        var placement = PlacementRecord(
            id: try row.int32("id"), storefrontID: try row.int32("storefront_id"),
            storefront: try row.string("storefront"), code: try row.string("code"), pageType: pageType,
            formats: try row.stringArray("formats"), maxAds: try row.int32("max_ads"), rank: try row.int32("rank"),
            floorMicros: try row.int64("floor_micros"), repeatAdvertiser: try row.bool("repeat_advertiser"),
            repeatBrand: try row.bool("repeat_brand"),
            competitorBlock: CompetitorBlock(rawValue: try row.string("competitor_block")) ?? .none,
            revision: try row.int64("revision"))
        placement.marginWeightPercent = try row.int32("margin_weight_percent")
        placement.shelf = try row.stringIfPresent("shelf").flatMap { ShelfPlan(json: $0) }
        return placement
    }
}
