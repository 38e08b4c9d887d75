import AdModel
import Crypto
import Postgres

/// Something whose guesses are counted together.
public struct GuessKey: Sendable {
    let hash: [UInt8]
    let policy: GuessPolicy

    private init(_ text: String, _ policy: GuessPolicy) {
        hash = Array(SHA256.hash(data: Array(text.utf8)))
        self.policy = policy
    }

    /// One login name from anywhere.
    public static func account(_ email: EmailAddress) -> GuessKey { GuessKey("account \(email.text)", .account) }

    /// One login name from a network that its owner has logged in from: strangers who guess elsewhere cannot make him
    /// wait.
    public static func account(_ email: EmailAddress, knownNetwork network: String) -> GuessKey {
        GuessKey("account \(email.text) at \(network)", .account)
    }

    /// Everybody of one network.
    public static func network(_ network: String) -> GuessKey { GuessKey("network \(network)", .network) }

    /// Reset links asked for by one network.
    public static func resets(_ network: String) -> GuessKey { GuessKey("resets \(network)", .reset) }
}

/// The counts of guesses in PostgreSQL, shared by all nodes and kept over restarts.
public enum GuessThrottle {
    /// Counts an attempt as failed before it is tried, so that attempts at the same time count each other.
    /// Returns when to come back if it has to wait; then it was not counted and must not be tried.
    public static func begin(
        _ keys: [GuessKey], now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Timestamp? {
        // One order for all, so that two attempts never wait for each other.
        let keys = keys.sorted { $0.hash.lexicographicallyPrecedes($1.hash) }
        var counts: [(GuessKey, GuessPolicy.Count)] = []
        for key in keys { counts.append((key, try lock(key, now: now, on: db))) }
        let wait = counts.map(\.1.notBefore).max() ?? now
        guard wait <= now else { return wait }
        for (key, count) in counts { try store(key.policy.adding(to: count, at: now), key, on: db) }
        return nil
    }

    /// Takes back what `begin` counted for an attempt that was right.
    public static func succeed(
        account: GuessKey, others: [GuessKey], now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        let all = ([(account, true)] + others.map { ($0, false) })
            .sorted { $0.0.hash.lexicographicallyPrecedes($1.0.hash) }
        for (key, isAccount) in all {
            let count = try lock(key, now: now, on: db)
            let left =
                isAccount
                ? GuessPolicy.Count(failures: 0, since: now, notBefore: now) : key.policy.taking(from: count, at: now)
            try store(left, key, on: db)
        }
    }

    /// Takes back what `begin` counted for an attempt that could not be tried.
    public static func withdraw(_ keys: [GuessKey], now: Timestamp, on db: isolated PostgresConnection) throws {
        for key in keys.sorted(by: { $0.hash.lexicographicallyPrecedes($1.hash) }) {
            try store(key.policy.taking(from: try lock(key, now: now, on: db), at: now), key, on: db)
        }
    }

    /// Removes counts that silence has forgiven; returns how many.
    public static func forget(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        try db.query(
            "delete from login_guess where last_at < $1 and not_before < $1",
            [.timestamptz(micros: (now - .days(2)).micros)]
        ).affected
    }

    private static func lock(
        _ key: GuessKey, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> GuessPolicy.Count {
        try db.query(
            """
            insert into login_guess (key, failures, last_at, not_before) values ($1, 0, $2, $2)
            on conflict do nothing
            """, [.bytea(key.hash), .timestamptz(micros: now.micros)])
        let row = try db.query(
            "select failures, last_at, not_before from login_guess where key = $1 for update", [.bytea(key.hash)]
        ).single()
        return GuessPolicy.Count(
            failures: Int(try row.int32("failures")), since: Timestamp(micros: try row.micros("last_at")),
            notBefore: Timestamp(micros: try row.micros("not_before")))
    }

    private static func store(
        _ count: GuessPolicy.Count, _ key: GuessKey, on db: isolated PostgresConnection
    ) throws {
        try db.query(
            "update login_guess set failures = $2, last_at = $3, not_before = $4 where key = $1",
            [
                .bytea(key.hash), .int(count.failures), .timestamptz(micros: count.since.micros),
                .timestamptz(micros: count.notBefore.micros),
            ])
    }
}
