import AdModel
import Billing
import Measurement
import Pipeline
import Postgres
import Store
import TestKit
import Testing

/// Random shoppers, touches, orders, adjustments and links over forty days.
struct RandomHistory {
    var random: SplitMix64

    mutating func records(_ count: Int) -> [LogRecord] {
        var result: [LogRecord] = []
        let visitors = ["v1", "v2", "v3"]
        let customers = ["c1", "c2"]
        let skus = ["p1", "p2", "p3", "p4", "p5", "unknown"]
        let products: [[Int32]] = [[], [1], [2], [3], [4], [1, 3], [5, 4, 2]]
        var orders: [(String, Timestamp, Int)] = []
        for number in 0..<count {
            // Few distinct instants, so that ties happen.
            let at = ShopFixture.noon + .hours(Int64.random(in: 0..<400, using: &random))
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<55:
                let kind = random.pick(AdEventKind.allCases)
                let shown = random.pick(products)
                let token = ShopFixture.token(
                    number, line: Int32.random(in: 1...4, using: &random), at: at, price: 10, products: shown)
                let card = shown.count > 1 && random.chance(50) ? Int8(shown.count - 1) : -1
                result.append(
                    ShopFixture.event(kind, token, visitor: random.pick(visitors), after: .seconds(0), card: card))
            case 55..<75:
                let id = "o\(number)"
                let lines = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    (
                        random.pick(skus), Int32.random(in: 0...4, using: &random),
                        Int64.random(in: 0...1_000, using: &random)
                    )
                }
                let anonymous = random.chance(10)
                result.append(
                    ShopFixture.order(
                        id, at: at, visitor: anonymous || random.chance(30) ? nil : random.pick(visitors),
                        customer: anonymous || random.chance(50) ? nil : random.pick(customers),
                        channel: random.chance(40) ? .offline : .online, lines: lines))
                orders.append((id, at, lines.count))
            case 75..<90:
                guard !orders.isEmpty else { continue }
                let (id, orderedAt, lines) = random.pick(orders)
                result.append(adjustment(number, of: id, at: orderedAt, lines: lines))
            default:
                result.append(ShopFixture.link(random.pick(visitors), random.pick(customers), at: at))
            }
        }
        return result
    }

    private mutating func adjustment(_ number: Int, of order: String, at: Timestamp, lines: Int) -> LogRecord {
        let when = at + .hours(Int64.random(in: -5...50, using: &random))
        let line = Int32.random(in: 1...Int32(lines), using: &random)
        let id = "r\(number)"
        return switch Int.random(in: 0..<4, using: &random) {
        case 0:
            ShopFixture.adjustment(id, of: order, at: when, kind: .cancel, line: nil)
        case 1:
            ShopFixture.adjustment(
                id, of: order, at: when, kind: .price, line: line,
                amount: Int64.random(in: -300...300, using: &random))
        default:
            ShopFixture.adjustment(
                id, of: order, at: when, kind: .return, line: line,
                units: random.chance(50) ? Int32.random(in: 0...3, using: &random) : nil,
                amount: random.chance(30) ? Int64.random(in: 0...200, using: &random) : nil)
        }
    }
}

@Suite(.database) struct AttributionConvergence {
    init() async throws { try await ShopFixture.load(TestDatabase.current.pool) }

    @Test(arguments: [UInt64](1...12))
    func anyOrderAndBatchingGivesTheNetPositionOfTheTwin(seed: UInt64) async throws {
        var history = RandomHistory(random: SplitMix64(seed: seed))
        let records = history.records(220)
        var random = history.random
        let log = LogFixture()
        // Seed 1 keeps the natural order; the others arrive shuffled.
        try await log.append(seed == 1 ? records : records.shuffled(using: &random))
        let batch = random.pick([1_000, 40, 7])
        try await log.ship(batch: batch)

        let ledger = try await table(AttributionTwin.ledger)
        let twin = try await table(AttributionTwin.sql)
        #expect(ledger == twin, "seed \(seed)")
        #expect(!twin.isEmpty, "seed \(seed) credits nothing and so proves nothing")
        let corrections = try await number("select count(*) from credit where cause like 'late%'")
        // In one batch nothing is late; in many, shuffled, something must be.
        if seed > 1, batch < 1_000 { #expect(corrections > 0, "seed \(seed) corrected nothing") }

        // A full recomputation from the tables finds nothing to add.
        let added = try await TestDatabase.current.pool.transaction { connection in
            let zone = try #require(AccountingZone("Europe/Moscow"))
            return try CreditLedger.recomputeAll(zone: zone, now: ShopFixture.now, on: connection).rows
        }
        #expect(added == 0, "seed \(seed)")

        // What is credited never exceeds what was sold, and what a report calls returned is what adjustments took.
        #expect(
            try await number(
                """
                select count(*) from (
                    select sum(c.units) as units, sum(c.amount_micros) as amount, min(l.units) as sold,
                        min(l.net_micros) as net, sum(c.amount_micros) filter (where c.adjustment_id is null) as gross
                    from credit c join order_line l using (storefront_id, order_id, line_no)
                    group by c.storefront_id, c.order_id, c.line_no) t
                where units > sold or units < 0 or amount < 0 or gross not in (0, net)
                """) == 0, "seed \(seed)")
    }

    @Test func rowsSayWhatCausedThemAndPostToItsMonth() async throws {
        let log = LogFixture()
        let noon = ShopFixture.noon
        let early = ShopFixture.token(1, line: 1, at: noon - .hours(3), products: [1])
        let late = ShopFixture.token(2, line: 4, at: noon - .hours(1), products: [1])
        try await log.append([
            ShopFixture.event(.click, early), ShopFixture.order("o1", at: noon, lines: [("p1", 2, 100)]),
            ShopFixture.adjustment("r1", of: "o1", at: noon + .days(15), kind: .return, line: 1, units: 1),
        ])
        try await log.ship()
        try await log.append([ShopFixture.event(.click, late)])
        try await log.ship()
        #expect(
            try await table(
                "select line_item_id, kind, units, amount_micros, adjustment_id, cause, posting_month from credit") == [
                    "(1,credit,1,50,r1,\"late touch \(hex(late)).0.c\",2026-12-01)",
                    "(1,credit,2,100,,order,2026-11-01)",
                    "(1,reversal,-1,-50,r1,\"adjustment r1\",2026-12-01)",
                    "(1,reversal,-2,-100,,\"late touch \(hex(late)).0.c\",2026-11-01)",
                    "(4,credit,2,100,,order,2026-11-01)",
                    "(4,reversal,-1,-50,r1,\"adjustment r1\",2026-12-01)",
                ])
    }

    @Test func aDifferentPolicyIsAContestOfItsOwn() async throws {
        try await TestDatabase.current.pool.withConnection {
            try $0.script("update campaign_version set policy = 'sku-strict@1' where campaign_id = 2")
        }
        let log = LogFixture()
        let noon = ShopFixture.noon
        try await log.append([
            ShopFixture.event(.click, ShopFixture.token(1, line: 1, at: noon, products: [1])),
            ShopFixture.event(.click, ShopFixture.token(2, line: 2, at: noon, products: [1])),
            ShopFixture.order("o1", at: noon + .hours(1), lines: [("p1", 1, 100)]),
        ])
        try await log.ship()
        #expect(try await table("select policy, campaign_id from credit") == ["(default@1,1)", "(sku-strict@1,2)"])
    }

    private func hex(_ token: AdToken) -> String { token.decisionID.hex }
}
