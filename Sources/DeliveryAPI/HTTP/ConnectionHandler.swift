import Measurement
import NIOCore
import NIOHTTP1
import Telemetry

/// One connection: requests in from NIO's decoder, our own bytes out, answers in the order of the requests.
///
/// An answer may come later than its request (an event is acknowledged after `fdatasync`); requests that follow on
/// the same connection are worked on meanwhile and their answers wait their turn.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// An answer that is owed.
    private struct Owed {
        var sequence: UInt64
        var frame: AnswerFrame
        /// nil until it is ready.
        var bytes: ByteBuffer?
    }

    private enum Input {
        case idle
        /// The body of a request with a route.
        case body(EdgeRequest, limit: Int)
        /// Nothing more is read as a request: the last answer is on its way or the connection is broken.
        case finished
    }

    private let edge: EdgeLoop
    private var context: ChannelHandlerContext?
    private var peer: ClientAddress?
    private var input = Input.idle
    private var owed = CircularBuffer<Owed>()
    private var nextSequence: UInt64 = 0
    private var needsFlush = false
    private var closesWhenSettled = false
    private var outputClosed = false
    private var inputClosed = false
    private var wantsRead = false
    /// Tick of the loop at which the connection is overdue.
    private(set) var deadline: Int

    init(_ edge: EdgeLoop) {
        self.edge = edge
        deadline = edge.tick + edge.shared.limits.idleSeconds
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        edge.unregister(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        peer = context.remoteAddress.flatMap(ClientAddress.init)
        if !edge.register(self) {
            edge.shared.refusedConnections.add()
            refuse(Problem(.tooManyConnections, "Try again in a moment, or use fewer connections."))
        } else if edge.draining {
            refuse(Problem(.shuttingDown, "Try again: another node will answer."))
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        input = .finished
        owed.removeAll()
        edge.unregister(self)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(ChannelEvent.inputClosed) = event as? ChannelEvent {
            inputClosed = true
            closesWhenSettled = true
            settle()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow:
            refuse(
                Problem(
                    .headersTooLarge,
                    "At most \(edge.shared.limits.headBytes) bytes in \(edge.shared.limits.headLines) lines."))
        case is HTTPParserError, is NIOHTTPDecoderError:
            refuse(Problem(.malformedRequest, "The bytes on this connection are not a valid HTTP/1.1 request."))
        default: abort()
        }
    }

    // MARK: Input

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): begin(head)
        case .body(let bytes): append(bytes)
        case .end: finishRequest()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flush()
        context.fireChannelReadComplete()
    }

    /// Reading pauses while the client does not take what it is owed.
    func read(context: ChannelHandlerContext) {
        if owed.count >= edge.shared.limits.pipelined || !context.channel.isWritable {
            wantsRead = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        resumeReading()
        context.fireChannelWritabilityChanged()
    }

    private func resumeReading() {
        guard wantsRead, let context, owed.count < edge.shared.limits.pipelined, context.channel.isWritable else {
            return
        }
        wantsRead = false
        context.read()
    }

    private func begin(_ head: HTTPRequestHead) {
        guard case .idle = input else { return }
        edge.shared.requests.add()
        var frame = AnswerFrame()
        frame.keepAlive = head.isKeepAlive && !edge.draining
        frame.isHead = head.method == .HEAD
        frame.isHTTP10 = head.version == .http1_0
        let facts = HeadFacts(head.headers)
        if let origin = facts.origin {
            frame.variesByOrigin = true
            if edge.router.allowsOrigin(origin) { frame.allowedOrigin = origin }
        }
        let route: Route
        switch edge.router.route(head) {
        case .success(let found): route = found
        case .failure(let refusal):
            // Without a body to wait for, the connection can stay.
            let hasBody = facts.contentLength != nil || facts.hasTransferEncoding
            if hasBody { frame.keepAlive = false }
            var answer = Answer.problem(refusal.problem, requestID: edge.shared.nextRequestID())
            if let allow = refusal.allow { answer.headers.append(("allow", allow)) }
            enqueue(answer, frame)
            input = hasBody ? .finished : .body(request(.health, head, facts, frame), limit: -1)
            return
        }
        let limit = route.bodyLimit
        if let problem = refusal(of: head, facts, bodyLimit: limit) {
            var closing = frame
            closing.keepAlive = false
            enqueue(Answer.problem(problem, requestID: edge.shared.nextRequestID()), closing)
            input = .finished
            return
        }
        if head.version == .http1_1, facts.expect != nil {
            var interim = ByteBuffer()
            interim.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
            send(interim, AnswerFrame(), sequence: takeSequence())
            flush()
        }
        deadline = edge.tick + edge.shared.limits.bodySeconds
        input = .body(request(route, head, facts, frame), limit: limit)
    }

    private func request(
        _ route: Route, _ head: HTTPRequestHead, _ facts: HeadFacts, _ frame: AnswerFrame
    ) -> EdgeRequest {
        EdgeRequest(
            route: route, head: head, facts: facts, body: ByteBuffer(), peer: peer, frame: frame,
            shared: edge.shared)
    }

    /// What a head says about its body, checked before the body comes.
    private func refusal(of head: HTTPRequestHead, _ facts: HeadFacts, bodyLimit: Int) -> Problem? {
        if let expect = facts.expect, expect.lowercased() != "100-continue" {
            return Problem(.expectationFailed, "Leave the Expect header out.")
        }
        if let text = facts.contentLength, let length = Int(text), length > bodyLimit {
            return Problem(.bodyTooLarge, "The body of this address may have at most \(bodyLimit) bytes.")
        }
        if bodyLimit > 0, head.method == .POST {
            guard let type = facts.contentType, Self.isJSON(type, route: head.uri) else {
                return Problem(.unsupportedMediaType, "Send the header Content-Type: application/json.")
            }
            if facts.contentLength == nil, !facts.hasTransferEncoding {
                return Problem(.lengthRequired, "Send Content-Length, or Transfer-Encoding: chunked.")
            }
            if facts.hasContentEncoding {
                return Problem(.unsupportedMediaType, "Bodies are taken without Content-Encoding.")
            }
        }
        return nil
    }

    /// `text/plain` is what pages can send to another origin without a preflight, so what they call takes it too.
    private static func isJSON(_ type: String, route: String) -> Bool {
        if type == "application/json" { return true }
        let lower = type.lowercased()
        let media = lower.split(separator: ";", maxSplits: 1).first.map { $0.filter { $0 != " " && $0 != "\t" } } ?? ""
        return media == "application/json"
            || (media == "text/plain" && (route.hasPrefix("/v1/events") || route.hasPrefix("/v1/placements")))
    }

    private func append(_ bytes: ByteBuffer) {
        guard case .body(var request, let limit) = input else { return }
        guard limit >= 0 else { return }
        guard request.body.readableBytes + bytes.readableBytes <= limit else {
            var frame = request.frame
            frame.keepAlive = false
            let problem = Problem(.bodyTooLarge, "The body of this address may have at most \(limit) bytes.")
            enqueue(Answer.problem(problem, requestID: edge.shared.nextRequestID()), frame)
            input = .finished
            return
        }
        input = .idle
        if request.body.readableBytes == 0 {
            request.body = bytes
        } else {
            request.body.writeImmutableBuffer(bytes)
        }
        input = .body(request, limit: limit)
    }

    private func finishRequest() {
        guard case .body(let request, let limit) = input else { return }
        input = request.frame.keepAlive ? .idle : .finished
        deadline = edge.tick + edge.shared.limits.idleSeconds
        if limit >= 0 { handle(request) }
    }

    private func handle(_ request: EdgeRequest) {
        let sequence = takeSequence()
        let slot = ReplySlot(self, loop: edge.loop, sequence: sequence)
        edge.out.clear()
        switch edge.router.handle(request, into: &edge.out, reply: slot) {
        case .written: send(edge.out, request.frame, sequence: sequence)
        case .answer(let answer): send(answer, request.frame, sequence: sequence)
        case .later:
            // The answer may already be here when the log was quick and this very call sent it.
            if let ready = early.removeValue(forKey: sequence) {
                send(ready, request.frame, sequence: sequence)
            } else {
                deadline = edge.tick + edge.shared.limits.answerSeconds
                owed.append(Owed(sequence: sequence, frame: request.frame, bytes: nil))
            }
        }
    }

    // MARK: Plain placement requests

    /// Part of a plain request has come.
    private var isReceivingPlain = false

    private static let plainHead = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/v1/placements")

    /// A whole request that was read without the general parser.
    func take(_ facts: HeadFacts, body: ByteBuffer) {
        guard case .idle = input else { return }
        isReceivingPlain = false
        edge.shared.requests.add()
        var frame = AnswerFrame()
        frame.keepAlive = !edge.draining
        if let origin = facts.origin {
            frame.variesByOrigin = true
            if edge.router.allowsOrigin(origin) { frame.allowedOrigin = origin }
        }
        var request = request(.placements, Self.plainHead, facts, frame)
        request.body = body
        if !frame.keepAlive { input = .finished }
        deadline = edge.tick + edge.shared.limits.idleSeconds
        handle(request)
    }

    /// Some of a request is here: the rest must come within the time of a body.
    func isReceiving() {
        guard case .idle = input else { return }
        isReceivingPlain = true
        deadline = min(deadline, edge.tick + edge.shared.limits.bodySeconds)
    }

    // MARK: Output

    private var early: [UInt64: Answer] = [:]

    private func takeSequence() -> UInt64 {
        nextSequence += 1
        return nextSequence
    }

    /// An answer that was waited for.
    func complete(_ sequence: UInt64, _ answer: Answer) {
        guard context != nil else { return }
        guard let index = owed.firstIndex(where: { $0.sequence == sequence }) else {
            if sequence == nextSequence { early[sequence] = answer }
            return
        }
        var bytes = ByteBufferAllocator().buffer(capacity: 512 + answer.body.count)
        if answer.closes || edge.draining { owed[index].frame.keepAlive = false }
        edge.writer.write(answer, owed[index].frame, nowMicros: edge.router.nowMicros, into: &bytes)
        owed[index].bytes = bytes
        while let first = owed.first, let ready = first.bytes {
            owed.removeFirst()
            write(ready, first.frame)
        }
        if owed.isEmpty { deadline = edge.tick + edge.shared.limits.idleSeconds }
        flush()
        resumeReading()
    }

    private func enqueue(_ answer: Answer, _ frame: AnswerFrame) { send(answer, frame, sequence: takeSequence()) }

    private func send(_ answer: Answer, _ frame: AnswerFrame, sequence: UInt64) {
        var frame = frame
        if answer.closes { frame.keepAlive = false }
        edge.out.clear()
        edge.writer.write(answer, frame, nowMicros: edge.router.nowMicros, into: &edge.out)
        send(edge.out, frame, sequence: sequence)
    }

    private func send(_ bytes: ByteBuffer, _ frame: AnswerFrame, sequence: UInt64) {
        if owed.isEmpty {
            write(bytes, frame)
        } else {
            owed.append(Owed(sequence: sequence, frame: frame, bytes: bytes))
        }
    }

    private func write(_ bytes: ByteBuffer, _ frame: AnswerFrame) {
        guard let context, !outputClosed else { return }
        context.write(wrapOutboundOut(bytes), promise: nil)
        needsFlush = true
        if !frame.keepAlive {
            input = .finished
            closesWhenSettled = true
            owed.removeAll()
        }
    }

    private func flush() {
        if needsFlush {
            needsFlush = false
            context?.flush()
        }
        settle()
    }

    /// Closes our side once everything owed is written. The peer's bytes are read and dropped for a moment, so
    /// that a reset does not destroy an answer that it has not read yet.
    private func settle() {
        guard closesWhenSettled, owed.isEmpty, !outputClosed, let context else { return }
        if case .body(_, let limit) = input, limit >= 0, !inputClosed { return }
        outputClosed = true
        input = .finished
        deadline = edge.tick + 2
        if inputClosed {
            context.close(promise: nil)
        } else {
            context.close(mode: .output, promise: nil)
        }
    }

    private func refuse(_ problem: Problem) {
        guard !outputClosed else { return }
        var frame = AnswerFrame()
        frame.keepAlive = false
        if case .finished = input { return }
        input = .finished
        enqueue(Answer.problem(problem, requestID: edge.shared.nextRequestID()), frame)
        flush()
    }

    // MARK: Called by the loop

    func overdue() {
        if case .body(let request, let limit) = input, limit >= 0, !outputClosed, owed.isEmpty {
            input = .finished
            var frame = request.frame
            frame.keepAlive = false
            enqueue(Answer.problem(timeout, requestID: edge.shared.nextRequestID()), frame)
            flush()
        } else if case .idle = input, isReceivingPlain, !outputClosed, owed.isEmpty {
            refuse(timeout)
        } else {
            abort()
        }
    }

    private var timeout: Problem {
        Problem(.requestTimeout, "The request must arrive within \(edge.shared.limits.bodySeconds) s.")
    }

    func drain() {
        guard owed.isEmpty else {
            closesWhenSettled = true
            return
        }
        if case .idle = input {
            closesWhenSettled = true
            settle()
        }
    }

    func abort() { context?.close(promise: nil) }
}

extension ClientAddress {
    /// Read where the socket's address holds it, without making a text of it.
    fileprivate init?(_ address: SocketAddress) {
        let place: Range<Int>
        switch address {
        // Behind family and port, and in IPv6 the flow.
        case .v4: place = 4..<8
        case .v6: place = 8..<24
        default: return nil
        }
        let found = address.withSockAddr {
            ClientAddress(bytes: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(start: $0, count: $1)[place]))
        }
        guard let found else { return nil }
        self = found
    }
}
