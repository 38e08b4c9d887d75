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
    /// - Throws: `invalid_policy` with the reason.
    public init(
        name: String, clickWindow: Timestamp.Span?, viewWindow: Timestamp.Span?,
        viewCounting: ViewCounting = .viewable, levels: [MatchLevel] = [.sku, .variant, .listed, .brand],
        precedence: [Comparator] = [.match, .interaction, .recency], scope: Scope = .line,
        separatesInteractions: Bool = false, basis: Basis = .net
    ) throws(AttributionError) {
        func refuse(_ why: String) -> AttributionError {
            AttributionError(code: "invalid_policy", message: "policy \(name): \(why)")
        }
        guard AttributionPolicy.isName(name) else {
            throw refuse("the name must be lower-case letters, digits and hyphens, then @ and a version from 1")
        }
        for window in [clickWindow, viewWindow] {
            if let window, window.micros < 0 || window > .days(366) {
                throw refuse("a window must be between 0 and 366 days")
            }
        }
        guard clickWindow != nil || viewWindow != nil else { throw refuse("give a click window or a view window") }
        guard !levels.isEmpty else { throw refuse("give at least one match level") }
        guard zip(levels, levels.dropFirst()).allSatisfy({ $0.strength > $1.strength }) else {
            throw refuse("levels must be distinct and go from strong to weak: sku, variant, listed, brand, order")
        }
        if levels.contains(.listed) || levels.contains(.brand) {
            guard levels.contains(.sku), levels.contains(.variant) else {
                throw refuse("a policy that lists listed or brand must list sku and variant")
            }
        }
        guard Set(precedence).count == precedence.count else { throw refuse("a comparator may be named once") }
        self.init(
            trusted: name, clickWindow, viewWindow, viewCounting, levels, precedence, scope, separatesInteractions,
            basis)
    }

    private init(
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
    static func isName(_ name: String) -> Bool {
        let parts = Array(name.utf8).split(separator: 0x40, omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].count), (1...9).contains(parts[1].count) else {
            return false
        }
        return parts[0].allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
            && parts[1].allSatisfy { (0x30...0x39).contains($0) } && parts[1].first != 0x30
    }
}

extension AttributionPolicy {
    /// 14 days after a click, 1 day after a viewable view; the strongest match wins, then clicks, then the latest.
    public static let `default` = AttributionPolicy(
        trusted: "default@1", .days(14), .days(1), .viewable, [.sku, .variant, .listed, .brand],
        [.match, .interaction, .recency], .line, false, .net)
    /// The clicked item within 24 hours.
    public static let item24h = AttributionPolicy(
        trusted: "item-24h@1", .hours(24), nil, .viewable, [.sku, .variant], [.match, .interaction, .recency], .line,
        false, .net)
    /// The whole receipt within 24 hours of the last click.
    public static let order24h = AttributionPolicy(
        trusted: "order-24h@1", .hours(24), nil, .viewable, [.order], [.recency], .line, false, .net)
    /// Last click and last view of each campaign within 30 days, two numbers, gross.
    public static let smartPlacement = AttributionPolicy(
        trusted: "smart-placement@1", .days(30), .days(30), .rendered, [.sku, .variant, .listed, .brand], [.recency],
        .campaign, true, .gross)
    /// Exactly the clicked SKU within 14 days.
    public static let skuStrict = AttributionPolicy(
        trusted: "sku-strict@1", .days(14), nil, .viewable, [.sku], [.match, .interaction, .recency], .line, false,
        .net)

    /// The policies that every installation has.
    public static let presets: [AttributionPolicy] = [.default, .item24h, .order24h, .smartPlacement, .skuStrict]

    /// The preset of that name.
    /// - Throws: `unknown_policy`, listing what there is.
    public static func preset(_ name: String) throws(AttributionError) -> AttributionPolicy {
        guard let found = presets.first(where: { $0.name == name }) else {
            throw AttributionError(
                code: "unknown_policy",
                message: "no policy is called \(name); known: \(presets.map(\.name).joined(separator: ", "))")
        }
        return found
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
