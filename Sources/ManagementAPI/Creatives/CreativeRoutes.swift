import AdFormats
import AdModel
import Postgres
import Store

/// `/v1/creatives`: what ads say and show, version by version.
enum CreativeRoutes {
    static func add(to table: inout RouteTable) {
        table.post("/v1/creatives", .campaigns, .campaigners, create)
        table.get("/v1/creatives", .campaigns, .everyone, list)
        table.get("/v1/creatives/{id}", .campaigns, .everyone, find)
        table.patch("/v1/creatives/{id}", .campaigns, .campaigners, edit)
        table.post("/v1/creatives/{id}/submit", .campaigns, .campaigners, submit)
        table.post("/v1/creatives/{id}/withdraw", .campaigns, .campaigners, withdraw)
        table.get("/v1/creatives/{id}/findings", .campaigns, .everyone, findings)
        table.get("/v1/creatives/{id}/versions", .campaigns, .everyone, versions)
        table.get("/v1/creatives/{id}/versions/{version}", .campaigns, .everyone, version)
        table.get("/v1/creatives/{id}/versions/{version}/diff", .campaigns, .everyone, diff)
        table.get("/v1/creatives/{id}/versions/{version}/preview", .campaigns, .everyone, preview)
    }

    static func format(_ name: String, _ call: Call) throws(Refusal) -> AdFormat {
        guard let format = call.services.formats?[name] else {
            throw Refusal.unknownReference("format", name)
        }
        return format
    }

    /// The version number of the path; anything else is absent.
    static func number(_ call: Call) throws(Refusal) -> Int32 {
        guard let number = Int32(call.path("version")), number > 0 else { throw Refusal.notFound }
        return number
    }

    static func answer(_ creative: CreativeRecord, _ call: Call, status: Int = 200) -> Answer {
        .json(
            status: status, revision: creative.revision,
            location: status == 201 ? "/v1/creatives/\(creative.code)" : nil
        ) { CreativeJSON.creative(&$0, creative, base: call.services.mediaBaseURL) }
    }

    /// The content members of a body; absent ones keep what `old` has.
    private static func content(_ body: Fields, old: CreativeVersionRecord?) throws -> CreativeContent? {
        let isGiven = body.has("fields") || body.has("landing_url") || body.has("media")
        guard isGiven || old == nil else { return nil }
        var content = CreativeContent(
            fields: try old.map { try FieldValue(json: Array($0.fieldsJSON.utf8)) } ?? .null,
            landingURL: old?.landingURL ?? "", media: old?.media.map(\.id) ?? [])
        if old == nil || body.has("fields") {
            if case .object(let members)? = body.json("fields") {
                content.fields = try FieldValue(json: Array(JSONValue.object(members).canonicalText.utf8))
            } else {
                body.problem("fields", "Must be an object with the format's fields.", code: "wrong_type")
            }
        }
        if old == nil || body.has("landing_url") {
            content.landingURL = body.text("landing_url", limit: CreativeContent.addressLimit) ?? ""
        }
        if body.has("media") { content.media = body.texts("media", limit: 16, itemLimit: 64) }
        return content
    }

