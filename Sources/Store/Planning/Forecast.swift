import AdModel
import Decisioning
import Postgres

/// What a guaranteed line item can expect of its flight.
public struct Forecast: Equatable, Sendable {
    /// Slots that pages will ask for, as the same weekdays of the last 28 days did.
    public var expectedSlots: Int64
    /// Impressions that guaranteed line items have promised of them already.
    public var booked: Int64
    /// What is left; below zero when more was promised than is expected.
    public var free: Int64 { expectedSlots - booked }

    public static func make(
        _ plan: Availability.Plan, storefronts: [String] = [], now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Forecast {
        let history = try ReachEstimate.make(
            targeting: plan.targeting, storefronts: storefronts, now: now, on: db)
        let booked = try PlanningScope.acrossTenants(db) { db in
            let slots = try Availability.slots(on: db)
            let own = Availability.places(of: plan, slots)
            var booked = 0.0
            for other in try Availability.bookings(tier: .guaranteed, meeting: plan, on: db)
            where !plan.targeting.excludes(other.plan.targeting)
                && !own.isDisjoint(with: Availability.places(of: other.plan, slots))
            {
                // A goal is spread evenly over its flight; where the targeting may overlap, it is taken to.
                let common = min(plan.endsAt, other.plan.endsAt) - max(plan.startsAt, other.plan.startsAt)
                let flight = other.plan.endsAt - other.plan.startsAt
                booked += Double(other.goal) * Double(common.micros) / Double(flight.micros)
            }
            return Int64(booked.rounded(.up))
        }
        return Forecast(
            expectedSlots: history.expectedSlots(from: max(plan.startsAt, now), to: plan.endsAt), booked: booked)
    }

    /// What should be known of a line item that was just written: `overbooked` when a guaranteed one promises more
    /// than is left.
    public static func warnings(
        of item: LineItem, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> [String] {
        guard item.tier == .guaranteed, let goal = item.goalImpressions, !item.archived else { return [] }
        let plan = Availability.Plan(
            lineItemID: item.id, campaignID: item.campaignID, startsAt: item.startsAt, endsAt: item.endsAt,
            targeting: try Availability.targeting(item.targetingJSON),
            formats: try Availability.formats(of: item.id, on: db))
        return try make(plan, now: now, on: db).isOverbooked(by: goal) ? ["overbooked"] : []
    }

    /// Whether a goal is more than what is left.
    public func isOverbooked(by goal: Int64) -> Bool { goal > free }
}
