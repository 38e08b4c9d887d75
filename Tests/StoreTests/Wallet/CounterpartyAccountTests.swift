import AdModel
import Billing
import ORD
import Postgres
import Store
import TestKit
import Testing

@Suite("CounterpartyAccount", .database) struct CounterpartyAccountTests {
    private func day(_ text: String) throws -> Day { try #require(Day(text)) }

    /// A frozen November with one act of 10,036.04 and its VAT, made as the close makes it.
    private func freeze(_ pool: PostgresPool) async throws {
        try await pool.transaction { db in
            try db.script(
                """
                insert into month_version (month, version, kind, frozen_at, actor, time_zone, cut_charge_id, cut_at,
                    ledger_micros, shows)
                values ('2026-11-01', 1, 'freeze', '2026-12-04Z', 'user:usr-1', 'Europe/Moscow', 0, '2026-12-04Z', 0, 0);
                insert into month_act (month, version, act, contract, contract_id, serial, act_date, ledger_micros,
                    rounding_micros, excluding_kopecks, vat_rate, vat_kopecks, body)
                values ('2026-11-01', 1, 'act-c-nord-2026-11', 'ctr-c-nord', 1, 'РМ-2026/0001', '2026-11-30', 0, 0,
                    1003604, '22', 220793, '{}');
                insert into month_close (month, state, version) values ('2026-11-01', 'acts_issued', 1);
                """)
        }
    }

    @Test func `payments and acts stand with VAT, and what lies before the range is its opening`() async throws {
        let pool = try await WalletWorld.make()
        try await WalletWorld.topUp(10_000_000_000, "pay-1", pool)
        try await WalletWorld.topUp(1_000_000, "pay-2", at: WalletWorld.noon + .days(20), pool)
        try await freeze(pool)
        func read(_ from: String, _ to: String) async throws -> CounterpartyAccount {
            let (from, to) = (try day(from), try day(to))
            return try await pool.withConnection { db in
                try CounterpartyAccount.read(
                    advertiser: 1, from: from, to: to, zone: try RetailerStore.zone(on: db), on: db)
            }
        }
        let november = try await read("2026-11-01", "2026-11-30")
        #expect(november.opening == .zero)
        #expect(november.entries.map(\.document) == ["Оплата pay-1", "Акт № РМ-2026/0001"])
        #expect(november.entries.map(\.amount.kopecks) == [1_220_000, -1_224_397])
        #expect(november.closing == KopeckAmount(kopecks: -4_397))
        let december = try await read("2026-12-01", "2026-12-31")
        #expect(december.opening == november.closing)
        #expect(december.entries.map(\.amount.kopecks) == [122])
    }

    @Test func `an empty range is refused`() async throws {
        let pool = try await WalletWorld.make()
        let (from, to) = (try day("2026-11-02"), try day("2026-11-01"))
        await #expect(throws: Refusal.self) {
            try await pool.withConnection { db in
                try CounterpartyAccount.read(
                    advertiser: 1, from: from, to: to, zone: try RetailerStore.zone(on: db), on: db)
            }
        }
    }
}
