import Audiences
import Postgres

/// Where cohorts of buyers begin and end, as the retailer has set it.
public struct RFMSettings: Sendable, Equatable {
    public var thresholds: RFMThresholds
    public var revision: Int64

    public static func load(lock: Bool = false, on db: isolated PostgresConnection) throws -> RFMSettings {
        let row = try db.query("select * from rfm_setting \(lock ? "for update" : "")").single()
        var thresholds = RFMThresholds()
        thresholds.activeDays = try row.int32("active_days")
        thresholds.coolingDays = try row.int32("cooling_days")
        thresholds.sleepingDays = try row.int32("sleeping_days")
        thresholds.repeatOrders = try row.int32("repeat_orders")
        thresholds.championOrders = try row.int32("champion_orders")
        thresholds.championPercent = try row.int32("champion_percent")
        return RFMSettings(thresholds: thresholds, revision: try row.int64("revision"))
    }

    /// Stores other thresholds; they must rise (`activeDays < coolingDays < sleepingDays`, `repeatOrders <
    /// championOrders`).
    public func stored(on db: isolated PostgresConnection) throws -> RFMSettings {
        let it = thresholds
        guard it.activeDays < it.coolingDays, it.coolingDays < it.sleepingDays else {
            throw Refusal.field("sleeping_days", "out_of_range", "active_days < cooling_days < sleeping_days.")
        }
        guard it.repeatOrders < it.championOrders else {
            throw Refusal.field("champion_orders", "out_of_range", "Must be more than repeat_orders.")
        }
        try db.query(
            """
            update rfm_setting set active_days = $1, cooling_days = $2, sleeping_days = $3, repeat_orders = $4,
                champion_orders = $5, champion_percent = $6, revision = revision + 1
            """,
            [
                .int4(it.activeDays), .int4(it.coolingDays), .int4(it.sleepingDays), .int4(it.repeatOrders),
                .int4(it.championOrders), .int4(it.championPercent),
            ])
        return try .load(on: db)
    }
}
