import AdModel
import ORD
import Postgres
import Store
import TestKit
import Testing

@Suite("Wallet", .database) struct WalletTests {
    private let noon = WalletWorld.noon

    private func move(
        _ kind: WalletKind, _ amount: Int64, _ reference: String, campaign: Int32? = nil, advertiser: Int32 = 1,
        reason: String = "asked for", _ pool: PostgresPool
    ) async throws -> Bool {
        try await pool.transaction { db in
            try WalletStore.record(
                WalletMovement(
                    kind: kind, amount: Micros(amount), reference: reference, reason: reason, actor: "user:usr-1",
                    campaignID: campaign),
                advertiser: advertiser, now: WalletWorld.noon, on: db
            ).isNew
        }
    }

    private func refusal(_ body: () async throws -> Void) async -> Refusal? {
        do {
            try await body()
            return nil
        } catch { return error as? Refusal }
    }

    @Test func aRepeatedReferenceChangesNothingAndOtherContentIsRefused() async throws {
        let pool = try await WalletWorld.make()
        #expect(try await move(.topUp, 500, "pay-1", pool))
        #expect(try await !move(.topUp, 500, "pay-1", pool))
        for body in [
            { try await move(.topUp, 501, "pay-1", pool) },
            { try await move(.topUp, 500, "pay-1", advertiser: 2, pool) },
            { try await move(.topUp, 500, "pay-1", reason: "other", pool) },
        ] {
            #expect(await refusal { _ = try await body() }?.code == .referenceConflict)
        }
        #expect(try await WalletWorld.summary(pool).balance.value == 500)
    }

    @Test func whatIsPromisedOrNotThereCannotBeTakenOut() async throws {
        let pool = try await WalletWorld.make()
        try await WalletWorld.topUp(1_000_000, "pay-1", pool)
        try await pool.withConnection { db in
            try db.script(
                """
                update advertiser set credit_limit_micros = 50000 where id = 1;
                insert into budget_lease (node_id, line_item_id, day, leased_micros, granted_at, expires_at, settles_at,
                    spent_before_micros)
                values (1, 2, '2026-11-21', 250000, '2026-11-21 09:00Z', '2026-11-21 09:30Z', '2026-11-22 09:30Z', 0)
                """)
        }
        let before = try await WalletWorld.summary(pool)
        #expect(before.reserved.value == 250_000)
        #expect(before.available.value == 800_000)
        #expect(before.withdrawable.value == 800_000)
        #expect(await refusal { _ = try await move(.withdrawal, 800_001, "out-1", pool) }?.code == .insufficientFunds)
        #expect(try await move(.withdrawal, 800_000, "out-2", pool))
        #expect(try await WalletWorld.summary(pool).available == .zero)
        // A charge makes the promise smaller by itself.
        try await WalletWorld.charge([WalletWorld.event(1, price: 200_000)], pool)
        let after = try await WalletWorld.summary(pool)
        #expect(after.balance == .zero && after.reserved.value == 50_000 && after.spent.value == 200_000)
    }

    @Test func refundsOfACampaignNeverExceedWhatItWasCharged() async throws {
        let pool = try await WalletWorld.make()
        try await WalletWorld.topUp(1_000_000, "pay-1", pool)
        try await WalletWorld.charge([WalletWorld.event(1, price: 300)], pool)
        #expect(try await move(.refund, 200, "back-1", campaign: 1, pool))
        let refused = await refusal { _ = try await move(.refund, 101, "back-2", campaign: 1, pool) }
        #expect(refused?.fields.first?.code == "exceeds_charges")
        #expect(try await move(.refund, 100, "back-3", campaign: 1, pool))
        #expect(try await WalletWorld.summary(pool).balance.value == 1_000_000)
    }

