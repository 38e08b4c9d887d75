import Foundation
import Postgres
import TestKit
import Testing

@Suite("Retailer and advertisers over HTTP", .database) struct AdvertiserAPITests {
    @Test func settingsChangeUntilSomethingDependsOnThem() async throws {
        try await WalletProbe.serving { probe in
            let read = try await probe.read("/v1/retailer", key: "nk_analyst")
            #expect(read["accounting_zone"] == "Europe/Moscow" && read["click_deadline_seconds"] == "86400")
            let tag = try #require(read.headers["etag"])
            let late = try await probe.wallet(
                "PATCH", "/v1/retailer", #"{"click_deadline_seconds": 3600, "name": "Полка 2"}"#, key: "nk_admin",
                match: tag)
            #expect(late.status == 200 && late["name"] == "Полка 2" && late["click_deadline_seconds"] == "3600")
            let stale = try await probe.wallet("PATCH", "/v1/retailer", "{}", key: "nk_admin", match: tag)
            #expect(stale.status == 412)
            #expect(try await probe.wallet("PATCH", "/v1/retailer", "{}", key: "nk_admin").status == 428)
            #expect(try await probe.wallet("PATCH", "/v1/retailer", "{}", key: "nk_finance", match: tag).status == 403)
            let match = try #require(late.headers["etag"])
            let zone = try await probe.wallet(
                "PATCH", "/v1/retailer", #"{"accounting_zone": "Asia/Omsk"}"#, key: "nk_admin", match: match)
            #expect(zone.status == 409 && zone["field"] == "accounting_zone")
            let bad = try await probe.wallet(
                "PATCH", "/v1/retailer", #"{"accounting_zone": "Europe/Nowhere"}"#, key: "nk_admin", match: match)
            #expect(bad.walletFields == ["accounting_zone not_allowed"])
            let twice = try await probe.wallet(
                "POST", "/v1/retailer", #"{"name": "x", "counterparty": "shop"}"#, key: "nk_admin")
            #expect(twice.status == 409)
        }
    }

    @Test func sellersKeepAdvertisersAndFinanceTheirCredit() async throws {
        try await WalletProbe.serving { probe in
            let body = #"{"name": "Новый", "counterparty": "nord"}"#
            let headers = ["Idempotency-Key": "k-1"]
            let made = try await probe.wallet("POST", "/v1/advertisers", body, key: "nk_adops", headers: headers)
            #expect(made.status == 201 && made["credit_limit_micros"] == "0")
            let again = try await probe.wallet("POST", "/v1/advertisers", body, key: "nk_adops", headers: headers)
            #expect(again["id"] == made["id"])
            let path = "/v1/advertisers/\(made["id"])"
            #expect(made.headers["location"] == path)
            let tag = try #require(made.headers["etag"])
            let credit = #"{"credit_limit_micros": 5000000}"#
            let refused = try await probe.wallet("PATCH", path, credit, key: "nk_adops", match: tag)
            #expect(refused.status == 422 && refused.walletFields == ["credit_limit_micros role"])
            let set = try await probe.wallet("PATCH", path, credit, key: "nk_finance", match: tag)
            #expect(set.status == 200 && set["credit_limit_micros"] == "5000000")
            let name = #"{"name": "Иной"}"#
            #expect(
                try await probe.wallet("PATCH", path, name, key: "nk_finance", match: set.headers["etag"]).status == 422
            )
            let taken = try await probe.wallet(
                "POST", "/v1/advertisers", #"{"id": "nord", "name": "x", "counterparty": "nord"}"#, key: "nk_adops")
            #expect(taken.status == 409 && taken["field"] == "id")
            let unknown = try await probe.wallet(
                "POST", "/v1/advertisers", #"{"name": "x", "counterparty": "nobody"}"#, key: "nk_adops")
            #expect(unknown.walletFields == ["counterparty unknown_reference"])
            let mistake = try await probe.wallet("POST", "/v1/advertisers", body, key: "nk_adops")
            let gone = try await probe.wallet(
                "DELETE", "/v1/advertisers/\(mistake["id"])", key: "nk_adops", match: mistake.headers["etag"])
            #expect(gone.status == 204)
            let used = try await probe.wallet("DELETE", "/v1/advertisers/nord", key: "nk_adops", match: "\"r1\"")
            #expect(used.status == 409 && used["code"] == "conflict")
        }
    }

    @Test func anAdvertiserSetsHisThresholdAndNothingElse() async throws {
        try await WalletProbe.serving { probe in
            let path = "/v1/advertisers/nord"
            let low = #"{"low_balance_micros": 9000000}"#
            let set = try await probe.wallet("PATCH", path, low, key: "nk_nord", match: "\"r1\"")
            #expect(set.status == 200 && set["low_balance_micros"] == "9000000")
            #expect(try await probe.wallet("PATCH", path, low, key: "nk_nord", match: "\"r1\"").status == 412)
            for body in [#"{"credit_limit_micros": 1}"#, #"{"name": "x"}"#, #"{"counterparty": "sever"}"#] {
                #expect(try await probe.wallet("PATCH", path, body, key: "nk_nord", match: "\"r2\"").status == 422)
            }
            let foreign = try await probe.wallet("PATCH", "/v1/advertisers/sever", low, key: "nk_nord", match: "\"r1\"")
            #expect(foreign.status == 404)
        }
    }
}
