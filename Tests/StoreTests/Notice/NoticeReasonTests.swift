import AdModel
import Measurement
import Postgres
import Store
import TestKit
import Testing

@Suite("Reasons of a standstill", .database) struct NoticeReasonTests {
    /// What the latest decisions say about line item 2, most often first.
    private static let losers: [UInt8] = [7, 7, 13]

    private func decide(_ number: Int, loser reason: UInt8, _ pool: PostgresPool) async throws {
        let at = WalletWorld.noon - .hours(2)
        let record = DecisionRecord(
            id: DecisionID(issuedAt: at, low: UInt64(number)), storefrontID: 1, pageType: .home, visitorID: nil,
            locationID: 1, device: .desktop, snapshotVersion: 1, stockVersion: 1,
            slots: [
                DecisionRecord.Slot(
                    placementID: 1, noFill: 0, ads: [],
                    losers: [DecisionRecord.Candidate(lineItemID: 2, reason: reason, score: 0.1)])
            ])
        var bytes: [UInt8] = []
        LogRecordCodec.encode(.decision(record), into: &bytes)
        let body = bytes
        try await pool.withConnection { db in
            try db.query("select ensure_day_partition('decision', '2026-11-21')")
            try db.query(
                """
                insert into decision (decision_day, decision_id, storefront_id, decided_at, page_type, body)
                values ('2026-11-21', gen_random_uuid(), 1, $1, 'home', $2)
                """, [.timestamptz(micros: at.micros), .bytea(body)])
        }
    }

    private func watch(_ pool: PostgresPool) async throws -> [String] {
        try await pool.transaction { db in
            _ = try StandstillWatch.round(now: WalletWorld.noon, on: db)
            return try db.query(
                "select object_id || ' ' || (details ->> 'reason') as text from notice order by object_id"
            ).map { try $0.string("text") }
        }
    }

    private func world() async throws -> PostgresPool {
        let pool = try await WalletWorld.make()
        try await WalletWorld.topUp(1_000_000, "p-1", pool)
        try await WalletWorld.topUp(1_000_000, "p-2", advertiser: 2, pool)
        try await pool.withConnection { db in
            try db.script(
                """
                insert into log_checkpoint (node_id, log_id, position, shipped_through)
                values (1, '00000000-0000-0000-0000-000000000001', 0, '2026-11-21 08:59Z')
                """)
        }
        return pool
    }

    @Test func theLikeliestReasonIsTheOneThatStoppedItMostOften() async throws {
        let pool = try await world()
        for (number, reason) in Self.losers.enumerated() { try await decide(number, loser: reason, pool) }
        #expect(
            try await watch(pool) == ["l1 no_matching_requests", "l2 below_floor", "l3 no_matching_requests"])
    }

    @Test func whoLosesWithoutAFaultIsOutbid() async throws {
        let pool = try await world()
        for number in 0..<3 { try await decide(number, loser: 0, pool) }
        #expect(try await watch(pool).contains("l2 outbid"))
    }
}
