import AdModel
import Postgres
import Store
import TestKit
import Testing

@Suite("Import of bank statements", .database) struct BankImportTests {
    private func take(_ text: String, _ pool: PostgresPool) async throws -> BankImport {
        let file = try BankFile.read(Array(text.utf8))
        return try await pool.transaction { db in
            let plan = try BankImport.plan(file, on: db)
            _ = try plan.apply(actor: "user:usr-1", now: WalletWorld.noon, on: db)
            return plan
        }
    }

    private func rows(_ table: String, _ pool: PostgresPool) async throws -> Int64 {
        try await pool.withConnection { try $0.query("select count(*) from \(table)").single().int64(0) }
    }

    private func csv(_ rows: [String]) -> String {
        "number,date,amount,payer_inn,recipient_inn,purpose\n" + rows.joined(separator: "\n") + "\n"
    }

    @Test func thePayerGetsWhatHePaidLessVATOnce() async throws {
        let pool = try await WalletWorld.make()
        let first = try await take(BankFileTests.exchange, pool)
        #expect(first.rows.map(\.outcome) == [.matched, .unmatched])
        #expect(first.rows[0].match == "contract")
        #expect(try await WalletWorld.summary(pool).balance == .roubles(10_000))
        let again = try await take(BankFileTests.exchange, pool)
        #expect(again.rows.map(\.outcome) == [.repeated, .repeated])
        #expect(try await rows("bank_payment", pool) == 2)
        #expect(try await rows("bank_statement", pool) == 1)
        #expect(try await rows("wallet_entry", pool) == 1)
        // The same payment in another format is the same payment.
        #expect(try await take(BankFileTests.table, pool).rows.map(\.outcome) == [.repeated])
    }

    @Test func whoPaysIsFoundByContractOrTaxNumberOrNotAtAll() async throws {
        let pool = try await WalletWorld.make()
        try await pool.withConnection { db in
            try db.script(
                """
                insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial,
                    signed_on) values ('c-ag1', 1, 4, 1, 'АГ-1', '2026-01-01'), ('c-ag2', 2, 4, 1, 'АГ-2', '2026-01-01')
                """)
        }
        let plan = try await take(
            csv([
                "1,2026-11-20,100,7736207543,7700000016,реклама",
                "2,2026-11-20,100,7707083893,7700000016,по договору РМ-17/2025",
                "3,2026-11-20,100,7743013902,7700000016,за ООО Север по договору PM-18",
                "4,2026-11-20,100,7710140679,7700000016,реклама",
                "5,2026-11-20,100,7710140679,7700000016,счёт 3 дог. АГ-2",
                "6,2024-11-20,100,7736207543,7700000016,рано", "7,2026-11-20,100,7743013902,7700000016,АГ-22",
                "8,2026-11-20,100,7700000016,7743013902,аренда", "9,2026-11-20,100,,7700000016,вклад",
            ]), pool)
        #expect(
            plan.rows.map { "\($0.outcome.rawValue) \($0.match ?? "-") \($0.advertiser ?? "-")" } == [
                "matched inn nord", "unmatched contradiction -", "matched contract sever",
                "unmatched several_advertisers -", "matched contract sever", "unmatched no_contract -",
                "unmatched no_advertiser -", "skipped - -", "unmatched no_advertiser -",
            ])
    }

    @Test func anotherSumUnderAKnownNumberRefusesTheWholeFile() async throws {
        let pool = try await WalletWorld.make()
        _ = try await take(csv(["1,2026-11-20,100,7736207543,7700000016,x"]), pool)
        do {
            _ = try await take(
                csv(["2,2026-11-20,50,7736207543,7700000016,x", "1,2026-11-20,101,7736207543,7700000016,x"]), pool)
            Issue.record("the file was taken")
        } catch let refusal as Refusal {
            #expect(refusal.code == .referenceConflict)
            #expect(refusal.fields.map(\.field) == ["documents[2].amount"])
        }
        #expect(try await rows("bank_payment", pool) == 1)
    }

    @Test func aPersonAssignsOrDismissesWhatWasNotMatched() async throws {
        let pool = try await WalletWorld.make()
        _ = try await take(
            csv([
                "1,2026-11-20,122,7743013902,7700000016,x", "2,2026-11-20,5,7743013902,7700000016,y",
            ]), pool)
        let state = try await pool.transaction { db in
            let open = try BankPayments.list(state: "unmatched", statement: nil, after: 0, limit: 10, on: db)
            let nord = try AdvertiserStore.get("nord", on: db)
            let made = try BankPayments.assign(open[0], to: nord, actor: "user:u", now: WalletWorld.noon, on: db)
            let gone = try BankPayments.dismiss(open[1], on: db)
            return [made.state, made.match, made.advertiser ?? "", gone.state]
        }
        #expect(state == ["matched", "person", "nord", "dismissed"])
        #expect(try await WalletWorld.summary(pool).balance == .roubles(100))
        await #expect(throws: Refusal.self) {
            try await pool.transaction { db in
                let payment = try BankPayments.list(state: "dismissed", statement: nil, after: 0, limit: 1, on: db)[0]
                let nord = try AdvertiserStore.get("nord", on: db)
                _ = try BankPayments.assign(payment, to: nord, actor: "user:u", now: WalletWorld.noon, on: db)
            }
        }
    }

    @Test func theSameFileTwiceAtOnceIsTakenOnce() async throws {
        let pool = try await WalletWorld.make()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { _ = try await self.take(BankFileTests.exchange, pool) } }
            try await group.waitForAll()
        }
        #expect(try await rows("wallet_entry", pool) == 1)
    }
}
