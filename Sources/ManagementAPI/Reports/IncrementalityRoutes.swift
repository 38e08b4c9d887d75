import Postgres
import Store

/// Holding shoppers out of a campaign, and what that shows.
enum IncrementalityRoutes {
    /// Greatest share that may be held out, parts of 10,000.
    private static let greatestShare: Int64 = 5_000

    static func add(to table: inout RouteTable) {
        table.get("/v1/campaigns/{id}/incrementality", .reports, .everyone) { try await report($0) }
        table.put("/v1/campaigns/{id}/holdout", .campaigns, .campaigners) { try await setHoldout($0) }
    }

    private static func report(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let window =
            try query.int("window_days", 1...IncrementalityStore.longestWindowDays)
            ?? IncrementalityStore.defaultWindowDays
        try query.finish()
        let found = try await call.read {
            try IncrementalityStore.report(campaign: call.path("id"), windowDays: window, on: $0)
        }
        guard let found else { throw Refusal.notFound }
        return .json { IncrementalityJSON.members(&$0, found) }
    }

    private static func setHoldout(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        let share = fields.int("share_per_10000", 0...greatestShare) ?? 0
        try fields.finish()
        let code = call.path("id")
        return try await call.write { db, change in
            let before = try IncrementalityStore.lockHoldout(campaign: code, on: db)
            try change.requireMatch(before.revision)
            let after = try IncrementalityStore.setHoldout(campaign: code, share: Int32(share), at: call.now, on: db)
            change.audit(
                "campaign.holdout_set", object: "campaign", id: code, advertiser: after.advertiserID,
                before: "{\"share_per_10000\":\(before.share)}", after: "{\"share_per_10000\":\(share)}")
            change.servingChanged()
            return .json(revision: after.revision) {
                $0.member("campaign", code)
                $0.member("share_per_10000", share)
                $0.member("revision", after.revision)
            }
        }
    }
}
