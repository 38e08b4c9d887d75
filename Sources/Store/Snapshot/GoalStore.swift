import AdModel
import Decisioning
import Postgres

/// What goals are paced by: what was delivered of them, and how traffic spreads over a week.
public struct GoalStore: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// Impressions that count, of line items by id, over all nodes; one that has had none is left out.
    public func delivered(of lineItemIDs: [Int32]) async throws -> [Int32: Int64] {
        try await pool.withConnection { connection in
            let rows = try connection.query(
                """
                select line_item_id, sum(impressions)::bigint as impressions from performance_day
                where line_item_id = any($1) group by 1
                """, [.int4Array(lineItemIDs)])
            var delivered: [Int32: Int64] = [:]
            for row in rows { delivered[try row.int32("line_item_id")] = try row.int64("impressions") }
            return delivered
        }
    }

    /// Slots asked for in each hour of the week over the last full four weeks; flat while nothing is known.
    public func traffic(now: Timestamp) async throws -> TrafficCurve {
        try await pool.withConnection { connection in
            let today = now.utcDay.number
            let rows = try connection.query(
                """
                select ((extract(isodow from decided_at at time zone 'UTC') - 1) * 24
                        + extract(hour from decided_at at time zone 'UTC'))::int as hour,
                    sum(parts * cardinality(placement_ids))::double precision as slots
                from request_sample
                where day between date '1970-01-01' + $1::int and date '1970-01-01' + $2::int group by 1
                """, [.int4(today - RequestSample.keptDays), .int4(today - 1)])
            var hours = [Double](repeating: 0, count: 168)
            for row in rows { hours[Int(try row.int32("hour"))] = try row.double("slots") }
            return TrafficCurve(hours: hours)
        }
    }
}
