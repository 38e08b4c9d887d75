import AdModel
import Postgres

/// Counts per accounting day what did not become a row of its own: refused, repeated and contradicting events.
public struct RefusalCounter: Sendable {
    struct Key: Hashable {
        var day: Day
        var storefrontID: Int32
        var kind: String
        var reason: String
    }

    private(set) var counts: [Key: Int64] = [:]

    public init() {}

    public mutating func add(day: Day, storefrontID: Int32, kind: String, reason: String) {
        counts[Key(day: day, storefrontID: storefrontID, kind: kind, reason: reason), default: 0] += 1
    }

    /// Number of events counted under a reason, for metrics and tests.
    public func total(reason: String) -> Int64 {
        counts.reduce(0) { $0 + ($1.key.reason == reason ? $1.value : 0) }
    }

    /// Adds the counts to `refused_day`.
    public func write(on connection: isolated PostgresConnection) throws {
        guard !counts.isEmpty else { return }
        let rows = counts.sorted {
            ($0.key.day, $0.key.storefrontID, $0.key.kind, $0.key.reason)
                < ($1.key.day, $1.key.storefrontID, $1.key.kind, $1.key.reason)
        }
        try connection.query(
            """
            insert into refused_day (day, storefront_id, kind, reason, events)
            select date '1970-01-01' + d, s, k, r, n
            from unnest($1::int4[], $2::int4[], $3::text[], $4::text[], $5::int8[]) as t (d, s, k, r, n)
            on conflict (day, storefront_id, kind, reason) do update set events = refused_day.events + excluded.events
            """,
            [
                .int4Array(rows.map(\.key.day.number)), .int4Array(rows.map(\.key.storefrontID)),
                .textArray(rows.map(\.key.kind)), .textArray(rows.map(\.key.reason)), .int8Array(rows.map(\.value)),
            ])
    }
}
