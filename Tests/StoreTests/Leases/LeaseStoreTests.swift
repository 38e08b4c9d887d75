import AdModel
import Postgres
import Store
import TestKit
import Testing

@Suite("Budget leases", .database)
struct LeaseStoreTests {
    static let now = ServingWorld.now

    static func world(_ changes: String = "") async throws -> PostgresPool {
        let pool = try await ServingWorld.make()
        if !changes.isEmpty { try await pool.withConnection { try $0.script(changes) } }
        return pool
    }

    static func ask(
        _ line: Int32 = 1, lease: Int64? = nil, unused: Int64 = 0, wanted: Int64
    ) -> LeaseRequest {
        LeaseRequest(lineItemID: line, leaseID: lease, unused: Micros(unused), wanted: Micros(wanted))
    }

    /// As the pipeline books a charge.
    static func spend(_ amount: Int64, line: Int32 = 1, pool: PostgresPool, day: String = "2026-11-21") async throws {
        try await pool.withConnection {
            try $0.script(
                """
                insert into line_item_spend values (\(line), \(amount))
                    on conflict (line_item_id) do update set spent_micros = line_item_spend.spent_micros + \(amount);
                insert into line_item_day_spend values (\(line), '\(day)', \(amount))
                    on conflict (line_item_id, day)
                    do update set spent_micros = line_item_day_spend.spent_micros + \(amount);
                insert into advertiser_spend values (1, \(amount))
                    on conflict (advertiser_id) do update set spent_micros = advertiser_spend.spent_micros + \(amount);
                """)
        }
    }

    /// As the worker notes how far a node's log is shipped.
    static func ship(through: Timestamp, pool: PostgresPool) async throws {
        _ = try await pool.withConnection {
            try $0.query(
                """
                insert into log_checkpoint (node_id, log_id, position, shipped_through)
                values (1, '00000000-0000-0000-0000-000000000001', 0, $1)
                on conflict (node_id, log_id) do update set shipped_through = $1
                """, [.timestamptz(micros: through.micros)])
        }
    }

    @Test func theWalletBoundsAllLineItemsOfAnAdvertiserTogether() async throws {
        let store = LeaseStore(pool: try await Self.world(), nodeID: 1)
        let grants = try await store.renew(
            [Self.ask(1, wanted: 700_000_000), Self.ask(2, wanted: 700_000_000)], now: Self.now)
        #expect(grants.map(\.granted.value) == [700_000_000, 300_000_000])
        let more = try await store.renew([Self.ask(3, wanted: 1)], now: Self.now)
        #expect(more.map(\.granted.value) == [0])
        #expect(more[0].leaseID == nil)
    }

    @Test func totalAndDailyBudgetsBoundALineItem() async throws {
        let pool = try await Self.world(
            "update line_item set total_budget_micros = 500, daily_budget_micros = 200 where id = 1")
        let store = LeaseStore(pool: pool, nodeID: 1)
        let today = try await store.renew([Self.ask(wanted: 1_000)], now: Self.now)
        #expect(today[0].granted.value == 200)
        #expect(today[0].dayBudget?.value == 45, "500 evenly over the eleven days in Moscow that are left")
        try await Self.spend(200, pool: pool)
        #expect(try await store.renew([Self.ask(wanted: 1_000)], now: Self.now)[0].granted == .zero)
        // The next day has its own budget; what the first day's lease may still cost is spent already.
        let tomorrow = try await store.renew([Self.ask(wanted: 1_000)], now: Self.now + .days(1))
        #expect(tomorrow[0].granted.value == 200)
    }

    @Test func whatWasNotPromisedCanBeGrantedAgainAtOnce() async throws {
        let pool = try await Self.world("update line_item set total_budget_micros = 100 where id = 1")
        let store = LeaseStore(pool: pool, nodeID: 1)
        let first = try await store.renew([Self.ask(wanted: 100)], now: Self.now)[0]
        // 30 were promised; of the 70 that go back, 70 come again.
        let second = try await store.renew([Self.ask(lease: first.leaseID, unused: 70, wanted: 100)], now: Self.now)[0]
        #expect(second.granted.value == 70)
        try await store.giveBack([Self.ask(lease: second.leaseID, unused: 70, wanted: 0)], now: Self.now)
        let other = LeaseStore(pool: pool, nodeID: 2)
        #expect(try await other.renew([Self.ask(wanted: 100)], now: Self.now)[0].granted.value == 70)
    }

