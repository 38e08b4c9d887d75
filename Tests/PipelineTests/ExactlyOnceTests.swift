import AdModel
import Billing
import Measurement
import Pipeline
import Postgres
import Store
import TestKit
import Testing

/// What the tables must say, worked out from the list of records one by one.
struct Truth {
    struct Budget {
        var total: Int64?
        var daily: Int64?
    }

    private var seen: Set<AdEventKey> = []
    private(set) var charges: [String] = []
    private(set) var events = 0
    private(set) var spentByLine: [Int32: Int64] = [:]
    private var spentByDay: [String: Int64] = [:]
    private(set) var spentByAdvertiser: [Int32: Int64] = [:]
    let budgets: [Int32: Budget]
    let wallets: [Int32: Int64]

    init(budgets: [Int32: Budget], wallets: [Int32: Int64]) {
        self.budgets = budgets
        self.wallets = wallets
    }

    mutating func add(_ records: [LogRecord]) {
        for case .adEvent(let event) in records where event.invalid == nil { add(event) }
    }

    private mutating func add(_ event: AdEventRecord) {
        guard seen.insert(AdEventKey(event)).inserted else { return }
        events += 1
        let token = event.token
        let price = token.price.value
        let charged =
            (token.pricing == .cpm && event.kind == .impression) || (token.pricing == .cpc && event.kind == .click)
        guard charged, price > 0 else { return }
        // Moscow is three hours ahead of UTC all year round.
        let day = Timestamp(micros: event.eventTime.micros + 3 * 3_600_000_000).utcDay
        let dayKey = "\(token.lineItemID) \(day)"
        let budget = budgets[token.lineItemID]
        var reason = "billed"
        if let total = budget?.total, spentByLine[token.lineItemID, default: 0] + price > total {
            reason = "over_budget"
        } else if let daily = budget?.daily, spentByDay[dayKey, default: 0] + price > daily {
            reason = "over_daily_budget"
        } else if spentByAdvertiser[token.advertiserID, default: 0] + price > wallets[token.advertiserID, default: 0] {
            reason = "over_wallet"
        }
        let amount = reason == "billed" ? price : 0
        spentByLine[token.lineItemID, default: 0] += amount
        spentByDay[dayKey, default: 0] += amount
        spentByAdvertiser[token.advertiserID, default: 0] += amount
        let kind = event.kind == .impression ? "impression" : "click"
        charges.append("(\(AdEventKey(event).touchID),\(kind),\(day),\(price),\(amount),\(reason))")
    }
}

@Suite(.database) struct ExactlyOnce {
    let budgets: [Int32: Truth.Budget] = [
        1: .init(total: 4_000, daily: 1_500), 2: .init(total: nil, daily: 900), 3: .init(total: 2_500, daily: nil),
        4: .init(total: nil, daily: nil),
    ]
    let wallets: [Int32: Int64] = [1: 6_000, 2: 2_000]

    init() async throws {
        try await ShopFixture.load(TestDatabase.current.pool)
        try await TestDatabase.current.pool.withConnection {
            try $0.script(
                """
                update line_item set total_budget_micros = 4000, daily_budget_micros = 1500 where id = 1;
                update line_item set daily_budget_micros = 900 where id = 2;
                update line_item set total_budget_micros = 2500 where id = 3;
                -- 6,500 and 1,000 are left; entries are never rewritten.
                insert into wallet_entry (advertiser_id, kind, amount_micros, reference) values
                    (1, 'withdrawal', 6500 - 1000000000000, 'w1-most'), (2, 'withdrawal', 1000 - 1000000000000, 'w2-most'),
                    (1, 'withdrawal', -500, 'w1');
                update advertiser set credit_limit_micros = 1000 where id = 2;
                """)
        }
    }

    static func records(_ random: inout SplitMix64, _ count: Int, from base: Int = 0) -> [LogRecord] {
        var records: [LogRecord] = []
        for number in 0..<count {
            let at = ShopFixture.noon + .hours(Int64.random(in: 0..<70, using: &random))
            let token = ShopFixture.token(
                base + number, line: Int32.random(in: 1...4, using: &random), at: at,
                price: Int64.random(in: 0...150, using: &random))
            for kind in AdEventKind.allCases where random.chance(60) {
                let record = ShopFixture.event(
                    kind, token, visitor: random.chance(80) ? "v\(number % 17)" : nil,
                    invalid: random.chance(10) ? .rate : nil)
                records.append(record)
                if random.chance(30) { records.append(record) }
            }
        }
        return records
    }

