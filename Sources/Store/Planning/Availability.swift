import AdModel
import Decisioning
import Foundation
import Postgres

/// Whether what somebody wants to book is free: sponsorships have their placements to themselves, guaranteed line
/// items compete for what is expected to be asked for.
public enum Availability {
    /// Overlaps that one answer names.
    public static let conflictLimit = 20
    /// States of campaigns that hold what they have booked.
    static let holding = ["moderation", "approved", "active", "paused"]

    /// A line item as far as planning looks at it.
    public struct Plan: Sendable {
        /// 0 = not stored yet.
        public var lineItemID: Int32
        /// Line items of one campaign share what it has booked; 0 = of none that is stored.
        public var campaignID: Int32
        /// The flight, half-open.
        public var startsAt: Timestamp
        public var endsAt: Timestamp
        public var targeting: Targeting
        /// Formats of its creatives; empty = not known yet, then any.
        public var formats: Set<String>

        public init(
            lineItemID: Int32 = 0, campaignID: Int32 = 0, startsAt: Timestamp, endsAt: Timestamp,
            targeting: Targeting, formats: Set<String> = []
        ) {
            self.lineItemID = lineItemID
            self.campaignID = campaignID
            self.startsAt = startsAt
            self.endsAt = endsAt
            self.targeting = targeting
            self.formats = formats
        }
    }

    /// A booking that is in the way.
    public struct Conflict: Equatable, Sendable {
        /// What the two flights have in common, half-open.
        public var from: Timestamp
        public var to: Timestamp
        /// `<storefront>/<placement>` of the placements that both may be shown in.
        public var placements: [String]
        /// Whose it is, and which: for those alone who see it.
        public var advertiserID: Int32
        public var lineItem: String
    }

    struct Slot {
        var name: String
        var code: String
        var formats: Set<String>
    }

    struct Booking {
        var lineItem: String
        var advertiserID: Int32
        var goal: Int64
        var plan: Plan
    }

    /// Sponsorships that hold one of the placements at one of the times, at most `conflictLimit`, by start.
    public static func conflicts(
        with plan: Plan, on db: isolated PostgresConnection
    ) throws -> [Conflict] {
        try PlanningScope.acrossTenants(db) { db in
            let slots = try slots(on: db)
            let own = places(of: plan, slots)
            var found: [Conflict] = []
            for other in try bookings(tier: .sponsorship, meeting: plan, on: db)
            where found.count < conflictLimit && !plan.targeting.excludes(other.plan.targeting) {
                let shared = own.intersection(places(of: other.plan, slots))
                if shared.isEmpty { continue }
                found.append(
                    Conflict(
                        from: max(plan.startsAt, other.plan.startsAt), to: min(plan.endsAt, other.plan.endsAt),
                        placements: shared.sorted(), advertiserID: other.advertiserID, lineItem: other.lineItem))
            }
            return found
        }
    }

    /// Refuses with `slot_taken` when a sponsorship meets another one that holds its placements. Two requests are
    /// checked one after the other, so that not both find the place free.
    public static func requireFree(
        _ plan: Plan, field: String? = "flight", on db: isolated PostgresConnection
    ) throws {
        try db.query("select pg_advisory_xact_lock(hashtext('nimb sponsorship'))")
        guard let first = try conflicts(with: plan, on: db).first else { return }
        throw Refusal(
            .slotTaken, field: field,
            """
            A sponsorship has \(first.placements.prefix(3).joined(separator: ", ")) from \(first.from.rfc3339) to \
            \(first.to.rfc3339); choose another time, placement or targeting.
            """)
    }

