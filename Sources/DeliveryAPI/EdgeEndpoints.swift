import AdModel
import Decisioning
import Measurement
import NIOCore
import NIOHTTP1
import Store
import Telemetry

/// One event loop's endpoints: from a whole request to its answer.
final class EdgeEndpoints: EdgeRouter {
    private let environment: DeliveryEnvironment
    private let placements: PlacementsEndpoint
    private let events: EventsEndpoint
    private let server: ServerEndpoint
    private var writer = AnswerWriter()
    private let isStopping: @Sendable () -> Bool

    init(_ environment: DeliveryEnvironment, isStopping: @escaping @Sendable () -> Bool) {
        self.environment = environment
        self.isStopping = isStopping
        placements = PlacementsEndpoint(environment)
        events = EventsEndpoint(environment)
        server = ServerEndpoint(environment)
    }

    var nowMicros: Int64 { environment.clock().micros }

    func route(_ head: HTTPRequestHead) -> Result<Route, RouteRefusal> {
        RouteTable.route(method: head.method, uri: head.uri)
    }

    func allowsOrigin(_ origin: String) -> Bool {
        environment.settings.corsOrigins.contains(origin)
            || environment.serving.state?.origins.contains(origin) ?? false
    }

    func handle(_ request: EdgeRequest, into out: inout ByteBuffer, reply: ReplySlot) -> Handled {
        do throws(Problem) {
            return try dispatch(request, into: &out, reply: reply)
        } catch {
            return .answer(.problem(error, requestID: request.id))
        }
    }

    private func dispatch(
        _ request: EdgeRequest, into out: inout ByteBuffer, reply: ReplySlot
    ) throws(Problem) -> Handled {
        let now = environment.clock()
        switch request.route {
        case .placements:
            let started = ContinuousClock.now
            guard case .written(let cookie) = try answerPlacements(request, now: now, reply: reply) else {
                return .later
            }
            writePlacements(cookie, request, now: now, into: &out)
            let spent = (ContinuousClock.now - started).components
            environment.counters.decisionTime.observe(
                micros: spent.seconds * 1_000_000 + spent.attoseconds / 1_000_000_000_000)
            return .written
        case .explainedPlacements:
            let (_, storefrontID) = try server.authenticate(request, now: now)
            return try explained(request, storefrontID: storefrontID, now: now, reply: reply)
        case .events: return try events.batch(request, now: now, reply: reply)
        case .pixel(let token): return try events.pixel(request, token: token, now: now, reply: reply)
        case .click(let token, let card):
            return try events.click(request, token: token, card: card, now: now, reply: reply)
        case .orders: return try server.order(request, now: now, reply: reply)
        case .adjustments(let id): return try server.adjustment(request, orderID: id, now: now, reply: reply)
        case .links: return try server.link(request, now: now, reply: reply)
        case .stock: return try server.stock(request, now: now, reply: reply)
        case .health: return .answer(health())
        case .tag(let file):
            guard let answer = environment.tag?.answer(file, request.head.headers) else {
                throw Problem(.notFound, "This server was started without the tag.")
            }
            return .answer(answer)
        case .options(let methods): return .answer(preflight(request, methods: methods))
        }
    }

    /// Decides like any other page, then has the record of the decision described.
    private func explained(
        _ request: EdgeRequest, storefrontID: Int32, now: Timestamp, reply: ReplySlot
    ) throws(Problem) -> Handled {
        guard let explain = environment.backend.explain else {
            throw Problem(.notFound, "This server was started without explanations.")
        }
        guard case .written(let cookie) = try answerPlacements(request, now: now, reply: reply) else { return .later }
        guard let record = placements.lastRecord, record.storefrontID == storefrontID else {
            throw Problem(.unauthorized, "The key is another storefront's, or nothing was decided: a preview is not.")
        }
        let body = Array(placements.out.bytes.dropLast())
        let environment = environment
        reply.loop.makeFutureWithTask { try await explain(record) }.whenComplete { result in
            var text = "null"
            switch result {
            case .success(let told): text = told
            case .failure: environment.counters.databaseFailures.add()
            }
            // The ads are decided and counted, so the page gets them also when nobody can say why.
            var answer = Answer.json(body + Array(",\"explain\":\(text)}".utf8))
            if let cookie { answer.headers.append(("set-cookie", cookie)) }
            reply.send(answer)
        }
        return .later
    }

    private func answerPlacements(
        _ request: EdgeRequest, now: Timestamp, reply: ReplySlot
    ) throws(Problem) -> PlacementsEndpoint.Outcome {
        let outcome = try placements.answer(request, now: now)
        if case .asks(let version) = outcome { fetchPreview(version, request, now: now, reply: reply) }
        return outcome
    }

    /// Asks the database for the creative of a preview, off the loop, and answers when it is there. A database that
    /// is away shows as a creative that nobody knows.
    private func fetchPreview(_ version: Int32, _ request: EdgeRequest, now: Timestamp, reply: ReplySlot) {
        let ask = environment.backend.previewCreative
        let environment = environment
        reply.loop.makeFutureWithTask { try await ask?(version, now) }.assumeIsolated().whenComplete { result in
            if case .failure = result { environment.counters.databaseFailures.add() }
            environment.previews.put(try? result.get(), versionID: version, now: now)
            do throws(Problem) {
                guard case .written(let cookie) = try self.placements.answer(request, now: now) else {
                    throw Problem(.databaseUnavailable, "The preview is asked for by too many; try again.")
                }
                var answer = Answer.json(Array(self.placements.out.bytes))
                if let cookie { answer.headers.append(("set-cookie", cookie)) }
                reply.send(answer)
            } catch {
                reply.send(.problem(error, requestID: request.id))
            }
        }
    }

    private func writePlacements(_ cookie: String?, _ request: EdgeRequest, now: Timestamp, into out: inout ByteBuffer)
    {
        writer.start(200, request.frame, nowMicros: now.micros, into: &out)
        if let cookie {
            out.writeStaticString("set-cookie: ")
            out.writeString(cookie)
            out.writeStaticString("\r\n")
        }
        out.writeStaticString(
            "content-type: application/json\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\ncontent-length: "
        )
        let body = placements.out.bytes
        out.writeString(String(body.count))
        out.writeStaticString("\r\n\r\n")
        out.writeBytes(body)
    }

    private func preflight(_ request: EdgeRequest, methods: String) -> Answer {
        var answer = Answer(status: 204, contentType: "", body: [], headers: [("allow", methods)])
        if request.frame.allowedOrigin != nil, request.head.headers.contains(name: "access-control-request-method") {
            answer.headers.append(("access-control-allow-methods", methods))
            answer.headers.append(("access-control-allow-headers", "content-type"))
            answer.headers.append(("access-control-max-age", "86400"))
        }
        return answer
    }

    /// 200 when requests can be served, 503 while they cannot; the body says what is missing.
    private func health() -> Answer {
        let state = environment.serving.state
        let stopping = isStopping()
        let ready = state != nil && !stopping
        var out = JSONOut()
        out.raw("{\"status\":\"\(ready ? "ready" : stopping ? "stopping" : "starting")\",\"node\":")
        out.raw("\(environment.settings.nodeID),\"snapshot_version\":")
        out.raw(state.map { String($0.data.input.version) } ?? "null")
        out.raw(",\"stock_version\":")
        out.raw(state.map { String($0.stock.version) } ?? "null")
        out.raw(",\"line_items\":\(state?.snapshot.lines.count ?? 0)}")
        return .json(out.bytes, status: ready ? 200 : 503)
    }
}
