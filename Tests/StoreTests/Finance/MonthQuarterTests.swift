import AdModel
import Measurement
import ORD
import Postgres
import Store
import TestKit
import Testing

/// Three months of a shop, with everything that makes closing them hard: returns, events that come late, a change of the
/// general VAT rate and one of a contract's regime, an agency, budgets that run out, a correction after the export and a
/// month that the levy has locked. At the end every month reconciles without a kopeck of difference.
@Suite("A simulated quarter", .database) struct MonthQuarterTests {
    private static let months = ["2025-12", "2026-01", "2026-02"]
    private static let cid = "6a1f0c3e-9b7d-4c55-8e21-0f3a5b7c9d10"

    private static let setting = """
        update contract set signed_on = '2025-01-01', vat_rate = '20' where id = 1;
        update contract set signed_on = '2025-01-01' where id = 2;
        update advertiser set credit_limit_micros = 40000000000 where id = 1;
        update line_item set starts_at = '2025-12-01 00:00+03', ends_at = '2026-03-01 00:00+03';
        update line_item set bid_micros = 9000000007 where id = 3;
        update line_item set total_budget_micros = 250000000 where id = 1;
        update campaign_version set valid_from = '-infinity';
        insert into counterparty (code, kind, name, inn, roles) values
            ('tea', 'juridical', 'ООО Чай', '7736200080', '{advertiser}'),
            ('agency', 'juridical', 'ООО Агентство', '7710140679', '{agency}');
        insert into advertiser (code, name, counterparty_id, credit_limit_micros) values ('tea', 'Чай', 3, 9000000000);
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial, signed_on)
            values ('c2', 3, 4, 1, 'АГ-2/25', '2025-06-01');
        insert into campaign (code, advertiser_id, contract_id, name, kktu, state)
            values ('tea', 3, 3, 'Чай', '17.3.1', 'active');
        insert into campaign_version (campaign_id, valid_from, brand_codes) values (3, '-infinity', '{tea}');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros)
            values ('tea', 3, 3, 'Чай', '2025-12-01 00:00+03', '2026-03-01 00:00+03', 'cpm', 50000000);
        insert into creative (code, line_item_id, advertiser_id, format) values ('tea', 5, 3, 'banner');
        insert into creative_version (creative_id, version, fields, landing_url, media_sha256, ord_form, erid, erid_status,
            approved_at) values (5, 1, '{}', 'https://shop.example/t/1', array[sha256('abc')], 'banner', '2VtzqTea0001',
            'verified', '2025-11-01');
        insert into node (id, code) values (1, 'node-1');
        """

    /// What happens, in the order of its seed.
    private final class Simulation {
        let world: MonthWorld
        var random: SplitMix64
        var number = 0

        init(_ world: MonthWorld, seed: UInt64) {
            self.world = world
            random = SplitMix64(seed: seed)
        }

        /// Events of one hour of a month, whatever the line items make of them.
        func events(_ count: Int, at time: Timestamp) -> [AdEventRecord] {
            (0..<count).flatMap { _ -> [AdEventRecord] in
                number += 1
                let storefront: Int32 = random.chance(60) ? 1 : 2
                let at = time + .seconds(Int64.random(in: 0..<3_600, using: &random))
                switch Int.random(in: 0..<10, using: &random) {
                case 0...3:
                    return [
                        MonthWorld.event(
                            number, line: 1, storefront: storefront,
                            price: Int64.random(in: 1...3_000_000, using: &random),
                            at: at)
                    ]
                case 4, 5:
                    let show = MonthWorld.event(
                        number, pricing: .cpc, line: 2, storefront: storefront, price: 12_345_678, at: at)
                    guard random.chance(40) else { return [show] }
                    // Some clicks come hours later, some of them after midnight or in the next month.
                    let delay = Int64.random(in: 5...80_000, using: &random)
                    return [
                        show,
                        MonthWorld.event(
                            number, kind: .click, pricing: .cpc, line: 2, storefront: storefront,
                            price: Int64.random(in: 1_000_000...19_999_999, using: &random), decided: at,
                            at: at + .seconds(delay)),
                    ]
                case 6:
                    return [
                        MonthWorld.event(
                            number, line: 4, storefront: storefront, campaign: 2, advertiser: 2, price: 0, at: at)
                    ]
                case 7:
                    return [
                        MonthWorld.event(number, pricing: .fixed, line: 3, storefront: storefront, price: 0, at: at)
                    ]
                default:
                    return [
                        MonthWorld.event(
                            number, line: 5, storefront: storefront, campaign: 3, advertiser: 3, version: 6,
                            price: Int64.random(in: 1...999_999, using: &random), at: at)
                    ]
                }
            }
        }

