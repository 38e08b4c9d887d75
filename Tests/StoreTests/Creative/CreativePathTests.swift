import AdFormats
import AdModel
import ORD
import Postgres
import Store
import TestKit
import Testing

/// Creatives on their way through moderation and registration, and random ways that must never serve what nobody
/// approved.
@Suite("The way of a creative", .database)
struct CreativePathTests {
    static let format = """
        {"title":"x","ord_form":"text_block","prior_ctr":0.01,"cards":{"minimum":0,"maximum":0}}
        """

    static func formats() throws -> AdFormatSet {
        try AdFormatSet(folders: [
            "text": [
                "format.json": Array(format.utf8),
                "schema.json": Array(
                    #"{"type":"object","required":["text"],"properties":{"text":{"type":"string","maxLength":40}}}"#
                        .utf8),
                "template.mustache": Array("<p>{{fields.text}}</p>".utf8),
                "preview.json": Array(#"{"fields":{"text":"x"}}"#.utf8),
            ]
        ])
    }

    private static func content(_ text: String) -> CreativeContent {
        CreativeContent(fields: .object(["text": .string(text)]), landingURL: "https://shop.example/a", media: [])
    }

    private func world() async throws -> PostgresPool {
        let pool = try await ServingWorld.make()
        try await pool.withConnection {
            try $0.script("update placement set formats = '{text}' where code = 'home.top'")
        }
        return pool
    }

    private static func make(_ text: String, on db: isolated PostgresConnection) throws -> CreativeRecord {
        guard let format = try formats()["text"] else { throw Refusal.notFound }
        return try CreativeStore.create(
            code: "made", lineItem: "cpm", name: "", format: format, content: content(text), actor: "user:a",
            now: ServingWorld.now, on: db)
    }

    @Test func anEditOfAnApprovedVersionMakesAnotherAndTheOldOneServesUntilItIsServable() async throws {
        let pool = try await world()
        let formats = try Self.formats()
        let format = try #require(formats["text"])
        let now = ServingWorld.now
        try await pool.transaction { db in
            var creative = try Self.make("Кофе", on: db)
            creative = try CreativeStore.submit(creative, actor: "user:a", now: now, on: db)
            creative = try ModerationStore.approve(
                creative, findings: [], overrides: [], actor: "user:m", now: now, on: db)
            #expect(creative.newest.registration?.state == "queued")
            #expect(creative.servable == nil, "no token yet")
            try RegistrationStore.type(erid: "TokenOne1", for: creative.newest, of: creative, now: now, on: db)
            creative = try CreativeStore.find("made", on: db)
            #expect(creative.servable == 1)
            creative = try CreativeStore.edit(
                creative, format: format, content: Self.content("Чай"), actor: "user:a", now: now, on: db)
            #expect(creative.newest.version == 2)
            #expect(creative.newest.state == .draft)
            #expect(creative.servable == 1)
            creative = try CreativeStore.submit(creative, actor: "user:a", now: now, on: db)
            creative = try ModerationStore.approve(
                creative, findings: [], overrides: [], actor: "user:m", now: now, on: db)
            #expect(creative.servable == 1, "approved, but without its own token")
            #expect(throws: Refusal.self) {
                try RegistrationStore.type(erid: "TokenOne1", for: creative.newest, of: creative, now: now, on: db)
            }
            try RegistrationStore.type(erid: "tokenone1", for: creative.newest, of: creative, now: now, on: db)
            #expect(try CreativeStore.find("made", on: db).servable == 2, "case makes another token")
            let versions = try CreativeStore.versions(of: creative.id, on: db)
            let changes = CreativeDiff.between(versions[0], versions[1])
            #expect(changes == [CreativeChange(field: "fields.text", before: "\"Кофе\"", after: "\"Чай\"")])
        }
    }

    @Test func anApprovedVersionCannotBeChangedByAnybody() async throws {
        let pool = try await ServingWorld.make()
        for sql in [
            "update creative_version set fields = '{}' where id = 1",
            "update creative_version set landing_url = 'https://other.example/' where id = 1",
            "update creative_version set approved_at = null where id = 1",
            "update creative_version set erid = 'OtherToken' where id = 1",
            "update creative_version set media_sha256 = '{}' where id = 1",
        ] {
            await #expect(throws: PostgresError.self) { try await pool.withConnection { try $0.script(sql) } }
        }
    }

