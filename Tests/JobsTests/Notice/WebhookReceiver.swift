import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A real HTTP server that remembers what it got and answers what it is told.
final class WebhookReceiver: Sendable {
    struct Received: Sendable {
        var path: String
        var headers: [String: String]
        var body: String
    }

    private struct State {
        var received: [Received] = []
        var statuses: [Int] = []
        var location: String?
    }

    private let state = Mutex(State())
    private let channel: any Channel
    let port: Int

    var received: [Received] { state.withLock { $0.received } }

    /// Statuses of the next answers; 200 afterwards.
    func answer(_ statuses: [Int], location: String? = nil) {
        state.withLock {
            $0.statuses = statuses
            $0.location = location
        }
    }

    private init(_ channel: any Channel, _ box: Box) {
        self.channel = channel
        port = channel.localAddress?.port ?? 0
        box.receiver.withLock { $0 = self }
    }

    private final class Box: Sendable {
        let receiver = Mutex<WebhookReceiver?>(nil)
    }

    static func start() async throws -> WebhookReceiver {
        let box = Box()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(box: box))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return WebhookReceiver(channel, box)
    }

    func stop() async throws { try await channel.close() }

    private func take(_ received: Received) -> (status: Int, location: String?) {
        state.withLock {
            $0.received.append(received)
            return ($0.statuses.isEmpty ? 200 : $0.statuses.removeFirst(), $0.location)
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let box: Box
        private var head: HTTPRequestHead?
        private var body = ""

        init(box: Box) { self.box = box }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body = ""
            case .body(let buffer): body += String(buffer: buffer)
            case .end:
                guard let head, let receiver = box.receiver.withLock({ $0 }) else { return }
                var headers: [String: String] = [:]
                for (name, value) in head.headers { headers[name.lowercased()] = value }
                let (status, location) = receiver.take(Received(path: head.uri, headers: headers, body: body))
                var fields = HTTPHeaders([("Content-Length", "0")])
                if let location { fields.add(name: "Location", value: location) }
                context.write(
                    wrapOutboundOut(
                        .head(HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: fields))),
                    promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
