import AdModel
import Billing
import Postgres

/// The moves that time makes: what is approved begins with its first flight, ends after its last, and stops when its
/// contract has run out. A job calls this every few seconds.
public enum CampaignSchedule {
    /// Campaigns of one kind that are moved in one transaction; the rest follow in the next.
    public static let batch = 500

    /// What one run did.
    public struct Report: Equatable, Sendable {
        public var begun = 0
        public var finished = 0
        public var stopped = 0
        public var moved: Int { begun + finished + stopped }
    }

    private static let actor = CampaignActor.job("campaigns")

    /// One run in a transaction of its own. Bumps the control version when something moved.
    public static func run(pool: PostgresPool, now: Timestamp) async throws -> Report {
        try await pool.transaction { try advance(now: now, on: $0) }
    }

    /// One run inside the caller's transaction.
    public static func advance(now: Timestamp, on db: isolated PostgresConnection) throws -> Report {
        let instant = PostgresValue.timestamptz(micros: now.micros)
        let today = PostgresValue.date(days: try RetailerZone.load(on: db).day(of: now).number)
        var report = Report()
        report.finished = try move(
            """
            c.state in ('approved', 'active', 'paused')
                and exists (select 1 from line_item l where l.campaign_id = c.id and not l.archived)
                and not exists (select 1 from line_item l where l.campaign_id = c.id and not l.archived
                    and l.ends_at > $1)
            """, [instant], from: [.approved, .active, .paused], to: .finished, "the last flight ended", now, on: db)
        report.begun = try move(
            """
            c.state = 'approved' and not c.held
                and exists (select 1 from line_item l where l.campaign_id = c.id and not l.archived
                    and l.starts_at <= $1 and l.ends_at > $1)
                and exists (select 1 from contract k where k.id = c.contract_id and k.signed_on <= $2
                    and coalesce(k.ends_on, 'infinity') >= $2)
            """, [instant, today], from: [.approved], to: .active, "the first flight began", now, on: db)
        report.stopped = try move(
            """
            c.state = 'active' and exists (select 1 from contract k where k.id = c.contract_id and k.ends_on < $1)
            """, [today], from: [.active], to: .paused, "the contract ended", now, on: db)
        if report.moved > 0 { try db.query("select bump_control_version('control')") }
        return report
    }

    private static func move(
        _ condition: String, _ parameters: [PostgresValue], from: Set<CampaignState>, to: CampaignState,
        _ reason: String, _ now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Int {
        // A campaign that somebody is changing right now waits for the next run.
        let due = try db.query(
            """
            select c.id from campaign c where \(condition) order by c.id limit \(batch) for no key update skip locked
            """, parameters)
        for row in due {
            try CampaignTransitions.apply(
                try row.int32("id"), from: from, to: to, actor: actor, reason: reason, now: now, on: db)
        }
        return due.count
    }
}
