import Postgres

/// Look-up of client ids that the ledger has seen, for the edge's `duplicate` and `conflict` answers.
public struct ClientIdentityStore: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// Content hash stored for a client id (`ClientContent`); nil when the ledger does not know it.
    /// - Parameter kind: `order`, `adjustment` or `signal`.
    public func contentHash(storefrontID: Int32, kind: String, clientID: String) async throws -> [UInt8]? {
        try await pool.withConnection { connection in
            let rows = try connection.query(
                """
                select content_hash from client_event_identity
                where storefront_id = $1 and kind = $2 and client_id = $3
                """, [.int4(storefrontID), .text(kind), .text(clientID)])
            return try rows.first?.bytes("content_hash")
        }
    }
}
