import AdModel
import Crypto
import Postgres

/// A picture that is stored, without its bytes.
public struct StoredMedia: Equatable, Sendable {
    /// 64 lower-case hexadecimal digits of the SHA-256 of the stored bytes: the picture's public id.
    public var id: String
    public var contentType: String
    /// Pixels of one frame.
    public var width: Int
    public var height: Int
    /// 1 for a still picture.
    public var frames: Int
    /// Stored bytes.
    public var size: Int
    /// When the advertiser uploaded it; nil for pictures of the seed file.
    public var uploadedAt: Timestamp?
    /// Internal id of the upload, 0 without one; lists are ordered by it.
    public var ownerRow: Int64

    /// Name under `/media/` of the media listener.
    public var path: String {
        let ending = contentType == "image/jpeg" ? "jpg" : String(contentType.dropFirst("image/".count))
        return "media/\(id).\(ending)"
    }
}

/// Pictures of advertisers. The same bytes are stored once; who uploaded them owns them, and a picture that only
/// others own does not exist.
public enum MediaStore {
    /// Bytes of a stored picture.
    public static let byteLimit = 2_097_152
    /// Pictures that one advertiser may own.
    public static let ownedLimit = 10_000

    private static let columns = """
        encode(m.sha256, 'hex') as hash, m.content_type, m.width, m.height, m.frames, octet_length(m.bytes) as size,
        o.uploaded_at, coalesce(o.id, 0) as owner_row
        """

    static func record(_ row: PostgresRow) throws -> StoredMedia {
        StoredMedia(
            id: try row.string("hash"), contentType: try row.string("content_type"), width: try row.int("width"),
            height: try row.int("height"), frames: try row.int("frames"), size: try row.int("size"),
            uploadedAt: try row.microsIfPresent("uploaded_at").map { Timestamp(micros: $0) },
            ownerRow: try row.int64("owner_row"))
    }

    /// Stores a decoded picture for an advertiser; the same bytes again are the same picture.
    /// - Returns: the picture, and whether the advertiser did not have it before.
    public static func store(
        contentType: String, width: Int, height: Int, frames: Int, bytes: [UInt8], advertiser: Int32, actor: String,
        now: Timestamp, on db: isolated PostgresConnection
    ) throws -> (media: StoredMedia, isNew: Bool) {
        guard bytes.count <= byteLimit else {
            throw Refusal(.bodyTooLarge, "The picture has \(bytes.count) bytes after decoding; at most \(byteLimit).")
        }
        let hash = Array(SHA256.hash(data: bytes))
        // Two uploads of one advertiser follow each other, so that the limit holds.
        try db.query("select pg_advisory_xact_lock(hashtext('nimb media'), $1)", [.int4(advertiser)])
        let known = try db.query(
            "select 1 from media_owner where advertiser_id = $1 and sha256 = $2", [.int4(advertiser), .bytea(hash)])
        if known.isEmpty {
            let count = try db.query(
                "select count(*) as n from media_owner where advertiser_id = $1", [.int4(advertiser)]
            ).single().int64("n")
            guard count < ownedLimit else {
                throw Refusal(.conflict, "The advertiser has \(count) pictures, as many as there may be.")
            }
            try db.query(
                """
                insert into media (sha256, content_type, width, height, frames, bytes) values ($1, $2, $3, $4, $5, $6)
                on conflict (sha256) do nothing
                """,
                [.bytea(hash), .text(contentType), .int(width), .int(height), .int(frames), .bytea(bytes)])
            try db.query(
                """
                insert into media_owner (advertiser_id, sha256, uploaded_at, uploaded_by) values ($1, $2, $3, $4)
                """,
                [.int4(advertiser), .bytea(hash), .timestamptz(micros: now.micros), .text(actor)])
        }
        guard let media = try find(Hex.text(hash), advertiser: advertiser, on: db) else { throw Refusal.notFound }
        return (media, known.isEmpty)
    }

    /// A picture that the advertiser owns, or already uses in a creative; nil for everything else.
    /// - Parameter advertiser: nil = anybody whom the session sees.
    public static func find(
        _ id: String, advertiser: Int32?, on db: isolated PostgresConnection
    ) throws -> StoredMedia? {
        guard let hash = hash(of: id) else { return nil }
        return try db.query(
            """
            select \(columns) from media m
            left join media_owner o on o.sha256 = m.sha256 and ($2::int is null or o.advertiser_id = $2)
            where m.sha256 = $1 and (o.id is not null or exists (
                select 1 from creative_version v join creative c on c.id = v.creative_id
                where ($2::int is null or c.advertiser_id = $2) and m.sha256 = any(v.media_sha256)))
            order by o.id limit 1
            """, [.bytea(hash), .int4(orNull: advertiser)]
        ).first.map(record)
    }

    /// Uploads, oldest first; `advertiser` nil = of everybody whom the session sees.
    public static func list(
        advertiser: Int32?, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [StoredMedia] {
        try db.query(
            """
            select \(columns) from media_owner o join media m on m.sha256 = o.sha256
            where o.id > $1 and ($2::int is null or o.advertiser_id = $2) order by o.id limit $3
            """, [.int8(after), .int4(orNull: advertiser), .int8(limit)]
        ).map(record)
    }

    /// Pictures of a version, in its order.
    static func of(
        version: Int32, on db: isolated PostgresConnection
    ) throws -> [StoredMedia] {
        try db.query(
            """
            select \(columns) from creative_version v
            cross join lateral unnest(v.media_sha256) with ordinality s (hash, place)
            join media m on m.sha256 = s.hash
            join creative c on c.id = v.creative_id
            left join media_owner o on o.sha256 = m.sha256 and o.advertiser_id = c.advertiser_id
            where v.id = $1 order by s.place
            """, [.int4(version)]
        ).map(record)
    }

    /// The hash behind a public id; nil when it is not 64 lower-case hexadecimal digits.
    static func hash(of id: String) -> [UInt8]? {
        guard id.utf8.count == 64,
            id.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        return Hex.bytes(id)
    }
}
