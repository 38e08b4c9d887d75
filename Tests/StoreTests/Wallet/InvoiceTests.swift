import AdModel
import ORD
import Postgres
import Store
import TestKit
import Testing

@Suite("Invoices for top-ups", .database) struct InvoiceTests {
    private func pay(_ purpose: String, inn: String, on day: String = "2026-11-20", _ pool: PostgresPool) async throws
        -> [String]
    {
        let text =
            "number,date,amount,payer_inn,recipient_inn,purpose\n77,\(day),122,\(inn),7700000016,\(purpose)\n"
        let file = try BankFile.read(Array(text.utf8))
        return try await pool.transaction { db in
            try BankImport.plan(file, on: db).rows.map {
                "\($0.outcome.rawValue) \($0.match ?? "-") \($0.advertiser ?? "-")"
            }
        }
    }

    @Test func `numbers have no gaps, parties stay as they were, and a payment that names one is the advertiser's`()
        async throws
    {
        let pool = try await WalletWorld.make()
        let made = try await pool.transaction { db in
            try (1...2).map { _ in
                try TopUpInvoices.create(
                    advertiser: 1, contract: nil, net: KopeckAmount(kopecks: 10_000), payBy: nil, actor: "user:usr-1",
                    now: WalletWorld.noon, on: db)
            }
        }
        #expect(made.map(\.serial).map { $0.suffix(5) } == ["/0001", "/0002"])
        #expect(made[0].amount.includingVAT == KopeckAmount(kopecks: 12_200))
        try await pool.withConnection { try $0.script("update counterparty set name = 'ООО Иное'") }
        let kept = try await pool.transaction { db in try TopUpInvoices.find(made[0].code, advertiser: 1, on: db) }
        #expect(kept == made[0] && kept.parties.buyer.name != "ООО Иное")
        // From a payer whom nobody knows.
        let known = try await pay("Оплата по счёту № \(made[0].serial) за рекламу", inn: "7743013902", pool)
        #expect(known.map { $0.hasPrefix("matched contract") } == [true], "\(known)")
        let latin = try await pay("Счет \(made[0].serial.replacing("С", with: "C"))", inn: "7743013902", pool)
        #expect(latin.map { $0.hasPrefix("matched contract") } == [true], "\(latin)")
        let other = try await pay("Оплата по счёту № \(made[0].serial)9", inn: "7743013902", pool)
        #expect(other.map { $0.hasPrefix("unmatched") } == [true], "\(other)")
    }

    @Test func `a payment is divided by the regime that is in force on its day`() async throws {
        let pool = try await WalletWorld.make()
        let net = { (day: String) async throws -> Int64 in
            let text =
                "number,date,amount,payer_inn,recipient_inn,purpose\n5,\(day),122,7736207543,7700000016,реклама\n"
            let file = try BankFile.read(Array(text.utf8))
            return try await pool.transaction { db in
                let plan = try BankImport.plan(file, on: db)
                _ = try plan.apply(actor: "user:usr-1", now: WalletWorld.noon, on: db)
                return try db.query("select amount_micros from wallet_entry order by id desc limit 1").single()
                    .int64("amount_micros")
            }
        }
        #expect(try await net("2026-10-30") == 100_000_000)
        try await pool.withConnection {
            try $0.script(
                """
                insert into contract_vat (contract_id, valid_from, vat_rate, actor, reason, recorded_at)
                    values (1, '2026-11-01', 'without_vat', 't', 'УСН', '2026-10-31')
                """)
        }
        #expect(try await net("2026-11-02") == 122_000_000)
    }
}
