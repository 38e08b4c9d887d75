import AdModel
import Postgres
import Reporting

/// What holding shoppers out of a campaign shows.
public struct IncrementalityReport: Equatable, Sendable {
    /// One side of the experiment.
    public struct Arm: Equatable, Sendable {
        /// Shoppers whose window is over.
        public var moments = ArmMoments()
        /// Shoppers whose window is not over yet.
        public var maturing: Int64 = 0
    }

    public var campaignCode: String
    /// Held-out share, parts of 10,000.
    public var holdoutShare: Int32
    /// When the running experiment began; nil = nobody is held out.
    public var since: Timestamp?
    public var windowDays: Int
    /// RFC 3339; orders received before are counted.
    public var dataThrough: String?
    public var exposed: Arm
    public var ghost: Arm
    /// Shoppers seen on both sides, for instance on two devices: on neither.
    public var mixedShoppers: Int64
    /// nil = nobody is held out.
    public var verdict: LiftVerdict?
}

/// Reads experiments from the ghost ads and the orders.
public enum IncrementalityStore {
    public static let defaultWindowDays = 14
    /// Longest window, days.
    public static let longestWindowDays = 90

    /// The report of a campaign that the caller's tenant may see; nil when there is none.
    public static func report(
        campaign code: String, windowDays: Int, on db: isolated PostgresConnection
    ) throws -> IncrementalityReport? {
        let rows = try db.query(
            "select id, holdout_share, holdout_since, shipped_through() as through from campaign where code = $1",
            [.text(code)])
        guard let campaign = rows.first else { return nil }
        let through = try campaign.microsIfPresent("through")
        var report = IncrementalityReport(
            campaignCode: code, holdoutShare: try campaign.int32("holdout_share"),
            since: try campaign.microsIfPresent("holdout_since").map(Timestamp.init(micros:)),
            windowDays: windowDays, dataThrough: through.map { Timestamp(micros: $0).rfc3339 },
            exposed: IncrementalityReport.Arm(), ghost: IncrementalityReport.Arm(), mixedShoppers: 0, verdict: nil)
        guard report.since != nil else { return report }
        let arms = try db.query(
            """
            select is_ghost, shoppers, buyers, orders, units, \(SumSQL.clamped("sales_micros")) as sales_micros,
                squared_roubles, maturing, mixed
            from holdout_moments($1, make_interval(hours => $2 * 24), $3)
            """,
            [
                .int4(try campaign.int32("id")), .int4(Int32(windowDays)),
                .timestamptz(micros: through ?? .min),
            ])
        for row in arms {
            let arm = IncrementalityReport.Arm(
                moments: ArmMoments(
                    shoppers: try row.int64("shoppers"), buyers: try row.int64("buyers"),
                    orders: try row.int64("orders"), units: try row.int64("units"),
                    salesMicros: try row.int64("sales_micros"), squaredRoubles: try row.double("squared_roubles")),
                maturing: try row.int64("maturing"))
            if try row.bool("is_ghost") { report.ghost = arm } else { report.exposed = arm }
            report.mixedShoppers = try row.int64("mixed")
        }
        report.verdict = LiftRule.verdict(exposed: report.exposed.moments, ghost: report.ghost.moments)
        return report
    }

    /// Sets the held-out share of a campaign, parts of 10,000; another share begins another experiment.
    /// - Parameter now: when the experiment begins, if one does.
    /// - Returns: the campaign's new revision and advertiser.
    public static func setHoldout(
        campaign code: String, share: Int32, at now: Timestamp, on db: isolated PostgresConnection
    ) throws -> (revision: Int64, advertiserID: Int32) {
        let rows = try db.query(
            """
            update campaign set holdout_share = $2, revision = revision + 1 where code = $1
            returning revision, advertiser_id
            """, [.text(code), .int4(share)])
        guard let row = rows.first else { throw Refusal.notFound }
        // A new experiment was given the database's time by a trigger; the caller's clock is the one that counts.
        try db.query(
            "update campaign set holdout_since = $2 where code = $1 and holdout_since = now()",
            [.text(code), .timestamptz(micros: now.micros)])
        return (try row.int64("revision"), try row.int32("advertiser_id"))
    }

    /// Locks a campaign and reads its share and revision.
    public static func lockHoldout(
        campaign code: String, on db: isolated PostgresConnection
    ) throws -> (share: Int32, revision: Int64) {
        let rows = try db.query(
            "select holdout_share, revision from campaign where code = $1 for update", [.text(code)])
        guard let row = rows.first else { throw Refusal.notFound }
        return (try row.int32("holdout_share"), try row.int64("revision"))
    }
}
