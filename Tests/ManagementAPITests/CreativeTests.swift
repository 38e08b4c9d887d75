import Foundation
import Postgres
import TestKit
import Testing

@Suite("Creatives over the API", .database) struct CreativeTests {
    @Test func anUploadIsDecodedStoredOnceAndItsOwners() async throws {
        try await CreativeWorld.serving { probe in
            let banner = try CreativeWorld.banner()
            let first = try await probe.upload(banner, key: CreativeWorld.manager, type: "image/jpeg")
            #expect(first.status == 201, "\(first.text)")
            #expect(first["content_type"] == "image/png", "by content, not by name")
            #expect(first["width"] == "960" && first["height"] == "240")
            let again = try await probe.upload(banner, key: CreativeWorld.manager)
            #expect(again.status == 200)
            #expect(again["id"] == first["id"])
            #expect(try await probe.look("/v1/media/\(first["id"])", key: CreativeWorld.manager).status == 200)
            #expect(try await probe.look("/v1/media/\(first["id"])", key: CreativeWorld.other).status == 404)
            // Knowing the hash does not make it his.
            let stolen = try await probe.json(
                "POST", "/v1/creatives",
                [
                    "line_item": "bline", "format": "banner", "fields": ["alt": "x"],
                    "landing_url": "https://shop.test/", "media": [first["id"]],
                ], key: CreativeWorld.other)
            #expect(stolen.status == 422)
            #expect(stolen.problems == ["media[0] unknown_reference"])
        }
    }

    @Test(arguments: [
        ("<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 422, "body not_a_picture"),
        ("<html>", "image/png", 422, "body not_a_picture"), ("GIF89a;", "image/gif", 422, "body damaged"),
        ("x", "text/html", 415, ""),
    ])
    func whatIsNoPictureIsRefused(text: String, type: String, status: Int, problem: String) async throws {
        try await CreativeWorld.serving { probe in
            let answer = try await probe.upload(Data(text.utf8), key: CreativeWorld.manager, type: type)
            #expect(answer.status == status, "\(answer.text)")
            #expect(answer.problems.first ?? "" == problem)
        }
    }

    @Test func everythingThatIsWrongIsToldFieldByField() async throws {
        try await CreativeWorld.serving { probe in
            let answer = try await probe.json(
                "POST", "/v1/creatives",
                [
                    "line_item": "line", "format": "banner",
                    "fields": ["headline": String(repeating: "x", count: 61), "colour": "red"],
                    "landing_url": "https://elsewhere.test/?erid=1",
                ], key: CreativeWorld.manager)
            #expect(answer.status == 422)
            #expect(
                Set(answer.problems)
                    == [
                        "fields.alt required", "fields.headline too_long", "fields.colour unknown_field",
                        "landing_url wrong_host", "media wrong_count",
                    ])
            let chosen = try await probe.json(
                "POST", "/v1/creatives", ["id": "mine", "line_item": "line", "format": "banner"],
                key: CreativeWorld.manager)
            #expect(chosen.problems.contains("id read_only_field"))
            let foreign = try await probe.json(
                "POST", "/v1/creatives",
                [
                    "line_item": "bline", "format": "banner", "fields": ["alt": "x"],
                    "landing_url": "https://shop.test/",
                ], key: CreativeWorld.manager)
            #expect(foreign.problems == ["line_item unknown_reference"])
        }
    }

