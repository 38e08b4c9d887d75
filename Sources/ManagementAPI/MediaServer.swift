import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Postgres
import ServiceLifecycle
import Store

/// The media listener: uploaded pictures under an origin of their own, so that nothing in them can act in the
/// name of the shop or of the management pages.
public struct MediaServer: Service {
    private let options: ListenerOptions
    private let media: MediaReader
    private let logger: Logger
    private let onRunning: @Sendable (Int) async -> Void

    public init(
        options: ListenerOptions, pool: PostgresPool, logger: Logger,
        onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.options = options
        media = MediaReader(pool: pool)
        self.logger = logger
        self.onRunning = onRunning
    }

    /// Serves until the task is cancelled or the service group shuts down.
    public func run() async throws {
        let router = Router(context: ManagementContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: RequestScope())
        router.get("/media/{name}") { request, context in
            try await picture(named: context.parameters.get("name") ?? "", request)
        }
        try await Listener.run(router, options: options, logger: logger, onRunning: onRunning)
    }

    private func picture(named name: String, _ request: Request) async throws -> Response {
        guard let (hash, type) = Self.parse(name) else { throw Problem.notFound }
        // The name is the content's hash, so a browser that has it needs no second look.
        let tag = "\"\(name.prefix(64))\""
        var headers: HTTPFields = [
            .eTag: tag, .cacheControl: "public, max-age=31536000, immutable",
            .contentSecurityPolicy: "sandbox; default-src 'none'", .contentDisposition: "inline",
        ]
        if let policy = HTTPField.Name("Cross-Origin-Resource-Policy") { headers[policy] = "cross-origin" }
        do {
            if let known = request.headers[.ifNoneMatch], known.contains(tag) {
                guard try await media.exists(sha256: hash, contentType: type) else { throw Problem.notFound }
                return Response(status: .notModified, headers: headers)
            }
            guard let bytes = try await media.bytes(sha256: hash, contentType: type) else { throw Problem.notFound }
            headers[.contentType] = type
            return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        } catch let error as PostgresError where error.isRetryable {
            throw Problem.unavailable
        }
    }

    /// `<64 hexadecimal digits>.<extension>` as hash and content type.
    static func parse(_ name: String) -> (hash: [UInt8], contentType: String)? {
        let bytes = Array(name.utf8)
        guard (68...69).contains(bytes.count), bytes[64] == 0x2E else { return nil }
        var hash: [UInt8] = []
        hash.reserveCapacity(32)
        for i in stride(from: 0, to: 64, by: 2) {
            guard let high = nibble(bytes[i]), let low = nibble(bytes[i + 1]) else { return nil }
            hash.append(high << 4 | low)
        }
        let types = ["png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "gif": "image/gif"]
        guard let type = types[String(decoding: bytes[65...], as: UTF8.self)] else { return nil }
        return (hash, type)
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
