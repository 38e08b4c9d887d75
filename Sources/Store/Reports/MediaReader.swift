import Postgres

/// Reads pictures for the media listener.
public struct MediaReader: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// The bytes of a picture; nil when there is none of that hash and type.
    public func bytes(sha256: [UInt8], contentType: String) async throws -> [UInt8]? {
        try await pool.withConnection { connection in
            try connection.query(
                "select bytes from media where sha256 = $1 and content_type = $2",
                [.bytea(sha256), .text(contentType)]
            ).first?.bytes("bytes")
        }
    }

    /// Whether there is such a picture.
    public func exists(sha256: [UInt8], contentType: String) async throws -> Bool {
        try await pool.withConnection { connection in
            try !connection.query(
                "select 1 from media where sha256 = $1 and content_type = $2", [.bytea(sha256), .text(contentType)]
            ).isEmpty
        }
    }
}
