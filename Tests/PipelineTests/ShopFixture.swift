import AdModel
import EventLog
import Foundation
import Logging
import Measurement
import Pipeline
import Postgres
import Store
import TestKit

/// A small selling side, written as rows: two advertisers of one brand, three campaigns, four line items.
enum ShopFixture {
    static let noon = Timestamp(rfc3339: "2026-11-20T09:00:00Z") ?? Timestamp(micros: 0)
    /// The clock of workers in tests: far enough after everything that happens.
    static let now = noon + .days(40)

    static func load(_ pool: PostgresPool) async throws {
        try await pool.withConnection { try $0.script(sql) }
    }

    static let sql = """
        insert into counterparty (code, kind, name, inn, roles)
            values ('cp', 'juridical', 'ООО Опыт', '7707083893', '{ors,rr}');
        insert into retailer (code, name, counterparty_id) values ('retailer', 'Магазин', 1);
        insert into node (id, code) values (1, 'node-1'), (2, 'node-2');
        insert into storefront (code, name, url) values ('shop', 'Shop', 'https://shop.test'),
            ('app', 'App', 'https://app.test');
        insert into placement (storefront_id, code, page_type, formats, max_ads)
            values (1, 'home.top', 'home', '{banner}', 4);
        insert into brand (code, name) values ('b', 'B'), ('x', 'X');
        insert into brand_alias (alias, brand_id) values ('Brand B', 1), ('BRAND B', 1);
        insert into category (code, name) values ('root', 'All');
        insert into category (code, parent_id, name) values ('leaf', 1, 'Leaf');
        insert into product (sku, group_id, name, brand, category_ids) values
            ('p1', 'g1', 'P1', 'Brand B', '{2}'), ('p2', 'g1', 'P2', 'BRAND B', '{2}'),
            ('p3', 'g3', 'P3', 'b', '{1}'), ('p4', null, 'P4', 'x', '{2}'), ('p5', 'g5', 'P5', null, '{}');
        insert into advertiser (code, name, counterparty_id) values ('a1', 'A1', 1), ('a2', '=A2', 1);
        insert into brand_grant (advertiser_id, brand_id) values (1, 1), (2, 1);
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, signed_on)
            values ('c1', 1, 1, 1, '2026-01-01'), ('c2', 2, 1, 1, '2026-01-01');
        insert into campaign (code, advertiser_id, contract_id, name, state) values
            ('k1', 1, 1, '=K1', 'active'), ('k2', 2, 2, 'K2', 'active'), ('k3', 1, 1, 'K3', 'active');
        insert into campaign_version (campaign_id, valid_from, brand_codes, listed_categories) values
            (1, '-infinity', '{b}', '{}'), (2, '-infinity', '{b}', '{root}'), (3, '-infinity', '{}', '{}');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros)
            values ('l1', 1, 1, 'L1', '2026-11-01', '2027-11-01', 'cpm', 0),
                ('l2', 2, 2, 'L2', '2026-11-01', '2027-11-01', 'cpc', 0),
                ('l3', 3, 1, 'L3', '2026-11-01', '2027-11-01', 'cpm', 0),
                ('l4', 1, 1, 'L4', '2026-11-01', '2027-11-01', 'cpc', 0);
        insert into line_item_version (line_item_id, valid_from, promoted_skus) values
            (1, '-infinity', '{p1}'), (2, '-infinity', '{p2}'), (3, '-infinity', '{p4}'), (4, '-infinity', '{p1,p3}');
        insert into creative (code, line_item_id, advertiser_id, format) values
            ('v1', 1, 1, 'banner'), ('v2', 2, 2, 'banner'), ('v3', 3, 1, 'banner'), ('v4', 4, 1, 'banner');
        insert into creative_version (creative_id, version, fields, landing_url, ord_form, approved_at)
            select id, 1, '{}', 'https://shop.test', 'banner', now() from creative order by id;
        insert into wallet_entry (advertiser_id, kind, amount_micros, reference)
            values (1, 'top_up', 1000000000000, 't1'), (2, 'top_up', 1000000000000, 't2');
        """

    /// A token of line item 1...4; `number` makes the decision.
    static func token(
        _ number: Int, line: Int32, at: Timestamp, price: Int64 = 100, products: [Int32] = [], ad: UInt8 = 0
    ) -> AdToken {
        let campaign: Int32 = [1, 2, 3, 1][Int(line) - 1]
        return AdToken(
            decisionID: DecisionID(issuedAt: at, low: 1 << 48 | UInt64(number)), storefrontID: 1, placementID: 1,
            lineItemID: line, campaignID: campaign, advertiserID: campaign == 2 ? 2 : 1, creativeVersionID: line,
            ad: ad, position: 0, pricing: line == 2 || line == 4 ? .cpc : .cpm, price: Micros(price), shopperHash: 7,
            productIDs: products)
    }

