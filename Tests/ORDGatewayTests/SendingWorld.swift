import AdModel
import Foundation
import Logging
import ORD
import ORDGateway
import Outbound
import Postgres
import Store
import TestKit

/// A frozen month as a bundle, and a stub of the operator that it is sent to.
struct SendingWorld: Sendable {
    let pool: PostgresPool
    let book: StubBook
    let clock: RegistrationWorld.HandClock
    let port: Int
    let timeout: Duration
    /// Rows that one call joins.
    var rowsPerCall = 2

    /// A sender as a process of its own would have it.
    func sender(_ chosen: MonthSender.Options = MonthSender.Options(), token: String = "right") -> MonthSender {
        var options = OperatorOptions(baseURL: "http://127.0.0.1:\(port)", token: token)
        options.timeout = timeout
        options.callsPerSecond = 10_000
        let outbound = OutboundClient(policy: OutboundPolicy(allowedHosts: ["127.0.0.1"]))
        var sending = chosen
        sending.rowsPerCall = rowsPerCall
        sending.concurrency = 3
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return MonthSender(
            pool: pool, client: OperatorClient(options: options, outbound: outbound), options: sending, logger: logger,
            clock: { [clock] in clock.now })
    }

    /// Runs `body` with a database of the running test and a stub on a free port.
    static func run(
        timeout: Duration = .seconds(20), looks: Int = 1, _ body: @Sendable (SendingWorld) async throws -> Void
    ) async throws {
        let pool = TestDatabase.current.pool
        try await pool.withConnection { db in
            if try db.query("select 1 from retailer").isEmpty { try db.script(RegistrationWorld.sql) }
        }
        let clock = RegistrationWorld.HandClock(RegistrationWorld.start)
        let book = StubBook(looksBeforeVerified: looks, today: { clock.now.utcDay.description })
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let stub = OperatorStub(token: "right", book: book, logger: logger) { continuation.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stub.run() }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            try await body(SendingWorld(pool: pool, book: book, clock: clock, port: port, timeout: timeout))
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
    }

    // MARK: The month

    static let month: AccountingMonth = {
        guard let month = AccountingMonth("2026-10") else { preconditionFailure("October is a month") }
        return month
    }()

    static func day(_ n: Int) -> Day { month.first + (n - 1) }

    /// Two creatives of one contract on two pads, and one of the shop's own: five rows and one act.
    static func statement() -> MonthStatement {
        let sha256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
        let picture = Media(sha256: sha256, contentType: "image/png", size: 1)
        func creative(_ id: String, contract: String?) -> Creative {
            Creative(
                id: id, contractIDs: contract.map { [$0] } ?? [], personID: contract == nil ? "org-shop" : nil,
                kktus: ["17.3.1"], name: "Кофе", brand: "Норд", payType: contract.map { _ in "cpm" }, form: "banner",
                targetURLs: ["https://shop.example/\(id)"], mediaIDs: [picture.id], erid: StubBook.erid(of: id),
                eridStatus: "verified")
        }
        func line(_ id: String, _ contract: String?, _ creatives: [String]) -> MonthStatement.LineItem {
            MonthStatement.LineItem(
                id: id, contractID: contract, advertiserID: contract == nil ? "org-shop" : "org-brand", pricing: .cpm,
                flightFirst: day(1), flightLast: day(31), creativeIDs: creatives)
        }
        var facts: [MonthStatement.Fact] = []
        for (place, (creative, pad)) in [("one", "web"), ("one", "app"), ("two", "web"), ("two", "app")].enumerated() {
            facts.append(
                MonthStatement.Fact(
                    lineItemID: "line", creativeID: "cr-\(creative)-v1", padID: "pad-\(pad)", day: day(3 + place),
                    shows: 33_333, ledger: Micros(3_332_966_670), billedImpressions: 33_333, chargeID: Int64(place + 1))
            )
        }
        facts.append(
            MonthStatement.Fact(lineItemID: "own", creativeID: "cr-own-v1", padID: "pad-web", day: day(9), shows: 70))
        return MonthStatement(
            month: month, timeZone: "Europe/Moscow", cut: .init(highestChargeID: 4, at: day(34).utcStart),
            serials: ["ctr-c1": "АКТ-2026/0001"],
            persons: [
                Person(
                    id: "org-shop", kind: "juridical", name: "ООО Полка", inn: "7700000016", kpp: "770001001",
                    roles: ["ors", "publisher"], rsURL: "https://shop.example/"),
                Person(
                    id: "org-brand", kind: "juridical", name: "ООО Норд", inn: "7736207543", kpp: "770001001",
                    roles: ["advertiser"]),
            ],
            contracts: [
                Contract(
                    id: "ctr-c1", clientID: "org-brand", contractorID: "org-shop", date: day(-30), serial: "РМ-1/26")
            ],
            pads: [
                Pad(id: "pad-web", personID: "org-shop", type: "web", name: "Сайт", url: "https://shop.example"),
                Pad(
                    id: "pad-app", personID: "org-shop", type: "mobile_app", name: "Приложение",
                    url: "https://shop.example/app"),
            ],
            creatives: [
                creative("cr-one-v1", contract: "ctr-c1"), creative("cr-two-v1", contract: "ctr-c1"),
                creative("cr-own-v1", contract: nil),
            ],
            media: [picture],
            lineItems: [line("line", "ctr-c1", ["cr-one-v1", "cr-two-v1"]), line("own", nil, ["cr-own-v1"])],
            facts: facts, ledgerTotal: facts.reduce(.zero) { $0 + $1.ledger },
            showsTotal: facts.reduce(0) { $0 + $1.shows })
    }

    /// The month's bundle, kept as an export.
    /// - Parameter previous: what was exported before, for a correction.
    func export(
        _ statement: MonthStatement = SendingWorld.statement(), previous: Settlement? = nil
    ) async throws -> ExportRecord {
        let csv = try Data(contentsOf: Repository.root.appendingPathComponent("Sources/nimb/Data/kktu.csv"))
        let bundle = try VKBundle.export(
            ExportMonth(
                statement: statement,
                mediaBytes: ["ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb": Array("a".utf8)],
                kktu: try KKTUDictionary(csv: csv), today: Self.day(40), previous: previous, toolVersion: "test"))
        let files = bundle.files.map { (name: $0.name, bytes: $0.bytes) }
        let bytes = bundle.files.flatMap(\.bytes)
        let now = clock.now
        let number = statement.edition?.correction ?? 0
        return try await pool.transaction { db in
            try ExportStore.record(
                month: Self.month, correction: number, profile: "vk", fileName: bundle.suggestedName, bytes: bytes,
                bundle: files, isRehearsal: false, actor: "test", now: now, on: db)
        }
    }

    func start(_ export: ExportRecord) async throws -> PushRecord {
        let now = clock.now
        return try await pool.transaction { try PushStore.start(export, actor: "user:usr-1", now: now, on: $0) }
    }

    func push(_ code: String) async throws -> PushRecord {
        try await pool.withConnection { db in try PushStore.find(code, on: db) }
    }

    func items(_ code: String) async throws -> [PushItem] {
        try await pool.withConnection { db in
            try PushStore.items(of: try PushStore.find(code, on: db), after: 0, limit: 1_000, on: db)
        }
    }

    func count(_ sql: String) async throws -> Int64 {
        try await pool.withConnection { try $0.query(sql).single().int64("n") }
    }
}
