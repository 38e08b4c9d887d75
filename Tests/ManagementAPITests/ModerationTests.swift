import Foundation
import Postgres
import TestKit
import Testing

@Suite("Moderation over the API", .database) struct ModerationTests {
    /// Makes a banner and sends it; returns its id and ETag.
    private func sent(_ probe: HTTPProbe, _ headline: String) async throws -> (id: String, etag: String) {
        let made = try await probe.makeBanner(headline: headline)
        let sent = try await probe.act("/v1/creatives/\(made["id"])/submit", key: CreativeWorld.manager)
        return (made["id"], sent.etag)
    }

    @Test func aWarningIsOverriddenByNameWithAReason() async throws {
        try await CreativeWorld.serving { probe in
            let (id, etag) = try await sent(probe, "Лучший кофе")
            let own = try await probe.look("/v1/creatives/\(id)/findings", key: CreativeWorld.manager)
            #expect(own.codes("findings") == ["superlative"])
            let path = "/v1/moderation/creative.\(id)/approve"
            let bare = try await probe.json("POST", path, key: CreativeWorld.adops, match: etag)
            #expect(bare.status == 409)
            #expect(bare.problems == ["overrides superlative"])
            let silent = try await probe.json(
                "POST", path, ["overrides": [["code": "superlative"]]], key: CreativeWorld.adops, match: etag)
            #expect(silent.problems == ["overrides[0].reason required"])
            let done = try await probe.json(
                "POST", path, ["overrides": [["code": "superlative", "reason": "Награда 2026 года"]]],
                key: CreativeWorld.adops, match: etag)
            #expect(done.status == 200, "\(done.text)")
            let kept = try await TestDatabase.current.pool.withConnection { db in
                try db.query("select overrides::text as o, findings::text as f from moderation_decision").single()
                    .string("o")
            }
            #expect(kept.contains("Награда 2026 года"))
        }
    }

    @Test func whatBlocksCannotBeApprovedUntilTheRuleIsChanged() async throws {
        try await CreativeWorld.serving { probe in
            let (id, etag) = try await sent(probe, "Дерьмо")
            let path = "/v1/moderation/creative.\(id)/approve"
            let blocked = try await probe.json(
                "POST", path, ["overrides": [["code": "profanity", "reason": "можно"]]], key: CreativeWorld.adops,
                match: etag)
            #expect(blocked.status == 409)
            #expect(blocked.problems == ["profanity profanity"])
            let rule = try await probe.look("/v1/moderation-rules/profanity", key: CreativeWorld.adops)
            #expect(
                try await probe.json(
                    "PATCH", "/v1/moderation-rules/profanity", ["enabled": false], key: CreativeWorld.manager,
                    match: rule.etag
                ).status == 403)
            let off = try await probe.json(
                "PATCH", "/v1/moderation-rules/profanity", ["enabled": false], key: CreativeWorld.adops,
                match: rule.etag)
            #expect(off.status == 200, "\(off.text)")
            #expect(try await probe.json("POST", path, key: CreativeWorld.adops, match: etag).status == 200)
        }
    }

    @Test func forbiddenGoodsBlockByTheCodeOfTheCampaign() async throws {
        try await CreativeWorld.serving { probe in
            try await TestDatabase.current.pool.withConnection {
                try $0.script("update campaign set kktu = '16.1.1' where code = 'camp'")
            }
            let (id, _) = try await sent(probe, "Свежее")
            let item = try await probe.look("/v1/moderation/creative.\(id)", key: CreativeWorld.adops)
            #expect(item.codes("findings") == ["alcohol"], "\(item.text)")
        }
    }

    @Test func aRetailersOwnRuleCounts() async throws {
        try await CreativeWorld.serving { probe in
            let made = try await probe.json(
                "POST", "/v1/moderation-rules",
                [
                    "id": "rivals", "title": "Чужие магазины", "effect": "block", "message": "Не называйте других.",
                    "words": ["лавк*"],
                ], key: CreativeWorld.adops)
            #expect(made.status == 201, "\(made.text)")
            let (id, _) = try await sent(probe, "Не то что в Лавке")
            let item = try await probe.look("/v1/creatives/\(id)/findings", key: CreativeWorld.manager)
            #expect(item.codes("findings") == ["rivals"])
            let empty = try await probe.json(
                "POST", "/v1/moderation-rules",
                ["id": "none", "title": "x", "effect": "block", "message": "x"], key: CreativeWorld.adops)
            #expect(empty.problems == ["words required"])
        }
    }

    @Test func aCampaignIsApprovedTogetherWithWhatWaitsInIt() async throws {
        try await CreativeWorld.serving { probe in
            let (id, _) = try await sent(probe, "Свежий кофе")
            try await TestDatabase.current.pool.withConnection {
                try $0.script("update campaign set state = 'moderation' where code = 'camp'")
            }
            let path = "/v1/moderation/campaign.camp"
            let item = try await probe.look(path, key: CreativeWorld.adops)
            #expect((item.json["creatives"] as? [[String: Any]])?.count == 1, "\(item.text)")
            // The creative changes under the moderator's eyes.
            let creative = try await probe.look("/v1/creatives/\(id)", key: CreativeWorld.manager)
            _ = try await probe.json(
                "PATCH", "/v1/creatives/\(id)", ["fields": ["alt": "Другое"]], key: CreativeWorld.manager,
                match: creative.etag)
            _ = try await probe.act("/v1/creatives/\(id)/submit", key: CreativeWorld.manager)
            #expect(
                try await probe.json("POST", "\(path)/approve", key: CreativeWorld.adops, match: item.etag).status
                    == 412)
            let fresh = try await probe.look(path, key: CreativeWorld.adops)
            let done = try await probe.json("POST", "\(path)/approve", key: CreativeWorld.adops, match: fresh.etag)
            #expect(done.status == 200 && done["state"] == "approved", "\(done.text)")
            let approved = try await probe.look("/v1/creatives/\(id)", key: CreativeWorld.manager)
            #expect(approved.newest("state") == "approved")
            let notices = try await TestDatabase.current.pool.withConnection { db in
                try db.query("select kind from notice order by id").map { try $0.string("kind") }
            }
            #expect(notices == ["campaign_approved"])
            // What was approved teaches what the category is called.
            let mapping = try await probe.look("/v1/category-kktu", key: CreativeWorld.adops)
            #expect(mapping.text.contains("\"kktu\":\"17.3.1\",\"source\":\"learnt\""), "\(mapping.text)")
        }
    }

    @Test func aRejectedCampaignTellsWhyAndItsCreativesAreDraftsAgain() async throws {
        try await CreativeWorld.serving { probe in
            let (id, _) = try await sent(probe, "Свежий кофе")
            try await TestDatabase.current.pool.withConnection {
                try $0.script("update campaign set state = 'moderation' where code = 'camp'")
            }
            let item = try await probe.look("/v1/moderation/campaign.camp", key: CreativeWorld.adops)
            let done = try await probe.json(
                "POST", "/v1/moderation/campaign.camp/reject", ["feedback": "Нет договора на этот товар"],
                key: CreativeWorld.adops, match: item.etag)
            #expect(done["state"] == "rejected", "\(done.text)")
            #expect(try await probe.look("/v1/creatives/\(id)", key: CreativeWorld.manager).newest("state") == "draft")
        }
    }
}
