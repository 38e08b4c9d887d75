import AdModel
import Billing
import Decisioning
import Measurement
import Postgres

/// How the slots of each placement spread over the hours of a day, learned from what pages asked for.
public struct TrafficForecast: Equatable, Sendable {
    /// Days before today that are looked at.
    public static let days: Int32 = 28
    /// How much more a day says of one with its own weekday than of another.
    static let sameWeekday = 4.0
    /// Hourly counts are kept this long.
    static let keptDays: Int32 = 100

    /// Weighted slots of each hour, by placement id.
    public var hourly: [Int32: [Double]]

    public init(hourly: [Int32: [Double]] = [:]) { self.hourly = hourly }

    /// The curve of a line item: that of all placements it may appear in, without the hours that its dayparts leave
    /// out. Nothing known gives a flat day.
    /// - Parameters:
    ///   - placements: those of the snapshot.
    ///   - firstHourOfWeek: hour of the week (0 = Monday 00:00) at which the accounting day begins, as the storefront
    ///     counts it.
    public func curve(
        of item: SnapshotInput.LineItem, placements: [SnapshotInput.Placement], firstHourOfWeek: Int
    ) -> DemandForecast {
        var sum = [Double](repeating: 0, count: DemandForecast.hours)
        let formats = Set(item.creatives.map(\.format))
        for placement in placements {
            guard let hours = hourly[placement.id], Self.mayAppear(item, formats, placement) else { continue }
            for hour in sum.indices { sum[hour] += hours[hour] }
        }
        let wanted = item.targeting.wanted.dayparts
        let excluded = item.targeting.excluded.dayparts
        guard !wanted.isEmpty || !excluded.isEmpty else { return DemandForecast(hourly: sum) }
        if sum.allSatisfy({ $0 == 0 }) { sum = [Double](repeating: 1, count: sum.count) }
        for hour in sum.indices {
            let ofWeek = (firstHourOfWeek + hour) % 168
            let isOpen =
                (wanted.isEmpty || wanted.contains { $0.contains(hourOfWeek: ofWeek) })
                && !excluded.contains { $0.contains(hourOfWeek: ofWeek) }
            if !isOpen { sum[hour] = 0 }
        }
        return DemandForecast(hourly: sum)
    }

    private static func mayAppear(
        _ item: SnapshotInput.LineItem, _ formats: Set<String>, _ placement: SnapshotInput.Placement
    ) -> Bool {
        let (wanted, excluded) = (item.targeting.wanted, item.targeting.excluded)
        return !formats.isDisjoint(with: placement.formats)
            && (wanted.placements.isEmpty || wanted.placements.contains(placement.code))
            && (wanted.pageTypes.isEmpty || wanted.pageTypes.contains(placement.pageType))
            && !excluded.placements.contains(placement.code) && !excluded.pageTypes.contains(placement.pageType)
    }

    // MARK: Counting

    /// Adds the slots of a batch. Whoever calls keeps the checkpoint in the same transaction, so nothing counts twice.
    static func write(
        _ decisions: [RecordBatch.Decision], zone: AccountingZone, on connection: isolated PostgresConnection
    ) throws {
        struct Key: Hashable {
            var day: Int32
            var hour: Int32
            var placementID: Int32
        }
        var counts: [Key: Int64] = [:]
        for decision in decisions {
            let at = decision.record.id.issuedAt
            let day = zone.day(of: at)
            let hour = min(23, max(0, (at - zone.start(of: day)).micros / 3_600_000_000))
            for slot in decision.record.slots {
                counts[Key(day: day.number, hour: Int32(hour), placementID: slot.placementID), default: 0] += 1
            }
        }
        guard !counts.isEmpty else { return }
        let rows = counts.sorted {
            ($0.key.day, $0.key.hour, $0.key.placementID) < ($1.key.day, $1.key.hour, $1.key.placementID)
        }
        try connection.query(
            """
            insert into traffic_hour (day, hour, placement_id, slots)
            select date '1970-01-01' + d, h, p, n from unnest($1::int4[], $2::int4[], $3::int4[], $4::int8[])
                as t (d, h, p, n)
            on conflict (day, hour, placement_id) do update set slots = traffic_hour.slots + excluded.slots
            """,
            [
                .int4Array(rows.map(\.key.day)), .int4Array(rows.map(\.key.hour)),
                .int4Array(rows.map(\.key.placementID)), .int8Array(rows.map(\.value)),
            ])
    }

    /// What the whole days before `now` say of the day that holds it.
    public static func read(now: Timestamp, on connection: isolated PostgresConnection) throws -> TrafficForecast {
        let rows = try connection.query(
            """
            with today as (select ($1::timestamptz at time zone accounting_zone)::date as day from retailer)
            select t.placement_id, t.hour, sum(t.slots * case
                when extract(isodow from t.day) = extract(isodow from d.day) then $2::float8 else 1 end)::float8 as slots
            from traffic_hour t cross join today d
            where t.day < d.day and t.day >= d.day - $3::int
            group by 1, 2
            """, [.timestamptz(micros: now.micros), .float8(sameWeekday), .int4(days)])
        var forecast = TrafficForecast()
        for row in rows {
            forecast.hourly[
                try row.int32("placement_id"), default: [Double](repeating: 0, count: DemandForecast.hours)][
                    Int(try row.int32("hour"))] = try row.double("slots")
        }
        return forecast
    }
}

extension LeaseStore {
    /// The curves of the day that holds `now`; old counts go.
    public func traffic(now: Timestamp) async throws -> TrafficForecast {
        try await pool.transaction { connection in
            try connection.query(
                "delete from traffic_hour where day < ($1::timestamptz at time zone 'UTC')::date - $2::int",
                [.timestamptz(micros: now.micros), .int4(TrafficForecast.keptDays)])
            return try TrafficForecast.read(now: now, on: connection)
        }
    }
}
