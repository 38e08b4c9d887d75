/// What somebody may do. The first four are the retailer's people, the others an advertiser's (domain.md section 1).
public enum Role: String, CaseIterable, Sendable {
    case admin, adops, finance, analyst
    case advertiserManager = "advertiser_manager"
    case advertiserAnalyst = "advertiser_analyst"

    /// Whether the role is the retailer's.
    public var isRetailer: Bool {
        switch self {
        case .admin, .adops, .finance, .analyst: true
        case .advertiserManager, .advertiserAnalyst: false
        }
    }
}

extension Set where Element == Role {
    /// Everybody of the retailer.
    public static let retailer: Set<Role> = [.admin, .adops, .finance, .analyst]
    /// Who sells: sets up placements, campaigns, moderation.
    public static let sellers: Set<Role> = [.admin, .adops]
    /// Who keeps the money.
    public static let treasurers: Set<Role> = [.admin, .finance]
    /// Who runs campaigns: sellers and the advertiser himself.
    public static let campaigners: Set<Role> = [.admin, .adops, .advertiserManager]
    /// Everybody who is somebody.
    public static let everyone: Set<Role> = Set(Role.allCases)
}

/// The part of the API that a route belongs to; scopes of API keys are `<area>:read` and `<area>:write`.
public enum Area: String, CaseIterable, Sendable {
    case attribution, campaigns, catalogue, finance, identity, moderation, notices, operations, reports, wallet
}
