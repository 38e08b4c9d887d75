import AdModel
import Logging
import Postgres
import Store
import Telemetry

/// Sends what waits in the outbox. At least once: a message whose sending was not recorded goes again.
public struct MailJob: Sendable {
    /// Messages of one run; the next run goes on.
    public static let batch = 50

    private let pool: PostgresPool
    private let transport: any MailTransport
    private let metrics: MetricsRegistry
    private let logger: Logger

    public init(pool: PostgresPool, transport: any MailTransport, metrics: MetricsRegistry, logger: Logger) {
        self.pool = pool
        self.transport = transport
        self.metrics = metrics
        self.logger = logger
    }

    /// The job that runs it every few seconds.
    public var job: Job { Job(name: "mail", every: .seconds(5)) { try await run($0) } }

    /// Sends what is due, one message after the other.
    public func run(_ now: Timestamp) async throws {
        for _ in 0..<Self.batch {
            try Task.checkCancellation()
            let mail = try await pool.transaction { db in
                try TenantScope.system.enter(on: db)
                return try MailQueue.take(now: now, on: db)
            }
            guard let mail else { return }
            try await send(mail, now)
        }
    }

    private func send(_ mail: QueuedMail, _ now: Timestamp) async throws {
        let result: String
        do {
            try await transport.send(mail)
            try await pool.transaction { db in
                try TenantScope.system.enter(on: db)
                try MailQueue.sent(mail, now: now, on: db)
            }
            result = "sent"
        } catch let error as MailError {
            let isDead = try await pool.transaction { db in
                try TenantScope.system.enter(on: db)
                return try MailQueue.failed(mail, reason: error.reason, now: now, on: db)
            }
            result = isDead ? "dead" : error.code
            // The row's number finds the message; the address stays out of the log.
            logger.log(
                level: isDead ? .error : .warning, "mail was not sent",
                metadata: [
                    "mail": "\(mail.id)", "kind": "\(mail.kind)", "attempt": "\(mail.attempt)",
                    "reason": "\(error.reason)", "given_up": "\(isDead)",
                ])
        }
        metrics.counter("nimb_mail_total", "Attempts to send mail, by what came of them.", [("result", result)]).add()
    }
}
