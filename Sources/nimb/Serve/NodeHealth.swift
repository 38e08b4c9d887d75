import DeliveryAPI
import EventLog
import ManagementAPI
import Postgres

/// What the health page says of a node beside "the database answers".
struct NodeHealth: Sendable {
    /// An idle worker renews its checkpoint every few seconds; silence for this long means that it is not running.
    static let silentWorkerSeconds: Int64 = 60

    let log: EventLog
    let refresher: ServingRefresher
    let pool: PostgresPool
    let nodeID: Int16

    func checks() async -> [HealthCheck] {
        let failed = log.statistics.hasFailed
        let stale = refresher.trouble
        return [
            HealthCheck(
                name: "event_log", healthy: !failed,
                detail: failed ? "writing the log failed; look at the disk, then restart the node" : nil),
            HealthCheck(name: "snapshot", healthy: stale == nil, detail: stale),
            await worker(),
        ]
    }

    private func worker() async -> HealthCheck {
        let nodeID = nodeID
        let lag = try? await pool.withConnection { connection in
            try connection.query(
                "select extract(epoch from now() - max(shipped_at))::bigint as lag from log_checkpoint where node_id = $1",
                [.int2(nodeID)]
            ).first?.int64IfPresent("lag")
        }
        guard let seconds = lag else {
            return HealthCheck(name: "worker", healthy: true, detail: "nothing was shipped yet")
        }
        let isSilent = seconds > Self.silentWorkerSeconds
        return HealthCheck(
            name: "worker", healthy: !isSilent,
            detail: isSilent ? "nothing was shipped for \(seconds) s; is nimb worker running on this node?" : nil)
    }
}
