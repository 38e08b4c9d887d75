import AdModel
import Attribution
import Postgres

/// The attribution policies of this installation.
public enum Policies {
    /// Policies at most, presets included: each contest is a run of its own.
    public static let limit = 200

    /// Every policy, presets included, by code.
    public static func installed(on db: isolated PostgresConnection) throws -> PolicySet {
        var spans: [String: [InstalledPolicy.Span]] = [:]
        for row in try db.query("select policy, valid_from, valid_to from policy_for_all order by valid_from") {
            let end = try row.micros("valid_to")
            spans[try row.string("policy"), default: []].append(
                InstalledPolicy.Span(
                    from: Timestamp(micros: try row.micros("valid_from")),
                    to: end == .max ? nil : Timestamp(micros: end)))
        }
        let rows = try db.query(
            """
            select code, definition::text as definition, allowed, created_by, created_at, revision
            from attribution_policy order by code collate "C"
            """)
        return PolicySet(
            try rows.map { row in
                let code = try row.string("code")
                let definition = try row.stringIfPresent("definition")
                let policy = try rules(code, definition: definition)
                return InstalledPolicy(
                    policy: policy, isPreset: definition == nil, isAllowed: try row.bool("allowed"),
                    forAll: spans[code] ?? [], createdBy: try row.string("created_by"),
                    createdAt: Timestamp(micros: try row.micros("created_at")), revision: try row.int64("revision"))
            })
    }

    /// The policies that an advertiser may choose for a campaign.
    public static func allowed(on db: isolated PostgresConnection) throws -> [AttributionPolicy] {
        try installed(on: db).policies.filter(\.isAllowed).map(\.policy)
    }

    /// Refuses a policy that does not exist or that advertisers may not choose.
    public static func requireAllowed(
        _ code: String, field: String, on db: isolated PostgresConnection
    ) throws {
        let rows = try db.query("select code from attribution_policy where allowed order by code collate \"C\"")
        let codes = try rows.map { try $0.string("code") }
        guard codes.contains(code) else {
            throw Refusal.field(
                field, "not_allowed", "One of the policies that the retailer allows: \(codes.joined(separator: ", ")).")
        }
    }

    /// The policy of that code; nil when there is none.
    public static func find(_ code: String, on db: isolated PostgresConnection) throws -> InstalledPolicy? {
        try installed(on: db).policy(code)
    }

    /// Adds a policy; it never changes afterwards.
    public static func create(
        _ policy: AttributionPolicy, isAllowed: Bool, createdBy: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> InstalledPolicy {
        let known = try installed(on: db)
        guard known.policies.count < limit else {
            throw Refusal(.invalidState, "There are \(limit) policies already; remove one that nobody uses.")
        }
        guard known.policy(policy.name) == nil else {
            throw Refusal.field(
                "definition.version", "already_used",
                "\(policy.name) is there and never changes; add its next version.")
        }
        try db.query(
            """
            insert into attribution_policy (code, definition, allowed, created_by, created_at)
            values ($1, $2::jsonb, $3, $4, $5)
            """,
            [
                .text(policy.name), .jsonb(policy.json), .bool(isAllowed), .text(createdBy),
                .timestamptz(micros: now.micros),
            ])
        guard let made = try find(policy.name, on: db) else { throw Refusal.notFound }
        return made
    }

    /// Locks the row of a policy and reads it.
    public static func lock(_ code: String, on db: isolated PostgresConnection) throws -> InstalledPolicy {
        let rows = try db.query("select 1 from attribution_policy where code = $1 for update", [.text(code)])
        guard !rows.isEmpty, let found = try find(code, on: db) else { throw Refusal.notFound }
        return found
    }

    /// Says what the retailer does with a policy; nil leaves as it is. Under a policy for all campaigns compete the
    /// touches from now on; ending it leaves the credits of earlier touches as they are.
    public static func change(
        _ policy: InstalledPolicy, isAllowed: Bool?, isForAll: Bool?, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> InstalledPolicy {
        try db.query(
            """
            update attribution_policy set allowed = coalesce($2, allowed), revision = revision + 1 where code = $1
            """, [.text(policy.code), isAllowed.map(PostgresValue.bool) ?? .null])
        if let isForAll, isForAll != policy.isForAll(at: now) {
            let at = PostgresValue.timestamptz(micros: now.micros)
            if isForAll {
                try db.query(
                    """
                    insert into policy_for_all (policy, valid_from) values ($1, $2)
                    on conflict (policy, valid_from) do update set valid_to = 'infinity'
                    """, [.text(policy.code), at])
            } else {
                try db.query(
                    "update policy_for_all set valid_to = $2 where policy = $1 and valid_to > $2",
                    [.text(policy.code), at])
            }
        }
        guard let changed = try find(policy.code, on: db) else { throw Refusal.notFound }
        return changed
    }

    /// Removes a policy that nothing has ever used.
    public static func remove(_ policy: InstalledPolicy, on db: isolated PostgresConnection) throws {
        guard !policy.isPreset else {
            throw Refusal(.invalidState, "A preset is part of the program; forbid it instead of removing it.")
        }
        let used = try db.query(
            """
            select exists (select 1 from campaign_version where policy = $1)
                or exists (select 1 from policy_for_all where policy = $1)
                or exists (select 1 from credit where policy = $1) as used
            """, [.text(policy.code)])[0].bool("used")
        guard !used else {
            throw Refusal(
                .invalidState, "Campaigns or credits name \(policy.code); forbid it instead of removing it.")
        }
        try db.query("delete from attribution_policy where code = $1", [.text(policy.code)])
    }

    private static func rules(_ code: String, definition: String?) throws(PolicyStoreError) -> AttributionPolicy {
        do {
            guard let definition else { return try AttributionPolicy.preset(code) }
            return try AttributionPolicy.parse(json: Array(definition.utf8))
        } catch {
            throw PolicyStoreError(policy: code, reason: "\(error)")
        }
    }
}

/// A stored policy that this program cannot apply, such as a preset of a newer one.
public struct PolicyStoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Name and version of the policy.
    public var policy: String
    public var reason: String

    /// Stable word of the error.
    public var code: String { "unreadable_policy" }
    /// Asking again changes nothing.
    public var isRetryable: Bool { false }
    public var description: String { "policy \(policy) cannot be applied by this program: \(reason)" }
}
