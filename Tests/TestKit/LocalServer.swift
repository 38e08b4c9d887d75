import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A small HTTP server inside the test, on a free port of 127.0.0.1, for code that calls others.
public final class LocalServer: Sendable {
    /// One request as it came.
    public struct Request: Sendable {
        public var method: String
        /// Path and query.
        public var uri: String
        public var headers: [(name: String, value: String)]
        public var body: [UInt8]

        /// First value of a header, by name without regard to case.
        public func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    /// What is answered.
    public enum Reply: Sendable {
        case response(_ status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [])
        /// Without `Content-Length`, in pieces.
        case pieces(_ status: Int, headers: [(name: String, value: String)] = [], [[UInt8]])
        /// The head and this much of the body, then nothing more, with the connection open.
        case stall(_ status: Int, length: Int, body: [UInt8])
        /// The head and this much of the body, then the end of the connection.
        case cut(_ status: Int, length: Int, body: [UInt8])
        /// Nothing at all, with the connection open.
        case silence
        /// These bytes instead of HTTP, then the end of the connection.
        case raw([UInt8])
    }

    public typealias Handler = @Sendable (Request) -> Reply

    private let state = Mutex<[Request]>([])
    private let handler: Mutex<Handler>
    private let bound = Mutex<Int>(0)

    private init(_ handler: @escaping Handler) { self.handler = Mutex(handler) }

    public var port: Int { bound.withLock { $0 } }
    public var host: String { "127.0.0.1:\(port)" }
    public var url: String { "http://\(host)" }
    /// Everything that was asked so far.
    public var requests: [Request] { state.withLock { $0 } }

    /// Answers differently from now on.
    public func answer(_ handler: @escaping Handler) { self.handler.withLock { $0 = handler } }

    /// A server that stays until the test process ends, for what several tests share.
    public static func forProcess(_ handler: @escaping Handler) async throws -> LocalServer {
        let server = LocalServer(handler)
        _ = try await server.listen()
        return server
    }

    /// Runs `body` beside a server.
    public static func with<R>(
        _ handler: @escaping Handler, isolation: isolated (any Actor)? = #isolation,
        _ body: (LocalServer) async throws -> R
    ) async throws -> R {
        let server = LocalServer(handler)
        let channel = try await server.listen()
        do {
            let value = try await body(server)
            try await channel.close()
            return value
        } catch {
            try await channel.close()
            throw error
        }
    }

    private func listen() async throws -> any Channel {
        let server = self
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 64)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(HTTPResponseEncoder(), name: "encoder")
                    try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
                    try channel.pipeline.syncOperations.addHandler(Responder(server))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        bound.withLock { $0 = channel.localAddress?.port ?? 0 }
        return channel
    }

    private func reply(to request: Request) -> Reply {
        state.withLock { $0.append(request) }
        return handler.withLock { $0 }(request)
    }

    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let server: LocalServer
        private var head: HTTPRequestHead?
        private var body: [UInt8] = []

        init(_ server: LocalServer) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body = []
            case .body(let buffer): body += buffer.readableBytesView
            case .end:
                guard let head else { return }
                let request = Request(
                    method: head.method.rawValue, uri: head.uri,
                    headers: head.headers.map { (name: $0.name, value: $0.value) }, body: body)
                send(server.reply(to: request), context)
            }
        }

        /// What is not HTTP, for example a TLS handshake, ends the connection.
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        private func send(_ reply: Reply, _ context: ChannelHandlerContext) {
            switch reply {
            case .response(let status, let headers, let body):
                // These never have a body, so they have no length either.
                let length = status == 304 || status == 204 ? nil : body.count
                write(status, headers, length: length, [body], context)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            case .pieces(let status, let headers, let pieces):
                write(status, headers, length: nil, pieces, context)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            case .stall(let status, let length, let body): write(status, [], length: length, [body], context)
            case .cut(let status, let length, let body):
                write(status, [], length: length, [body], context)
                context.close(promise: nil)
            case .silence: break
            case .raw(let bytes):
                // A body part of an unfinished response goes out as it is; a head was never sent.
                let buffer = context.channel.allocator.buffer(bytes: bytes)
                context.pipeline.syncOperations.removeHandler(name: "encoder").assumeIsolated().whenComplete { _ in
                    context.writeAndFlush(NIOAny(buffer), promise: nil)
                    context.close(promise: nil)
                }
            }
        }

        private func write(
            _ status: Int, _ headers: [(name: String, value: String)], length: Int?, _ pieces: [[UInt8]],
            _ context: ChannelHandlerContext
        ) {
            var fields = HTTPHeaders(headers.map { ($0.name, $0.value) })
            if let length { fields.replaceOrAdd(name: "Content-Length", value: String(length)) }
            let head = HTTPResponseHead(
                version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: fields)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            for piece in pieces where !piece.isEmpty {
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: piece)))), promise: nil)
            }
            context.flush()
        }
    }
}
