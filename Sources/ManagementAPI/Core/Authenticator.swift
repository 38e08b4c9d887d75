import AdModel
import HTTPTypes
import Hummingbird
import Postgres
import Store

/// Finds out who calls.
struct Authenticator: Sendable {
    let pool: PostgresPool

    /// The actor behind a request; nil when it carries no valid identity.
    func actor(of request: Request, network: String, now: Timestamp) async throws -> Actor? {
        guard let header = request.headers[.authorization], header.utf8.count <= 256 else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let hash = APIKeyText.hash(String(parts[1]))
        return try await pool.transaction { db in
            try TenantScope.system.enter(on: db)
            guard
                let row = try db.query(
                    "select id, kind, advertiser_id from api_key where hash = $1 and expires_at > $2",
                    [.bytea(hash), .timestamptz(micros: now.micros)]
                ).first
            else { return nil }
            let name = "key:\(try row.int32("id"))"
            switch try row.string("kind") {
            case "retailer": return Actor(name: name, retailerRoles: [.admin])
            case "advertiser":
                return Actor(
                    name: name,
                    memberships: [.init(advertiser: try row.int32("advertiser_id"), role: .advertiserManager)])
            default: return nil
            }
        }
    }
}
