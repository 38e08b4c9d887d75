import Foundation
import Glibc
import Postgres
import TestKit
import Testing

/// The made-up past of a demo installation: lived by the real code, and found again in the ledgers as it was.
@Suite(.serialized) struct HistoryTests {
    @Test("Three days of history are in the ledgers as the simulator knows them to be true")
    func theTruthIsRecovered() async throws {
        let dev = try Dev(days: 3, views: 400)
        defer { dev.remove() }
        let nimb = try dev.start()
        _ = try await nimb.line(within: .seconds(150)) { $0.contains("Ctrl-C ends everything") }
        let truth = try dev.truth()
        let pool = PostgresPool(
            PostgresOptions(url: try dev.databaseURL(), applicationName: "history tests"), maximumConnections: 1)
        let found = try await pool.transaction { try Ledger.read(on: $0) }
        await pool.close()
        #expect(truth.total.impressions > 500)
        for (id, ads) in truth.lineItems {
            #expect(found.ads[id] == ads, "line item \(id)")
        }
        #expect(found.ads.count == truth.lineItems.count)
        #expect(found.invalid == truth.invalid)
        #expect(found.orders == truth.orders)
        #expect(found.units == truth.units)
        #expect(found.netMicros == truth.netMicros)
        #expect(found.returnedUnits == truth.returnedUnits)

        let rate = Double(truth.total.clicks) / Double(truth.total.impressions)
        #expect(rate > 0.003 && rate < 0.03, "\(rate)")
        // What was billed are the honest impressions and clicks, and no limit was passed.
        #expect(found.billedEvents <= truth.total.impressions + truth.total.clicks)
        #expect(found.billedEvents > 0)
        #expect(found.overspent.isEmpty, "\(found.overspent)")
        #expect(found.creditedUnits > 0 && found.creditedUnits <= truth.units)

        let doctor = try ChildProcess.nimb(["doctor", "ledger", "--database-url", try dev.databaseURL()])
        #expect(try await doctor.exit(within: .seconds(60)) == 0, "\(doctor.output)")
        nimb.send(SIGINT)
        #expect(try await nimb.exit(within: .seconds(20)) == 0)
    }

    @Test("A history that was interrupted begins anew, and is lived once")
    func interruptedHistory() async throws {
        let dev = try Dev(days: 2, views: 100)
        defer { dev.remove() }
        let killed = try dev.start()
        _ = try await killed.line(within: .seconds(100)) { $0.contains("history, day 1") }
        killed.send(SIGKILL)
        _ = try await killed.exit(within: .seconds(20))

        let whole = try dev.start()
        _ = try await whole.line(within: .seconds(60)) { $0.contains("beginning anew") }
        _ = try await whole.line(within: .seconds(150)) { $0.contains("Ctrl-C ends everything") }
        #expect(whole.output.contains { $0.contains("days of history in") })
        whole.send(SIGINT)
        #expect(try await whole.exit(within: .seconds(20)) == 0)

        let next = try dev.start()
        _ = try await next.line(within: .seconds(60)) { $0.contains("Ctrl-C ends everything") }
        #expect(!next.output.contains { $0.contains("history") })
        next.send(SIGINT)
        #expect(try await next.exit(within: .seconds(20)) == 0)
    }

    @Test("A node that serves refuses to live on a virtual clock")
    func virtualClockIsRefused() async throws {
        let refused = try ChildProcess.nimb(["serve", "--secrets", "/nowhere", "--clock", "virtual"])
        #expect(try await refused.exit(within: .seconds(20)) != 0)
        #expect(refused.output.joined().contains("--clock virtual is not for serving"), "\(refused.output)")
    }
}

extension HistoryTests {
    /// A development installation with a past.
    struct Dev {
        let folder: URL
        let ports: [Int]
        let environment: [String: String]

        init(days: Int, views: Int) throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent(
                "nimb-past-\(UUID().uuidString.prefix(8))")
            ports = try (0..<4).map { _ in try FreePort.find() }
            var environment = ProcessInfo.processInfo.environment
            environment["NIMB_DEMO_DAYS"] = "\(days)"
            environment["NIMB_DEMO_VIEWS"] = "\(views)"
            self.environment = environment
        }

        func start() throws -> ChildProcess {
            try ChildProcess.nimb(
                [
                    "dev", "--directory", folder.path, "--port", "\(ports[0])", "--management-port", "\(ports[1])",
                    "--media-port", "\(ports[2])", "--shop-port", "\(ports[3])",
                ], environment: environment)
        }