    static func event(
        _ kind: AdEventKind, _ token: AdToken, visitor: String? = "v1", after: Timestamp.Span = .seconds(1),
        card: Int8 = -1, invalid: InvalidReason? = nil
    ) -> LogRecord {
        let at = token.decisionID.issuedAt + after
        return .adEvent(
            AdEventRecord(
                kind: kind, token: token, card: card, visitorID: visitor, eventTime: at, receivedAt: at,
                invalid: invalid))
    }

    static func order(
        _ id: String, at: Timestamp, visitor: String? = "v1", customer: String? = nil, storefront: Int32 = 1,
        channel: OrderChannel = .online, lines: [(String, Int32, Int64)]
    ) -> LogRecord {
        .order(
            OrderRecord(
                storefrontID: storefront, orderID: id, visitorID: visitor, customerID: customer, channel: channel,
                orderedAt: at, receivedAt: at,
                lines: lines.enumerated().map { index, line in
                    OrderRecord.Line(
                        lineNo: Int32(index + 1), sku: line.0, units: line.1, gross: Micros(line.2), net: Micros(line.2)
                    )
                }))
    }

    static func adjustment(
        _ id: String, of order: String, at: Timestamp, kind: AdjustmentKind, line: Int32?, units: Int32? = nil,
        amount: Int64? = nil, storefront: Int32 = 1
    ) -> LogRecord {
        .adjustment(
            AdjustmentRecord(
                storefrontID: storefront, adjustmentID: id, orderID: order, lineNo: line, kind: kind, units: units,
                amount: amount.map(Micros.init), occurredAt: at, receivedAt: at))
    }

    static func link(_ visitor: String, _ customer: String, at: Timestamp) -> LogRecord {
        .link(LinkRecord(storefrontID: 1, visitorID: visitor, customerID: customer, linkedAt: at, receivedAt: at))
    }
}

/// A log directory of one test and workers over it.
final class LogFixture: Sendable {
    let directory: String
    let nodeID: Int16

    init(nodeID: Int16 = 1) {
        self.nodeID = nodeID
        directory = NSTemporaryDirectory() + "nimb-pipeline-\(UUID().uuidString)"
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Appends the records and waits until they are on disk.
    func append(_ records: [LogRecord]) async throws {
        let log = try EventLog(directory: directory, nodeID: nodeID)
        defer { log.close() }
        var batch = EventLog.Batch()
        var bytes: [UInt8] = []
        for record in records {
            bytes.removeAll(keepingCapacity: true)
            LogRecordCodec.encode(record, into: &bytes)
            batch.add(bytes)
            if batch.byteCount > 1 << 20 {
                try await Self.flush(&batch, log)
            }
        }
        if batch.count > 0 { try await Self.flush(&batch, log) }
    }

    func appendRaw(_ bytes: [UInt8]) async throws {
        let log = try EventLog(directory: directory, nodeID: nodeID)
        defer { log.close() }
        try await log.appendDurably(bytes)
    }

    private static func flush(_ batch: inout EventLog.Batch, _ log: EventLog) async throws {
        let full = batch
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            do {
                try log.append(full) { result in continuation.resume(with: result.mapError { $0 as any Error }) }
            } catch {
                continuation.resume(throwing: error)
            }
        }
        batch.removeAll()
    }

    func worker(
        name: String = "worker", batch: Int = 10_000, now: Timestamp = ShopFixture.now
    ) -> PipelineWorker {
        var options = PipelineOptions(batchRecords: batch)
        options.idleWait = .milliseconds(5)
        options.retryWait = .milliseconds(5)
        options.longestRetryWait = .milliseconds(20)
        options.segmentRetention = .days(3_650)
        return PipelineWorker(
            directory: directory,
            database: PostgresOptions(url: TestDatabase.current.url, applicationName: name), options: options,
            clock: { now }, logger: Logger(label: name, factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Ships everything with a worker of its own.
    @discardableResult
    func ship(batch: Int = 10_000) async throws -> [BatchSummary] {
        let worker = worker(batch: batch)
        let result: [BatchSummary]
        do { result = try await worker.shipAll() } catch {
            await worker.close()
            throw error
        }
        await worker.close()
        return result
    }
}

extension EventLog {
    /// The log's batch; named here because `Store` has batches of its own.
    typealias Batch = LogBatch
}

/// First column of the first row as a number.
func number(_ sql: String, _ parameters: [PostgresValue] = []) async throws -> Int64 {
    try await TestDatabase.current.pool.withConnection { try $0.query(sql, parameters)[0].int64(0) }
}

/// All rows as text, one string a row, sorted.
func table(_ sql: String) async throws -> [String] {
    try await TestDatabase.current.pool.withConnection { connection in
        try connection.query("select coalesce(string_agg(t::text, E'\\n' order by t::text), '') from (\(sql)) t")[0]
            .string(0).split(separator: "\n").map(String.init)
    }
}
