import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves a folder's feeds at the address where the demo shop will, while the retailer is being set up: the shop itself
/// is not there yet.
enum FeedHost {
    /// - Parameters:
    ///   - files: what is answered at each path.
    static func run<R>(port: Int, files: [String: Data], _ work: () async throws -> R) async throws -> R {
        let bodies = files.mapValues { ByteBuffer(bytes: $0) }
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(FeedResponder(bodies: bodies))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        do {
            let result = try await work()
            try await channel.close()
            return result
        } catch {
            try? await channel.close()
            throw error
        }
    }
}

private final class FeedResponder: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let bodies: [String: ByteBuffer]
    private var path = ""

    init(bodies: [String: ByteBuffer]) { self.bodies = bodies }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): path = head.uri
        case .body: break
        case .end:
            let body = bodies[path]
            let head = HTTPResponseHead(
                version: .http1_1, status: body == nil ? .notFound : .ok,
                headers: [
                    "content-type": "application/xml; charset=utf-8",
                    "content-length": "\(body?.readableBytes ?? 0)", "connection": "close",
                ])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            if let body { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
