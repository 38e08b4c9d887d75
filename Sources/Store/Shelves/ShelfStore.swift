import AdModel
import Postgres
import Shelves

/// The computed tables in the database.
public enum ShelfStore {
    /// Runs of the job that are remembered.
    static let keptBuilds: Int64 = 100

    /// The last run of the job.
    public struct Build: Equatable, Sendable {
        public var version: Int64
        public var computedAt: Timestamp
        public var products: Int32
        public var orders: Int32
        public var views: Int32
        public var neighbours: Int64
    }

    /// nil before the first run.
    public static func latest(on db: isolated PostgresConnection) throws -> Build? {
        try db.query("select * from shelf_build order by id desc limit 1").first.map {
            Build(
                version: try $0.int64("id"), computedAt: Timestamp(micros: try $0.micros("computed_at")),
                products: try $0.int32("products"), orders: try $0.int32("orders"), views: try $0.int32("views"),
                neighbours: try $0.int64("neighbours"))
        }
    }

    /// Puts new tables in place of the old ones.
    static func put(
        _ result: ShelfComputation.Result, orders: Int, views: Int, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> ShelfJob.Report {
        // Products may have gone since the facts were read.
        let known = Set(try db.query("select id from product").map { try $0.int32("id") })
        try db.query("delete from shelf_product")
        try db.query("delete from shelf_neighbour")
        let products = result.products.filter { known.contains($0.id) }
        try db.copyStaged(
            "shelf_product", ["product_id", "popularity", "prior", "trend", "variant_group", "price_micros"]
        ) { writer in
            for product in products {
                try writer.row(
                    .int4(product.id), .float8(Double(product.popularity)), .float8(Double(product.prior)),
                    .float8(Double(product.trend)), .int4(product.group), .int8(product.price))
            }
        }
        var count: Int64 = 0
        try db.copyStaged("shelf_neighbour", ["kind", "product_id", "neighbours"]) { writer in
            for row in result.rows where known.contains(row.productID) {
                let neighbours = row.neighbours.filter { known.contains($0.productID) }
                count += Int64(neighbours.count)
                try writer.row(.int2(row.kind.rawValue), .int4(row.productID), .bytea(pack(neighbours)))
            }
        }
        let version = try db.query(
            """
            insert into shelf_build (computed_at, products, orders, views, neighbours) values ($1, $2, $3, $4, $5)
            returning id
            """,
            [
                .timestamptz(micros: now.micros), .int4(Int32(products.count)), .int4(Int32(orders)),
                .int4(Int32(views)), .int8(count),
            ]
        ).single().int64("id")
        try db.query("delete from shelf_build where id <= $1", [.int8(version - keptBuilds)])
        return ShelfJob.Report(
            version: version, products: products.count, orders: orders, views: views, neighbours: count)
    }

    static func pack(_ neighbours: [ShelfTables.Neighbour]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(neighbours.count * 8)
        for neighbour in neighbours {
            for word in [UInt32(bitPattern: neighbour.productID), neighbour.score.bitPattern] {
                for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
            }
        }
        return bytes
    }

    /// What is no whole neighbour, or has no sound score, is left out.
    static func unpack(_ bytes: [UInt8]) -> [ShelfTables.Neighbour] {
        stride(from: 0, to: bytes.count - bytes.count % 8, by: 8).compactMap { start in
            func word(_ at: Int) -> UInt32 {
                (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
            }
            let id = Int32(bitPattern: word(start))
            let score = Float(bitPattern: word(start + 4))
            return id > 0 && score > 0 && score.isFinite ? ShelfTables.Neighbour(productID: id, score: score) : nil
        }
    }
}

extension SnapshotLoader {
    /// The newest tables of what goes with what; empty before the job has run.
    public func shelves() async throws -> ShelfTables {
        try await pool.transaction(.repeatableRead) { db in
            guard let build = try ShelfStore.latest(on: db) else { return .empty }
            let products = try db.query(
                "select * from shelf_product order by product_id"
            ).map { row in
                ShelfTables.Product(
                    id: try row.int32("product_id"), popularity: Float(try row.double("popularity")),
                    prior: Float(try row.double("prior")), trend: Float(try row.double("trend")),
                    group: try row.int32("variant_group"), price: try row.int64("price_micros"))
            }
            var rows: [ShelfTables.Row] = []
            for row in try db.query("select kind, product_id, neighbours from shelf_neighbour") {
                guard let kind = ShelfTables.Kind(rawValue: try row.int16("kind")) else { continue }
                rows.append(
                    ShelfTables.Row(
                        kind: kind, productID: try row.int32("product_id"),
                        neighbours: ShelfStore.unpack(try row.bytes("neighbours"))))
            }
            return ShelfTables(version: build.version, products: products, rows: rows)
        }
    }
}
