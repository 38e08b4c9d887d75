import AdModel
import Decisioning
import Postgres

/// How many shoppers, requests and slots a targeting would have met in the last 28 days.
public struct ReachEstimate: Sendable, Equatable {
    /// Fewer are not told to advertisers.
    public static let least: Int64 = 100

    /// Distinct shoppers with consent; those without are counted in requests alone.
    public var shoppers: Int64
    public var requests: Int64
    /// Slots of matching requests that the targeting accepts.
    public var slots: Int64
    /// The days looked at, both included.
    public var from: Day
    public var to: Day
    /// One in so many shoppers was looked at; 1 = everybody.
    public var sampleParts: Int32
    /// Slots by ISO weekday, 1 = Monday: what a forecast multiplies.
    public var slotsByWeekday: [Int64]
    /// How many of each weekday were looked at.
    public var daysByWeekday: [Int64]
    /// Dimensions of the targeting that were not looked at, because the sample does not keep them: the numbers are those
    /// without them, and can only be too high.
    public var notCounted: [String] = []

    /// Rounded to two significant digits.
    public static func rounded(_ value: Int64) -> Int64 {
        var unit: Int64 = 1
        while value / unit >= 100 { unit *= 10 }
        return (value + unit / 2) / unit * unit
    }

    /// - Parameters:
    ///   - storefronts: codes; empty = all. Throws `unknown_reference` for one that is not there.
    ///   - now: the days before this one's are looked at, in UTC.
    public static func make(
        targeting: Targeting, storefronts: [String] = [], now: Timestamp, on db: isolated PostgresConnection
    ) throws -> ReachEstimate {
        try PlanningScope.acrossTenants(db) { db in
            let known = try db.query("select code from storefront where code = any($1)", [.textArray(storefronts)])
                .map { try $0.string("code") }
            for (index, code) in storefronts.enumerated() where !known.contains(code) {
                throw Refusal.unknownReference("storefronts[\(index)]", code)
            }
            let query = SampleQuery(targeting: targeting, storefronts: storefronts)
            let last = now.utcDay.number - 1
            let first = last - RequestSample.keptDays + 1
            let totals = try db.query(query.totals, query.parameters(first: first, last: last)).single()
            var slots = [Int64](repeating: 0, count: 7)
            for row in try db.query(query.weekdays, query.parameters(first: first, last: last)) {
                slots[Int(try row.int32("weekday")) - 1] = try row.int64("slots")
            }
            let days = try db.query(
                """
                select extract(isodow from d)::int as weekday, count(*) as days
                from generate_series(greatest(date '1970-01-01' + $1::int,
                    (select min(day) from request_sample where day >= date '1970-01-01' + $1::int)),
                    date '1970-01-01' + $2::int, interval '1 day') d group by 1
                """, [.int4(first), .int4(last)])
            var counts = [Int64](repeating: 0, count: 7)
            for row in days { counts[Int(try row.int32("weekday")) - 1] = try row.int64("days") }
            return ReachEstimate(
                shoppers: try totals.int64("shoppers"), requests: try totals.int64("requests"),
                slots: try totals.int64("slots"), from: Day(number: first), to: Day(number: last),
                sampleParts: try totals.int32("parts"), slotsByWeekday: slots, daysByWeekday: counts,
                notCounted: targeting.dimensionsOfOneRequest)
        }
    }

    /// Slots expected in a flight: the average of each weekday, times the days of the flight, parts of days included.
    public func expectedSlots(from: Timestamp, to: Timestamp) -> Int64 {
        var expected = 0.0
        var day = from.utcDay.number
        func midnight(_ day: Int32) -> Timestamp { Timestamp(micros: Int64(day) * 86_400_000_000) }
        while midnight(day) < to {
            let start = max(midnight(day), from)
            let end = min(midnight(day + 1), to)
            // 1970-01-01 was a Thursday.
            let weekday = Int(((day + 3) % 7 + 7) % 7)
            if daysByWeekday[weekday] > 0 {
                let average = Double(slotsByWeekday[weekday]) / Double(daysByWeekday[weekday])
                expected += average * Double((end - start).micros) / 86_400_000_000
            }
            day += 1
        }
        return Int64(expected)
    }
}

/// SQL of one targeting over the sample: AND over dimensions, OR inside one, as decisions have it.
private struct SampleQuery {
    let targeting: Targeting
    let storefronts: [String]

