import AdModel
import EventLog
import Foundation
import Glibc
import Logging
import Measurement
import Pipeline
import Postgres
import PrivatePostgres
import Store

/// G6c: from the acknowledgement of an order to the moment its credits can be read, with many touches in the tables.
struct CreditLatencyBench {
    var data: AttributionData
    /// Orders that are reported and waited for, one after another.
    var orders: Int

    func run() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nimb-bench-credits-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let cluster = try await PrivateCluster.start(
            directory: folder.appendingPathComponent("pg"), durability: .durable)
        do { try await run(cluster, folder) } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    private func run(_ cluster: PrivateCluster, _ folder: URL) async throws {
        let pool = PostgresPool(
            PostgresOptions(url: cluster.url(), applicationName: "nimb bench").asSystem, maximumConnections: 2)
        try await MigrationRunner(pool: pool).run()
        let rows = data.rows()
        print("loading \(rows.touches.count) touches")
        try await load(rows, pool)
        let bytes = try await pool.withConnection {
            try $0.query("select pg_total_relation_size('touch') as bytes")[0].int64("bytes")
        }
        print("touches in the tables: \(bytes / Int64(max(1, rows.touches.count))) bytes each, indices included")

        let directory = folder.appendingPathComponent("log").path
        let log = try EventLog(directory: directory, nodeID: 1)
        let worker = PipelineWorker(
            directory: directory, database: PostgresOptions(url: cluster.url()).asSystem, clock: { Self.now() },
            logger: Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() }))
        let shipping = Task { try await worker.run() }
        defer {
            shipping.cancel()
            log.close()
        }
        var acknowledged: [Double] = []
        var readable: [Double] = []
        for order in records(rows).prefix(orders) {
            let started = ContinuousClock.now
            var record: [UInt8] = []
            LogRecordCodec.encode(.order(order), into: &record)
            try await log.appendDurably(record)
            let acked = ContinuousClock.now
            while try await !isReadable(order.orderID, pool) { try await Task.sleep(for: .milliseconds(1)) }
            acknowledged.append(Self.milliseconds(started, acked))
            readable.append(Self.milliseconds(acked, .now))
        }
        let credits = try await pool.withConnection { try $0.query("select count(*) as n from credit")[0].int64("n") }
        await pool.close()
        report(acknowledged, readable, credits: credits, folder)
    }

    private func report(_ acknowledged: [Double], _ readable: [Double], credits: Int64, _ folder: URL) {
        let sorted = readable.sorted()
        guard !sorted.isEmpty else { return }
        func quantile(_ share: Double) -> Double { sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))] }
        let p99 = quantile(0.99)
        print(
            "order acknowledged -> credit readable: p50 \(format(quantile(0.5))) ms, p99 \(format(p99)) ms, "
                + "\(sorted.count) orders, \(credits) credit rows")
        print("the acknowledgement itself: p50 \(format(Rotation.Summary.median(acknowledged))) ms")
        print("yardstick, 64 KiB append + fdatasync: p50 \(format(rawAppend(folder))) ms")
        print(
            BenchGoalLine(
                goal: "G6c", value: p99, floor: 1_000, aim: 100, least: sorted[0], greatest: sorted[sorted.count - 1],
                rounds: sorted.count, yardstick: "absolute-ms", isValid: Bystanders.hadRoom
            ).json)
    }

    // MARK: The world

    private func load(_ rows: AttributionData.Rows, _ pool: PostgresPool) async throws {
        let brands = data.brands
        let brandOfSKU = rows.brandOfSKU
        let touches = rows.touches
        let start = AttributionData.start
        try await pool.withConnection { db in
            try db.script(
                """
                insert into counterparty (code, kind, name, inn, roles)
                    values ('cp', 'juridical', 'ООО Опыт', '7707083893', '{ors,rr}');
                insert into retailer (code, name, counterparty_id) values ('retailer', 'Bench', 1);
                insert into storefront (code, name, url) values ('shop', 'Shop', 'https://shop.example/');
                insert into brand (code, name) select 'b' || n, 'B' from generate_series(0, \(brands - 1)) n order by n;
                insert into advertiser (code, name, counterparty_id)
                    select 'a' || n, 'A', 1 from generate_series(0, \(brands - 1)) n order by n;
                insert into brand_grant (advertiser_id, brand_id) select n, n from generate_series(1, \(brands)) n;
                insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, signed_on)
                    select 'c' || n, n, 1, 1, '2025-01-01' from generate_series(1, \(brands)) n order by n;
                insert into campaign (code, advertiser_id, contract_id, name, state)
                    select 'k' || n, n / 8 + 1, n / 8 + 1, 'K', 'active' from generate_series(0, \(brands * 8 - 1)) n
                    order by n;
                insert into campaign_version (campaign_id, valid_from, brand_codes)
                    select n + 1, '-infinity', array['b' || n / 8] from generate_series(0, \(brands * 8 - 1)) n;
                insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros)
                    select 'l' || n, n + 1, n / 8 + 1, 'L', '2025-01-01', '2027-01-01', 'cpm', 0
                    from generate_series(0, \(brands * 8 - 1)) n order by n;
                """)
            try db.copyIn("product", ["sku", "name", "brand"]) { writer in
                for (sku, brand) in brandOfSKU.enumerated() {
                    try writer.row(.text("p\(sku)"), .text("P"), .text("b\(brand)"))
                }
            }
            try db.copyIn(
                "touch",
                [
                    "touch_id", "visitor_id", "occurred_at", "kind", "advertiser_id", "campaign_id", "line_item_id",
                    "storefront_id", "promoted_skus",
                ]
            ) { writer in
                for (number, touch) in touches.enumerated() {
                    try writer.row(
                        .text("t\(1_000_000_000 + number)"), .text("s\(touch.shopper)"),
                        .timestamptz(micros: start + Int64(touch.second) * 1_000_000),
                        .text(touch.isClick ? "click" : "view"), .int4(brandOfSKU[Int(touch.sku)] + 1),
                        .int4(touch.campaign + 1), .int4(touch.campaign + 1), .int4(1),
                        .textArray(["p\(touch.sku)"]))
                }
            }
            try db.script("analyze")
        }
    }

    /// The orders of the data, as a shop reports them.
    private func records(_ rows: AttributionData.Rows) -> [OrderRecord] {
        var result: [OrderRecord] = []
        for line in rows.lines {
            let at = Timestamp(micros: AttributionData.start + Int64(line.second) * 1_000_000)
            let item = OrderRecord.Line(
                lineNo: Int32((result.last?.orderID == "o\(line.order)" ? result.last?.lines.count ?? 0 : 0) + 1),
                sku: "p\(line.sku)", units: line.units, gross: Micros(line.amountMicros), net: Micros(line.amountMicros)
            )
            if result.last?.orderID == "o\(line.order)" {
                result[result.count - 1].lines.append(item)
            } else {
                result.append(
                    OrderRecord(
                        storefrontID: 1, orderID: "o\(line.order)", visitorID: "s\(line.shopper)", customerID: nil,
                        channel: .online, orderedAt: at, receivedAt: at, lines: [item]))
            }
        }
        return result
    }

    // MARK: Clocks

    /// The order and its credits are one transaction: when the one is there, so are the others.
    private func isReadable(_ order: String, _ pool: PostgresPool) async throws -> Bool {
        try await pool.withConnection {
            try !$0.query("select 1 from customer_order where storefront_id = 1 and order_id = $1", [.text(order)])
                .isEmpty
        }
    }

    private func rawAppend(_ folder: URL) -> Double {
        let file = open(folder.appendingPathComponent("raw").path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        let block = [UInt8](repeating: 7, count: 65_536)
        var times: [Double] = []
        for _ in 0..<200 {
            let started = ContinuousClock.now
            _ = block.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            fdatasync(file)
            times.append(Self.milliseconds(started, .now))
        }
        return Rotation.Summary.median(times)
    }

    private static func milliseconds(_ from: ContinuousClock.Instant, _ to: ContinuousClock.Instant) -> Double {
        let elapsed = from.duration(to: to)
        return Double(elapsed.components.seconds) * 1_000 + Double(elapsed.components.attoseconds) / 1e15
    }

    private static func now() -> Timestamp { Timestamp(micros: Int64(Date().timeIntervalSince1970 * 1_000_000)) }
    private func format(_ value: Double) -> String { String(format: "%.2f", value) }
}
