import AdModel
import Postgres
import Store

/// `/v1/campaigns`: what an advertiser runs, under which contract, with which products credited.
enum CampaignRoutes {
    private static let path = CampaignJSON.path
    private static let one = "/v1/campaigns/{id}"

    static func add(to table: inout RouteTable) {
        table.get(path, .campaigns, .everyone) { call in try await list(call) }
        table.get(one, .campaigns, .everyone) { call in
            try call.requireNoQuery()
            return try await call.read { db in CampaignJSON.answer(try find(call, on: db)) }
        }
        table.post(path, .campaigns, .campaigners) { call in try await create(call) }
        table.patch(one, .campaigns, .campaigners) { call in try await update(call) }
        table.post("\(one)/copy", .campaigns, .campaigners) { call in try await copy(call) }
        for action in CampaignActions.Action.allCases {
            table.post("\(one)/\(action.rawValue)", .campaigns, .campaigners) { call in
                try await perform(action, call)
            }
        }
        table.get("\(one)/versions", .campaigns, .everyone) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                let versions = try CampaignCredit.history(of: find(call, on: db).id, on: db)
                return .json { json in
                    json.member("items", array: versions) { json, version in
                        json.object { CampaignJSON.render(&$0, version) }
                    }
                    json.member("next_cursor", nil as String?)
                }
            }
        }
        table.get("\(one)/transitions", .campaigns, .everyone) { call in
            let query = try call.query()
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let rows = try Campaigns.transitions(
                    of: find(call, on: db).id, after: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: \.id) {
                    CampaignJSON.render(&$0, $1, showsActor: call.actor.isRetailer)
                }
            }
        }
    }

    static func find(
        _ call: Call, locked: Bool = false, on db: isolated PostgresConnection
    ) throws -> Campaign {
        guard let campaign = try Campaigns.find(call.path("id"), locked: locked, on: db) else { throw Refusal.notFound }
        return campaign
    }

    private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        var filter = CampaignFilter()
        if let states = try query.text("state") {
            filter.states = try states.split(separator: ",", omittingEmptySubsequences: false).map { word in
                guard let state = CampaignState(rawValue: String(word)) else {
                    let words = CampaignState.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Refusal(.invalidParameter, field: "state", "Must be one or several of \(words).")
                }
                return state
            }
        }
        filter.advertiser = try query.text("advertiser", limit: 64)
        filter.text = try query.text("q", limit: 100)
        let page = try query.page()
        try query.finish()
        let wanted = filter
        return try await call.read { db in
            let rows = try Campaigns.list(wanted, after: page.after, limit: page.fetchLimit, on: db)
            return .list(rows, call, page, id: { Int64($0.id) }) { CampaignJSON.render(&$0, $1) }
        }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.members()
        return try await call.write { db, change in
            let body = Fields(members)
            var draft = CampaignDraft(
                code: body.newCode("cmp", call.actor), advertiserID: 0,
                name: body.text("name", limit: Campaigns.nameLimit) ?? "")
            body.readOnly("state", "held", "feedback", "revision")
            let owner = body.textIfPresent("advertiser", limit: 64)
            draft.contract = body.textIfPresent("contract", limit: 64)
            draft.kktu = CampaignBody.kktu(body, call)
            draft.policy = body.textIfPresent("policy", limit: 64) ?? draft.policy
            if let credited = body.object("credited") { CampaignBody.read(credited, into: &draft.credited) }
            draft.companions = body.bool("companions") ?? false
            if owner == nil, call.actor.isRetailer || call.actor.advertiserIDs.count != 1 {
                body.problem("advertiser", "Required.", code: "required")
            }
            try body.finish()
            draft.advertiserID = try CampaignBody.advertiser(owner, call, on: db)
            let made = try Campaigns.create(draft, actor: call.campaignActor, now: call.now, on: db)
            change.audit(
                "campaign.created", object: "campaign", id: made.code, advertiser: made.advertiserID,
                after: CampaignJSON.text(made))
            return CampaignJSON.answer(made, status: 201)
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.members()
        return try await call.write { db, change in
            let old = try find(call, locked: true, on: db)
            try change.requireMatch(old.revision)
            let body = Fields(members)
            body.readOnly("id", "advertiser", "state", "held", "feedback", "revision", "created_at")
            var new = old
            if body.has("name") { new.name = body.text("name", limit: Campaigns.nameLimit) ?? old.name }
            if body.has("contract") { new.contract = body.text("contract", limit: 64) ?? old.contract }
            if body.has("kktu") { new.kktu = CampaignBody.kktu(body, call) }
            if body.has("policy") { new.policy = body.text("policy", limit: 64) ?? old.policy }
            if body.has("credited") {
                if let credited = body.object("credited") {
                    CampaignBody.read(credited, into: &new.credited)
                } else {
                    new.credited = CreditedProducts()
                }
            }
            if body.has("companions") { new.companions = body.bool("companions") ?? old.companions }
            let resubmit = body.has("resubmit") ? body.bool("resubmit") ?? false : false
            try body.finish()
            let edit = try Campaigns.update(
                new, was: old, resubmit: resubmit, actor: call.campaignActor, now: call.now, on: db)
            change.audit(
                "campaign.updated", object: "campaign", id: old.code, advertiser: old.advertiserID,
                before: CampaignJSON.text(old), after: CampaignJSON.text(edit.campaign))
            if edit.mattersToServing || old.state.isApproved { change.servingChanged() }
            return CampaignJSON.answer(edit.campaign)
        }
    }

    private static func perform(_ action: CampaignActions.Action, _ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.membersIfPresent()
        return try await call.write { db, change in
            let old = try find(call, locked: true, on: db)
            // Whoever decides from what he has read may say so.
            if call.header("if-match") != nil { try change.requireMatch(old.revision) }
            let body = Fields(members)
            let reason = body.textIfPresent("reason", limit: CampaignTransitions.reasonLimit)
            try body.finish()
            let edit = try CampaignActions.perform(
                action, on: old, actor: call.campaignActor, reason: reason ?? action.rawValue, now: call.now, on: db)
            change.audit(
                "campaign.\(CampaignBody.past(action))", object: "campaign", id: old.code, advertiser: old.advertiserID,
                before: CampaignJSON.text(old), after: CampaignJSON.text(edit.campaign))
            if edit.mattersToServing { change.servingChanged() }
            return CampaignJSON.answer(edit.campaign)
        }
    }

    private static func copy(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.membersIfPresent()
        return try await call.write { db, change in
            let source = try find(call, on: db)
            let body = Fields(members)
            let code = body.newCode("cmp", call.actor)
            let name = body.textIfPresent("name", limit: Campaigns.nameLimit)
            let days = body.intIfPresent("shift_days", CampaignCopy.shiftRange) ?? 0
            try body.finish()
            let copy = try CampaignCopy.make(
                of: source, code: code, name: name ?? source.name, shift: .days(days), actor: call.campaignActor,
                now: call.now, on: db)
            change.audit(
                "campaign.copied", object: "campaign", id: copy.campaign.code, advertiser: source.advertiserID,
                after: CampaignJSON.text(copy.campaign))
            return .json(
                status: 201, revision: copy.campaign.revision, location: "\(path)/\(copy.campaign.code)"
            ) { json in
                json.member("copied_from", source.code)
                json.member("left_out", copy.leftOut)
                json.member("campaign") { CampaignJSON.render(&$0, copy.campaign) }
            }
        }
    }
}
