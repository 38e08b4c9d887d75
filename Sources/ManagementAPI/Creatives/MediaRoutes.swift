import Imaging
import Postgres
import Store

/// `/v1/media`: uploads, accepted by decoding them.
enum MediaRoutes {
    /// Bytes of an upload.
    static let uploadLimit = 8 << 20

    static func add(to table: inout RouteTable) {
        table.post("/v1/media", .campaigns, .campaigners, upload)
        table.get("/v1/media", .campaigns, .everyone, list)
        table.get("/v1/media/{id}", .campaigns, .everyone, find)
    }

    /// One for the process: what it bounds is the machine's.
    private static let decoder: PictureDecoder = {
        var limits = PictureLimits()
        limits.bytes = uploadLimit
        return PictureDecoder(limits: limits)
    }()

    @Sendable private static func upload(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let code = try query.text("advertiser", limit: 64)
        try query.finish()
        let advertiser = try await call.read { db in try Self.advertiser(code, call, on: db) }
        let type = call.header("content-type")?.lowercased() ?? ""
        guard type.hasPrefix("image/") || type.hasPrefix("application/octet-stream") else {
            throw Refusal(
                .unsupportedMediaType, "Send the picture's bytes as the body, with Content-Type: image/png or the like."
            )
        }
        let bytes = try await call.rawBody(limit: uploadLimit)
        let picture: DecodedPicture
        do {
            picture = try await decoder.decode(bytes)
        } catch {
            switch error.code {
            case .busy: throw Refusal(.unavailable, error.message + ".", retryAfter: 2)
            case .tooManyBytes: throw Refusal(.bodyTooLarge, error.message + ".")
            default: throw Refusal.field("body", error.code.rawValue, error.message + ".")
            }
        }
        return try await call.write { db, change in
            let (media, isNew) = try MediaStore.store(
                contentType: picture.contentType, width: picture.width, height: picture.height,
                frames: picture.frames, bytes: picture.bytes, advertiser: advertiser, actor: call.actor.name,
                now: call.now, on: db)
            if isNew {
                change.audit("media.uploaded", object: "media", id: media.id, advertiser: advertiser)
            } else {
                change.nothingChanged()
            }
            return .json(status: isNew ? 201 : 200, location: "/v1/media/\(media.id)") {
                CreativeJSON.media(&$0, media, base: call.services.mediaBaseURL)
            }
        }
    }

    /// Whose upload it is: named by the retailer; an advertiser's people may leave it out when they have only one.
    private static func advertiser(
        _ code: String?, _ call: Call, on db: isolated PostgresConnection
    ) throws -> Int32 {
        guard let code else {
            let own = call.actor.advertiserIDs
            guard !call.actor.isRetailer, own.count == 1 else {
                throw Refusal(.invalidParameter, field: "advertiser", "Say whose picture it is.")
            }
            return own[0]
        }
        guard let row = try db.query("select id from advertiser where code = $1", [.text(code)]).first else {
            throw Refusal(.invalidParameter, field: "advertiser", "There is no “\(code.prefix(64))”.")
        }
        return try row.int32("id")
    }

    @Sendable private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let code = try query.text("advertiser", limit: 64)
        let page = try query.page()
        try query.finish()
        return try await call.read { db in
            let advertiser = try code.map { try Self.advertiser($0, call, on: db) }
            let media = try MediaStore.list(
                advertiser: advertiser, after: page.after, limit: page.fetchLimit, on: db)
            return .list(media, call, page, id: \.ownerRow) {
                CreativeJSON.media(&$0, $1, base: call.services.mediaBaseURL)
            }
        }
    }

    @Sendable private static func find(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        return try await call.read { db in
            guard let media = try MediaStore.find(call.path("id"), advertiser: nil, on: db) else {
                throw Refusal.notFound
            }
            return .json { CreativeJSON.media(&$0, media, base: call.services.mediaBaseURL) }
        }
    }
}
