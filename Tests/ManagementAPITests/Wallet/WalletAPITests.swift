import AdModel
import Foundation
import Postgres
import TestKit
import Testing

@Suite("Wallets over HTTP", .database) struct WalletAPITests {
    private func controlVersion() async throws -> Int64 {
        try await TestDatabase.current.pool.withConnection {
            try $0.query("select version from control_version where stream = 'control'").single().int64(0)
        }
    }

    @Test func moneyComesInOncePerReferenceAndReachesServing() async throws {
        try await WalletProbe.serving { probe in
            let path = "/v1/advertisers/nord/wallet"
            let before = try await controlVersion()
            let body = #"{"amount_with_vat_micros": 12200000000, "reference": "p-1", "reason": "payment 17"}"#
            let made = try await probe.wallet("POST", "\(path)/top-ups", body, key: "nk_finance")
            #expect(made.status == 201)
            #expect(made["amount_micros"] == "10000000000" && made["vat_micros"] == "2200000000")
            #expect(made["vat_rate"] == "22")
            #expect(try await controlVersion() == before + 1)
            let again = try await probe.wallet("POST", "\(path)/top-ups", body, key: "nk_finance")
            #expect(again.status == 200 && again["id"] == made["id"])
            #expect(try await controlVersion() == before + 1, "nothing changed")
            let other = try await probe.wallet(
                "POST", "\(path)/top-ups", #"{"amount_micros": 1, "reference": "p-1", "reason": "x"}"#,
                key: "nk_finance")
            #expect(other.status == 409 && other["code"] == "reference_conflict" && other["field"] == "reference")
            let wallet = try await probe.read(path, key: "nk_nord")
            #expect(wallet["balance_micros"] == "9999700000" && wallet["spent_micros"] == "300000")
            #expect(wallet["over_delivery_events"] == "1" && wallet["over_delivery_micros"] == "700000")
            let entries = try await probe.read("\(path)/entries", key: "nk_nord")
            #expect(
                entries.walletItems.map { $0["actor"] as? String } == ["retailer"], "people are not named to others")
            let audit = try await TestDatabase.current.pool.withConnection {
                try $0.query("select action, advertiser_id from audit_entry").map {
                    "\(try $0.string(0)) \(try $0.int32(1))"
                }
            }
            #expect(audit == ["wallet.top_up 1"])
        }
    }

    @Test func whatMakesNoSenseIsRefusedWithTheField() async throws {
        try await WalletProbe.serving { probe in
            let path = "/v1/advertisers/nord/wallet"
            let cases: [(String, String, Int, [String])] = [
                (
                    "top-ups", #"{"amount_micros": -5, "reference": "a", "reason": "b"}"#, 422,
                    ["amount_micros out_of_range"]
                ),
                (
                    "top-ups", #"{"amount_micros": 0, "reference": "a", "reason": "b"}"#, 422,
                    ["amount_micros out_of_range"]
                ),
                (
                    "top-ups", #"{"amount_micros": 1.5, "reference": "a", "reason": "b"}"#, 422,
                    ["amount_micros wrong_type"]
                ),
                (
                    "top-ups", #"{"amount_with_vat_micros": 10001, "reference": "a", "reason": "b"}"#, 422,
                    ["amount_with_vat_micros invalid"]
                ),
                ("top-ups", #"{"amount_micros": 1}"#, 422, ["reference required", "reason required"]),
                (
                    "top-ups", #"{"amount_micros": 1, "reference": "bank:1", "reason": "b"}"#, 422,
                    ["reference not_allowed"]
                ),
                (
                    "top-ups", #"{"amount_micros": 1, "reference": "a", "reason": "b", "contract": "c-sever"}"#, 422,
                    ["contract unknown_reference"]
                ),
                (
                    "refunds", #"{"amount_micros": 1, "reference": "a", "reason": "b", "campaign": "k2"}"#, 422,
                    ["campaign unknown_reference"]
                ),
                (
                    "refunds", #"{"amount_micros": 300001, "reference": "a", "reason": "b", "campaign": "k1"}"#, 422,
                    ["amount_micros exceeds_charges"]
                ),
                (
                    "charge-refunds", #"{"amount_micros": 1, "reference": "a", "reason": "b", "charge": "99"}"#, 422,
                    ["charge unknown_reference"]
                ),
                ("withdrawals", #"{"amount_micros": 1, "reference": "a", "reason": "b"}"#, 409, []),
                (
                    "withdrawals", #"{"amount_micros": 1, "reference": "a", "reason": "b", "x": 1}"#, 422,
                    ["x unknown_field"]
                ),
            ]
            for (action, body, status, fields) in cases {
                let answer = try await probe.wallet("POST", "\(path)/\(action)", body, key: "nk_finance")
                #expect(answer.status == status, "\(body): \(answer.text)")
                #expect(answer.walletFields == fields, "\(body)")
            }
            #expect(try await probe.read("\(path)/entries", key: "nk_finance").walletItems.isEmpty)
        }
    }

    @Test func aWalletIsForItsOwnerAndMoneyIsForFinance() async throws {
        try await WalletProbe.serving { probe in
            let body = #"{"amount_micros": 5, "reference": "p", "reason": "r"}"#
            for key in ["nk_adops", "nk_analyst", "nk_nord"] {
                let answer = try await probe.wallet("POST", "/v1/advertisers/nord/wallet/top-ups", body, key: key)
                #expect(answer.status == 403, "\(key)")
            }
            for tail in ["", "/wallet", "/wallet/statement", "/wallet/entries", "/wallet/charges"] {
                let foreign = try await probe.read("/v1/advertisers/nord\(tail)", key: "nk_sever")
                let absent = try await probe.read("/v1/advertisers/nobody\(tail)", key: "nk_sever")
                #expect(foreign.status == 404 && absent.status == 404)
                #expect(foreign["code"] == absent["code"] && foreign["detail"] == absent["detail"])
                #expect(try await probe.read("/v1/advertisers/nord\(tail)", key: "nk_nord").status == 200)
            }
            #expect(try await probe.read("/v1/bank-payments", key: "nk_nord").status == 403)
            let own = try await probe.read("/v1/advertisers", key: "nk_sever")
            #expect(own.walletItems.map { $0["id"] as? String } == ["sever"])
        }
    }

    @Test func aChargeIsGivenBackAndTheStatementShowsItAll() async throws {
        try await WalletProbe.serving { probe in
            let path = "/v1/advertisers/nord/wallet"
            _ = try await probe.wallet(
                "POST", "\(path)/top-ups", #"{"amount_micros": 1000000, "reference": "=p", "reason": "@r"}"#,
                key: "nk_finance")
            let charges = try await probe.read("\(path)/charges?over_delivery=false", key: "nk_nord")
            let charge = try #require(charges.walletItems.first?["id"] as? String)
            let over = try await probe.read(
                "\(path)/charges?over_delivery=true&day=2026-11-20&campaign=k1", key: "nk_nord")
            #expect(over.walletItems.map { $0["price_micros"] as? Int } == [700_000])
            let body = #"{"charge": "\#(charge)", "amount_micros": 100000, "reference": "cr", "reason": "fraud"}"#
            let booked = try await probe.wallet("POST", "\(path)/charge-refunds", body, key: "nk_finance")
            #expect(booked.status == 201 && booked["day"] == "2026-11-21")
            #expect(try await probe.wallet("POST", "\(path)/charge-refunds", body, key: "nk_finance").status == 200)
            let statement = try await probe.read("\(path)/statement?from=2026-11-01&to=2026-11-30", key: "nk_nord")
            #expect(statement.status == 200)
            #expect(statement["closing_balance_micros"] == "800000")
            #expect(statement.walletItems.map { $0["kind"] as? String } == ["charges", "top_up", "charge_corrections"])
            #expect(statement.walletItems.map { $0["amount_micros"] as? Int } == [-300_000, 1_000_000, 100_000])
            #expect(
                statement.walletItems.map { $0["amount_with_vat_micros"] as? Int } == [-370_000, 1_220_000, 120_000])
            // The same page by page.
            var kinds: [String] = []
            var cursor = ""
            for _ in 0..<3 {
                let page = try await probe.read(
                    "\(path)/statement?from=2026-11-01&to=2026-11-30&limit=1\(cursor)", key: "nk_nord")
                kinds += page.walletItems.compactMap { $0["kind"] as? String }
                cursor = (page.json["next_cursor"] as? String).map { "&cursor=\($0)" } ?? ""
            }
            #expect(kinds == ["charges", "top_up", "charge_corrections"] && cursor.isEmpty)
            let csv = try await probe.read("\(path)/statement?from=2026-11-01&format=csv", key: "nk_nord")
            #expect(csv.headers["content-type"]?.hasPrefix("text/csv") == true)
            let lines = csv.text.split(separator: "\n")
            #expect(lines.count == 4)
            #expect(lines[2].contains(",1000000,22,220000,1220000,700000,'=p,'@r,retailer,"))
        }
    }

    @Test func aBankStatementIsPreviewedTakenOnceAndAssigned() async throws {
        try await WalletProbe.serving { probe in
            let file = """
                number,date,amount,payer_inn,recipient_inn,purpose
                17,2026-11-20,122.00,7736207543,7700000016,реклама
                18,2026-11-20,10.00,7743013902,7700000016,кто это
                """
            func take(_ query: String = "", _ text: String = file) async throws -> HTTPProbe.Answer {
                try await probe.wallet("POST", "/v1/bank-statements\(query)", text, key: "nk_finance", type: "text/csv")
            }
            let preview = try await take("?dry_run=true")
            #expect(preview.status == 200 && preview["dry_run"] == "1" || preview["dry_run"] == "true")
            #expect(preview["matched"] == "1" && preview["unmatched"] == "1")
            #expect(preview.walletItems.first?["amount_micros"] as? Int == 100_000_000)
            #expect(try await probe.read("/v1/bank-payments", key: "nk_finance").walletItems.isEmpty)
            #expect(try await take()["matched"] == "1")
            let again = try await take()
            #expect(again.status == 200 && again["repeated"] == "2" && again.json["id"] is NSNull)
            let balance = try await probe.read("/v1/advertisers/nord/wallet", key: "nk_finance")
            #expect(balance["balance_micros"] == "99700000")
            let broken = try await take("", file.replacing("122.00", with: "12x"))
            #expect(broken.status == 422 && broken.walletFields == ["documents[1].amount invalid"])
            let changed = try await take("", file.replacing("122.00", with: "123.00"))
            #expect(changed.status == 409 && changed.walletFields == ["documents[1].amount reference_conflict"])
            let open = try await probe.read("/v1/bank-payments?state=unmatched", key: "nk_finance")
            let id = try #require(open.walletItems.first?["id"] as? String)
            let assign = "/v1/bank-payments/\(id)/assign"
            let body = #"{"advertiser": "sever"}"#
            #expect(try await probe.wallet("POST", assign, body, key: "nk_finance").status == 428)
            let done = try await probe.wallet("POST", assign, body, key: "nk_finance", match: "\"r1\"")
            #expect(done.status == 200 && done["state"] == "matched" && done["advertiser"] == "sever")
            let twice = try await probe.wallet("POST", assign, body, key: "nk_finance", match: "\"r2\"")
            #expect(twice.status == 409 && twice["code"] == "invalid_state")
            let wrong = try await probe.wallet(
                "POST", "/v1/bank-statements", file, key: "nk_finance", type: "application/json")
            #expect(wrong.status == 415)
        }
    }
}