    @Test func aCreativeGoesItsWayFromDraftToServing() async throws {
        try await CreativeWorld.serving { probe in
            let made = try await probe.makeBanner()
            #expect(made.status == 201, "\(made.text)")
            let path = "/v1/creatives/\(made["id"])"
            #expect(made.newest("state") == "draft")
            // Nobody moderates a draft, and no advertiser moderates.
            let item = "/v1/moderation/creative.\(made["id"])"
            #expect(
                try await probe.json("POST", "\(item)/approve", key: CreativeWorld.manager, match: made.etag).status
                    == 403)
            #expect(
                try await probe.json("POST", "\(item)/approve", key: CreativeWorld.adops, match: made.etag).status
                    == 409)
            let sent = try await probe.act("\(path)/submit", key: CreativeWorld.manager)
            #expect(sent.newest("state") == "moderation", "\(sent.text)")
            let queue = try await probe.look("/v1/moderation", key: CreativeWorld.adops)
            #expect(
                (queue.json["items"] as? [[String: Any]])?.map { "\($0["id"] ?? "")" } == ["creative.\(made["id"])"])

            #expect(
                try await probe.json("POST", "\(item)/reject", key: CreativeWorld.adops, match: sent.etag).status == 422
            )
            let rejected = try await probe.json(
                "POST", "\(item)/reject", ["feedback": "Замените заголовок"], key: CreativeWorld.adops, match: sent.etag
            )
            #expect(rejected.status == 200, "\(rejected.text)")
            let seen = try await probe.look(path, key: CreativeWorld.manager)
            #expect(seen.newest("feedback") == "Замените заголовок")

            let noMatch = try await probe.json(
                "PATCH", path, ["fields": ["alt": "Кофе"]], key: CreativeWorld.manager)
            #expect(noMatch.status == 428)
            let stale = try await probe.json(
                "PATCH", path, ["fields": ["alt": "Кофе"]], key: CreativeWorld.manager, match: made.etag)
            #expect(stale.status == 412)
            let edited = try await probe.json(
                "PATCH", path, ["fields": ["alt": "Чашка кофе"]], key: CreativeWorld.manager, match: seen.etag)
            #expect(edited.newest("state") == "draft" && edited.newest("version") == "1", "\(edited.text)")
            let resent = try await probe.act("\(path)/submit", key: CreativeWorld.manager)
            let before = try await version()
            let approved = try await probe.json("POST", "\(item)/approve", key: CreativeWorld.adops, match: resent.etag)
            #expect(approved.status == 200, "\(approved.text)")
            #expect(try await version() == before + 1, "serving looks again")
            var now = try await probe.look(path, key: CreativeWorld.manager)
            #expect(now.newest("servable") == "0", "no token yet")

            let erid = "\(path)/versions/1/erid"
            #expect(try await probe.json("PUT", erid, ["erid": "2VtzqAbC"], key: CreativeWorld.adops).status == 403)
            #expect(try await probe.json("PUT", erid, ["erid": "a b"], key: CreativeWorld.finance).status == 422)
            #expect(try await probe.json("PUT", erid, ["erid": "2VtzqAbC"], key: CreativeWorld.finance).status == 200)
            #expect(try await probe.json("PUT", erid, ["erid": "2Vtzqabc"], key: CreativeWorld.finance).status == 409)
            now = try await probe.look(path, key: CreativeWorld.manager)
            #expect(now.newest("erid") == "2VtzqAbC" && now["serving_version"] == "1")

            let second = try await probe.json(
                "PATCH", path, ["landing_url": "https://shop.test/new"], key: CreativeWorld.manager, match: now.etag)
            #expect(second.newest("version") == "2" && second["serving_version"] == "1", "\(second.text)")
            let diff = try await probe.look("\(path)/versions/2/diff", key: CreativeWorld.manager)
            #expect(diff["against"] == "1")
            #expect(diff.text.contains("\"before\":\"https://shop.test/c/1\",\"after\":\"https://shop.test/new\""))
            let revoked = try await probe.json(
                "POST", "\(path)/versions/1/revoke", ["feedback": "Жалоба"], key: CreativeWorld.adops)
            #expect(revoked.status == 200 && revoked["serving_version"] == "<null>", "\(revoked.text)")
            let audited = try await TestDatabase.current.pool.withConnection { db in
                try db.query("select action from audit_entry where object = 'creative' order by id").map {
                    try $0.string("action")
                }
            }
            #expect(
                audited == [
                    "creative.created", "creative.submitted", "creative.rejected", "creative.updated",
                    "creative.submitted", "creative.approved", "creative.erid_typed", "creative.updated",
                    "creative.revoked",
                ])
        }
    }

    private func version() async throws -> Int64 {
        try await TestDatabase.current.pool.withConnection { db in
            try db.query("select version from control_version where stream = 'control'").single().int64("version")
        }
    }

    @Test func thePreviewIsTheRealTemplateInASandbox() async throws {
        try await CreativeWorld.serving { probe in
            let made = try await probe.makeBanner(headline: "<b>Кофе</b>")
            let page = try await probe.get(
                "/v1/creatives/\(made["id"])/versions/1/preview", key: CreativeWorld.manager)
            #expect(page.status == 200)
            #expect(
                page.headers["content-security-policy"]
                    == "sandbox; default-src 'none'; img-src http://media.test; style-src 'unsafe-inline'")
            #expect(page.text.contains("&lt;b&gt;Кофе"))
            #expect(page.text.contains("ИНН 7736207543"))
            #expect(!page.text.contains("/v1/pixel"))
        }
    }

    @Test func formatsAndCodesExplainThemselves() async throws {
        try await CreativeWorld.serving { probe in
            let formats = try await probe.look("/v1/formats", key: CreativeWorld.manager)
            #expect(formats.text.contains("\"name\":\"alt\",\"type\":\"string\",\"title\":\"Описание картинки\""))
            let found = try await probe.look(
                "/v1/kktu?q=%D0%BA%D0%BE%D1%80%D0%BC%D0%B0%20%D0%B4%D0%BB%D1%8F%20%D0%BA%D0%BE%D1%88%D0%B5%D0%BA",
                key: CreativeWorld.manager)
            #expect(found.codes("items").first == "27.1.1", "\(found.text)")
            let words = try await probe.look("/v1/campaigns/camp/kktu-suggestions", key: CreativeWorld.manager)
            #expect(words.codes("items").first == "17.3.1", "\(words.text)")
            #expect(words.text.contains("\"source\":\"words\""))
            #expect(
                try await probe.json("PUT", "/v1/category-kktu/coffee", ["kktu": "17.3"], key: CreativeWorld.adops)
                    .status
                    == 422)
            let mapped = try await probe.json(
                "PUT", "/v1/category-kktu/coffee", ["kktu": "17.3.3"], key: CreativeWorld.adops)
            #expect(mapped.status == 200, "\(mapped.text)")
            let suggested = try await probe.look("/v1/campaigns/camp/kktu-suggestions", key: CreativeWorld.manager)
            #expect(suggested.codes("items").first == "17.3.3")
            #expect(try await probe.look("/v1/campaigns/camp/kktu-suggestions", key: CreativeWorld.other).status == 404)
        }
    }
}