        func trade(_ month: AccountingMonth, batches: Int, size: Int) async throws {
            let days = month.last - month.first
            for batch in 0..<batches {
                let start = (month.first + batch * days / batches).utcStart
                let events = events(size, at: start + .seconds(Int64.random(in: 0..<72_000, using: &random)))
                try await world.pool.withConnection { db in
                    try MonthWorld.book(events, now: start, on: db)
                }
            }
        }

        /// Gives charges of a month back, wholly or in part; returns where they went.
        func refunds(_ count: Int, of month: AccountingMonth, at time: Timestamp) async throws -> [ChargeRefund.Posting]
        {
            let salt = String(number)
            let charges = try await world.pool.withConnection { db in
                try db.query(
                    """
                    select c.id, c.advertiser_id, c.amount_micros + coalesce(
                        (select sum(r.amount_micros) from charge r where r.corrects = c.id), 0)::bigint as left
                    from charge c where c.accounting_day between $1 and $2 and c.amount_micros > 0
                        and c.kind in ('impression', 'click', 'fixed') order by md5(c.id::text || $3) limit $4
                    """,
                    [
                        .date(days: month.first.number), .date(days: month.last.number), .text(salt), .int(count),
                    ]
                ).map { (try $0.int64(0), try $0.int32(1), try $0.int64(2)) }
            }
            var postings: [ChargeRefund.Posting] = []
            for (id, advertiser, left) in charges where left > 0 {
                number += 1
                let amount = random.chance(70) ? left : Int64.random(in: 1...left, using: &random)
                let reference = "refund-\(number)"
                let pool = world.pool
                postings.append(
                    try await pool.transaction { db in
                        try ChargeRefund.book(
                            charge: id, amount: Micros(amount), reference: reference, reason: "return",
                            advertiser: advertiser, zone: try RetailerStore.zone(on: db), now: time, on: db
                        ).posting
                    })
            }
            return postings
        }
    }

    private func settle(_ world: MonthWorld) async throws {
        try await world.pool.transaction { db in
            try db.script(FinanceFixture.sellingSide)
            try db.script(Self.setting)
            try AgencyCIDs.set(
                CID(id: Self.cid, name: "ООО Чай", clientINN: "7736200080", status: "verified"), advertiser: "tea",
                agency: "agency", contracts: ["c2"], by: MonthWorld.actor("2025-12-01T00:00:00Z"), on: db)
            try ContractVAT.change(
                contract: "c2", to: .seven, from: try #require(Day("2026-02-01")), reason: "another regime",
                by: MonthWorld.actor("2025-12-01T00:00:00Z"), on: db)
            _ = try WalletStore.record(
                WalletMovement(
                    kind: .topUp, amount: .roubles(3_000), reference: "pay", reason: "paid", actor: "user:usr-1"),
                advertiser: 1, now: MonthWorld.at("2025-12-01T00:00:00Z"), on: db)
        }
        try await world.ship(node: 1, through: "2026-07-01T00:00:00Z")
    }