        func remove() { try? FileManager.default.removeItem(at: folder) }

        func databaseURL() throws -> String {
            let text = try String(contentsOf: folder.appendingPathComponent("dev.env"), encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("NIMB_DATABASE_URL=") })
            return line.dropFirst("NIMB_DATABASE_URL=".count).trimmingCharacters(in: CharacterSet(charactersIn: "'"))
        }

        func truth() throws -> Truth {
            try JSONDecoder().decode(
                Truth.self, from: Data(contentsOf: folder.appendingPathComponent("history.json")))
        }
    }

    struct Ads: Codable, Equatable, Sendable {
        var impressions: Int64 = 0
        var viewables: Int64 = 0
        var clicks: Int64 = 0
    }

    /// `history.json`.
    struct Truth: Codable {
        var total: Ads
        var lineItems: [String: Ads]
        var invalid: [String: Int64]
        var orders: Int64
        var units: Int64
        var netMicros: Int64
        var returnedUnits: Int64

        enum CodingKeys: String, CodingKey {
            case total, invalid, orders, units
            case lineItems = "line_items"
            case netMicros = "net_micros"
            case returnedUnits = "returned_units"
        }
    }

    /// The same, as the database has it.
    struct Ledger: Sendable {
        var ads: [String: Ads] = [:]
        var invalid: [String: Int64] = [:]
        var orders: Int64 = 0
        var units: Int64 = 0
        var netMicros: Int64 = 0
        var returnedUnits: Int64 = 0
        var billedEvents: Int64 = 0
        var creditedUnits: Int64 = 0
        var overspent: [String] = []

        static func read(on db: isolated PostgresConnection) throws -> Ledger {
            var ledger = Ledger()
            for row in try db.query(
                """
                select line_item_id, count(distinct (decision_id, ad)) filter (where kind = 0) as impressions,
                    count(distinct (decision_id, ad)) filter (where kind = 1) as viewables,
                    count(distinct (decision_id, ad)) filter (where kind = 2) as clicks
                from ad_event group by 1
                """)
            {
                ledger.ads["\(try row.int32("line_item_id"))"] = Ads(
                    impressions: try row.int64("impressions"), viewables: try row.int64("viewables"),
                    clicks: try row.int64("clicks"))
            }
            for row in try db.query("select reason, count(*) as n from invalid_event group by 1") {
                ledger.invalid[try row.string("reason")] = try row.int64("n")
            }
            let totals = try db.query(
                """
                select (select count(*) from customer_order) as orders,
                    (select coalesce(sum(units), 0)::bigint from order_line) as units,
                    (select coalesce(sum(net_micros), 0)::bigint from order_line) as net,
                    (select coalesce(sum(coalesce(a.units, l.units)), 0)::bigint from order_adjustment a
                        join order_line l using (storefront_id, order_id)
                        where a.line_no is null or a.line_no = l.line_no) as returned,
                    (select count(*) from charge where kind in ('impression', 'click') and reason = 'billed') as billed,
                    (select coalesce(sum(units) filter (where kind = 'credit'), 0)::bigint from credit
                        where policy = 'default@1') as credited
                """
            ).single()
            ledger.orders = try totals.int64("orders")
            ledger.units = try totals.int64("units")
            ledger.netMicros = try totals.int64("net")
            ledger.returnedUnits = try totals.int64("returned")
            ledger.billedEvents = try totals.int64("billed")
            ledger.creditedUnits = try totals.int64("credited")
            for row in try db.query(
                """
                select 'total ' || l.code as what from line_item l join charge c on c.line_item_id = l.id
                group by l.id having sum(c.amount_micros) > l.total_budget_micros
                union all
                select 'daily ' || l.code from line_item l join charge c on c.line_item_id = l.id and l.pricing <> 'fixed'
                group by l.id, c.accounting_day having sum(c.amount_micros) > l.daily_budget_micros
                union all
                select 'wallet ' || a.code from advertiser a join charge c on c.advertiser_id = a.id
                group by a.id having sum(c.amount_micros) > a.credit_limit_micros + (
                    select coalesce(sum(w.amount_micros), 0) from wallet_entry w where w.advertiser_id = a.id)
                """)
            { ledger.overspent.append(try row.string("what")) }
            return ledger
        }
    }
}
