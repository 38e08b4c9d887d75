import AdModel

/// A versioned, immutable rule book of attribution, as data. Credits of two policies are never added.
public struct AttributionPolicy: Hashable, Sendable {
    /// Which views a policy counts.
    public enum ViewCounting: String, CaseIterable, Sendable { case viewable, rendered }
    /// What separates two candidates of one line, strongest comparator first.
    public enum Comparator: String, CaseIterable, Sendable {
        /// The stronger match level.
        case match
        /// A click over a view.
        case interaction
        /// The later touch.
        case recency
    }
    /// Among whom one winner is chosen.
    public enum Scope: String, CaseIterable, Sendable {
        /// One credit per order line overall.
        case line
        /// One credit per order line and advertiser.
        case advertiser
        /// One credit per order line and campaign.
        case campaign
    }
    /// Whether adjustments move credits.
    public enum Basis: String, CaseIterable, Sendable { case net, gross }

    /// Name and version, `default@1`: what the ledger and the files carry.
    public let name: String
    /// How long a click counts, both ends included; nil = clicks do not count.
    public let clickWindow: Timestamp.Span?
    /// How long a view counts; nil = views do not count.
    public let viewWindow: Timestamp.Span?
    /// Which view events are touches.
    public let viewCounting: ViewCounting
    /// Match levels, strongest first.
    public let levels: [MatchLevel]
    /// Comparators in order; ties go to the later touch, then to the greater touch id.
    public let precedence: [Comparator]
    public let scope: Scope
    /// Clicks and views are two contests and two numbers that are never added.
    public let separatesInteractions: Bool
    public let basis: Basis

    /// A custom policy. What is not stated is as in `default@1`.
    /// - Throws: `invalid_policy` with the first reason.
    public init(
        name: String, clickWindow: Timestamp.Span?, viewWindow: Timestamp.Span?,
        viewCounting: ViewCounting = .viewable, levels: [MatchLevel] = [.sku, .variant, .listed, .brand],
        precedence: [Comparator] = [.match, .interaction, .recency], scope: Scope = .line,
        separatesInteractions: Bool = false, basis: Basis = .net
    ) throws(AttributionError) {
        self.init(
            trusted: name, clickWindow, viewWindow, viewCounting, levels, precedence, scope, separatesInteractions,
            basis)
        if let problem = problems.first {
            throw AttributionError(
                code: "invalid_policy", message: "policy \(name): \(problem.field): \(problem.detail)")
        }
    }

    init(
        trusted name: String, _ clickWindow: Timestamp.Span?, _ viewWindow: Timestamp.Span?,
        _ viewCounting: ViewCounting, _ levels: [MatchLevel], _ precedence: [Comparator], _ scope: Scope,
        _ separatesInteractions: Bool, _ basis: Basis
    ) {
        self.name = name
        self.clickWindow = clickWindow
        self.viewWindow = viewWindow
        self.viewCounting = viewCounting
        self.levels = levels
        self.precedence = precedence
        self.scope = scope
        self.separatesInteractions = separatesInteractions
        self.basis = basis
    }

    /// `name@version`: 1...64 bytes of `a-z 0-9 -`, then a version without leading zeros.
    public static func isName(_ name: String) -> Bool {
        let parts = Array(name.utf8).split(separator: 0x40, omittingEmptySubsequences: false)
        guard parts.count == 2, isFamily(parts[0]), (1...9).contains(parts[1].count) else { return false }
        return parts[1].allSatisfy { (0x30...0x39).contains($0) } && parts[1].first != 0x30
    }

    /// The part of a name before its version.
    static func isFamily(_ bytes: some Collection<UInt8>) -> Bool {
        (1...64).contains(bytes.count)
            && bytes.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }
}

extension MatchLevel {
    /// Greater is stronger: `sku` 4 ... `order` 0.
    public var strength: UInt8 {
        switch self {
        case .sku: 4
        case .variant: 3
        case .listed: 2
        case .brand: 1
        case .order: 0
        }
    }

    init(strength: UInt8) {
        switch strength {
        case 4: self = .sku
        case 3: self = .variant
        case 2: self = .listed
        case 1: self = .brand
        default: self = .order
        }
    }
}
