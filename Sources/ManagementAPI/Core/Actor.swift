import Store

/// Who calls: a person with a session or a program with a key.
public struct Actor: Equatable, Sendable {
    /// A role for one advertiser.
    public struct Membership: Equatable, Sendable {
        public var advertiser: Int32
        public var role: Role

        public init(advertiser: Int32, role: Role) {
            self.advertiser = advertiser
            self.role = role
        }
    }

    /// For the audit log: `user:<id>`, `key:<id>`; never a name or an address.
    public var name: String
    /// Roles at the retailer; empty for advertisers' people.
    public var retailerRoles: Set<Role>
    /// Advertisers this actor works for; an agency's people have several.
    public var memberships: [Membership]
    /// What a key is limited to, `campaigns:read`, `*`; nil = everything that the roles allow.
    public var scopes: Set<String>?
    /// The user behind a session; nil for keys.
    public var user: Int32?
    /// The session's row; nil for keys.
    public var session: Int64?

    public init(
        name: String, retailerRoles: Set<Role> = [], memberships: [Membership] = [], scopes: Set<String>? = nil,
        user: Int32? = nil, session: Int64? = nil
    ) {
        self.name = name
        self.retailerRoles = retailerRoles
        self.memberships = memberships
        self.scopes = scopes
        self.user = user
        self.session = session
    }

    /// Whoever calls a route that needs no identity.
    public static let anonymous = Actor(name: "anonymous")

    public var isRetailer: Bool { !retailerRoles.isEmpty }

    /// Internal ids of the advertisers that this actor works for, after narrowing to the route's roles.
    public var advertiserIDs: [Int32] { memberships.map(\.advertiser) }

    /// What the actor's transactions may see.
    public var scope: TenantScope { isRetailer ? .retailer : .advertisers(advertiserIDs) }

    /// The actor with only those roles that a route allows; nil when none is left.
    func narrowed(to allowed: Set<Role>) -> Actor? {
        var actor = self
        actor.retailerRoles.formIntersection(allowed)
        actor.memberships.removeAll { !allowed.contains($0.role) }
        return actor.retailerRoles.isEmpty && actor.memberships.isEmpty ? nil : actor
    }

    /// Whether a key's scopes admit a route.
    func admits(_ area: Area, writes: Bool) -> Bool {
        guard let scopes else { return true }
        if scopes.contains("*") || scopes.contains("\(area.rawValue):write") { return true }
        return !writes && scopes.contains("\(area.rawValue):read")
    }
}
