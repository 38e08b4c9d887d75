import AdModel
import Foundation
import Logging
import ORD
import ORDGateway
import Outbound
import Postgres
import Store
import Synchronization
import TestKit

/// One advertiser with two creatives, a stub of the operator, and a clock that the test moves.
struct RegistrationWorld: Sendable {
    let pool: PostgresPool
    let book: StubBook
    let clock: HandClock
    let registrar: CreativeRegistrar
    /// The same with wrong credentials.
    let stranger: CreativeRegistrar

    final class HandClock: Sendable {
        private let micros: Mutex<Int64>
        init(_ start: Timestamp) { micros = Mutex(start.micros) }
        var now: Timestamp { Timestamp(micros: micros.withLock { $0 }) }
        func advance(_ span: Timestamp.Span) { micros.withLock { $0 += span.micros } }
    }

    static let start = Timestamp(micros: 1_795_251_600_000_000)

    static let sql = """
        insert into counterparty (code, kind, name, inn, kpp, roles, rs_url) values
            ('shop', 'juridical', 'ООО Полка', '7700000016', '770001001', '{publisher,ors}', 'https://shop.example/'),
            ('brand', 'juridical', 'ООО Норд', '7736207543', '770001001', '{advertiser}', null);
        insert into retailer (code, name, counterparty_id) values ('polka', 'Полка', 1);
        insert into storefront (code, name, url) values ('shop', 'Полка', 'https://shop.example/');
        insert into advertiser (code, name, counterparty_id) values ('nord', 'Норд', 2);
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, signed_on, serial)
            values ('c1', 1, 2, 1, '2026-01-01', 'РМ-1/26');
        insert into campaign (code, advertiser_id, contract_id, name, kktu, state)
            values ('camp', 1, 1, 'Кампания', '17.3.1', 'active');
        insert into campaign_version (campaign_id, valid_from) values (1, '-infinity');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros)
            values ('line', 1, 1, 'Баннер', '2026-11-01Z', '2026-12-01Z', 'cpm', 200000000);
        insert into media (sha256, content_type, width, height, bytes)
            values (sha256('a'), 'image/png', 960, 240, 'a');
        insert into creative (code, line_item_id, advertiser_id, format) values
            ('one', 1, 1, 'banner'), ('two', 1, 1, 'banner');
        insert into creative_version (creative_id, version, fields, landing_url, media_sha256, ord_form, approved_at)
            select id, 1, '{"alt": "Кофе"}', 'https://shop.example/' || code, array[sha256('a')], 'banner', '2026-11-01Z'
            from creative;
        """

    /// Runs `body` with a database of the running test and a stub on a free port.
    static func run(
        timeout: Duration = .seconds(20), _ body: @Sendable (RegistrationWorld) async throws -> Void
    ) async throws {
        let pool = TestDatabase.current.pool
        try await pool.withConnection { try $0.script(sql) }
        let csv = try Data(contentsOf: Repository.root.appendingPathComponent("Sources/nimb/Data/kktu.csv"))
        let kktu = try KKTUDictionary(csv: csv)
        let clock = HandClock(start)
        let book = StubBook(looksBeforeVerified: 1)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let quiet = logger
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let stub = OperatorStub(token: "right", book: book, logger: quiet) { continuation.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stub.run() }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            func registrar(_ token: String) -> CreativeRegistrar {
                var options = OperatorOptions(baseURL: "http://127.0.0.1:\(port)", token: token)
                options.timeout = timeout
                options.callsPerSecond = 1_000
                let outbound = OutboundClient(policy: OutboundPolicy(allowedHosts: ["127.0.0.1"]))
                return CreativeRegistrar(
                    pool: pool, client: OperatorClient(options: options, outbound: outbound), kktu: kktu, logger: quiet,
                    clock: { clock.now })
            }
            let world = RegistrationWorld(
                pool: pool, book: book, clock: clock, registrar: registrar("right"), stranger: registrar("wrong"))
            try await body(world)
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
    }

    func creative(_ code: String) async throws -> CreativeVersionRecord {
        try await pool.withConnection { try CreativeStore.find(code, on: $0).newest }
    }

    func count(_ sql: String) async throws -> Int64 {
        try await pool.withConnection { try $0.query(sql).single().int64("n") }
    }
}
