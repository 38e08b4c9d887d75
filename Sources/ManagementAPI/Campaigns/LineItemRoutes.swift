import AdModel
import Postgres
import Store

/// `/v1/campaigns/{id}/line-items` and `/v1/line-items/{id}`: flights, money, targeting and products.
enum LineItemRoutes {
    private static let path = "/v1/campaigns/{id}/line-items"
    private static let one = "/v1/line-items/{id}"

    static func add(to table: inout RouteTable) {
        table.get(path, .campaigns, .everyone) { call in
            let query = try call.query()
            let archived = try query.bool("archived")
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let campaign = try CampaignRoutes.find(call, on: db)
                let rows = try LineItems.list(
                    of: campaign.id, archived: archived, after: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: { Int64($0.id) }) { LineItemBody.render(&$0, $1) }
            }
        }
        table.post(path, .campaigns, .campaigners) { call in try await create(call) }
        table.get(one, .campaigns, .everyone) { call in
            try call.requireNoQuery()
            return try await call.read { db in LineItemBody.answer(try find(call, on: db)) }
        }
        table.patch(one, .campaigns, .campaigners) { call in try await update(call) }
        table.post("\(one)/pause", .campaigns, .campaigners) { call in
            try await set(call, paused: true, archived: false, "line_item.paused")
        }
        table.post("\(one)/resume", .campaigns, .campaigners) { call in
            try await set(call, paused: false, archived: false, "line_item.resumed")
        }
        table.post("\(one)/archive", .campaigns, .campaigners) { call in
            try await set(call, paused: true, archived: true, "line_item.archived")
        }
        table.get("\(one)/products", .campaigns, .everyone) { call in
            let query = try call.query()
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let rows = try LineItems.products(
                    of: find(call, on: db).id, after: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: \.place) { json, row in
                    json.member("sku", row.sku)
                    json.member("name", row.name)
                    json.member("brand", row.brand)
                }
            }
        }
    }

    private static func find(
        _ call: Call, locked: Bool = false, on db: isolated PostgresConnection
    ) throws -> LineItem {
        guard let item = try LineItems.find(call.path("id"), locked: locked, on: db) else { throw Refusal.notFound }
        return item
    }

    private static func campaign(of item: LineItem, on db: isolated PostgresConnection) throws -> Campaign {
        guard let campaign = try Campaigns.find(item.campaign, locked: true, on: db) else { throw Refusal.notFound }
        return campaign
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.members()
        return try await call.write { db, change in
            let campaign = try CampaignRoutes.find(call, locked: true, on: db)
            let body = Fields(members)
            body.readOnly("campaign", "advertiser", "paused", "archived", "products", "spent_micros", "revision")
            var draft = LineItem(
                code: body.newCode("li", call.actor), name: "", startsAt: call.now, endsAt: call.now, pricing: .cpm,
                bidMicros: 0)
            LineItemBody.read(body, into: &draft, creating: true, zone: try RetailerZone.load(on: db))
            let resubmit = body.has("resubmit") ? body.bool("resubmit") ?? false : false
            try body.finish()
            let edit = try LineItems.create(
                draft, in: campaign, resubmit: resubmit, actor: call.campaignActor, now: call.now, on: db)
            change.audit(
                "line_item.created", object: "line_item", id: edit.lineItem.code, advertiser: campaign.advertiserID,
                after: LineItemBody.text(edit.lineItem))
            if edit.mattersToServing { change.servingChanged() }
            let warnings = try Forecast.warnings(of: edit.lineItem, now: call.now, on: db)
            return LineItemBody.answer(edit.lineItem, status: 201, warnings: warnings)
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.members()
        return try await call.write { db, change in
            let old = try find(call, locked: true, on: db)
            try change.requireMatch(old.revision)
            let campaign = try campaign(of: old, on: db)
            let body = Fields(members)
            body.readOnly(
                "id", "campaign", "advertiser", "paused", "archived", "products", "spent_micros", "revision")
            var new = old
            LineItemBody.read(body, into: &new, creating: false, zone: try RetailerZone.load(on: db))
            let resubmit = body.has("resubmit") ? body.bool("resubmit") ?? false : false
            try body.finish()
            let edit = try LineItems.update(
                new, was: old, in: campaign, resubmit: resubmit, actor: call.campaignActor, now: call.now, on: db)
            change.audit(
                "line_item.updated", object: "line_item", id: old.code, advertiser: old.advertiserID,
                before: LineItemBody.text(old), after: LineItemBody.text(edit.lineItem))
            if edit.mattersToServing { change.servingChanged() }
            let warnings = try Forecast.warnings(of: edit.lineItem, now: call.now, on: db)
            return LineItemBody.answer(edit.lineItem, warnings: warnings)
        }
    }

    private static func set(
        _ call: Call, paused: Bool, archived: Bool, _ action: String
    ) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.membersIfPresent()
        return try await call.write { db, change in
            let old = try find(call, locked: true, on: db)
            if call.header("if-match") != nil { try change.requireMatch(old.revision) }
            try Fields(members).finish()
            let edit = try LineItems.set(
                paused: paused, archived: archived, of: old, in: campaign(of: old, on: db),
                actor: call.campaignActor, on: db)
            change.audit(
                action, object: "line_item", id: old.code, advertiser: old.advertiserID,
                before: LineItemBody.text(old), after: LineItemBody.text(edit.lineItem))
            if edit.mattersToServing { change.servingChanged() }
            return LineItemBody.answer(edit.lineItem)
        }
    }
}