    @Test func anAdvertisersSessionCannotJudgeItsCreativeWhateverTheAPIDoes() async throws {
        let pool = try await ServingWorld.make()
        for sql in [
            "update creative_version set approved_at = now() where id = 2",
            "update creative_version set erid = 'MyToken1' where id = 2",
            "insert into creative_version (creative_id, version, fields, landing_url, ord_form, approved_at) "
                + "values (1, 9, '{}', 'https://shop.example/', 'banner', now())",
            "update moderation_rule set enabled = false",
            "insert into moderation_decision (advertiser_id, campaign_id, decision, decided_at, actor) "
                + "values (1, 1, 'approved', now(), 'me')",
        ] {
            try await pool.withConnection { db in
                try db.script(
                    "begin; set local role nimb_app; set local nimb.scope = 'advertisers'; set local nimb.advertisers = '1'"
                )
                let rows = try? db.query(sql).affected
                try db.script("rollback")
                #expect((rows ?? 0) == 0, "\(sql)")
            }
        }
    }

    @Test func aWarningNeedsANamedOverrideAndABlockNothingHelps() throws {
        let warning = ModerationFinding(code: "superlative", effect: .warn, message: "x")
        let block = ModerationFinding(code: "alcohol", effect: .block, message: "x")
        let override = ModerationOverride(code: "superlative", reason: "награда 2026 года")
        try ModerationStore.requireClean([], overrides: [])
        try ModerationStore.requireClean([warning], overrides: [override])
        #expect(throws: Refusal.self) { try ModerationStore.requireClean([warning], overrides: []) }
        #expect(throws: Refusal.self) { try ModerationStore.requireClean([], overrides: [override]) }
        #expect(throws: Refusal.self) {
            try ModerationStore.requireClean(
                [block, warning], overrides: [override, ModerationOverride(code: "alcohol", reason: "очень надо")])
        }
    }

    /// Random moves by everybody; after each, whatever the loader would serve was approved with this very content.
    @Test func noRandomWayServesWhatWasNotApproved() async throws {
        let seed = UInt64.random(in: .min ... .max)
        let pool = try await world()
        let format = try #require(try Self.formats()["text"])
        let now = ServingWorld.now
        let wrong = try await pool.transaction { db -> [String] in
            var random = WalkRandom(state: seed)
            var creative = try Self.make("0", on: db)
            var approved: [Int32: String] = [:]
            var wrong: [String] = []
            for step in 1...400 {
                let choice = random.next() % 9
                do {
                    try db.savepoint {
                        creative = try CreativeStore.find("made", on: db)
                        let newest = creative.newest
                        switch choice {
                        case 0, 1:
                            _ = try CreativeStore.edit(
                                creative, format: format, content: Self.content("\(step)"), actor: "a", now: now, on: db
                            )
                        case 2, 3: _ = try CreativeStore.submit(creative, actor: "a", now: now, on: db)
                        case 4: _ = try CreativeStore.withdraw(creative, on: db)
                        case 5:
                            _ = try ModerationStore.approve(
                                creative, findings: [], overrides: [], actor: "m", now: now, on: db)
                            approved[newest.version] = newest.fieldsJSON
                        case 6:
                            _ = try ModerationStore.reject(
                                creative, feedback: "нет", findings: [], actor: "m", now: now, on: db)
                        case 7:
                            try RegistrationStore.type(
                                erid: "Token\(newest.version)x", for: newest, of: creative, now: now, on: db)
                        default:
                            guard random.next() % 4 == 0 else { return }
                            _ = try ModerationStore.revoke(
                                creative, version: newest, feedback: "снять", actor: "m", now: now, on: db)
                            approved[newest.version] = nil
                        }
                    }
                } catch is Refusal {
                    continue
                }
                let rows = try db.query(
                    """
                    select v.version, v.fields::text as fields, v.erid from creative_version v
                    join creative c on c.id = v.creative_id
                    where c.code = 'made' and v.approved_at is not null and v.approved_at <= $1 and v.erid is not null
                        and coalesce(v.erid_status, 'new') <> 'bad' and v.revoked_at is null
                    """, [.timestamptz(micros: now.micros)])
                for row in rows {
                    let version = try row.int32("version")
                    if try approved[version] != row.string("fields") {
                        wrong.append("seed \(seed), step \(step): version \(version)")
                    }
                    if try row.string("erid") != "Token\(version)x" {
                        wrong.append("seed \(seed): token of \(version)")
                    }
                }
            }
            return wrong
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(3))")
    }
}

private struct WalkRandom {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
