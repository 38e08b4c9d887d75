import AdModel
import Decisioning
import Foundation
import Measurement
import Postgres
import Store

/// What a targeting would reach, what is free, and looking at a creative on the live page.
enum PlanningRoutes {
    /// Storefronts of one question.
    static let storefrontLimit = 100

    static func add(to table: inout RouteTable) {
        table.post("/v1/planning/reach", .campaigns, .everyone) { call in try await reach(call) }
        table.post("/v1/planning/availability", .campaigns, .everyone) { call in try await availability(call) }
        table.post("/v1/creatives/{id}/versions/{version}/preview-link", .campaigns, .everyone) { call in
            try await previewLink(call)
        }
    }

    // MARK: Reach

    private static func reach(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        let targeting = targeting(fields)
        let storefronts = fields.texts("storefronts", limit: storefrontLimit, itemLimit: 64)
        let flight = try flight(fields, isRequired: false)
        try fields.finish()
        let now = call.now
        let estimate = try await call.read { db in
            try ReachEstimate.make(targeting: targeting, storefronts: storefronts, now: now, on: db)
        }
        let isRetailer = call.actor.isRetailer
        // Small numbers would tell of single shoppers; sharp ones would let two questions be subtracted.
        let isHidden = !isRetailer && estimate.shoppers < ReachEstimate.least
        func shown(_ value: Int64) -> Int64? { isHidden ? nil : ReachEstimate.rounded(value) }
        return .json { json in
            json.member("shoppers", shown(estimate.shoppers))
            json.member("requests", shown(estimate.requests))
            json.member("slots", shown(estimate.slots))
            json.member("too_few", isHidden)
            if let flight {
                let expected = estimate.expectedSlots(from: max(flight.from, now), to: flight.to)
                json.member("expected_slots", shown(expected))
            } else {
                json.member("expected_slots", nil as Int64?)
            }
            json.member("from", "\(estimate.from)")
            json.member("to", "\(estimate.to)")
            json.member("sample_parts", estimate.sampleParts)
            json.member("not_counted", estimate.notCounted)
            json.member("method", method(estimate))
        }
    }

    private static func method(_ estimate: ReachEstimate) -> String {
        """
        Requests of the last \(RequestSample.keptDays) full days (UTC), all requests of one in \(estimate.sampleParts) \
        shoppers multiplied by \(estimate.sampleParts); distinct shoppers by their pseudonymous id, with consent only; \
        a flight is expected to meet what the same weekdays met on average. Rounded to two digits.
        """
    }

    // MARK: Availability

    private static func availability(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        let tier = fields.word("tier", [Tier.sponsorship.rawValue, Tier.guaranteed.rawValue])
        let targeting = targeting(fields)
        let formats = fields.texts("formats", limit: 32, itemLimit: 64)
        let flight = try flight(fields, isRequired: true)
        let goal = fields.intIfPresent("goal_impressions", 1...1_000_000_000_000)
        let lineItem = fields.textIfPresent("line_item", limit: 64)
        try fields.finish()
        guard let tier, let flight else { throw Refusal(.invalidFields, "tier and flight are needed.") }
        let now = call.now
        return try await call.read { db in
            var plan = Availability.Plan(
                startsAt: flight.from, endsAt: flight.to, targeting: targeting, formats: Set(formats))
            if let lineItem {
                let row = try db.query("select id, campaign_id from line_item where code = $1", [.text(lineItem)]).first
                guard let row else { throw Refusal.unknownReference("line_item", lineItem) }
                plan.lineItemID = try row.int32("id")
                plan.campaignID = try row.int32("campaign_id")
            }
            if tier == Tier.sponsorship.rawValue {
                let conflicts = try Availability.conflicts(with: plan, on: db)
                return .json { json in
                    json.member("available", conflicts.isEmpty)
                    json.member("conflicts", array: conflicts) { json, conflict in
                        json.object { write(conflict, for: call.actor, to: &$0) }
                    }
                    json.member("forecast", raw: "null")
                    json.member("warnings", [])
                }
            }
            let forecast = try Forecast.make(plan, now: now, on: db)
            let isOverbooked = forecast.isOverbooked(by: goal ?? 0)
            return .json { json in
                json.member("available", !isOverbooked)
                json.member("conflicts", array: [Availability.Conflict]()) { _, _ in }
                json.member("forecast") { json in
                    json.member("expected_slots", ReachEstimate.rounded(forecast.expectedSlots))
                    json.member("free_slots", ReachEstimate.rounded(max(0, forecast.free)))
                }
                json.member("warnings", isOverbooked ? ["overbooked"] : [])
            }
        }
    }

    /// Who has booked is told to the retailer, and to the advertiser himself.
    private static func write(_ conflict: Availability.Conflict, for actor: Actor, to json: inout JSONText) {
        json.member("from", conflict.from.rfc3339)
        json.member("to", conflict.to.rfc3339)
        json.member("placements", conflict.placements)
        let isKnown = actor.isRetailer || actor.advertiserIDs.contains(conflict.advertiserID)
        json.member("line_item", isKnown ? conflict.lineItem : nil)
    }

    // MARK: Preview

    private static func previewLink(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        let seconds = fields.intIfPresent("valid_seconds", 60...PreviewParameter.longest.micros / 1_000_000)
        try fields.finish()
        guard let version = Int32(call.path("version")), version > 0 else { throw Refusal.notFound }
        let code = call.path("id")
        let id = try await call.read { db in
            try db.query(
                """
                select v.id from creative_version v join creative c on c.id = v.creative_id
                where c.code = $1 and v.version = $2
                """, [.text(code), .int4(version)]
            ).first?.int32("id")
        }
        guard let id else { throw Refusal.notFound }
        let until = call.now + (seconds.map { Timestamp.Span.seconds($0) } ?? PreviewParameter.usual)
        return .json(status: 201) { json in
            json.member("preview", call.services.preview.sign(creativeVersionID: id, until: until))
            json.member("expires_at", until.rfc3339)
        }
    }

    // MARK: Fields

    /// The documented targeting object; nothing restricts when it is left out.
    private static func targeting(_ fields: Fields) -> Targeting {
        guard let value = fields.json("targeting") else { return Targeting() }
        do {
            return try JSONDecoder().decode(Targeting.self, from: Data(value.canonicalText.utf8))
        } catch {
            fields.problem("targeting", "It is not the documented targeting object.")
            return Targeting()
        }
    }

    private static func flight(_ fields: Fields, isRequired: Bool) throws -> (from: Timestamp, to: Timestamp)? {
        guard isRequired || (fields.has("flight") && !fields.isNull("flight")) else {
            _ = fields.json("flight")
            return nil
        }
        guard let flight = fields.object("flight") else { return nil }
        let from = flight.instant("from")
        let to = flight.instant("to")
        guard let from, let to else { return nil }
        if to <= from || to - from > .days(1_100) {
            flight.problem("to", "After `from`, and at most 1,100 days later.", code: "out_of_range")
            return nil
        }
        return (from, to)
    }
}
