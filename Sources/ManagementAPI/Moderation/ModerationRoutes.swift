import AdFormats
import AdModel
import Postgres
import Store

/// `/v1/moderation`: what waits for the retailer's decision, and the decision.
enum ModerationRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/moderation", .moderation, .retailer, queue)
        table.get("/v1/moderation/{id}", .moderation, .retailer, item)
        table.post("/v1/moderation/{id}/approve", .moderation, .sellers, approve)
        table.post("/v1/moderation/{id}/reject", .moderation, .sellers, reject)
        table.post("/v1/creatives/{id}/versions/{version}/revoke", .moderation, .sellers, revoke)
        ModerationRuleRoutes.add(to: &table)
    }

    /// What an item's id names.
    private enum Subject: Sendable {
        case campaign(String)
        case creative(String)

        init(_ call: Call) throws(Refusal) {
            let id = call.path("id")
            if id.hasPrefix("campaign.") {
                self = .campaign(String(id.dropFirst("campaign.".count)))
            } else if id.hasPrefix("creative.") {
                self = .creative(String(id.dropFirst("creative.".count)))
            } else {
                throw Refusal.notFound
            }
        }
    }

    private static func checks(_ call: Call, on db: isolated PostgresConnection) throws -> ModerationChecks {
        try ModerationChecks(formats: CreativeRoutes.formats(call), kktu: call.services.kktu, on: db)
    }

    // MARK: Reading

    @Sendable private static func queue(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let kind = try query.word("kind", ModerationItem.Kind.allCases.map(\.rawValue))
            .flatMap(ModerationItem.Kind.init)
        let advertiser = try query.text("advertiser", limit: 64)
        let page = try query.page()
        try query.finish()
        return try await call.read { db in
            let items = try ModerationQueue.list(
                kind: kind, advertiser: advertiser, after: page.after, limit: page.fetchLimit, on: db)
            let checks = try checks(call, on: db)
            var found: [String: [ModerationFinding]] = [:]
            for item in items.prefix(page.limit) {
                switch item.kind {
                case .campaign:
                    found[item.id] = try CampaignModeration.find(item.code, checks: checks, now: call.now, on: db)
                        .allFindings
                case .creative:
                    let creative = try CreativeStore.find(item.code, on: db)
                    found[item.id] = try checks.findings(of: creative.newest, creative, on: db)
                }
            }
            return .list(items, call, page, id: \.place) { json, item in
                json.member("id", item.id)
                json.member("kind", item.kind.rawValue)
                json.member("name", item.name)
                json.member("advertiser", item.advertiser)
                json.member("campaign", item.campaign)
                json.member("creative", item.kind == .creative ? item.code : nil)
                json.member("version", item.version.map(Int64.init))
                json.member("waiting_since", item.waitingSince.rfc3339)
                CreativeJSON.findings(&json, "findings", found[item.id] ?? [])
            }
        }
    }

    @Sendable private static func item(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let subject = try Subject(call)
        return try await call.read { db in try answer(subject, call, on: db) }
    }

    private static func answer(_ subject: Subject, _ call: Call, on db: isolated PostgresConnection) throws -> Answer {
        switch subject {
        case .campaign(let code):
            let found = try CampaignModeration.find(code, checks: try checks(call, on: db), now: call.now, on: db)
            return .json(revision: found.revision) { json in
                json.member("id", "campaign.\(found.code)")
                json.member("kind", "campaign")
                json.member("state", found.state.rawValue)
                json.member("name", found.name)
                json.member("advertiser", found.advertiser)
                json.member("campaign", found.code)
                json.member("contract", found.contract)
                json.member("kktu", found.kktu)
                CreativeJSON.findings(&json, "findings", found.findings)
                json.member("creatives", array: found.waiting) { json, entry in
                    json.object { json in
                        CreativeJSON.creative(&json, entry.creative, base: call.services.mediaBaseURL)
                        CreativeJSON.findings(&json, "findings", entry.findings)
                    }
                }
            }
        case .creative(let code):
            let creative = try CreativeStore.find(code, on: db)
            let findings = try checks(call, on: db).findings(of: creative.newest, creative, on: db)
            let known = try CreativeStore.lastApproved(before: creative.newest.version, of: creative.id, on: db)
            return .json(revision: creative.revision) { json in
                json.member("id", "creative.\(creative.code)")
                json.member("kind", "creative")
                json.member("state", creative.newest.state.rawValue)
                json.member("name", creative.name)
                json.member("advertiser", creative.advertiser)
                json.member("campaign", creative.campaign)
                json.member("kktu", creative.kktu)
                json.member("creative") {
                    CreativeJSON.creative(&$0, creative, base: call.services.mediaBaseURL)
                }
                CreativeJSON.findings(&json, "findings", findings)
                json.member("compared_with", known.map { Int64($0.version) })
                CreativeJSON.changes(&json, "changes", CreativeDiff.between(known, creative.newest))
                json.member(
                    "preview_url", "/v1/creatives/\(creative.code)/versions/\(creative.newest.version)/preview")
            }
        }
    }

    // MARK: Deciding

    @Sendable private static func approve(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let subject = try Subject(call)
        let body = try await call.body()
        let overrides = body.objects("overrides", limit: 50).compactMap { given -> ModerationOverride? in
            guard let code = given.text("code", limit: 64),
                let reason = given.text("reason", limit: ModerationStore.feedbackLimit)
            else { return nil }
            return ModerationOverride(code: code, reason: reason)
        }
        try body.finish()
        return try await call.write { db, change in
            let checks = try checks(call, on: db)
            switch subject {
            case .campaign(let code):
                let found = try CampaignModeration.find(code, checks: checks, now: call.now, lock: true, on: db)
                try change.requireMatch(found.revision)
                try CampaignModeration.approve(
                    found, overrides: overrides, actor: CampaignActor(.retailer, name: call.actor.name), now: call.now,
                    on: db)
                change.audit(
                    "campaign.approved", object: "campaign", id: found.code, advertiser: found.advertiserID,
                    before: state(found.state.rawValue, nil), after: state("approved", nil, overrides))
                for entry in found.waiting {
                    change.audit(
                        "creative.approved", object: "creative", id: entry.creative.code,
                        advertiser: found.advertiserID, before: CreativeJSON.audited(entry.creative),
                        after: CreativeJSON.audited(try CreativeStore.find(entry.creative.code, on: db)))
                }
            case .creative(let code):
                let before = try CreativeStore.find(code, lock: true, on: db)
                try change.requireMatch(before.revision)
                let after = try ModerationStore.approve(
                    before, findings: try checks.findings(of: before.newest, before, on: db), overrides: overrides,
                    actor: call.actor.name, now: call.now, on: db)
                change.audit(
                    "creative.approved", object: "creative", id: code, advertiser: after.advertiserID,
                    before: CreativeJSON.audited(before), after: state("approved", after.newest.version, overrides))
            }
            change.servingChanged()
            return try answer(subject, call, on: db)
        }
    }

    @Sendable private static func reject(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let subject = try Subject(call)
        let feedback = try await feedback(call)
        return try await call.write { db, change in
            let checks = try checks(call, on: db)
            switch subject {
            case .campaign(let code):
                let found = try CampaignModeration.find(code, checks: checks, now: call.now, lock: true, on: db)
                try change.requireMatch(found.revision)
                try CampaignModeration.reject(
                    found, feedback: feedback, actor: CampaignActor(.retailer, name: call.actor.name), now: call.now,
                    on: db)
                change.audit(
                    "campaign.rejected", object: "campaign", id: found.code, advertiser: found.advertiserID,
                    before: state(found.state.rawValue, nil), after: state("rejected", nil, feedback: feedback))
            case .creative(let code):
                let before = try CreativeStore.find(code, lock: true, on: db)
                try change.requireMatch(before.revision)
                let after = try ModerationStore.reject(
                    before, feedback: feedback, findings: try checks.findings(of: before.newest, before, on: db),
                    actor: call.actor.name, now: call.now, on: db)
                change.audit(
                    "creative.rejected", object: "creative", id: code, advertiser: after.advertiserID,
                    before: CreativeJSON.audited(before), after: CreativeJSON.audited(after))
            }
            return try answer(subject, call, on: db)
        }
    }

    @Sendable private static func revoke(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let number = try CreativeRoutes.number(call)
        let feedback = try await feedback(call)
        return try await call.write { db, change in
            let before = try CreativeStore.find(call.path("id"), lock: true, on: db)
            let version = try CreativeStore.version(number, of: before.id, on: db)
            let after = try ModerationStore.revoke(
                before, version: version, feedback: feedback, actor: call.actor.name, now: call.now, on: db)
            change.audit(
                "creative.revoked", object: "creative", id: after.code, advertiser: after.advertiserID,
                before: state("approved", number), after: state("revoked", number, feedback: feedback))
            change.servingChanged()
            return CreativeRoutes.answer(after, call)
        }
    }

    private static func feedback(_ call: Call) async throws -> String {
        let body = try await call.body()
        let feedback = body.text("feedback", limit: ModerationStore.feedbackLimit) ?? ""
        if !feedback.isEmpty, !feedback.unicodeScalars.contains(where: \.properties.isAlphabetic) {
            body.problem("feedback", "Say in words what should change.", code: "required")
        }
        try body.finish()
        return feedback
    }

    private static func state(
        _ state: String, _ version: Int32?, _ overrides: [ModerationOverride] = [], feedback: String? = nil
    ) -> String {
        var json = JSONText()
        json.object {
            $0.member("state", state)
            if let version { $0.member("version", version) }
            if let feedback { $0.member("feedback", feedback) }
            $0.member("overrides", array: overrides) { json, given in
                json.object {
                    $0.member("code", given.code)
                    $0.member("reason", given.reason)
                }
            }
        }
        return json.text
    }
}
