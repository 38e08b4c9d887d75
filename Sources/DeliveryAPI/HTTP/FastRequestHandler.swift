import AdModel
import NIOCore
import NIOHTTP1

/// Reads `POST /v1/placements` without the general HTTP parser, as long as a connection sends nothing else.
///
/// What this reader takes is the plainest form of the request and nothing that could be read in two ways: the exact
/// request line, header lines of `name: value` with CRLF, one decimal Content-Length, `application/json` (or
/// `text/plain`, which pages send to spare the preflight), no
/// Transfer-Encoding, Expect, Upgrade, Content-Encoding or `Connection: close`. The first bytes that are anything else
/// go, unread, to NIO's parser, and so does all that follows on that connection: the two never take turns, so there
/// is no message boundary that they could disagree about.
final class FastRequestHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    static let requestLine: StaticString = "POST /v1/placements HTTP/1.1\r\n"

    private let connection: ConnectionHandler
    private let limits: HTTPLimits
    /// Pieces of one request that are put together here; past it the general parser takes over, because every piece
    /// makes this reader start anew.
    static let pieceLimit = 8

    /// Bytes of a request that has not come whole.
    private var waiting: ByteBuffer?
    private var pieces = 0
    /// `User-Agent` of the request before.
    private var agent: String?
    private var isHandedOver = false

    init(_ connection: ConnectionHandler, limits: HTTPLimits) {
        self.connection = connection
        self.limits = limits
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isHandedOver else {
            context.fireChannelRead(data)
            return
        }
        var buffer = unwrapInboundIn(data)
        if var before = waiting {
            waiting = nil
            before.writeBuffer(&buffer)
            buffer = before
        }
        while buffer.readableBytes > 0 {
            switch FastRequest.read(buffer.readableBytesView, limits: limits, agent: agent) {
            case .complete(let facts, let bodyStart, let end):
                let body = buffer.getSlice(at: buffer.readerIndex + bodyStart, length: end - bodyStart) ?? ByteBuffer()
                buffer.moveReaderIndex(forwardBy: end)
                pieces = 0
                agent = facts.userAgent
                connection.take(facts, body: body)
            case .incomplete where pieces < Self.pieceLimit:
                pieces += 1
                waiting = buffer
                connection.isReceiving()
                return
            case .incomplete, .notPlain:
                isHandedOver = true
                context.fireChannelRead(wrapInboundOut(buffer))
                return
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        waiting = nil
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The rest of a request that will not come is the general parser's to refuse.
        if case .some(ChannelEvent.inputClosed) = event as? ChannelEvent { handOver(context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func handOver(_ context: ChannelHandlerContext) {
        isHandedOver = true
        guard let bytes = waiting else { return }
        waiting = nil
        context.fireChannelRead(wrapInboundOut(bytes))
    }
}

/// What the first bytes of a buffer are.
enum FastRequest {
    /// A whole plain request: where its body starts and where it ends.
    case complete(HeadFacts, bodyStart: Int, end: Int)
    /// The beginning of what may become one.
    case incomplete
    /// Something for the general parser.
    case notPlain

    /// - Parameter agent: `User-Agent` of the request before on the connection, used again when it is the same.
    static func read(_ view: ByteBufferView, limits: HTTPLimits, agent: String? = nil) -> FastRequest {
        view.withUnsafeBytes { read($0, limits: limits, agent: agent) }
    }

    /// Every byte is looked at through the bounds of `bytes`.
    static func read(_ bytes: UnsafeRawBufferPointer, limits: HTTPLimits, agent: String? = nil) -> FastRequest {
        let line = FastRequestHandler.requestLine
        let lineCount = line.utf8CodeUnitCount
        let compared = min(lineCount, bytes.count)
        for i in 0..<compared where bytes[i] != line.utf8Start[i] { return .notPlain }
        guard bytes.count >= lineCount else { return .incomplete }
        var facts = HeadFacts()
        facts.userAgent = agent
        var hasAgent = false
        var at = lineCount
        var lines = 0
        var length: Int?
        while true {
            // The head must fit the limits of the general parser, which then says so.
            guard at < limits.headBytes, lines < limits.headLines else { return .notPlain }
            guard at + 1 < bytes.count else { return .incomplete }
            if bytes[at] == 0x0D {
                guard bytes[at + 1] == 0x0A else { return .notPlain }
                at += 2
                break
            }
            guard let end = lineEnd(bytes, from: at, limit: limits.headBytes) else { return .notPlain }
            guard end >= 0 else { return .incomplete }
            switch header(bytes, at..<end, &facts, &length, &hasAgent) {
            case .fine: break
            case .notPlain: return .notPlain
            }
            at = end + 2
            lines += 1
        }
        guard let length, facts.contentType != nil else { return .notPlain }
        if !hasAgent { facts.userAgent = nil }
        guard bytes.count - at >= length else { return .incomplete }
        return .complete(facts, bodyStart: at, end: at + length)
    }

    /// Index of the CR that ends a line; -1 when the line has not come whole; nil when it holds anything but
    /// printable ASCII and tabs, or a CR without LF.
    private static func lineEnd(_ bytes: UnsafeRawBufferPointer, from start: Int, limit: Int) -> Int? {
        var i = start
        while i < bytes.count {
            let byte = bytes[i]
            if byte == 0x0D {
                guard i + 1 < bytes.count else { return -1 }
                return bytes[i + 1] == 0x0A ? i : nil
            }
            guard (byte >= 0x20 && byte < 0x7F) || byte == 0x09, i < limit else { return nil }
            i += 1
        }
        return -1
    }

    private enum Verdict { case fine, notPlain }

    private static func isSame(_ text: String, _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        text.utf8.withContiguousStorageIfAvailable { known in
            known.count == range.count && known.elementsEqual(UnsafeRawBufferPointer(rebasing: bytes[range]))
        } ?? false
    }

    private static func header(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>, _ facts: inout HeadFacts, _ length: inout Int?,
        _ hasAgent: inout Bool
    ) -> Verdict {
        var colon = line.lowerBound
        while colon < line.upperBound, isNameByte(bytes[colon]) { colon += 1 }
        guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == 0x3A else { return .notPlain }
        var from = colon + 1
        var to = line.upperBound
        while from < to, bytes[from] == 0x20 || bytes[from] == 0x09 { from += 1 }
        while to > from, bytes[to - 1] == 0x20 || bytes[to - 1] == 0x09 { to -= 1 }
        func named(_ word: StaticString) -> Bool {
            equals(UnsafeRawBufferPointer(rebasing: bytes[line.lowerBound..<colon]), word)
        }
        func value() -> String { String(decoding: UnsafeRawBufferPointer(rebasing: bytes[from..<to]), as: UTF8.self) }
        func isValue(_ word: StaticString) -> Bool {
            equals(UnsafeRawBufferPointer(rebasing: bytes[from..<to]), word)
        }
        switch colon - line.lowerBound {
        case 6:
            if named("origin") {
                if facts.origin != nil { return .notPlain }
                facts.origin = value()
            } else if named("cookie") {
                if facts.cookie != nil { return .notPlain }
                facts.cookie = value()
            } else if named("expect") {
                return .notPlain
            }
        case 7: if named("upgrade") { return .notPlain }
        case 10:
            if named("user-agent") {
                if hasAgent { return .notPlain }
                hasAgent = true
                // A connection keeps saying the same.
                if facts.userAgent.map({ isSame($0, bytes, from..<to) }) != true { facts.userAgent = value() }
            } else if named("connection"), !isValue("keep-alive") {
                return .notPlain
            }
        case 12:
            if named("content-type") {
                guard facts.contentType == nil else { return .notPlain }
                if isValue("application/json") {
                    facts.contentType = "application/json"
                } else if isValue("text/plain") {
                    facts.contentType = "text/plain"
                } else {
                    return .notPlain
                }
            }
        case 14:
            if named("content-length") {
                guard length == nil, let count = decimal(bytes, from..<to) else { return .notPlain }
                length = count
            }
        case 15:
            if named("x-forwarded-for") {
                facts.forwardedFor = facts.forwardedFor.map { $0 + "," + value() } ?? value()
            }
        case 16:
            if named("content-encoding") || named("proxy-connection") { return .notPlain }
        case 17: if named("transfer-encoding") { return .notPlain }
        default: break
        }
        return .fine
    }

    /// One to five digits within the limit of the body.
    private static func decimal(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
        guard range.count >= 1, range.count <= 5 else { return nil }
        var value = 0
        for i in range {
            guard bytes[i] &- 0x30 <= 9 else { return nil }
            value = value * 10 + Int(bytes[i] &- 0x30)
        }
        return value <= Limits.placementsBody ? value : nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
        default: false
        }
    }

    private static func equals(_ bytes: UnsafeRawBufferPointer, _ lowercase: StaticString) -> Bool {
        guard bytes.count == lowercase.utf8CodeUnitCount else { return false }
        for i in 0..<bytes.count {
            let byte = bytes[i]
            let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if folded != lowercase.utf8Start[i] { return false }
        }
        return true
    }
}
