import AdModel
import Audiences
import Postgres
import Store

/// `/v1/audiences`: groups of shoppers that line items can be aimed at, and how many are in them now.
enum AudienceRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/audiences", .campaigns, .everyone) { try await list($0) }
        table.post("/v1/audiences", .campaigns, .campaigners) { try await create($0) }
        table.get("/v1/audiences/{id}", .campaigns, .everyone) { try await get($0) }
        table.patch("/v1/audiences/{id}", .campaigns, .campaigners) { try await update($0) }
        table.delete("/v1/audiences/{id}", .campaigns, .campaigners) { try await delete($0) }
        table.get("/v1/audiences/{id}/size", .campaigns, .everyone) { try await size($0) }
        table.post("/v1/audience-sizes", .campaigns, .everyone) { try await sizeOfDraft($0) }
        table.get("/v1/rfm-thresholds", .campaigns, .everyone) { try await thresholds($0) }
        table.patch("/v1/rfm-thresholds", .campaigns, .sellers) { try await setThresholds($0) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        try query.finish()
        let rows = try await call.read { try AudienceStore.list(after: page.after, limit: page.fetchLimit, on: $0) }
        return .list(rows, call, page, id: { Int64($0.id) }) { render(&$0, $1, for: call.actor) }
    }

    private static func get(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let row = try await call.read { try AudienceStore.find(id, on: $0) }
        return .json(revision: row.revision) { render(&$0, row, for: call.actor) }
    }

    /// Whose audience a body is about: an advertiser's people name one of theirs, unless they have but one.
    private static func owner(_ code: String?, _ call: Call, on db: isolated PostgresConnection) throws -> Int32? {
        if let code {
            do {
                return try AdvertiserStore.get(code, on: db).id
            } catch is Refusal {
                throw Refusal.unknownReference("advertiser", code)
            }
        }
        if call.actor.isRetailer { return nil }
        let own = Set(call.actor.advertiserIDs)
        guard own.count == 1, let only = own.first else {
            throw Refusal.field("advertiser", "required", "Name the advertiser whose audience it is.")
        }
        return only
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        let code = fields.code("id") ?? Code.make("aud")
        let advertiser = fields.textIfPresent("advertiser", limit: 64)
        let name = fields.text("name")
        let condition = AudienceBody.condition(fields)
        try fields.finish()
        guard let name, let condition else { throw Refusal(.invalidFields, "name and condition are needed.") }
        return try await call.write { db, change in
            let owner = try owner(advertiser, call, on: db)
            try AudienceStore.check(condition, field: "condition", on: db)
            let row = try AudienceStore.create(
                AudienceRecord(
                    code: code, advertiserID: owner, name: name, condition: condition, createdAt: call.now),
                actor: call.actor.name, on: db)
            change.audit("created", "audience", row.code, renderWhole, after: row, advertiser: row.advertiserID)
            change.servingChanged()
            return .json(status: 201, revision: row.revision, location: "/v1/audiences/\(row.code)") {
                render(&$0, row, for: call.actor)
            }
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let fields = try await call.body()
        fields.readOnly("id", "advertiser", "created_at", "revision")
        let name = fields.has("name") ? fields.text("name") : nil
        let condition = fields.has("condition") ? AudienceBody.condition(fields) : nil
        try fields.finish()
        return try await call.write { db, change in
            let before = try find(id, call, on: db)
            try change.requireMatch(before.revision)
            var row = before
            row.name = name ?? row.name
            if let condition {
                try AudienceStore.check(condition, field: "condition", on: db)
                row.condition = condition
            }
            let after = try AudienceStore.update(row, on: db)
            change.audit(
                "updated", "audience", id, renderWhole, before: before, after: after, advertiser: after.advertiserID)
            change.servingChanged()
            return .json(revision: after.revision) { render(&$0, after, for: call.actor) }
        }
    }

    private static func delete(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        return try await call.write { db, change in
            let row = try find(id, call, on: db)
            try change.requireMatch(row.revision)
            try AudienceStore.delete(row, on: db)
            change.audit("deleted", "audience", id, renderWhole, before: row, advertiser: row.advertiserID)
            change.servingChanged()
            return .noContent
        }
    }

    /// An audience that the caller may change; the row is locked only when he may.
    private static func find(
        _ id: String, _ call: Call, on db: isolated PostgresConnection
    ) throws -> AudienceRecord {
        let row = try AudienceStore.find(id, on: db)
        if !call.actor.isRetailer, row.advertiserID == nil {
            throw Refusal(.forbidden, "This audience is the retailer's.")
        }
        return try AudienceStore.find(id, lock: true, on: db)
    }

    // MARK: Sizes

    private static func size(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        let size = try await call.read { db in
            try AudienceSize.make(try AudienceStore.find(id, on: db).definition, now: call.now, on: db)
        }
        return answer(size, call)
    }

    private static func sizeOfDraft(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        let advertiser = fields.textIfPresent("advertiser", limit: 64)
        let condition = AudienceBody.condition(fields)
        try fields.finish()
        guard let condition else { throw Refusal(.invalidFields, "A condition is needed.") }
        let size = try await call.read { db in
            let owner = try owner(advertiser, call, on: db)
            try AudienceStore.check(condition, field: "condition", on: db)
            return try AudienceSize.make(
                AudienceDefinition(id: 0, advertiserID: owner, condition: condition), now: call.now, on: db)
        }
        return answer(size, call)
    }

    /// Small numbers would tell of single shoppers; sharp ones would let two questions be subtracted.
    private static func answer(_ size: AudienceSize, _ call: Call) -> Answer {
        let isRetailer = call.actor.isRetailer
        let isHidden = !isRetailer && size.shoppers < AudienceSize.least
        return .json { json in
            json.member(
                "shoppers",
                isHidden
                    ? nil : isRetailer ? Int64(size.shoppers) : ReachEstimate.rounded(Int64(size.shoppers)))
            json.member("too_few", isHidden)
            json.member("known_shoppers", isRetailer ? Int64(size.known) : ReachEstimate.rounded(Int64(size.known)))
        }
    }

    // MARK: Thresholds

    private static func thresholds(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let settings = try await call.read { try RFMSettings.load(on: $0) }
        return .json(revision: settings.revision) { render(&$0, settings) }
    }

    private static func setThresholds(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        fields.readOnly("revision")
        let active = fields.intIfPresent("active_days", 1...3_650)
        let cooling = fields.intIfPresent("cooling_days", 1...3_650)
        let sleeping = fields.intIfPresent("sleeping_days", 1...3_650)
        let repeated = fields.intIfPresent("repeat_orders", 2...1_000)
        let champion = fields.intIfPresent("champion_orders", 2...1_000)
        let percent = fields.intIfPresent("champion_percent", 0...100)
        try fields.finish()
        return try await call.write { db, change in
            let before = try RFMSettings.load(lock: true, on: db)
            try change.requireMatch(before.revision)
            var settings = before
            func set(_ path: WritableKeyPath<RFMThresholds, Int32>, _ value: Int64?) {
                if let value { settings.thresholds[keyPath: path] = Int32(value) }
            }
            set(\.activeDays, active)
            set(\.coolingDays, cooling)
            set(\.sleepingDays, sleeping)
            set(\.repeatOrders, repeated)
            set(\.championOrders, champion)
            set(\.championPercent, percent)
            let after = try settings.stored(on: db)
            change.audit("updated", "rfm_thresholds", "rfm", render, before: before, after: after)
            change.servingChanged()
            return .json(revision: after.revision) { render(&$0, after) }
        }
    }

    private static func render(_ json: inout JSONText, _ settings: RFMSettings) {
        json.member("active_days", settings.thresholds.activeDays)
        json.member("cooling_days", settings.thresholds.coolingDays)
        json.member("sleeping_days", settings.thresholds.sleepingDays)
        json.member("repeat_orders", settings.thresholds.repeatOrders)
        json.member("champion_orders", settings.thresholds.championOrders)
        json.member("champion_percent", settings.thresholds.championPercent)
        json.member("revision", settings.revision)
    }

    // MARK: Rendering

    /// What the retailer's audience is made of may name other advertisers' campaigns: only its owner is told.
    private static func render(_ json: inout JSONText, _ row: AudienceRecord, for actor: Actor) {
        let isTold = actor.isRetailer || row.advertiserID != nil
        json.member("id", row.code)
        json.member("advertiser", row.advertiserCode)
        json.member("name", row.name)
        json.member("condition", raw: isTold ? AudienceDocument.text(row.condition) : nil)
        json.member("created_at", row.createdAt.rfc3339)
        json.member("revision", row.revision)
    }

    private static func renderWhole(_ json: inout JSONText, _ row: AudienceRecord) {
        json.member("id", row.code)
        json.member("advertiser", row.advertiserCode)
        json.member("name", row.name)
        json.member("condition", raw: AudienceDocument.text(row.condition))
        json.member("created_at", row.createdAt.rfc3339)
        json.member("revision", row.revision)
    }
}
