import NIOCore
import NIOHTTP1
import NIOPosix
import TestKit

/// One HTTP exchange per connection, which is all that a driver of browsers needs. (URLSession does not read the
/// driver's header lines, which have no space after their colons.)
enum DriverConnection {
    /// A command may wait for a page.
    private static let limit = TimeAmount.seconds(60)

    static func send(
        _ method: String, port: Int, path: String, body: String?
    ) async throws -> (status: Int, body: [UInt8]) {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(Collector(channel.eventLoop.makePromise()))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let answer = channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: Collector.self).promise.futureResult
        }.flatMap { $0 }
        let deadline = channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
        let bytes = ByteBuffer(string: body ?? "")
        var head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: path)
        head.headers = [
            "Host": "127.0.0.1:\(port)", "Content-Type": "application/json", "Connection": "close",
            "Content-Length": "\(bytes.readableBytes)",
        ]
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.write(HTTPClientRequestPart.body(.byteBuffer(bytes)), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        let result = try await answer.get()
        deadline.cancel()
        channel.close(promise: nil)
        return result
    }

    /// The one answer of a connection.
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        let promise: EventLoopPromise<(status: Int, body: [UInt8])>
        private var status = 0
        private var body: [UInt8] = []

        init(_ promise: EventLoopPromise<(status: Int, body: [UInt8])>) { self.promise = promise }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): status = Int(head.status.code)
            case .body(let bytes): body += bytes.readableBytesView
            case .end: promise.succeed((status, body))
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            promise.fail(DeadlineError(description: "the browser's driver has closed the connection"))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            promise.fail(error)
            context.close(promise: nil)
        }
    }
}
