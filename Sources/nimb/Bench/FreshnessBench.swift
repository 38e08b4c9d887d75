import AdFormats
import AdModel
import Decisioning
import DeliveryAPI
import Logging
import Postgres
import Store
import Synchronization
import Telemetry

/// Commits changes of each kind over a running node's services and times how soon a decision knows them.
final class FreshnessBench: Sendable {
    /// Longer than this is a failure of its own.
    static let patience: Duration = .seconds(60)

    private let writer: PostgresPool
    private let rounds: Int
    private let serving = ServingHolder()
    private let refresher: ServingRefresher
    private let keeper: LeaseKeeper
    private let pool: PostgresPool
    /// Ids of the measured line items, by code.
    private let measured = Mutex<[String: Int32]>([:])

    init(options: PostgresOptions, writer: PostgresPool, rounds: Int) throws {
        self.writer = writer
        self.rounds = rounds
        pool = PostgresPool(options, maximumConnections: 4)
        let quiet = Logger(label: "nimb.bench") { _ in SwiftLogNoOpLogHandler() }
        let metrics = MetricsRegistry()
        refresher = ServingRefresher(
            serving: serving,
            loader: SnapshotLoader(
                pool: pool, formats: try AdFormatLoader.load(extra: nil), mediaBaseURL: "http://localhost"),
            listening: options, metrics: metrics, logger: quiet, clock: SystemClock.now)
        keeper = LeaseKeeper(
            serving: serving, store: LeaseStore(pool: pool, nodeID: 1), nodeCode: "bench", metrics: metrics,
            logger: quiet, clock: SystemClock.now)
    }

    /// One kind of change: what is written, and how a decision shows that it is known.
    private struct Change {
        var kind: String
        var sql: String
        var isKnown: @Sendable (FreshnessBench) -> Bool
    }

    func run() async throws -> [(kind: String, milliseconds: [Double])] {
        try await prepare()
        let started = ContinuousClock.now
        await refresher.refresh()
        guard serving.state != nil else { throw Refusal("the shop could not be loaded.") }
        Console.warn("loaded in \(Int(Self.milliseconds(since: started))) ms; the first leases are taken")
        await keeper.round()
        let running = Task { [refresher, keeper] in
            await withThrowingTaskGroup { group in
                group.addTask { try await refresher.run() }
                group.addTask { try await keeper.run() }
            }
        }
        var times: [(kind: String, milliseconds: [Double])] = []
        for round in 0..<rounds {
            for (index, change) in changes(round).enumerated() {
                let took = try await time(change)
                if round == 0 { times.append((change.kind, [])) }
                times[index].milliseconds.append(took)
            }
        }
        running.cancel()
        _ = await running.result
        await pool.close()
        return times
    }

    /// A line item of its own category that wins there whenever it may serve, and advertisers without money.
    private func prepare() async throws {
        let sql = """
            insert into category (code, name) values ('fresh', 'Свежее');
            insert into placement (storefront_id, code, page_type, formats, max_ads, rank)
                select id, 'fresh', 'home', '{banner}', 1, 1 from storefront;
            insert into counterparty (code, kind, name, roles)
                select 'poor-' || n, 'juridical', 'ООО "Пусто ' || n || '"', '{advertiser}' from generate_series(1, \(rounds)) n;
            insert into advertiser (code, name, counterparty_id)
                select code, code, id from counterparty where code like 'poor-%';
            insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial, signed_on)
                select 'contract-' || a.code, a.id, a.counterparty_id, r.counterparty_id, a.code, '2026-01-01'
                from advertiser a, retailer r where a.code like 'poor-%';
            insert into campaign (code, advertiser_id, contract_id, name, kktu, state)
                select 'camp-' || a.code, a.id, c.id, a.code, '17.3.1', 'active'
                from advertiser a join contract c on c.advertiser_id = a.id where a.code like 'poor-%';
            insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros, targeting)
                select 'fresh-poor-' || k.id, k.id, k.advertiser_id, 'x', now() - interval '1 day', now() + interval '9 days',
                    'cpm', 9000000000, '{"categories": ["fresh"]}' from campaign k where k.code like 'camp-poor-%';
            insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros, targeting)
                select 'fresh-' || v.n, k.id, k.advertiser_id, 'x', now() - interval '1 day', now() + interval '9 days', 'cpm',
                    v.bid, '{"categories": ["fresh"]}'
                from campaign k, (values (1, 5000000000), (2, 4000000000)) v (n, bid) where k.code = 'camp-1';
            insert into line_item_version (line_item_id, valid_from, promoted_skus)
                select id, '-infinity', '{sku-20000}' from line_item where code = 'fresh-1';
            update stock set quantity = 1 where product_id = (select id from product where sku = 'sku-20000');
            insert into creative (code, line_item_id, advertiser_id, format)
                select 'cr-' || code, id, advertiser_id, 'banner' from line_item where code like 'fresh-%';
            insert into creative_version (creative_id, version, fields, landing_url, ord_form, erid, erid_status, approved_at)
                select id, 1, '{"headline": "x", "alt": "x"}', 'https://bench.example/l', 'banner', 'fresh' || lpad(id::text, 8, '0'),
                    'verified', now() from creative where code like 'cr-fresh-%';
            """
        let rows = try await writer.withConnection { db in
            try db.script(sql)
            return try db.query("select code, id from line_item where code like 'fresh-%'").map {
                (try $0.string("code"), try $0.int32("id"))
            }
        }
        measured.withLock { $0 = Dictionary(uniqueKeysWithValues: rows) }
    }

