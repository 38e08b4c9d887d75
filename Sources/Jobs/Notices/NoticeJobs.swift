import AdModel
import Logging
import Outbound
import Postgres
import Store

/// What happens to notices by itself: finding what nobody reports, making mails and deliveries, sending webhooks.
public struct NoticeJobs: Sendable {
    /// Deliveries that are on their way at one time.
    public static let parallelDeliveries = 8
    /// For one delivery, from the name to the last byte of the answer.
    public static let timeout: Duration = .seconds(10)
    /// Bytes of an answer that are read; nobody looks at them.
    static let answerLimit = 65_536

    private let pool: PostgresPool
    private let client: OutboundClient
    private let sealer: Sealer?
    private let link: String
    private let clock: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - pool: of the scope `system`.
    ///   - sealer: opens the secrets of webhooks; the one of the management API. Without it webhooks wait.
    ///   - link: address of the inbox, for mails.
    public init(
        pool: PostgresPool, client: OutboundClient, sealer: Sealer?, link: String,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.pool = pool
        self.client = client
        self.sealer = sealer
        self.link = link
        self.clock = clock
    }

    /// All of them, for the runner.
    public var jobs: [Job] {
        [
            Job(name: "notices.watch", every: .seconds(300)) { try await watch(now: $0) },
            Job(name: "notices.dispatch", every: .seconds(5)) { try await dispatch(now: $0) },
            Job(name: "notices.webhooks", every: .seconds(5)) { try await deliver(now: $0) },
        ]
    }

    /// Looks for budgets and wallets that run out and for line items that stand still.
    public func watch(now: Timestamp) async throws {
        for part in [NoticeWatch.budgets, NoticeWatch.balances, StandstillWatch.round] {
            _ = try await pool.transaction { db in
                try TenantScope.system.enter(on: db)
                return try part(now, db)
            }
        }
    }

    /// Makes mails and deliveries of every fresh notice.
    public func dispatch(now: Timestamp) async throws {
        let link = link
        while true {
            let handled = try await pool.transaction { db in
                try TenantScope.system.enter(on: db)
                return try NoticeDispatch.round(now: now, link: link, on: db)
            }
            guard handled == NoticeDispatch.batchLimit else { return }
        }
    }

    /// Sends what is due, a few at a time. Each result is stored before the next delivery of its place begins, so an
    /// ended run sends at most `parallelDeliveries` of them a second time.
    public func deliver(now: Timestamp) async throws {
        guard let sealer else { return }
        let due = try await pool.transaction { db in
            try TenantScope.system.enter(on: db)
            return try WebhookDeliveries.due(now: now, sealer: sealer, on: db)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            var waiting = due[...]
            for delivery in waiting.prefix(Self.parallelDeliveries) { group.addTask { try await send(delivery) } }
            waiting = waiting.dropFirst(Self.parallelDeliveries)
            while try await group.next() != nil {
                if let next = waiting.popFirst() { group.addTask { try await send(next) } }
            }
        }
    }

    private func send(_ delivery: DueDelivery) async throws {
        let begun = ContinuousClock.now
        let now = clock()
        var status: Int?
        var error: String?
        if let secret = delivery.secret {
            let request = OutboundRequest(
                .post, delivery.url,
                headers: [
                    ("Content-Type", "application/json"), ("Nimb-Delivery", delivery.code),
                    (WebhookSignature.header, WebhookSignature.make(secret: secret, body: delivery.body, at: now)),
                ],
                body: Array(delivery.body.utf8), maximumBytes: Self.answerLimit, timeout: Self.timeout, redirects: 0)
            do {
                let answer = try await client.send(request)
                status = answer.status
                if !answer.isSuccess { error = "the receiver answered \(answer.status)" }
            } catch let problem as OutboundError {
                error = problem.description
            }
        } else {
            error = "the secret cannot be opened: the key that sealed it is gone; make a new secret"
        }
        let milliseconds = Int((ContinuousClock.now - begun) / .milliseconds(1))
        let (answered, problem) = (status, error)
        try await pool.transaction { db in
            try TenantScope.system.enter(on: db)
            try WebhookDeliveries.record(
                delivery, status: answered, error: problem, milliseconds: milliseconds, at: now, on: db)
        }
    }
}