    func parameters(first: Int32, last: Int32) -> [PostgresValue] {
        let wanted = targeting.wanted
        let excluded = targeting.excluded
        func hours(_ parts: [Daypart]) -> PostgresValue {
            .int4Array(
                parts.isEmpty
                    ? [] : (0..<168).filter { hour in parts.contains { $0.contains(hourOfWeek: hour) } }.map(Int32.init)
            )
        }
        return [
            .int4(first), .int4(last), .textArray(storefronts),
            .textArray(wanted.pageTypes.map(\.rawValue)), .textArray(excluded.pageTypes.map(\.rawValue)),
            .textArray(wanted.devices.map(\.rawValue)), .textArray(excluded.devices.map(\.rawValue)),
            .textArray(wanted.regions), .textArray(excluded.regions),
            .textArray(wanted.categories), .textArray(excluded.categories),
            .textArray(wanted.brands), .textArray(excluded.brands),
            .textArray(wanted.placements), .textArray(excluded.placements),
            hours(wanted.dayparts), hours(excluded.dayparts),
        ]
    }

    private var matching: String {
        """
        with recursive wanted_category as (
            select id from category where code = any($10::text[])
            union select c.id from category c join wanted_category w on c.parent_id = w.id
        ), excluded_category as (
            select id from category where code = any($11::text[])
            union select c.id from category c join excluded_category w on c.parent_id = w.id
        ), matching as (
            select q.day, q.visitor, q.parts, (
                    select count(*) from unnest(q.placement_ids) u (id) join placement p on p.id = u.id
                    where (cardinality($14::text[]) = 0 or p.code = any($14)) and p.code <> all($15::text[])) as slots
            from request_sample q join storefront f on f.id = q.storefront_id
            left join brand b on b.id = q.brand_id
            cross join lateral (
                select ((extract(isodow from q.decided_at at time zone f.zone) - 1) * 24
                    + extract(hour from q.decided_at at time zone f.zone))::int as hour) h
            where q.day between date '1970-01-01' + $1::int and date '1970-01-01' + $2::int
                and (cardinality($3::text[]) = 0 or f.code = any($3))
                and (cardinality($4::text[]) = 0 or q.page_type = any($4)) and q.page_type <> all($5::text[])
                and (cardinality($6::text[]) = 0 or q.device = any($6)) and q.device <> all($7::text[])
                and (cardinality($8::text[]) = 0 or q.region = any($8) or split_part(q.region, '-', 1) = any($8))
                and not coalesce(q.region = any($9::text[]) or split_part(q.region, '-', 1) = any($9), false)
                and (cardinality($10::text[]) = 0 or q.category_id in (select id from wanted_category))
                and not coalesce(q.category_id in (select id from excluded_category), false)
                and (cardinality($12::text[]) = 0 or b.code = any($12))
                and not coalesce(b.code = any($13::text[]), false)
                and (cardinality($16::int[]) = 0 or h.hour = any($16)) and h.hour <> all($17::int[])
        )
        """
    }

    /// A shopper of whom one part in n is looked at stands for n.
    var totals: String {
        """
        \(matching), shopper as (
            select visitor, max(parts) as parts from matching where visitor is not null and slots > 0 group by visitor
        )
        select (select coalesce(sum(parts), 0) from shopper)::bigint as shoppers,
            coalesce(sum(parts), 0)::bigint as requests, coalesce(sum(slots * parts), 0)::bigint as slots,
            coalesce(max(parts), 1)::int as parts
        from matching where slots > 0
        """
    }

    var weekdays: String {
        """
        \(matching)
        select extract(isodow from day)::int as weekday, sum(slots * parts)::bigint as slots from matching group by 1
        """
    }
}

extension Targeting {
    /// What only the request itself or its shopper's profile tells, by the names of the targeting object.
    fileprivate var dimensionsOfOneRequest: [String] {
        func names(_ values: TargetingValues) -> [String] {
            [
                ("products", values.products.isEmpty), ("search_phrases", values.phrases.isEmpty),
                ("audiences", values.audiences.isEmpty), ("locations", values.locations.isEmpty),
                ("shoppers", values.shoppers.isEmpty),
                ("signed_in", values.signedIn == nil), ("keys", values.keys.isEmpty),
            ].filter { !$0.1 }.map(\.0)
        }
        return names(wanted) + names(excluded).map { "not.\($0)" }
    }
}