    @Test(arguments: [3, 71, 2_026] as [UInt64])
    func `every month of a quarter reconciles to zero difference`(seed: UInt64) async throws {
        let world = MonthWorld(pool: TestDatabase.current.pool)
        try await settle(world)
        let run = Simulation(world, seed: seed)
        let (december, january, february) = (
            MonthWorld.month("2025-12"), MonthWorld.month("2026-01"), MonthWorld.month("2026-02")
        )
        func accrue(_ time: String) async throws {
            try await world.pool.transaction { db in
                _ = try FixedAccrualLedger.accrue(
                    zone: try RetailerStore.zone(on: db), now: MonthWorld.at(time), on: db)
            }
        }
        try await run.trade(december, batches: 6, size: 40)
        _ = try await run.refunds(6, of: december, at: MonthWorld.at("2025-12-28T12:00:00Z"))
        try await accrue("2026-01-02T00:00:00Z")
        try await run.trade(january, batches: 1, size: 6)
        try await world.freeze("2025-12", at: "2026-01-10T00:00:00Z")
        try await world.export("2025-12", manifest: 1, at: "2026-01-11T00:00:00Z")

        // A node's log comes to light after the freeze: its events are stored and cost nothing.
        let late = run.events(20, at: MonthWorld.at("2025-12-20T10:00:00Z"))
        try await world.pool.withConnection { db in
            try MonthWorld.book(late, now: MonthWorld.at("2026-01-12T00:00:00Z"), on: db)
        }
        // Returns of December go to January while there is room, else they correct December.
        let returned = try await run.refunds(30, of: december, at: MonthWorld.at("2026-01-13T00:00:00Z"))
        #expect(returned.contains(.correction), "seed \(seed)")
        try await world.correct("2025-12", reason: "returns and a late log", at: "2026-01-14T00:00:00Z")
        try await world.export("2025-12", manifest: 2, at: "2026-01-15T00:00:00Z")
        for act in try await world.frozen("2025-12").settlement.acts {
            try await world.pool.transaction { db in
                try LevyLocks.set(
                    act: act.id, month: december, status: "blocked", by: MonthWorld.actor("2026-01-16T00:00:00Z"),
                    on: db)
            }
        }
        // December is locked now: what January has no room for waits.
        let carried = try await run.refunds(25, of: december, at: MonthWorld.at("2026-01-17T00:00:00Z"))
        #expect(carried.contains(.carry), "seed \(seed)")
        try await run.trade(january, batches: 5, size: 40)
        try await world.freeze("2026-01", at: "2026-02-10T00:00:00Z")
        try await world.export("2026-01", manifest: 3, at: "2026-02-11T00:00:00Z")
        try await run.trade(february, batches: 6, size: 40)
        _ = try await run.refunds(10, of: january, at: MonthWorld.at("2026-02-20T00:00:00Z"))
        try await world.freeze("2026-02", at: "2026-03-10T00:00:00Z")
        let pending = try await world.pool.transaction { try PendingCorrections.read(january, on: $0) }
        if pending.rows > 0 {
            try await world.correct("2026-01", reason: "returns", at: "2026-03-11T00:00:00Z")
            try await world.export("2026-01", manifest: 4, at: "2026-03-12T00:00:00Z")
        }
        try await world.export("2026-02", manifest: 5, at: "2026-03-12T00:00:00Z")

        var acts = Micros.zero
        for name in Self.months {
            acts += try await check(world, name, seed)
        }
        try await checkWallets(world, acts, seed)
    }