    @Sendable private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        if !call.actor.isRetailer { body.readOnly("id") }
        let code = call.actor.isRetailer ? body.code("id") : nil
        let line = body.text("line_item", limit: 64)
        let name = body.textIfPresent("name") ?? ""
        let formatName = body.text("format", limit: 64)
        let content = try content(body, old: nil)
        try body.finish()
        guard let line, let formatName, let content else { throw Refusal.notFound }
        let format = try format(formatName, call)
        return try await call.write { db, change in
            let creative = try CreativeStore.create(
                code: code, lineItem: line, name: name, format: format, content: content, actor: call.actor.name,
                now: call.now, on: db)
            change.audit(
                "creative.created", object: "creative", id: creative.code, advertiser: creative.advertiserID,
                after: CreativeJSON.audited(creative))
            return answer(creative, call, status: 201)
        }
    }

    @Sendable private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let filter = CreativeStore.Filter(
            lineItem: try query.text("line_item", limit: 64), campaign: try query.text("campaign", limit: 64),
            advertiser: try query.text("advertiser", limit: 64),
            state: try query.word("state", CreativeState.allCases.map(\.rawValue)).flatMap(CreativeState.init),
            format: try query.text("format", limit: 64))
        let page = try query.page()
        try query.finish()
        return try await call.read { db in
            let creatives = try CreativeStore.list(filter, after: page.after, limit: page.fetchLimit, on: db)
            return .list(creatives, call, page, id: { Int64($0.id) }) {
                CreativeJSON.creative(&$0, $1, base: call.services.mediaBaseURL)
                $0.member("revision", $1.revision)
            }
        }
    }

    @Sendable private static func find(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        return try await call.read { db in answer(try CreativeStore.find(call.path("id"), on: db), call) }
    }

    @Sendable private static func edit(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        body.readOnly("id", "line_item", "format", "advertiser", "campaign")
        let name = body.textIfPresent("name")
        let clearsName = body.isNull("name")
        let paused = body.bool("paused")
        // Read twice: what is absent keeps what is stored. The writing transaction compares the revision.
        let stored = try await call.read { try CreativeStore.find(call.path("id"), on: $0) }
        let content = try content(body, old: stored.newest)
        try body.finish()
        let format = try format(stored.format, call)
        return try await call.write { db, change in
            let before = try CreativeStore.find(call.path("id"), lock: true, on: db)
            try change.requireMatch(before.revision)
            guard before.revision == stored.revision else {
                throw Refusal(.preconditionFailed, "It has changed since you read it; read it again, then change it.")
            }
            var after = before
            if let content {
                after = try CreativeStore.edit(
                    before, format: format, content: content, actor: call.actor.name, now: call.now, on: db)
            }
            let newName = clearsName ? "" : name ?? before.name
            if newName != before.name || (paused ?? before.paused) != before.paused {
                after = try CreativeStore.update(after, name: newName, paused: paused ?? before.paused, on: db)
            }
            if after.paused != before.paused { change.servingChanged() }
            if after.revision == before.revision {
                change.nothingChanged()
            } else {
                change.audit(
                    "creative.updated", object: "creative", id: after.code, advertiser: after.advertiserID,
                    before: CreativeJSON.audited(before), after: CreativeJSON.audited(after))
            }
            return answer(after, call)
        }
    }

    @Sendable private static func submit(_ call: Call) async throws -> Answer {
        try await act(call, "creative.submitted") { creative, db in
            try CreativeStore.submit(creative, actor: call.actor.name, now: call.now, on: db)
        }
    }

    @Sendable private static func withdraw(_ call: Call) async throws -> Answer {
        try await act(call, "creative.withdrawn") { creative, db in try CreativeStore.withdraw(creative, on: db) }
    }

    private static func act(
        _ call: Call, _ action: String,
        _ body: @escaping @Sendable (CreativeRecord, isolated PostgresConnection) throws -> CreativeRecord
    ) async throws -> Answer {
        try call.requireNoQuery()
        return try await call.write { db, change in
            let before = try CreativeStore.find(call.path("id"), lock: true, on: db)
            let after = try body(before, db)
            change.audit(
                action, object: "creative", id: after.code, advertiser: after.advertiserID,
                before: CreativeJSON.audited(before), after: CreativeJSON.audited(after))
            return answer(after, call)
        }
    }

    @Sendable private static func findings(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let formats = try formats(call)
        return try await call.read { db in
            let creative = try CreativeStore.find(call.path("id"), on: db)
            let checks = try ModerationChecks(formats: formats, kktu: call.services.kktu, on: db)
            let findings = try checks.findings(of: creative.newest, creative, on: db)
            return .json {
                $0.member("version", creative.newest.version)
                CreativeJSON.findings(&$0, "findings", findings)
            }
        }
    }

    static func formats(_ call: Call) throws(Refusal) -> AdFormatSet {
        guard let formats = call.services.formats else {
            throw Refusal(.unavailable, "No ad formats are installed.", retryAfter: 60)
        }
        return formats
    }

    // MARK: Versions

    @Sendable private static func versions(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        return try await call.read { db in
            let creative = try CreativeStore.find(call.path("id"), on: db)
            let versions = try CreativeStore.versions(of: creative.id, on: db)
            return .json { json in
                json.member("items", array: versions) { json, version in
                    json.object { CreativeJSON.version(&$0, version, base: call.services.mediaBaseURL) }
                }
                json.member("next_cursor", raw: nil)
            }
        }
    }

    @Sendable private static func version(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let number = try number(call)
        return try await call.read { db in
            let creative = try CreativeStore.find(call.path("id"), on: db)
            let version = try CreativeStore.version(number, of: creative.id, on: db)
            return .json { CreativeJSON.version(&$0, version, base: call.services.mediaBaseURL) }
        }
    }

    /// Against another version, or against the last approved one before it.
    @Sendable private static func diff(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let against = try query.int("against", 1...Int(Int32.max))
        try query.finish()
        let number = try number(call)
        return try await call.read { db in
            let creative = try CreativeStore.find(call.path("id"), on: db)
            let version = try CreativeStore.version(number, of: creative.id, on: db)
            let other =
                try against.map { try CreativeStore.version(Int32($0), of: creative.id, on: db) }
                ?? CreativeStore.lastApproved(before: number, of: creative.id, on: db)
            return .json {
                $0.member("version", version.version)
                $0.member("against", other.map { Int64($0.version) })
                CreativeJSON.changes(&$0, "changes", CreativeDiff.between(other, version))
            }
        }
    }

    @Sendable private static func preview(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let number = try number(call)
        return try await call.read { db in
            let creative = try CreativeStore.find(call.path("id"), on: db)
            let version = try CreativeStore.version(number, of: creative.id, on: db)
            guard let format = call.services.formats?[creative.format] else {
                throw Refusal(.invalidState, "The format \(creative.format) is not installed any more.")
            }
            let page = try CreativePreview.page(
                version, of: creative, format: format, mediaBaseURL: call.services.mediaBaseURL, on: db)
            let pictures = page.pictureOrigins.joined(separator: " ")
            return Answer(
                status: 200, contentType: "text/html; charset=utf-8",
                headers: [
                    "content-security-policy":
                        "sandbox; default-src 'none'; img-src \(pictures); style-src 'unsafe-inline'",
                    "referrer-policy": "no-referrer",
                ], body: Array(page.html.utf8))
        }
    }
}
