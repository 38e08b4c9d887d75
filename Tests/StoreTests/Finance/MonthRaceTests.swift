import AdModel
import Billing
import Measurement
import ORD
import Postgres
import Store
import TestKit
import Testing

@Suite("Freezing while the ledger is written", .database) struct MonthRaceTests {
    /// Sessions of this database that wait for a lock, and those that have one.
    private static let waiting = locks + " not granted"
    private static let holding = locks + " granted"
    private static let locks = """
        select count(*) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()
            and database = (select oid from pg_database where datname = current_database()) and
        """
    /// Asks until a session is found; a machine that is busy with other tests answers some thousand times before.
    private static func poll(_ question: String, _ db: isolated PostgresConnection) throws {
        for _ in 0..<100_000 where try db.query(question).single().int64(0) > 0 { return }
        Issue.record("no session was found: \(question)")
    }

    /// Money for the batch, and no accrual that would use it up.
    private static let funds = """
        update advertiser set credit_limit_micros = 1000000000 where id = 1;
        update line_item set paused = true where id = 3;
        """

    @Test func `a batch that waits for a freeze charges nothing`() async throws {
        let world = try await MonthWorld.marchAfterFebruary()
        try await world.run(Self.funds)
        let event = MonthWorld.event(1, line: 1, price: 99_990, at: MonthWorld.at("2026-03-20T10:00:00Z"))
        let pool = world.pool
        async let shipped: Void = pool.withConnection { db in
            // Not before the freeze holds the lock.
            try Self.poll(Self.holding, db)
            try MonthWorld.book([event], now: MonthWorld.at("2026-04-05T00:00:01Z"), on: db)
        }
        let frozen = try await pool.transaction { db in
            let frozen = try MonthClose.freeze(
                MonthWorld.month("2026-03"), by: MonthWorld.actor("2026-04-05T00:00:00Z"), on: db)
            try Self.poll(Self.waiting, db)
            return frozen
        }
        try await shipped
        #expect(frozen.settlement.acts.first?.services.excludingVAT.description == "173.69")
        #expect(try await world.ledger("2026-03") == frozen.settlement.acts.first?.services.excludingVAT.micros)
        #expect(try await world.number("select count(*) from charge where reason = 'month_closed'") == 1)
    }

    @Test func `a freeze waits for a batch and a refund that are under way, and has them`() async throws {
        let world = try await MonthWorld.marchAfterFebruary()
        try await world.run(Self.funds)
        let event = MonthWorld.event(1, line: 1, price: 10_000_000, at: MonthWorld.at("2026-03-20T10:00:00Z"))
        let pool = world.pool
        async let frozen = pool.transaction { db in
            try Self.poll(Self.holding, db)
            return try MonthClose.freeze(
                MonthWorld.month("2026-03"), by: MonthWorld.actor("2026-04-05T00:00:00Z"), on: db)
        }
        try await pool.withConnection { db in
            try EventLedger.prepareSession(db)
            try db.transaction {
                try CheckpointStore.lockLedgers(on: db)
                try MonthWorld.write([event], now: MonthWorld.at("2026-04-05T00:00:00Z"), on: db)
                let charge = try db.query(
                    "select id, amount_micros from charge where line_item_id = 2 and amount_micros > 0 order by id desc limit 1"
                ).single()
                _ = try ChargeRefund.book(
                    charge: try charge.int64("id"), amount: Micros(1_000_000), reference: "r", reason: "fraud",
                    advertiser: 1, zone: try RetailerStore.zone(on: db), now: MonthWorld.at("2026-04-05T00:00:00Z"),
                    on: db)
                try Self.poll(Self.waiting, db)
            }
        }
        let act = try #require(try await frozen.settlement.acts.first)
        #expect(act.services.excludingVAT.description == "182.69")
        #expect(try await world.ledger("2026-03") == act.services.excludingVAT.micros)
    }
}
