import Foundation
import TestKit
import Testing

@Suite("Finance over HTTP", .database) struct FinanceAPITests {
    @Test func everyReadIsWhatTheDocumentSays() async throws {
        try await WalletProbe.serving { probe in
            let months = try await probe.read("/v1/finance/months", key: "nk_finance")
            #expect(months.status == 200 && months.text.contains(#""month":"2026-11""#))
            let month = try await probe.read("/v1/finance/months/2026-11", key: "nk_finance")
            #expect(month.status == 200 && month["state"] == "open")
            let totals = try #require(month.json["totals"] as? [String: Any])
            #expect(totals["ledger_micros"] as? Int == 300_000)
            let conditions = try #require(month.json["conditions"] as? [[String: Any]])
            #expect(conditions.contains { "\($0["code"] ?? "")" == "month_not_over" })
            for path in [
                "/v1/finance/levy", "/v1/finance/acts", "/v1/finance/acts?month=2026-11",
                "/v1/finance/months/2026-11/statistics", "/v1/finance/months/2026-11/exports", "/v1/finance/pushes",
                "/v1/finance/operator-calls",
            ] {
                #expect(try await probe.read(path, key: "nk_analyst").status == 200, "\(path)")
            }
        }
    }

    @Test func aMonthThatMayNotCloseSaysWhyAndStaysOpen() async throws {
        try await WalletProbe.serving { probe in
            let path = "/v1/finance/months/2026-11"
            let refused = try await probe.wallet("POST", path + "/freeze", "{}", key: "nk_finance")
            #expect((400..<500).contains(refused.status), "\(refused.text)")
            #expect(try await probe.wallet("POST", path + "/freeze", "{}", key: "nk_analyst").status == 403)
            #expect(try await probe.wallet("POST", path + "/freeze", "{}", key: "nk_nord").status == 403)
            #expect(try await probe.read(path, key: "nk_finance")["state"] == "open")
        }
    }

    @Test func anAdvertiserSeesActsAndNothingElseOfFinance() async throws {
        try await WalletProbe.serving { probe in
            let acts = try await probe.read("/v1/finance/acts", key: "nk_nord")
            #expect(acts.status == 200)
            for path in ["/v1/finance/months", "/v1/finance/months/2026-11", "/v1/finance/levy", "/v1/finance/pushes"] {
                #expect(try await probe.read(path, key: "nk_nord").status == 403, "\(path)")
            }
        }
    }
}