    @Test func promisesStayReservedUntilTheyCanNoLongerBeBilledAndTheLogIsShipped() async throws {
        let pool = try await Self.world("update line_item set total_budget_micros = 100 where id = 1")
        let store = LeaseStore(pool: pool, nodeID: 1)
        let lease = try await store.renew([Self.ask(wanted: 100)], now: Self.now)[0]
        #expect(lease.expiresAt == Self.now + .minutes(30))
        let settled = Self.now + .minutes(91)
        // Promises end after 30 minutes and can be billed for another hour. The log was not shipped.
        #expect(try await store.renew([Self.ask(wanted: 100)], now: settled)[0].granted == .zero)
        try await Self.ship(through: Self.now + .minutes(89), pool: pool)
        #expect(try await store.renew([Self.ask(wanted: 100)], now: settled)[0].granted == .zero)
        try await Self.ship(through: settled, pool: pool)
        #expect(try await store.renew([Self.ask(wanted: 100)], now: settled)[0].granted.value == 100)
    }

    @Test func whatWasChargedIsNoLongerOutstanding() async throws {
        let pool = try await Self.world("update line_item set total_budget_micros = 100 where id = 1")
        let store = LeaseStore(pool: pool, nodeID: 1)
        let lease = try await store.renew([Self.ask(wanted: 60)], now: Self.now)[0]
        try await Self.spend(60, pool: pool)
        let next = try await store.renew([Self.ask(lease: lease.leaseID, unused: 0, wanted: 100)], now: Self.now)[0]
        #expect(next.granted.value == 40)
    }

    @Test func aLeaseEndsWithTheAccountingDay() async throws {
        let store = LeaseStore(pool: try await Self.world(), nodeID: 1)
        // 23:50 in Moscow.
        let evening = Timestamp(micros: 1_795_294_200_000_000)
        let grant = try await store.renew([Self.ask(wanted: 5)], now: evening)[0]
        #expect(grant.expiresAt == evening + .minutes(10))
        #expect(grant.day.ends == grant.expiresAt)
        #expect(abs(grant.day.hour(evening) - (23 + 5.0 / 6)) < 1e-9)
    }

    @Test func aNodeThatStartsEndsWhatItHasForgotten() async throws {
        let pool = try await Self.world("update line_item set total_budget_micros = 100 where id = 1")
        let store = LeaseStore(pool: pool, nodeID: 1)
        _ = try await store.renew([Self.ask(wanted: 100)], now: Self.now)
        try await store.endForgotten(except: [], now: Self.now + .minutes(1))
        try await Self.ship(through: Self.now + .minutes(62), pool: pool)
        // Its promises could be billed until one hour after the minute in which it forgot them.
        let after = try await store.renew([Self.ask(wanted: 100)], now: Self.now + .minutes(62))
        #expect(after[0].granted.value == 100)
    }

    @Test func nodesThatAskAtTheSameTimeNeverGetMoreThanThereIs() async throws {
        let pool = try await Self.world("update line_item set total_budget_micros = 1000 where id = 1")
        let total = try await withThrowingTaskGroup(of: Int64.self) { group in
            for index in 0..<12 {
                group.addTask {
                    let store = LeaseStore(pool: pool, nodeID: Int16(index % 2 + 1))
                    return try await store.renew([Self.ask(wanted: 130)], now: Self.now)[0].granted.value
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(total == 1_000)
    }

    @Test func anotherNodesLeaseIsNotTouched() async throws {
        let pool = try await Self.world("update line_item set total_budget_micros = 100 where id = 1")
        let lease = try await LeaseStore(pool: pool, nodeID: 1).renew([Self.ask(wanted: 100)], now: Self.now)[0]
        let other = LeaseStore(pool: pool, nodeID: 2)
        try await other.giveBack([Self.ask(lease: lease.leaseID, unused: 100, wanted: 0)], now: Self.now)
        #expect(try await other.renew([Self.ask(wanted: 100)], now: Self.now)[0].granted == .zero)
    }

    @Test func settledLeasesAreSweptAway() async throws {
        let pool = try await Self.world()
        let store = LeaseStore(pool: pool, nodeID: 1)
        _ = try await store.renew([Self.ask(wanted: 5)], now: Self.now)
        try await store.removeSettled(before: Self.now + .days(9))
        try await Self.ship(through: Self.now + .days(8), pool: pool)
        func count() async throws -> Int64 {
            try await pool.withConnection { try $0.query("select count(*) as n from budget_lease").single().int64("n") }
        }
        #expect(try await count() == 1)
        try await store.removeSettled(before: Self.now + .days(9))
        #expect(try await count() == 0)
    }
}
