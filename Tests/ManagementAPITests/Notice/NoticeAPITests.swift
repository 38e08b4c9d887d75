import AdModel
import Foundation
import Postgres
import Store
import TestKit
import Testing

@Suite("Notices over HTTP", .database) struct NoticeAPITests {
    private func raise(_ kind: NoticeKind, advertiser: Int32?, _ id: String) async throws {
        _ = try await TestDatabase.current.pool.withConnection { db in
            try Notices.raise(
                kind: kind, advertiser: advertiser, object: "creative", id: id, detailsJSON: #"{"reason": "blurred"}"#,
                dedupeKey: "\(kind.rawValue):\(id)", now: WalletProbe.now, on: db)
        }
    }

    @Test func everyReaderHasAnInboxOfHisOwn() async throws {
        try await WalletProbe.serving { probe in
            try await raise(.creativeRejected, advertiser: 1, "cr-1")
            try await raise(.creativeRejected, advertiser: 1, "cr-1")
            try await raise(.campaignApproved, advertiser: 2, "k2")
            try await raise(.feedLate, advertiser: nil, "feed-1")
            let own = try await probe.read("/v1/notices", key: "nk_nord")
            #expect(own.walletItems.map { $0["object_id"] as? String } == ["cr-1"], "one episode, one notice")
            #expect(own.walletItems.first?["title"] as? String == "Креатив cr-1 отклонён")
            #expect((own.walletItems.first?["details"] as? [String: Any])?["reason"] as? String == "blurred")
            let all = try await probe.read("/v1/notices", key: "nk_adops")
            #expect(all.walletItems.map { $0["object_id"] as? String } == ["feed-1", "k2", "cr-1"])
            #expect(try await probe.read("/v1/notices/unread", key: "nk_adops")["unread"] == "3")
            #expect(try await probe.read("/v1/notices/unread", key: "nk_nord")["unread"] == "1")
            let id = try #require(own.walletItems.first?["id"] as? String)
            let read = try await probe.wallet("POST", "/v1/notices/\(id)/read", key: "nk_nord")
            #expect(read.status == 200 && read["read_at"] == "2026-11-21T10:00:00Z")
            #expect(try await probe.read("/v1/notices/unread", key: "nk_nord")["unread"] == "0")
            #expect(try await probe.read("/v1/notices/unread", key: "nk_adops")["unread"] == "3", "marks are one's own")
            #expect(try await probe.wallet("POST", "/v1/notices/\(id)/read", key: "nk_sever").status == 404)
            let second = try await probe.read("/v1/notices?kind=campaign_approved", key: "nk_adops")
            let upTo = try #require(second.walletItems.first?["id"] as? String)
            let left = try await probe.wallet("POST", "/v1/notices/read", #"{"up_to": "\#(upTo)"}"#, key: "nk_adops")
            #expect(left["unread"] == "1")
            let page = try await probe.read("/v1/notices?limit=2", key: "nk_adops")
            let cursor = try #require(page.json["next_cursor"] as? String)
            let next = try await probe.read("/v1/notices?limit=2&cursor=\(cursor)", key: "nk_adops")
            #expect(next.walletItems.map { $0["object_id"] as? String } == ["cr-1"])
        }
    }

    @Test func preferencesAreChosenWithoutLosingAnybodysChoice() async throws {
        try await WalletProbe.serving { probe in
            try await raise(.creativeRejected, advertiser: 1, "cr-1")
            let first = try await probe.read("/v1/notice-preferences", key: "nk_nord")
            #expect((first.json["mail_kinds"] as? [String])?.count == NoticeKind.allCases.count)
            let body = #"{"mail_kinds": ["low_balance"], "language": "en"}"#
            let tag = try #require(first.headers["etag"])
            let path = "/v1/notice-preferences"
            #expect(try await probe.wallet("PATCH", path, body, key: "nk_nord", match: tag).status == 200)
            #expect(try await probe.wallet("PATCH", path, body, key: "nk_nord", match: tag).status == 412)
            let inbox = try await probe.read("/v1/notices", key: "nk_nord")
            #expect(inbox.walletItems.first?["title"] as? String == "Creative cr-1 was rejected")
            let bad = try await probe.wallet(
                "PATCH", path, #"{"mail_kinds": ["weather"]}"#, key: "nk_nord", match: "\"r1\"")
            #expect(bad.walletFields == ["mail_kinds[0] not_allowed"])
        }
    }

    @Test func aWebhooksSecretIsShownOnceAndItsOwnerAloneSeesIt() async throws {
        try await WalletProbe.serving { probe in
            let body = #"{"advertiser": "nord", "url": "https://nord.example/hook", "kinds": ["low_balance"]}"#
            let headers = ["Idempotency-Key": "hook-1"]
            let made = try await probe.wallet("POST", "/v1/webhooks", body, key: "nk_nord", headers: headers)
            #expect(made.status == 201 && made["secret"].hasPrefix("whsec_"))
            let again = try await probe.wallet("POST", "/v1/webhooks", body, key: "nk_nord", headers: headers)
            #expect(again.status == 409 && again["code"] == "secret_already_shown")
            let path = "/v1/webhooks/\(made["id"])"
            let read = try await probe.read(path, key: "nk_nord")
            #expect(read.status == 200 && read.json["secret"] == nil)
            #expect(try await probe.read(path, key: "nk_sever").status == 404)
            #expect(try await probe.read("/v1/webhooks", key: "nk_sever").walletItems.isEmpty)
            #expect(try await probe.read("/v1/webhooks", key: "nk_admin").walletItems.count == 1)
            let stored = try await TestDatabase.current.pool.withConnection { db in
                try db.query(
                    """
                    select (select string_agg(w::text, '') from webhook w) || (select string_agg(a::text, '')
                        from audit_entry a) || (select string_agg(i::text, '') from idempotency_key i) as text
                    """
                ).single().string("text")
            }
            #expect(!stored.contains(made["secret"]))
            let foreign = try await probe.wallet("POST", "/v1/webhooks", body, key: "nk_sever")
            #expect(foreign.walletFields == ["advertiser unknown_reference"])
            let nobody = try await probe.wallet(
                "POST", "/v1/webhooks", #"{"url": "ftp://x", "kinds": []}"#, key: "nk_sever")
            #expect(Set(nobody.walletFields) == ["advertiser required", "url invalid", "kinds required"])
            let rotated = try await probe.wallet("POST", "\(path)/rotate-secret", key: "nk_nord", match: "\"r1\"")
            #expect(rotated.status == 200 && rotated["secret"] != made["secret"])
            let off = try await probe.wallet(
                "PATCH", path, #"{"active": false, "kinds": ["budget_80"]}"#, key: "nk_nord", match: "\"r2\"")
            #expect(off.status == 200 && off["active"] != "1")
            #expect(try await probe.wallet("DELETE", path, key: "nk_nord", match: "\"r3\"").status == 204)
            #expect(try await probe.read(path, key: "nk_nord").status == 404)
        }
    }
}
