import AdModel
import Postgres
import Store

/// `/v1/notices`: the inbox, and what its reader wants by mail.
enum NoticeRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/notices", .notices, .everyone) { call in
            let query = try call.query()
            let kind = try query.word("kind", NoticeKind.names)
            let advertiser = try query.text("advertiser", limit: 64)
            let unread = try query.bool("unread")
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let language = try preferences(call, db).language
                let rows = try NoticeInbox.list(
                    reader: call.actor.name, kind: kind, advertiser: advertiser, unread: unread, before: page.after,
                    limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: { $0.id }) { render(&$0, $1, language) }
            }
        }
        table.get("/v1/notices/unread", .notices, .everyone) { call in
            try call.requireNoQuery()
            return try await call.read { db in try unread(call, db) }
        }
        table.post("/v1/notices/read", .notices, .everyone) { call in
            try call.requireNoQuery()
            let body = try await call.body()
            let last = body.text("up_to", limit: 64) ?? ""
            try body.finish()
            return try await call.write { db, change in
                try NoticeInbox.markAllRead(upTo: last, reader: call.actor.name, now: call.now, on: db)
                // What somebody has read is his own affair: no entry in the audit log.
                change.nothingChanged()
                return try unread(call, db)
            }
        }
        table.post("/v1/notices/{id}/read", .notices, .everyone) { call in
            try call.requireNoQuery()
            return try await call.write { db, change in
                let notice = try NoticeInbox.markRead(
                    call.path("id"), reader: call.actor.name, now: call.now, on: db)
                change.nothingChanged()
                let language = try preferences(call, db).language
                return .json { render(&$0, notice, language) }
            }
        }
        table.get("/v1/notice-preferences", .notices, .everyone) { call in
            try call.requireNoQuery()
            return try await call.read { db in answer(try preferences(call, db)) }
        }
        table.patch("/v1/notice-preferences", .notices, .everyone) { call in
            try call.requireNoQuery()
            let body = try await call.body()
            let kinds = body.has("mail_kinds") ? body.words("mail_kinds", NoticeKind.names) : nil
            if body.isNull("mail_kinds") { body.problem("mail_kinds", "A list; empty for no mail.", code: "required") }
            let language = body.has("language") ? body.word("language", NoticeTexts.languages) : nil
            try body.finish()
            return try await call.write { db, change in
                let old = try preferences(call, db)
                try change.requireMatch(old.revision)
                var wanted = old
                wanted.mailKinds = kinds ?? old.mailKinds
                wanted.language = language ?? old.language
                let saved = try wanted.save(reader: call.actor.name, on: db)
                change.audit(
                    "notice_preferences.updated", object: "notice_preferences", id: call.actor.name,
                    advertiser: call.actor.isRetailer ? nil : call.actor.advertiserIDs.first,
                    before: WalletJSON.text { render(&$0, old) }, after: WalletJSON.text { render(&$0, saved) })
                return answer(saved)
            }
        }
    }

    private static func preferences(_ call: Call, _ db: isolated PostgresConnection) throws -> NoticePreferences {
        try NoticePreferences.get(reader: call.actor.name, user: call.actor.user, on: db)
    }

    private static func unread(_ call: Call, _ db: isolated PostgresConnection) throws -> Answer {
        let count = try NoticeInbox.unread(reader: call.actor.name, on: db)
        return .json { $0.member("unread", count) }
    }

    private static func answer(_ preferences: NoticePreferences) -> Answer {
        .json(revision: preferences.revision) { render(&$0, preferences) }
    }

    private static func render(_ json: inout JSONText, _ preferences: NoticePreferences) {
        json.member("mail_kinds", preferences.mailKinds)
        json.member("language", preferences.language)
    }

    private static func render(_ json: inout JSONText, _ notice: Notice, _ language: String) {
        json.member("id", notice.code)
        json.member("kind", notice.kind.rawValue)
        json.member("advertiser", notice.advertiser)
        json.member("object", notice.object)
        json.member("object_id", notice.objectID)
        json.member("title", NoticeTexts.title(notice.kind, id: notice.objectID, language: language))
        json.member("details", raw: notice.details)
        json.member("raised_at", notice.raisedAt.rfc3339)
        json.member("read_at", notice.readAt?.rfc3339)
    }
}
