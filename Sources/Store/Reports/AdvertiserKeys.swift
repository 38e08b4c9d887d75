import AdModel
import Crypto
import Postgres

/// Who an advertiser's API key speaks for.
public struct AdvertiserIdentity: Equatable, Sendable {
    public var id: Int32
    public var code: String

    public init(id: Int32, code: String) {
        self.id = id
        self.code = code
    }
}

/// Finds advertisers by API key. Keys are stored as hashes only.
public struct AdvertiserKeys: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// The advertiser of a presented key; nil for a key that is unknown, of another kind or expired.
    public func advertiser(ofKey key: String, now: Timestamp) async throws -> AdvertiserIdentity? {
        let hash = Array(SHA256.hash(data: Array(key.utf8)))
        return try await pool.withConnection { connection in
            let rows = try connection.query(
                """
                select a.id, a.code from api_key k join advertiser a on a.id = k.advertiser_id
                where k.hash = $1 and k.kind = 'advertiser' and k.expires_at > $2
                """, [.bytea(hash), .timestamptz(micros: now.micros)])
            guard let row = rows.first else { return nil }
            return AdvertiserIdentity(id: try row.int32("id"), code: try row.string("code"))
        }
    }
}
