import AdModel
import Measurement
import Postgres

/// Day partitions of the event tables, made before the first row of a day.
public enum LedgerPartitions {
    /// Makes the partitions that are missing. Cheap when all are there.
    public static func ensure(
        _ days: [(table: String, day: Day)], on connection: isolated PostgresConnection
    ) throws {
        guard !days.isEmpty else { return }
        try connection.query(
            """
            select ensure_day_partition(t.parent, t.day)
            from (select p as parent, date '1970-01-01' + d as day from unnest($1::text[], $2::int4[]) as u (p, d)) t
            where to_regclass(t.parent || '_' || to_char(t.day, 'YYYYMMDD')) is null
            """, [.textArray(days.map(\.table)), .int4Array(days.map(\.day.number))])
    }

    /// What a batch needs.
    public static func needed(by batch: RecordBatch) -> [(table: String, day: Day)] {
        let decisions = Set(batch.decisions.map { $0.record.id.day })
        let events = Set(batch.events.filter { $0.invalid == nil }.map(\.token.decisionID.day))
        let invalid = Set(batch.events.filter { $0.invalid != nil }.map(\.receivedAt.utcDay))
        let signals = Set(batch.signals.map(\.receivedAt.utcDay))
        let ghosts = Set(batch.decisions.filter { HoldoutLedger.hasGhost($0.record) }.map { $0.record.id.day })
        return ghosts.sorted().map { ("ghost_ad", $0) } + decisions.sorted().map { ("decision", $0) }
            + events.sorted().map { ("ad_event", $0) }
            + invalid.sorted().map { ("invalid_event", $0) } + signals.sorted().map { ("signal", $0) }
    }
}