    /// The same for all sponsorships of a campaign that is about to hold what it has booked.
    public static func requireFree(campaign: Int32, on db: isolated PostgresConnection) throws {
        let rows = try db.query(
            """
            select id, starts_at, ends_at, targeting::text as targeting from line_item
            where campaign_id = $1 and tier = 'sponsorship' and not archived order by id
            """, [.int4(campaign)])
        for row in rows {
            let id = try row.int32("id")
            try requireFree(
                Plan(
                    lineItemID: id, campaignID: campaign, startsAt: Timestamp(micros: try row.micros("starts_at")),
                    endsAt: Timestamp(micros: try row.micros("ends_at")),
                    targeting: try targeting(row.string("targeting")), formats: try formats(of: id, on: db)),
                field: nil, on: db)
        }
    }

    /// Formats of a line item's creatives.
    public static func formats(of lineItem: Int32, on db: isolated PostgresConnection) throws -> Set<String> {
        Set(
            try db.query("select distinct format from creative where line_item_id = $1", [.int4(lineItem)])
                .map { try $0.string("format") })
    }

    /// The same for a line item that is about to be written.
    static func requireFree(_ item: LineItem, in campaign: Int32, on db: isolated PostgresConnection) throws {
        guard item.tier == .sponsorship, !item.archived else { return }
        try requireFree(
            Plan(
                lineItemID: item.id, campaignID: campaign, startsAt: item.startsAt, endsAt: item.endsAt,
                targeting: try targeting(item.targetingJSON),
                formats: item.id == 0 ? [] : try formats(of: item.id, on: db)), on: db)
    }

    // MARK: What is booked

    static func targeting(_ json: String) throws -> Targeting {
        do {
            return try JSONDecoder().decode(Targeting.self, from: Data(json.utf8))
        } catch {
            throw Refusal.field("targeting", "invalid", "The targeting cannot be read.")
        }
    }

    static func slots(on db: isolated PostgresConnection) throws -> [Slot] {
        try db.query(
            """
            select f.code || '/' || p.code as name, p.code, p.formats from placement p
            join storefront f on f.id = p.storefront_id order by name
            """
        ).map {
            Slot(name: try $0.string("name"), code: try $0.string("code"), formats: Set(try $0.stringArray("formats")))
        }
    }

    /// Placements that a plan may be shown in.
    static func places(of plan: Plan, _ slots: [Slot]) -> Set<String> {
        let wanted = Set(plan.targeting.wanted.placements)
        let excluded = Set(plan.targeting.excluded.placements)
        return Set(
            slots.filter { slot in
                (wanted.isEmpty || wanted.contains(slot.code)) && !excluded.contains(slot.code)
                    && (plan.formats.isEmpty || !plan.formats.isDisjoint(with: slot.formats))
            }.map(\.name))
    }

    /// Line items of a tier that hold what they have booked at some time of a plan's flight, but for itself.
    static func bookings(
        tier: Tier, meeting plan: Plan, on db: isolated PostgresConnection
    ) throws -> [Booking] {
        try db.query(
            """
            select l.id, l.code, l.advertiser_id, l.starts_at, l.ends_at, l.targeting::text as targeting,
                coalesce(l.goal_impressions, 0) as goal,
                array(select distinct c.format from creative c where c.line_item_id = l.id) as formats
            from line_item l join campaign k on k.id = l.campaign_id
            where l.tier = $1 and l.starts_at < $3 and l.ends_at > $2 and l.id <> $4 and not l.archived
                and k.state = any($5) and (l.tier <> 'sponsorship' or l.campaign_id <> $6)
            order by l.starts_at, l.id
            """,
            [
                .text(tier.rawValue), .timestamptz(micros: plan.startsAt.micros),
                .timestamptz(micros: plan.endsAt.micros), .int4(plan.lineItemID), .textArray(holding),
                .int4(plan.campaignID),
            ]
        ).map { row in
            Booking(
                lineItem: try row.string("code"), advertiserID: try row.int32("advertiser_id"),
                goal: try row.int64("goal"),
                plan: Plan(
                    lineItemID: try row.int32("id"), startsAt: Timestamp(micros: try row.micros("starts_at")),
                    endsAt: Timestamp(micros: try row.micros("ends_at")),
                    targeting: try targeting(row.string("targeting")), formats: Set(try row.stringArray("formats"))))
        }
    }
}
