import AdModel
import ArgumentParser
import Jobs
import Logging
import ORDGateway
import Outbound
import Postgres
import Store
import Synchronization

/// The jobs of the worker during a made-up past, at the hours of its clock. Foreign feeds are not fetched and no mail is
/// sent: nobody lives in that past who could answer or read it.
struct HistoryJobs {
    private static let sixHourly: Set<String> = ["campaigns", "grants", "brand-aliases"]
    private static let atTheEnd = ["shelves", "notices.watch", "notices.dispatch"]
    /// Runs of the registration until everything has its token.
    private static let registrationRuns = 200

    private let jobs: [Job]
    private let runner: JobRunner
    private let pool: PostgresPool
    private let standIn: StandIn
    private let logger: Logger

    /// The address of the stand-in for the operator, once it answers.
    private final class StandIn: Sendable {
        let options = Mutex<OperatorOptions?>(nil)
    }

    init(pool: PostgresPool, runtime: NodeRuntime, clock: InstallationClock, logger: Logger) throws {
        let standIn = StandIn()
        let outbound = OutboundPolicy(allowedHosts: ["127.0.0.1"])
        jobs = try WorkerJobs(
            pool: pool, metrics: runtime.metrics, logger: logger, mail: try MailOptions.parse([]), outbound: outbound,
            clock: clock.now, registration: { standIn.options.withLock { $0 } }
        ).jobs()
        runner = JobRunner(jobs: [], pool: pool, clock: clock.now, metrics: runtime.metrics, logger: logger)
        self.pool = pool
        self.standIn = standIn
        self.logger = logger
    }

    /// Creatives without a token get one from a stand-in for the operator, as they would have on the first day.
    func register() async throws {
        guard let job = jobs.first(where: { $0.name == "registration" }), try await isAnythingQueued() else { return }
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let stub = OperatorStub(token: "dev", logger: logger) { announce.yield($0) }
        let running = Task {
            defer { announce.finish() }
            try await stub.run()
        }
        var iterator = ports.makeAsyncIterator()
        if let port = await iterator.next() {
            standIn.options.withLock { $0 = OperatorOptions(baseURL: "http://127.0.0.1:\(port)", token: "dev") }
            for _ in 0..<Self.registrationRuns where try await isAnythingQueued() { await runner.runOnce(job) }
            standIn.options.withLock { $0 = nil }
        }
        running.cancel()
        _ = await running.result
    }

    /// What goes on by itself, at a full hour of the history.
    func run(at now: Timestamp) async {
        guard floorDivide(now.micros, 3_600_000_000) % 6 == 0 else { return }
        for job in jobs where Self.sixHourly.contains(job.name) { await runner.runOnce(job) }
    }

    /// Notices of how things stand today are in the inboxes; the mail about them counts as read.
    func finish(at now: Timestamp) async throws {
        for name in Self.atTheEnd {
            if let job = jobs.first(where: { $0.name == name }) { await runner.runOnce(job) }
        }
        _ = try await pool.transaction { db in
            try db.query(
                "update mail_outbox set state = 'sent', body = null, finished_at = $1 where state = 'waiting'",
                [.timestamptz(micros: now.micros)])
        }
    }

    private func isAnythingQueued() async throws -> Bool {
        try await pool.transaction { db in
            try db.query("select 1 from ord_registration where state in ('queued', 'unknown') limit 1").first != nil
        }
    }
}
