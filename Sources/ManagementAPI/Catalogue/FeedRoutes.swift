import AdModel
import Outbound
import Store

/// `/v1/feeds`: full feeds fetched by address. Addresses may hold a secret, so only the retailer sees them.
enum FeedRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/feeds", .catalogue, .retailer) { try await list($0) }
        table.post("/v1/feeds", .catalogue, .sellers) { try await create($0) }
        table.get("/v1/feeds/{id}", .catalogue, .retailer) { try await get($0) }
        table.patch("/v1/feeds/{id}", .catalogue, .sellers) { try await update($0) }
        table.delete("/v1/feeds/{id}", .catalogue, .sellers) { try await delete($0) }
        table.get("/v1/feeds/{id}/runs", .catalogue, .retailer) { try await runs($0) }
        table.post("/v1/feeds/{id}/run", .catalogue, .sellers) { try await run($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        let storefront = try query.text("storefront", limit: 64)
        let location = try query.text("location", limit: 64)
        let late = try query.bool("late")
        try query.finish()
        let rows = try await call.read {
            try Feeds.list(
                storefront: storefront, location: location, late: late, after: page.after, limit: page.fetchLimit,
                on: $0)
        }
        return .list(rows, call, page, id: { Int64($0.id) }, render)
    }

    private static func get(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let row = try await call.read { try Feeds.find(id, on: $0) }
        return .json(revision: row.revision) { render(&$0, row) }
    }

    /// What may be changed later, too.
    private struct Settings {
        var url: String?
        var interval: Int32?
        var isEnabled: Bool?
        var removedShare: Int32?

        init(_ fields: Fields, _ call: Call) {
            if let text = fields.textIfPresent("url", limit: OutboundURL.limit) {
                do throws(OutboundError) {
                    try call.services.outbound.check(text)
                    url = text
                } catch {
                    fields.problem("url", error.description, code: error.code)
                }
            }
            interval = fields.intIfPresent("interval_seconds", Feeds.intervals).map { Int32($0) }
            isEnabled = fields.bool("enabled")
            removedShare = fields.intIfPresent("removed_share_limit", 0...1_000_000).map { Int32($0) }
        }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        fields.readOnly("revision")
        var draft = FeedDraft(
            code: fields.code("id", underscore: true) ?? Code.make("feed"),
            storefront: fields.text("storefront", limit: 64) ?? "", location: fields.text("location", limit: 64) ?? "",
            url: "")
        if fields.json("url") == nil { fields.problem("url", "Required.", code: "required") }
        let settings = Settings(fields, call)
        try fields.finish()
        draft.url = settings.url ?? draft.url
        draft.intervalSeconds = settings.interval ?? draft.intervalSeconds
        draft.isEnabled = settings.isEnabled ?? draft.isEnabled
        draft.removedShareLimit = settings.removedShare ?? draft.removedShareLimit
        let made = draft
        return try await call.write { db, change in
            let row = try Feeds.create(made, now: call.now, on: db)
            change.audit("created", "feed", row.code, render, after: row)
            return .json(status: 201, revision: row.revision, location: "/v1/feeds/\(row.code)") { render(&$0, row) }
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let fields = try await call.body()
        fields.readOnly("id", "storefront", "location", "revision")
        let settings = Settings(fields, call)
        for key in ["url", "interval_seconds", "enabled", "removed_share_limit"] where fields.isNull(key) {
            fields.problem(key, "Cannot be cleared.", code: "required")
        }
        try fields.finish()
        return try await call.write { db, change in
            let before = try Feeds.find(id, lock: true, on: db)
            try change.requireMatch(before.revision)
            var row = before
            row.url = settings.url ?? row.url
            row.intervalSeconds = settings.interval ?? row.intervalSeconds
            row.isEnabled = settings.isEnabled ?? row.isEnabled
            row.removedShareLimit = settings.removedShare ?? row.removedShareLimit
            let after = try Feeds.update(row, now: call.now, on: db)
            change.audit("updated", "feed", id, render, before: before, after: after)
            return .json(revision: after.revision) { render(&$0, after) }
        }
    }

    private static func delete(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        return try await call.write { db, change in
            let row = try Feeds.find(id, lock: true, on: db)
            try change.requireMatch(row.revision)
            try Feeds.delete(row, on: db)
            change.audit("deleted", "feed", id, render, before: row)
            return .noContent
        }
    }

    private static func run(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        return try await call.write { db, change in
            let row = try Feeds.find(id, lock: true, on: db)
            try Feeds.request(row, now: call.now, on: db)
            let after = try Feeds.find(id, on: db)
            change.audit("run_requested", "feed", id, render, before: row, after: after)
            return .json(status: 202, revision: after.revision) { render(&$0, after) }
        }
    }

    private static func runs(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        try query.finish()
        let id = call.path("id")
        let rows = try await call.read { db in
            try FeedRuns.list(
                feed: try Feeds.find(id, on: db), before: page.after, limit: page.fetchLimit, on: db)
        }
        return .list(rows, call, page, id: \.id) { json, row in
            json.member("id", String(row.id))
            json.member("status", row.status.rawValue)
            json.member("requested", row.isRequested)
            json.member("started_at", row.startedAt.rfc3339)
            json.member("finished_at", row.finishedAt?.rfc3339)
            json.member("duration_ms", row.finishedAt.map { ($0 - row.startedAt).micros / 1_000 })
            json.member("error_code", row.errorCode)
            json.member("error_detail", row.errorDetail)
            json.member("http_status", row.httpStatus.map(Int64.init))
            json.member("bytes", row.bytes)
            json.member("feed_date", row.feedDate?.rfc3339)
            json.member("offers", row.offers.map(Int64.init))
            json.member("accepted", row.accepted.map(Int64.init))
            json.member("removed", row.removed.map(Int64.init))
            json.member("products_created", row.productsCreated.map(Int64.init))
            json.member("products_changed", row.productsChanged.map(Int64.init))
            json.member("bad_offers", raw: row.badOffersJSON)
        }
    }

    static func render(_ json: inout JSONText, _ row: FeedRecord) {
        json.member("id", row.code)
        json.member("storefront", row.storefront)
        json.member("location", row.location)
        json.member("url", row.url)
        json.member("interval_seconds", row.intervalSeconds)
        json.member("enabled", row.isEnabled)
        json.member("removed_share_limit", row.removedShareLimit)
        json.member(
            "state", row.isRunning ? "running" : row.isRequested ? "requested" : row.isEnabled ? "waiting" : "off")
        json.member("next_run_at", row.isEnabled ? row.nextRunAt.rfc3339 : nil)
        json.member("last_success_at", row.lastSuccessAt?.rfc3339)
        json.member("failures", row.failures)
        json.member("late_since", row.lateSince?.rfc3339)
        json.member("revision", row.revision)
    }
}