    private func check(_ truth: Truth, seed: UInt64) async throws {
        let charges = try await table(
            """
            select replace(decision_id::text, '-', '') || '.' || ad || '.' || case kind when 'click' then 'c' else 'i' end
                as id, kind, accounting_day, price_micros, amount_micros, reason from charge
            """)
        #expect(charges == truth.charges.sorted(), "seed \(seed)")
        #expect(try await number("select count(*) from ad_event") == Int64(truth.events), "seed \(seed)")
        for (line, spent) in truth.spentByLine where spent > 0 {
            #expect(
                try await number("select spent_micros from line_item_spend where line_item_id = $1", [.int4(line)])
                    == spent)
        }
        // Independent of the truth: nothing passes a limit, and the running totals are the ledger's.
        #expect(
            try await number(
                """
                select count(*) from (
                    select 1 from line_item l join charge c on c.line_item_id = l.id
                    group by l.id having sum(c.amount_micros) > l.total_budget_micros
                    union all
                    select 1 from line_item l join charge c on c.line_item_id = l.id
                    group by l.id, c.accounting_day having sum(c.amount_micros) > l.daily_budget_micros
                    union all
                    select 1 from advertiser a join charge c on c.advertiser_id = a.id group by a.id
                    having sum(c.amount_micros) > a.credit_limit_micros + (
                        select sum(amount_micros)
                        from wallet_entry w where w.advertiser_id = a.id)
                    union all
                    select 1 from advertiser_spend s where spent_micros <> (
                        select coalesce(sum(amount_micros), 0) from charge c where c.advertiser_id = s.advertiser_id)
                    union all
                    select 1 from line_item_day_spend s where spent_micros <> (
                        select coalesce(sum(amount_micros), 0) from charge c
                        where c.line_item_id = s.line_item_id and c.accounting_day = s.day)
                ) broken
                """) == 0, "seed \(seed)")
        #expect(
            try await number("select sum(impressions + clicks)::int8 from performance_day")
                == number("select count(*) from ad_event where kind in (0, 2)"), "seed \(seed)")
    }

    @Test(arguments: [UInt64](1...6))
    func moneyIsWhatTheListOfRecordsSaysAndNoBudgetIsPassed(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let records = Self.records(&random, 150).shuffled(using: &random)
        let log = LogFixture()
        try await log.append(records)
        try await log.ship(batch: random.pick([500, 33, 5]))
        var truth = Truth(budgets: budgets, wallets: wallets)
        truth.add(records)
        try await check(truth, seed: seed)
    }

    @Test(arguments: [UInt64](1...4))
    func aWorkerKilledAgainAndAgainWritesTheSameTables(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let log = LogFixture()
        var truth = Truth(budgets: budgets, wallets: wallets)
        let records = Self.records(&random, 200)
        truth.add(records)
        try await log.append(records)
        let worker = log.worker(name: "victim", batch: 10)
        let running = Task { try await worker.run() }
        // The server ends the worker's session wherever it happens to be; the worker comes back by itself.
        var killed: Int64 = 0
        let pauses = (0..<2_000).map { _ in Int.random(in: 0...12, using: &random) }
        var next = 0
        try await eventually(within: .seconds(20), every: .milliseconds(1), "the log to be shipped") {
            next += 1
            if killed < 8, pauses[next % pauses.count] == 0 {
                killed += try await number(
                    """
                    select count(pg_terminate_backend(pid)) from pg_stat_activity
                    where application_name = 'victim' and datname = current_database()
                    """)
            }
            return try await number("select count(*) from ad_event") == Int64(truth.events)
        }
        #expect(killed > 0)
        running.cancel()
        _ = await running.result
        try await check(truth, seed: seed)
    }

    @Test func twoNodesShareOneWalletWithoutPassingIt() async throws {
        var random = SplitMix64(seed: 99)
        let logs = [LogFixture(nodeID: 1), LogFixture(nodeID: 2)]
        var all: [LogRecord] = []
        for (index, log) in logs.enumerated() {
            let records = Self.records(&random, 120, from: index * 1_000)
            all += records
            try await log.append(records)
        }
        // The second node also got what the first had already counted.
        try await logs[1].append(Array(all.prefix(50)))
        async let first = logs[0].ship(batch: 7)
        async let second = logs[1].ship(batch: 9)
        _ = try await (first, second)
        var truth = Truth(budgets: [:], wallets: [:])
        truth.add(all)
        #expect(try await number("select count(*) from ad_event") == Int64(truth.events))
        #expect(try await number("select count(*) from charge") == Int64(truth.charges.count))
        #expect(
            try await number(
                "select count(*) from advertiser_spend where spent_micros > case advertiser_id when 1 then 6000 else 2000 end"
            ) == 0)
    }
}
