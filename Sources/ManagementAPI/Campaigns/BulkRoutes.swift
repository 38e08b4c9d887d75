import AdModel
import Billing
import Store

/// `POST /v1/campaigns/bulk` and `POST /v1/line-items/bulk`: one change of many, all or none; and an advertiser's caps,
/// which hold over all of his line items.
enum BulkRoutes {
    private static let caps = "/v1/advertisers/{id}/caps"

    static func add(to table: inout RouteTable) {
        table.post("/v1/campaigns/bulk", .campaigns, .campaigners) { call in try await campaigns(call) }
        table.post("/v1/line-items/bulk", .campaigns, .campaigners) { call in try await lineItems(call) }
        table.get(caps, .campaigns, .everyone) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                guard let found = try AdvertiserCaps.find(call.path("id"), on: db) else { throw Refusal.notFound }
                return .json(revision: found.revision) { LineItemBody.render(&$0, found.caps) }
            }
        }
        table.put(caps, .campaigns, .sellers) { call in
            try call.requireNoQuery()
            let members = try await call.members()
            return try await call.write { db, change in
                guard let old = try AdvertiserCaps.find(call.path("id"), locked: true, on: db) else {
                    throw Refusal.notFound
                }
                try change.requireMatch(old.revision)
                let body = Fields(members)
                let caps = LineItemBody.caps(body)
                if body.json("caps") == nil { body.problem("caps", "Required.", code: "required") }
                if Set(caps.map(\.window)).count < caps.count {
                    body.problem("caps", "One cap for each of hour, day, session, lifetime.", code: "duplicate")
                }
                try body.finish()
                let revision = try AdvertiserCaps.set(caps, of: old.id, on: db)
                change.audit(
                    "advertiser.caps_set", object: "advertiser", id: call.path("id"), advertiser: old.id,
                    before: JSONText.object { LineItemBody.render(&$0, old.caps) },
                    after: JSONText.object { LineItemBody.render(&$0, caps) })
                change.servingChanged()
                return .json(revision: revision) { LineItemBody.render(&$0, caps) }
            }
        }
    }

    private static func campaigns(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.members()
        return try await call.write { db, change in
            let (ids, what) = try read(Fields(members), zone: RetailerZone.load(on: db))
            let outcome = try BulkChange.apply(
                what, toCampaigns: ids, actor: call.campaignActor, now: call.now, on: db)
            for (before, after) in outcome.changed {
                change.audit(
                    "campaign.updated", object: "campaign", id: after.code, advertiser: after.advertiserID,
                    before: CampaignJSON.text(before), after: CampaignJSON.text(after))
            }
            if outcome.mattersToServing { change.servingChanged() }
            return .json { json in
                json.member("items", array: outcome.changed) { json, pair in
                    json.object { CampaignJSON.render(&$0, pair.after) }
                }
            }
        }
    }

    private static func lineItems(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.members()
        return try await call.write { db, change in
            let (ids, what) = try read(Fields(members), zone: RetailerZone.load(on: db))
            let outcome = try BulkChange.apply(
                what, toLineItems: ids, actor: call.campaignActor, now: call.now, on: db)
            for (before, after) in outcome.changed {
                change.audit(
                    "line_item.updated", object: "line_item", id: after.code, advertiser: after.advertiserID,
                    before: LineItemBody.text(before), after: LineItemBody.text(after))
            }
            if outcome.mattersToServing { change.servingChanged() }
            return .json { json in
                json.member("items", array: outcome.changed) { json, pair in
                    json.object { LineItemBody.render(&$0, pair.after) }
                }
            }
        }
    }

    /// `{"ids": […], "change": {…}}` with exactly one change.
    private static func read(_ body: Fields, zone: AccountingZone) throws -> (ids: [String], change: BulkChange) {
        let ids = body.texts("ids", limit: BulkChange.limit, itemLimit: 64)
        if ids.isEmpty { body.problem("ids", "Name at least one.", code: "required") }
        var changes: [BulkChange] = []
        if let entry = body.object("change") {
            if let action = entry.wordIfPresent("action", ["pause", "resume", "archive"]) {
                changes.append(action == "pause" ? .pause : action == "resume" ? .resume : .archive)
            }
            if let bid = entry.object("bid") { changes += bids(bid, entry) }
            if entry.has("total_budget_micros") {
                changes.append(.totalBudget(entry.microsIfPresent("total_budget_micros")))
            }
            if entry.has("daily_budget_micros") {
                changes.append(.dailyBudget(entry.microsIfPresent("daily_budget_micros")))
            }
            if entry.has("flight_to") {
                if let end = CampaignBody.instant(entry, "flight_to", zone, isEnd: true) { changes.append(.end(end)) }
            }
            if changes.count > 1 { body.problem("change", "One change at a time.", code: "too_many") }
        }
        if body.json("change") == nil { body.problem("change", "Required.", code: "required") }
        try body.finish()
        guard let change = changes.first else {
            throw Refusal.field("change", "required", "Name an action, a bid, a budget or an end.")
        }
        return (ids, change)
    }

    private static func bids(_ bid: Fields, _ entry: Fields) -> [BulkChange] {
        var changes: [BulkChange] = []
        if let percent = bid.intIfPresent("percent", BulkChange.percentRange) { changes.append(.bidPercent(percent)) }
        let limit = LineItem.bidRange.upperBound
        if let micros = bid.intIfPresent("add_micros", -limit...limit) { changes.append(.bidAdd(micros)) }
        if let micros = bid.microsIfPresent("set_micros") { changes.append(.bidSet(micros)) }
        if changes.isEmpty { entry.problem("bid", "Give percent, add_micros or set_micros.", code: "required") }
        return changes
    }
}