    @Test func aChargeIsGivenBackAtMostOnceAndTheLedgerSaysSo() async throws {
        let pool = try await WalletWorld.make()
        try await WalletWorld.topUp(1_000_000, "pay-1", pool)
        try await WalletWorld.charge([WalletWorld.event(1, price: 300), WalletWorld.event(2, price: 300)], pool)
        func back(_ amount: Int64, _ reference: String, advertiser: Int32 = 1) async throws -> ChargeRefund.Booked {
            try await pool.transaction { db in
                try ChargeRefund.book(
                    charge: 1, amount: Micros(amount), reference: reference, reason: "fraud", advertiser: advertiser,
                    zone: try RetailerStore.zone(on: db), now: WalletWorld.noon + .days(1), on: db)
            }
        }
        let booked = try await back(250, "r-1")
        #expect(booked.isNew && booked.day.description == "2026-11-22")
        #expect(try await !back(250, "r-1").isNew)
        #expect(await refusal { _ = try await back(51, "r-2") }?.fields.first?.code == "exceeds_charges")
        #expect(await refusal { _ = try await back(249, "r-1") }?.code == .referenceConflict)
        #expect(
            await refusal { _ = try await back(1, "r-3", advertiser: 2) }?.fields.first?.code == "unknown_reference")
        let summary = try await WalletWorld.summary(pool)
        #expect(summary.spent.value == 350 && summary.balance.value == 999_650)
        let line = try await pool.withConnection { db in
            try db.query("select spent_micros from line_item_spend where line_item_id = 2").single().int64(0)
        }
        #expect(line == 350)
    }

    @Test func aRefundThatThisMonthCannotCarryGoesToTheDayOfTheCharge() async throws {
        let pool = try await WalletWorld.make()
        try await WalletWorld.topUp(1_000_000, "pay-1", pool)
        try await WalletWorld.charge([WalletWorld.event(1, price: 300)], pool)
        let day = try await pool.transaction { db in
            try ChargeRefund.book(
                charge: 1, amount: Micros(300), reference: "r-1", reason: "fraud", advertiser: 1,
                zone: try RetailerStore.zone(on: db), now: WalletWorld.noon + .days(30), on: db
            ).day
        }
        #expect(day.description == "2026-11-21")
    }

    @Test func entriesAndChargesAreNeverRewritten() async throws {
        let pool = try await WalletWorld.make()
        try await WalletWorld.topUp(1_000_000, "pay-1", pool)
        try await WalletWorld.charge([WalletWorld.event(1, price: 300)], pool)
        for sql in [
            "update wallet_entry set amount_micros = 1", "delete from wallet_entry",
            "update charge set amount_micros = 1",
            "delete from charge",
        ] {
            await #expect(throws: PostgresError.self) { try await pool.withConnection { try $0.script(sql) } }
        }
    }

    @Test func theStatementAddsUpWithAndWithoutVAT() async throws {
        let pool = try await WalletWorld.make()
        let lastYear = Timestamp(rfc3339: "2025-12-31T20:59:00Z") ?? noon
        try await WalletWorld.topUp(10_000_000, "pay-1", at: lastYear, pool)
        try await WalletWorld.topUp(1_234_567, "pay-2", at: lastYear + .minutes(2), pool)
        try await WalletWorld.charge(
            [WalletWorld.event(1, price: 1_004_999), WalletWorld.event(2, price: 20_000_000)], pool)
        try await WalletWorld.charge([WalletWorld.event(3, price: 5_001, at: noon + .days(1))], pool)
        func read(_ from: String, _ to: String) async throws -> WalletStatement {
            let (from, to) = try (#require(Day(from)), #require(Day(to)))
            return try await pool.withConnection { db in
                try WalletStatement.read(
                    advertiser: 1, from: from, to: to, zone: try RetailerStore.zone(on: db), on: db)
            }
        }
        let all = try await read("2025-12-01", "2026-12-01")
        #expect(all.opening == .zero)
        #expect(all.closing == (try await WalletWorld.summary(pool).balance))
        #expect(all.lines.map(\.kind) == [.topUp, .topUp, .charges, .charges])
        // The year ends at midnight in Moscow: 20 % before, 22 % after.
        #expect(all.lines.map { $0.rate?.rawValue } == ["20", "22", "22", "22"])
        #expect(all.lines.map { $0.vat?.description } == ["2.00", "0.27", "-0.22", "0.00"])
        #expect(all.lines.map { $0.amountWithVAT?.description } == ["12.00", "1.50", "-1.22", "-0.01"])
        #expect(all.lines.map(\.balance.value) == [10_000_000, 11_234_567, 10_229_568, 10_224_567])
        #expect(all.overDeliveryEvents == 1 && all.overDelivery.value == 20_000_000)
        let part = try await read("2026-11-22", "2026-11-22")
        #expect(part.opening.value == 10_229_568 && part.closing == all.closing && part.lines.count == 1)
        #expect(await refusal { _ = try await read("2026-11-22", "2026-11-21") }?.code == .invalidParameter)
        #expect(await refusal { _ = try await read("2025-01-01", "2026-11-21") }?.code == .rangeTooLong)
    }
}
