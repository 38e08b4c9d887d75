import AdModel
import Postgres
import Store

extension Call {
    /// A transaction that sees all tenants: for finding out who somebody is, and for what he does with a secret of his
    /// own before he is anybody. Used by this area only.
    func asSystem<R: Sendable>(
        _ body: @Sendable (isolated PostgresConnection) throws -> R
    ) async throws -> R {
        try await services.pool.transaction { db in
            try TenantScope.system.enter(on: db)
            return try body(db)
        }
    }

    /// An audit entry of somebody who acts by a secret of his own.
    func record(
        _ action: String, by user: UserRecord, object: String, id: String, advertiser: Int32? = nil,
        before: String? = nil, after: String? = nil, on db: isolated PostgresConnection
    ) throws {
        try AuditLog.record(
            AuditEntry(
                actor: "user:\(user.code)", side: user.side, action: action, object: object, id: id,
                advertiser: advertiser, before: before, after: after, requestID: requestID, at: now), on: db)
    }

    /// Passwords are hashed elsewhere, and only so many wait.
    func hashing<R: Sendable>(_ work: () async throws -> R) async throws -> R {
        do { return try await work() } catch is PasswordQueueFull {
            throw Refusal(.unavailable, "Too many sign-ins at once; try again.", retryAfter: 1)
        }
    }
}

/// Checks a login name and password: the same status, body and work for an unknown user, a wrong password and a
/// disabled user, and every failure makes the next one slower.
struct SignIn: Sendable {
    /// A password that was right.
    struct Checked: Sendable {
        var user: Int32
        var hash: String
        fileprivate var account: GuessKey?
        fileprivate var others: [GuessKey]
    }

    let call: Call

    static let refusal = Refusal(.invalidCredentials, "The address or the password is wrong.")

    /// Throws `too_many_attempts` when it is too early, `invalid_credentials` when anything is wrong.
    func check(_ name: String, _ password: String) async throws -> Checked {
        let email = EmailAddress(name)
        let network = call.network
        let now = call.now
        let (account, wait, known) = try await call.asSystem { db in
            var account: GuessKey?
            var known: (user: Int32, code: String, hash: String?, disabled: Bool)?
            if let email {
                account =
                    try Sessions.hasBegun(email, from: network, now: now, on: db)
                    ? .account(email, knownNetwork: network) : .account(email)
                known = try Users.credentials(of: email, on: db)
            }
            let keys = [.network(network)] + (account.map { [$0] } ?? [])
            return (account, try GuessThrottle.begin(keys, now: now, on: db), known)
        }
        if let wait { throw Self.tooEarly(until: wait, now: now) }
        let others = [GuessKey.network(network)]
        let matches: Bool
        do {
            matches = try await call.hashing {
                try await call.services.passwords.verify(password, against: known?.hash)
            }
        } catch {
            // It was not tried, so it must not count.
            let counted = others + (account.map { [$0] } ?? [])
            try await call.asSystem { db in try GuessThrottle.withdraw(counted, now: now, on: db) }
            throw error
        }
        guard matches, let known, !known.disabled, let hash = known.hash else { throw Self.refusal }
        return Checked(user: known.user, hash: hash, account: account, others: others)
    }

    /// Takes back the counted failure; throws when the password was changed or the user disabled since the check.
    func confirm(_ checked: Checked, on db: isolated PostgresConnection) throws {
        guard try Users.isCurrent(checked.user, hash: checked.hash, on: db) else { throw Self.refusal }
        if let account = checked.account {
            try GuessThrottle.succeed(account: account, others: checked.others, now: call.now, on: db)
        }
    }

    static func tooEarly(until wait: Timestamp, now: Timestamp) -> Refusal {
        let seconds = max(1, ((wait - now).micros + 999_999) / 1_000_000)
        return Refusal(.tooManyAttempts, "Too many attempts; wait, then try again.", retryAfter: Int(seconds))
    }
}
