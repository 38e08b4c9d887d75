import HTTPTypes
import Hummingbird
import Postgres
import Store

/// Every route of the management API with who may call it: identity, scope, role, rate limit and tenant are decided
/// here, in one place, before a handler runs.
public struct RouteTable: Sendable {
    public typealias Handler = @Sendable (Call) async throws -> Answer

    /// One route.
    public struct Route: Sendable {
        public var method: String
        /// As in the OpenAPI document: `/v1/campaigns/{id}`.
        public var path: String
        /// nil = public.
        public var area: Area?
        public var allowed: Set<Role>
        /// False where somebody without any role may see and end what is his own: his session.
        var needsRole = true
        var handler: Handler
    }

    public private(set) var routes: [Route] = []

    public init() {}

    public mutating func get(_ path: String, _ area: Area, _ allowed: Set<Role>, _ handler: @escaping Handler) {
        add("GET", path, area, allowed, handler)
    }

    public mutating func post(_ path: String, _ area: Area, _ allowed: Set<Role>, _ handler: @escaping Handler) {
        add("POST", path, area, allowed, handler)
    }

    public mutating func put(_ path: String, _ area: Area, _ allowed: Set<Role>, _ handler: @escaping Handler) {
        add("PUT", path, area, allowed, handler)
    }

    public mutating func patch(_ path: String, _ area: Area, _ allowed: Set<Role>, _ handler: @escaping Handler) {
        add("PATCH", path, area, allowed, handler)
    }

    public mutating func delete(_ path: String, _ area: Area, _ allowed: Set<Role>, _ handler: @escaping Handler) {
        add("DELETE", path, area, allowed, handler)
    }

    /// A route for everybody, without identity: sign-in, health, documents.
    public mutating func open(_ method: String, _ path: String, _ handler: @escaping Handler) {
        add(method, path, nil, [], handler)
    }

    /// A route for everybody who is somebody, also when his last role was taken away.
    mutating func own(_ method: String, _ path: String, _ area: Area, _ handler: @escaping Handler) {
        add(method, path, area, .everyone, needsRole: false, handler)
    }

    private mutating func add(
        _ method: String, _ path: String, _ area: Area?, _ allowed: Set<Role>, needsRole: Bool = true,
        _ handler: @escaping Handler
    ) {
        routes.append(
            Route(method: method, path: path, area: area, allowed: allowed, needsRole: needsRole, handler: handler))
    }

    /// Puts the routes on a router; a known address with another method is answered 405 with `Allow`.
    func install(on router: Router<ManagementContext>, gate: Gate) {
        var methods: [String: Set<String>] = [:]
        for route in routes {
            methods[route.path, default: []].insert(route.method)
            guard let method = HTTPRequest.Method(rawValue: route.method) else { continue }
            router.on(RouterPath(route.path), method: method) { request, context in
                try await gate.pass(request, context, route)
            }
        }
        for (path, known) in methods { Self.refuseOthers(than: known, at: path, on: router) }
    }

    /// Answers every other method 405. HEAD goes with GET by itself.
    static func refuseOthers(than known: Set<String>, at path: String, on router: Router<ManagementContext>) {
        let allow = known.sorted().joined(separator: ", ")
        let all = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]
        for method in all.compactMap(HTTPRequest.Method.init(rawValue:)) where !known.contains(method.rawValue) {
            router.on(RouterPath(path), method: method) { _, _ -> Response in
                throw Problem(.methodNotAllowed, "This address knows \(allow).", headers: [.allow: allow])
            }
        }
    }
}

/// What happens before and after each handler.
struct Gate: Sendable {
    let services: ManagementServices
    let authenticator: Authenticator
    let limiter = RateLimiter()

    func pass(_ request: Request, _ context: ManagementContext, _ route: RouteTable.Route) async throws -> Response {
        let now = services.clock()
        let network = CallerNetwork.of(request, peer: context.remoteAddress, trusting: services.trustedProxies)
        do {
            var actor = Actor.anonymous
            if let area = route.area {
                guard let found = try await authenticator.actor(of: request, network: network, now: now) else {
                    // Who guesses keys is slowed like anybody without identity.
                    let standing = limiter.count("net:" + network, limit: services.limits.network, now: now)
                    guard standing.isAdmitted else { throw Self.limited(standing) }
                    throw Problem.unauthorized
                }
                let writes = route.method != "GET"
                guard found.admits(area, writes: writes) else {
                    throw Refusal(
                        .insufficientScope,
                        "The key lacks the scope \(area.rawValue):\(writes ? "write" : "read").")
                }
                guard let allowed = found.narrowed(to: route.allowed) ?? (route.needsRole ? nil : found) else {
                    throw Refusal(.forbidden, "Your role may not do this.")
                }
                actor = allowed
            }
            let standing =
                route.area == nil
                ? limiter.count("net:" + network, limit: services.limits.network, now: now)
                : limiter.count(actor.name, limit: services.limits.actor, now: now)
            guard standing.isAdmitted else { throw Self.limited(standing) }
            let call = Call(
                actor: actor, now: now, requestID: context.requestID, services: services, network: network,
                request: request, parameters: context.parameters)
            var response = try await route.handler(call).response()
            for (name, value) in Self.headers(standing) { response.headers[name] = value }
            return response
        } catch let refusal as Refusal {
            throw Problem(refusal)
        } catch let error as PostgresError where error.isRetryable {
            throw Problem.unavailable
        } catch let error as PostgresError where error.kind == .uniqueViolation {
            // Two requests took one id at the same instant; the checks before saw neither.
            throw Problem(
                .conflict, "Another request has just taken an id or a name of this one; read, then try again.")
        }
    }

    private static func limited(_ standing: RateLimiter.Standing) -> Problem {
        var problem = Problem(
            Refusal(
                .rateLimited, "At most \(standing.limit) requests a minute; wait, then go on.",
                retryAfter: standing.reset))
        for (name, value) in headers(standing) { problem.headers[name] = value }
        return problem
    }

    private static func headers(_ standing: RateLimiter.Standing) -> [(HTTPField.Name, String)] {
        [
            ("RateLimit-Limit", standing.limit), ("RateLimit-Remaining", standing.remaining),
            ("RateLimit-Reset", standing.reset),
        ].compactMap { name, value in HTTPField.Name(name).map { ($0, String(value)) } }
    }
}
