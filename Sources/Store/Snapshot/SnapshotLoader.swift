import AdFormats
import AdModel
import Decisioning
import Postgres

/// PostgreSQL to what serving runs on. Reads only; every load is one repeatable-read transaction.
public struct SnapshotLoader: Sendable {
    /// Products beside the promoted ones that a snapshot knows, to give a page's product its category and brand.
    public static let contextProductLimit = 1_000_000
    /// Creative versions of line items that ended this long ago can still be clicked.
    public static let clickableDays = 3
    /// Earlier versions of what serving reads can be loaded for this many days.
    public static let keptDays: Int32 = 7

    let pool: PostgresPool
    private let formats: [SnapshotInput.Format]
    let mediaBaseURL: String
    let contextProducts: Int

    /// - Parameters:
    ///   - formats: the ad formats that are installed.
    ///   - mediaBaseURL: address of the media listener, without a trailing slash; pictures are
    ///     `<base>/media/<sha256>.<extension>`.
    ///   - contextProducts: how many products beside the promoted ones are loaded at most.
    public init(
        pool: PostgresPool, formats: AdFormatSet, mediaBaseURL: String,
        contextProducts: Int = Self.contextProductLimit
    ) {
        self.contextProducts = contextProducts
        self.pool = pool
        self.formats = formats.formats.values.sorted { $0.name < $1.name }.map {
            SnapshotInput.Format(
                name: $0.name, minimumCards: $0.minimumCards, maximumCards: $0.maximumCards, priorCTR: $0.priorCTR)
        }
        self.mediaBaseURL = mediaBaseURL
    }

    /// What tells, cheaply enough to ask often, that something is newer than what is known.
    public struct Versions: Sendable, Equatable {
        public var control: Int64 = 0
        public var stock: Int64 = 0
        /// Of the tables behind shelf algorithms.
        public var shelves: Int64 = 0
        public var stops = ServingStops.none
    }

    /// Versions of the two streams of change, and what is stopped now.
    public func versions() async throws -> Versions {
        try await pool.withConnection { connection in
            let rows = try connection.query(
                """
                select stream, version from control_version where stream in ('control', 'stock')
                union all select 'stop', coalesce(storefront_id, 0) from serving_stop
                union all select 'shelves', coalesce(max(id), 0) from shelf_build
                """)
            var versions = Versions()
            for row in rows {
                let number = try row.int64("version")
                switch try row.string("stream") {
                case "control": versions.control = number
                case "stock": versions.stock = number
                case "shelves": versions.shelves = number
                default:
                    if number == 0 {
                        versions.stops.everything = true
                    } else {
                        versions.stops.storefrontIDs.insert(Int32(clamping: number))
                    }
                }
            }
            return versions
        }
    }

    /// Everything but stock, as it is valid at `now`.
    public func load(now: Timestamp) async throws -> ServingData {
        let loader = self
        return try await pool.transaction(.repeatableRead) { connection in
            let version = try connection.query("select version from control_version where stream = 'control'").single()
                .int64("version")
            return try loader.read(version: version, now: now, connection)
        }
    }

    /// The same as it was under an earlier version, but for the catalogue's products, which are those of today; nil
    /// when that version is not kept any more.
    public func load(version: Int64, now: Timestamp) async throws -> ServingData? {
        let loader = self
        return try await pool.transaction(.repeatableRead) { connection in
            let isKept = try connection.query("select restore_serving_snapshot($1) as it", [.int8(version)]).single()
                .bool("it")
            return isKept ? try loader.read(version: version, now: now, connection) : nil
        }
    }

    private func read(
        version: Int64, now: Timestamp, _ connection: isolated PostgresConnection
    ) throws -> ServingData {
        var data = ServingData(version: version)
        data.input.formats = formats
        data.checkedAt = now
        data.settingsReadAt = now
        let instant = PostgresValue.timestamptz(micros: now.micros)
        try ServingSettings(connection, now: now).put(into: &data)
        data.input.advertisers = try ServingRows.advertisers(connection)
        var items = try ServingRows.lineItems(connection, now: instant)
        let creatives = try ServingRows.creatives(connection, now: instant, mediaBaseURL: mediaBaseURL)
        for creative in creatives.all { data.creatives[creative.versionID] = creative }
        for index in items.indices { items[index].creatives = creatives.serving[items[index].id] ?? [] }
        data.input.lineItems = PieceArray(items)
        try Self.products(connection, contextLimit: contextProducts, &data)
        return data
    }

    private static func products(
        _ connection: isolated PostgresConnection, contextLimit: Int, _ data: inout ServingData
    ) throws {
        var promoted: Set<Int32> = []
        for item in data.input.lineItems { promoted.formUnion(item.promotedProductIDs) }
        data.promotedProductIDs = promoted.sorted()
        let brands = ServingRows.BrandNames(data)
        var products: [SnapshotInput.Product] = []
        for product in try ServingRows.shownProducts(connection, ids: data.promotedProductIDs, brands: brands) {
            data.products[product.input.id] = product.shown
            products.append(product.input)
        }
        let others = try connection.query(
            "select id, sku, brand, category_ids from product where id <> all($1) order by id limit $2",
            [.int4Array(data.promotedProductIDs), .int4(Int32(contextLimit + 1))])
        // One more than is kept was asked for, to know whether anything is left out.
        data.isContextCut = others.count > contextLimit
        data.contextProducts = min(others.count, contextLimit)
        for row in others.prefix(contextLimit) {
            products.append(
                SnapshotInput.Product(
                    id: try row.int32("id"), sku: try row.string("sku"),
                    brandID: brands.id(try row.stringIfPresent("brand")),
                    categoryIDs: try row.int32Array("category_ids")))
        }
        data.input.products = PieceArray(products.sorted { $0.id < $1.id })
    }

    // MARK: Stock

    /// Stock of the given products, and the number of the last change that is in it.
    public func stock(of productIDs: [Int32]) async throws -> (version: Int64, rows: [StockRow]) {
        try await stock("where product_id = any($1)", [.int4Array(productIDs)])
    }

    /// Stock rows changed after `version`, and the number of the last change among what exists now.
    public func stockChanges(after version: Int64) async throws -> (version: Int64, rows: [StockRow]) {
        try await stock("where change_number > $1", [.int8(version)])
    }

    private func stock(
        _ condition: String, _ parameters: [PostgresValue]
    ) async throws -> (version: Int64, rows: [StockRow]) {
        try await pool.transaction(.repeatableRead) { connection in
            let version = try connection.query("select version from control_version where stream = 'stock'").single()
                .int64("version")
            let found = try connection.query(
                """
                select location_id, product_id, quantity, price_micros, old_price_micros, as_of from stock \(condition)
                """, parameters)
            var rows: [StockRow] = []
            rows.reserveCapacity(found.count)
            for row in found {
                rows.append(
                    StockRow(
                        locationID: try row.int32("location_id"), productID: try row.int32("product_id"),
                        quantity: try row.int32("quantity"), price: Micros(try row.int64("price_micros")),
                        oldPrice: try row.int64IfPresent("old_price_micros").map { Micros($0) },
                        asOf: Timestamp(micros: try row.micros("as_of"))))
            }
            return (version, rows)
        }
    }
}
