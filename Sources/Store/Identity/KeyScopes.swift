/// What an API key may be limited to.
public enum KeyScopes {
    /// The parts of the management API, one scope `<area>:read` and one `<area>:write` each.
    public static let areas = [
        "attribution", "campaigns", "catalogue", "finance", "identity", "moderation", "notices", "operations",
        "reports",
        "wallet",
    ]

    /// Every scope that may be given; `*` is all of them, later ones included.
    public static let all = ["*"] + areas.flatMap { ["\($0):read", "\($0):write"] }

    /// Whether scopes allow something of an area; writing includes reading. Nil = no limit.
    public static func allow(_ scopes: [String]?, area: String, writing: Bool) -> Bool {
        guard let scopes else { return true }
        return scopes.contains { $0 == "*" || $0 == "\(area):write" || (!writing && $0 == "\(area):read") }
    }

    /// Whether everything that `inner` allows, `outer` allows too.
    public static func contain(_ outer: [String]?, _ inner: [String]?) -> Bool {
        guard let outer, !outer.contains("*") else { return true }
        guard let inner, !inner.contains("*") else { return false }
        return inner.allSatisfy { scope in
            outer.contains(scope)
                || (scope.hasSuffix(":read") && outer.contains(String(scope.dropLast(5)) + ":write"))
        }
    }
}

/// The roles of users and keys; see `domain.md`, section 1.
public enum AccessRoles {
    public static let retailer = ["admin", "adops", "finance", "analyst"]
    public static let advertiser = ["advertiser_manager", "advertiser_analyst"]

    /// Whether a role is given for an advertiser rather than by the retailer for himself.
    public static func isAdvertiser(_ role: String) -> Bool { advertiser.contains(role) }
}