    /// One month: ledger = acts = items = statistics, before VAT, VAT and after.
    private func check(_ world: MonthWorld, _ name: String, _ seed: UInt64) async throws -> Micros {
        let frozen = try await world.frozen(name)
        let settlement = frozen.settlement
        #expect(frozen.status.state == .exported && frozen.integrity.isEmpty, "seed \(seed), \(name)")
        let today = MonthWorld.at("2026-03-13T00:00:00Z").utcDay
        #expect(
            Gate.blocking(frozen.findings(kktu: MonthWorld.kktu, today: today), []).isEmpty, "seed \(seed), \(name)")
        let total = settlement.acts.reduce(KopeckAmount.zero) { $0 + $1.services.excludingVAT }
        #expect(try await world.ledger(name) == total.micros, "seed \(seed), \(name)")
        #expect(settlement.acts.map(\.contractID) == ["ctr-c1", "ctr-c2"], "seed \(seed), \(name)")
        let rates = Dictionary(uniqueKeysWithValues: settlement.acts.map { ($0.contractID, $0.services.rate) })
        #expect(rates["ctr-c1"] == (name == "2025-12" ? .twenty : .twentyTwo), "seed \(seed), \(name)")
        #expect(
            rates["ctr-c2"] == (name == "2025-12" ? .twenty : name == "2026-01" ? .twentyTwo : .seven),
            "seed \(seed), \(name)")
        for act in settlement.acts {
            #expect(act.services.vat == VAT.amount(of: act.services.excludingVAT, at: act.services.rate))
            let items = act.items.map(\.amount)
            #expect(items.reduce(.zero) { $0 + $1.excludingVAT } == act.services.excludingVAT, "seed \(seed), \(name)")
            #expect(items.reduce(.zero) { $0 + $1.includingVAT } == act.services.includingVAT, "seed \(seed), \(name)")
            let ids = Set(act.items.flatMap(\.creativeIDs))
            let rows = settlement.rows.filter { ids.contains($0.creativeID) }
            #expect(
                rows.reduce(Decimal5.zero) { $0 + ($1.amount?.excludingVAT ?? .zero) }
                    == act.services.excludingVAT.decimal5, "seed \(seed), \(name)")
            let rest = settlement.ledgers.first { $0.actID == act.id }?.vatRest ?? .zero
            #expect(
                rows.reduce(rest) { $0 + ($1.amount?.vat ?? .zero) } == act.services.vat.decimal5,
                "seed \(seed), \(name)")
            #expect(rest.units.magnitude < 1_000, "seed \(seed), \(name)")
        }
        #expect(settlement.rows.allSatisfy { ($0.amount?.excludingVAT ?? .zero) >= .zero && $0.shows >= 0 })
        return total.micros
    }

    /// The wallets: what came in, less the acts, less what waits for one.
    private func checkWallets(_ world: MonthWorld, _ acts: Micros, _ seed: UInt64) async throws {
        let waiting = try await world.pool.transaction { try CarryLedger.open(on: $0) }
        let carries = waiting.reduce(Micros.zero) { $0 + $1.amount }
        let now = MonthWorld.at("2026-03-13T00:00:00Z")
        var balance = Micros.zero
        var spent = Micros.zero
        for advertiser: Int32 in [1, 3] {
            let summary = try await world.pool.transaction {
                try WalletStore.summary(advertiser: advertiser, now: now, on: $0)
            }
            let statement = try await world.pool.transaction { db in
                try WalletStatement.read(
                    advertiser: advertiser, from: try #require(Day("2025-11-30")), to: try #require(Day("2026-03-31")),
                    zone: try RetailerStore.zone(on: db), on: db)
            }
            #expect(statement.closing == summary.balance, "seed \(seed)")
            balance += summary.balance
            spent += summary.spent
        }
        let march = try await world.ledger("2026-03")
        #expect(spent == acts + march - carries, "seed \(seed)")
        #expect(balance == Micros.roubles(3_000) - acts - march + carries, "seed \(seed)")
        let serials = try await world.pool.withConnection { db in
            try db.query("select year || ' ' || number from act_serial order by year, number").map { try $0.string(0) }
        }
        #expect(serials == ["2025 1", "2025 2", "2026 1", "2026 2", "2026 3", "2026 4"], "seed \(seed)")
        let doctor = try await world.pool.transaction { try LedgerDoctor.run(on: $0) }
        // Touches are the pipeline's to write.
        let failures = doctor.failures.filter { $0.check != "touch_follows_from_event" }
        #expect(failures.isEmpty, "seed \(seed): \(failures)")
    }
}
