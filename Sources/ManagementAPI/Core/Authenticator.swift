import AdModel
import HTTPTypes
import Hummingbird
import Postgres
import Store

/// Finds out who calls: a program by its API key, or a person by the session cookie and, for changes, by proof that the
/// request comes from our own page.
struct Authenticator: Sendable {
    private let pool: PostgresPool
    private let origin: String

    init(services: ManagementServices) {
        pool = services.pool
        origin = services.managementBaseURL
    }

    /// The actor behind a request; nil when it carries no valid identity.
    func actor(of request: Request, network: String, now: Timestamp) async throws -> Actor? {
        try await principal(of: request, now: now).map(Actor.init)
    }

    /// The same with everything that is known of him. A request with an `Authorization` is judged by that alone.
    func principal(of request: Request, now: Timestamp) async throws -> Principal? {
        if let header = request.headers[.authorization] {
            guard let key = Self.bearer(header) else { return nil }
            return try await pool.transaction { db in
                try TenantScope.system.enter(on: db)
                return try Principals.holder(ofKey: key, now: now, on: db)
            }
        }
        guard let token = SessionCookie.token(in: request.headers[.cookie]) else { return nil }
        let found = try await pool.transaction { db in
            try TenantScope.system.enter(on: db)
            return try Principals.owner(ofSession: token, now: now, on: db)
        }
        guard let found else { return nil }
        if request.method != .get, request.method != .head { try requireOwnPage(request, token) }
        return found
    }

    private static func bearer(_ header: String) -> String? {
        guard header.utf8.count <= 256 else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }

    /// A change in somebody's session must come from a page of this origin, and the page must know the session's
    /// page token, which no other origin can read.
    private func requireOwnPage(_ request: Request, _ token: SecretToken) throws {
        guard RequestOrigin(request, ownBase: origin).isOwn else {
            throw Refusal(.csrfFailed, "The request does not come from a page of this address.")
        }
        guard let name = HTTPField.Name("X-CSRF-Token"), let given = request.headers[name], token.isPageToken(given)
        else {
            throw Refusal(.csrfFailed, "Send the csrf_token of GET /v1/session as X-CSRF-Token.")
        }
    }
}

extension Actor {
    /// Roles and advertisers of a principal; advertisers outside his session's limit are left out.
    init(_ principal: Principal) {
        self.init(
            name: principal.name, retailerRoles: Set(principal.retailerRoles.compactMap(Role.init(rawValue:))),
            memberships: principal.activeAdvertisers.compactMap { access in
                Role(rawValue: access.role).map { Membership(advertiser: access.advertiserID, role: $0) }
            },
            scopes: principal.scopes.map { Set($0) }, user: principal.person?.id, session: principal.session?.id)
    }
}
