import AdModel
import Attribution

/// A policy of this installation: a preset of the program or one that the retailer added.
public struct InstalledPolicy: Equatable, Sendable {
    /// A stretch of time, half-open; nil = open.
    public struct Span: Equatable, Sendable {
        public var from: Timestamp
        public var to: Timestamp?

        public init(from: Timestamp, to: Timestamp?) {
            self.from = from
            self.to = to
        }

        func holds(at instant: Timestamp) -> Bool { from <= instant && to.map { instant < $0 } ?? true }
    }

    public var policy: AttributionPolicy
    public var isPreset: Bool
    /// Advertisers may choose it for a campaign.
    public var isAllowed: Bool
    /// When the touches of every campaign compete under it, beside the campaign's own policy.
    public var forAll: [Span]
    public var createdBy: String
    public var createdAt: Timestamp
    public var revision: Int64

    /// Name and version: `default@1`.
    public var code: String { policy.name }

    public init(
        policy: AttributionPolicy, isPreset: Bool, isAllowed: Bool, forAll: [Span], createdBy: String,
        createdAt: Timestamp, revision: Int64
    ) {
        self.policy = policy
        self.isPreset = isPreset
        self.isAllowed = isAllowed
        self.forAll = forAll
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.revision = revision
    }

    /// Whether the touches of every campaign compete under it at that instant.
    public func isForAll(at instant: Timestamp) -> Bool { forAll.contains { $0.holds(at: instant) } }
}

/// All policies of an installation, read together.
public struct PolicySet: Equatable, Sendable {
    /// By code, bytewise.
    public var policies: [InstalledPolicy]

    public init(_ policies: [InstalledPolicy]) { self.policies = policies }

    /// The policy of that code; nil when there is none.
    public func policy(_ code: String) -> InstalledPolicy? { policies.first { $0.code == code } }

    /// The rules of the policy of that code.
    /// - Throws: `unknown_policy`, listing what there is.
    public func rules(_ code: String) throws(AttributionError) -> AttributionPolicy {
        guard let found = policy(code) else {
            throw AttributionError(
                code: "unknown_policy",
                message: "no policy is called \(code); known: \(policies.map(\.code).joined(separator: ", "))")
        }
        return found.policy
    }

    /// Under which policies a touch competes: its campaign's own, and those for all campaigns at its time.
    public func contests(own: String, at instant: Timestamp) -> [String] {
        [own] + policies.filter { $0.code != own && $0.isForAll(at: instant) }.map(\.code)
    }

    /// Longest window of any policy: no older touch can earn anything.
    public var longestWindow: Timestamp.Span {
        policies.flatMap { [$0.policy.clickWindow, $0.policy.viewWindow] }.compactMap { $0 }.max() ?? .days(30)
    }
}