    private func changes(_ round: Int) -> [Change] {
        func wins(_ code: String) -> @Sendable (FreshnessBench) -> Bool {
            { bench in bench.winner() == bench.lines[code] }
        }
        func loses(_ code: String) -> @Sendable (FreshnessBench) -> Bool {
            { bench in bench.winner() != bench.lines[code] }
        }
        let first = "where code = 'fresh-1'"
        let version = "where creative_id = (select id from creative where code = 'cr-fresh-1')"
        func stock(_ quantity: Int) -> String {
            """
            update stock set quantity = \(quantity), as_of = now(), change_number = v.number
            from (select bump_control_version('stock') as number) v
            where product_id = (select id from product where sku = 'sku-20000')
            """
        }
        let poor = "(select id from advertiser where code = 'poor-\(round + 1)')"
        return [
            Change(kind: "pause", sql: "update line_item set paused = true \(first)", isKnown: loses("fresh-1")),
            Change(kind: "resume", sql: "update line_item set paused = false \(first)", isKnown: wins("fresh-1")),
            Change(
                kind: "bid down", sql: "update line_item set bid_micros = 3000000000 \(first)",
                isKnown: wins("fresh-2")),
            Change(
                kind: "bid up", sql: "update line_item set bid_micros = 5000000000 \(first)",
                isKnown: wins("fresh-1")),
            Change(kind: "sold out", sql: stock(0), isKnown: loses("fresh-1")),
            Change(kind: "in stock", sql: stock(1), isKnown: wins("fresh-1")),
            Change(
                kind: "budget spent", sql: "update line_item set total_budget_micros = 0 \(first)",
                isKnown: loses("fresh-1")),
            Change(
                kind: "budget raised", sql: "update line_item set total_budget_micros = null \(first)",
                isKnown: wins("fresh-1")),
            Change(
                kind: "erid bad", sql: "update creative_version set erid_status = 'bad' \(version)",
                isKnown: loses("fresh-1")),
            Change(
                kind: "erid verified", sql: "update creative_version set erid_status = 'verified' \(version)",
                isKnown: wins("fresh-1")),
            Change(
                kind: "campaign paused", sql: "update campaign set state = 'paused' where code = 'camp-1'",
                isKnown: loses("fresh-1")),
            Change(
                kind: "campaign resumed", sql: "update campaign set state = 'active' where code = 'camp-1'",
                isKnown: wins("fresh-1")),
            Change(
                kind: "stop", sql: "insert into serving_stop (reason, actor, stopped_at) values ('x', 'bench', now())",
                isKnown: { $0.serving.stops.everything }),
            Change(kind: "release", sql: "delete from serving_stop", isKnown: { $0.serving.stops.isNone }),
            Change(
                kind: "new category", sql: "insert into category (code, name) values ('fresh-\(round)', 'x')",
                isKnown: { ($0.serving.state?.snapshot.lookup.categories.find("fresh-\(round)") ?? -1) >= 0 }),
            Change(
                kind: "brand alias",
                sql: """
                    insert into brand_alias (alias, brand_id)
                    select 'Brand \(round + 1)', id from brand where code = 'brand-\(round + 1)'
                    """,
                isKnown: { $0.serving.state?.data.brandAliases["Brand \(round + 1)"] != nil }),
            Change(
                kind: "product brand", sql: "update product set brand = 'brand-1' where sku = 'sku-\(round + 1)'",
                isKnown: { $0.isBrand("brand-1", ofProduct: "sku-\(round + 1)") }),
            Change(
                kind: "wallet top-up",
                sql: """
                    insert into wallet_entry (advertiser_id, kind, amount_micros, reference)
                    values (\(poor), 'top_up', 100000000000, 'fresh-\(round)')
                    """, isKnown: { $0.hasPoorWinner }),
            Change(
                kind: "end of flight", sql: "update line_item set ends_at = now() where advertiser_id = \(poor)",
                isKnown: wins("fresh-1")),
        ]
    }

    private func time(_ change: Change) async throws -> Double {
        let sql = change.sql
        try await writer.withConnection { try $0.script(sql) }
        let committed = ContinuousClock.now
        while !change.isKnown(self) {
            if ContinuousClock.now - committed > Self.patience {
                throw Refusal("a change (\(change.kind)) did not reach decisions within \(Self.patience).")
            }
            try await Task.sleep(for: .milliseconds(1))
        }
        return Self.milliseconds(since: committed)
    }

    private static func milliseconds(since start: ContinuousClock.Instant) -> Double {
        let spent = (ContinuousClock.now - start).components
        return Double(spent.seconds) * 1_000 + Double(spent.attoseconds) / 1e15
    }

    // MARK: What decisions show

    private var lines: [String: Int32] { measured.withLock { $0 } }

    /// The line item that wins the measured slot.
    private func winner() -> Int32? {
        guard let state = serving.state else { return nil }
        let snapshot = state.snapshot
        let scratch = Scratch()
        var request = DecisionRequest()
        request.pageType = .home
        request.location = 0
        request.categories = [snapshot.lookup.categories.find("fresh")]
        request.slots = [.init(placement: snapshot.lookup.placements.find("fresh", scope: 0))]
        Decider.decide(
            request, snapshot: snapshot, stock: state.stock, profiles: nil, budget: serving.leases,
            now: SystemClock.now(), seed: 1, scratch: scratch)
        return scratch.result.ads.first.map { snapshot.lines[Int($0.line)].id }
    }

    private var hasPoorWinner: Bool {
        guard let winner = winner() else { return false }
        return lines.contains { $0.key.hasPrefix("fresh-poor-") && $0.value == winner }
    }

    private func isBrand(_ brand: String, ofProduct sku: String) -> Bool {
        guard let snapshot = serving.state?.snapshot else { return false }
        let product = snapshot.lookup.products.find(sku)
        return product >= 0 && snapshot.products[Int(product)].brand == snapshot.lookup.brands.find(brand)
    }
}
