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
