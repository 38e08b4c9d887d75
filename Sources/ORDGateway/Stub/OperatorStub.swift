import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// What the stub is told to do wrong, for tests and for trying things out.
public enum StubFault: Equatable, Sendable {
    /// Answers late.
    case delay(Duration)
    /// Treats the request and then never answers: what a time-out leaves behind.
    case treatThenHang
    /// Never treats it and never answers.
    case hang
    /// Treats the request and breaks the connection off in the middle of the answer.
    case treatThenCutOff
    /// Breaks the connection off without having treated anything.
    case cutOff
    /// Answers with a status and does nothing.
    case status(Int)
    /// Refuses in the operator's words.
    case refuse(code: String, field: String?, message: String)
    /// The register finds fault with a creative after all; for status questions only.
    case bad(message: String)
}

/// A small stand-in for the operator, over HTTP, in the shape of VK's interface: it keeps what it is sent in memory,
/// checks references and forms, gives tokens, and can be told to misbehave. For development and tests.
public struct OperatorStub: Service {
    /// How long a hanging answer hangs before the stub gives the connection up.
    public static let hangLimit: Duration = .seconds(60)
    /// Bytes of one request.
    public static let bodyLimit = 16 << 20

    public let book: StubBook
    private let host: String
    private let port: Int
    private let token: String
    private let logger: Logger
    private let onRunning: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - port: 0 = any free port, told to `onRunning`.
    ///   - token: what `Authorization: Bearer` must say.
    public init(
        host: String = "127.0.0.1", port: Int = 0, token: String, book: StubBook = StubBook(), logger: Logger,
        onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.host = host
        self.port = port
        self.token = token
        self.book = book
        self.logger = logger
        self.onRunning = onRunning
    }

    /// Serves until the task is cancelled or the service group shuts down.
    public func run() async throws {
        let router = Router(context: BasicRequestContext.self)
        for (kind, version) in Self.kinds {
            router.put("/\(version)/\(kind)/{id}") { request, context in
                let type = request.headers[.contentType] ?? ""
                return try await treat(request, context) {
                    await book.put(kind, $0.id, $0.body, contentType: type, path: $0.path)
                }
            }
            router.get("/\(version)/\(kind)/{id}") { request, context in
                try await treat(request, context) { await book.get(kind, $0.id, path: $0.path) }
            }
        }
        for kind in Self.kinds.map(\.kind) + ["statistics"] where kind != "media" {
            router.get("/v1/\(kind)/{id}/erir_status") { request, context in
                try await treat(request, context) { await book.status(kind, $0.id, path: $0.path) }
            }
        }
        router.get("/v1/media/{id}/info") { request, context in
            try await treat(request, context) { await book.get("media", $0.id, path: $0.path) }
        }
        router.delete("/v4/invoice/{id}") { request, context in
            try await treat(request, context) { await book.deleteAct($0.id, path: $0.path) }
        }
        router.post("/v3/statistics") { request, context in
            try await treat(request, context) { await book.addRows($0.body, path: $0.path) }
        }
        router.post("/v3/statistics/delete") { request, context in
            try await treat(request, context) { await book.deleteRows($0.body, path: $0.path) }
        }
        router.get("/v3/statistics/list") { request, context in
            let query = request.uri.queryParameters
            func number(_ name: Substring, _ fallback: Int) -> Int { query[name].flatMap { Int($0) } ?? fallback }
            let (offset, limit) = (number("offset", 0), number("limit", 100))
            let months = query["months"].map(String.init) ?? ""
            return try await treat(request, context) {
                await book.rows(months: months, offset: offset, limit: limit, path: $0.path)
            }
        }
        router.get("/v1/erir_statuses") { request, context in
            let query = request.uri.queryParameters
            let (offset, limit) = (
                query["offset"].flatMap { Int($0) } ?? 0, query["limit"].flatMap { Int($0) } ?? 10_000
            )
            return try await treat(request, context) {
                await book.statuses(offset: offset, limit: limit, path: $0.path)
            }
        }
        // Beside the operator's own addresses: faults for people who try things out.
        router.post("/stub/faults") { request, _ in try await planFault(request) }
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) }, logger: logger)
        try await application.run()
    }

    private static let kinds: [(kind: String, version: String)] = [
        ("person", "v1"), ("contract", "v1"), ("cid", "v1"), ("pad", "v1"), ("media", "v1"), ("creative", "v3"),
        ("invoice", "v4"),
    ]

    /// What a handler is told of a request.
    private struct Asked: Sendable {
        var id: String
        var path: String
        var body: [UInt8]
    }

    private func treat(
        _ request: Request, _ context: BasicRequestContext, _ answer: @Sendable (Asked) async -> StubReply
    ) async throws -> Response {
        guard request.headers[.authorization] == "Bearer \(token)" else {
            return StubReply.error(401, "common_authorization_error", nil, "no access").response
        }
        let asked = Asked(
            id: context.parameters.get("id") ?? "", path: request.uri.path,
            body: Array(buffer: try await request.body.collect(upTo: Self.bodyLimit)))
        let fault = await book.takeFault(for: "\(request.method.rawValue) \(request.uri.path)")
        switch fault {
        case .delay(let pause): try await Task.sleep(for: pause)
        case .hang:
            try await Task.sleep(for: Self.hangLimit)
            return StubReply(status: 504, json: "{}").response
        case .cutOff: return StubReply.broken
        case .status(let status): return StubReply(status: status, json: "{}").response
        case .refuse(let code, let field, let message):
            return StubReply.error(400, code, field, message).response
        case .bad(let message):
            await book.spoil(asked.path, message)
        case .treatThenHang, .treatThenCutOff, nil: break
        }
        let reply = await answer(asked)
        if fault == .treatThenHang { try await Task.sleep(for: Self.hangLimit) }
        return fault == .treatThenCutOff ? StubReply.broken : reply.response
    }

    /// `{"on": "PUT /v3/creative", "fault": "hang", "times": 1}`.
    private func planFault(_ request: Request) async throws -> Response {
        let body = Array(buffer: try await request.body.collect(upTo: 65_536))
        let object = (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any]
        let message = object?["message"] as? String ?? "told so"
        let faults: [String: StubFault] = [
            "delay": .delay(.seconds(3)), "hang": .hang, "treat_then_hang": .treatThenHang, "fail": .status(500),
            "cut_off": .cutOff, "treat_then_cut_off": .treatThenCutOff,
            "rate_limit": .status(429), "bad": .bad(message: message),
            "refuse": .refuse(code: "common_validation_error", field: object?["field"] as? String, message: message),
        ]
        guard let place = object?["on"] as? String, let fault = (object?["fault"] as? String).flatMap({ faults[$0] })
        else {
            return StubReply.error(400, "stub_fault", nil, "say on, fault and times").response
        }
        await book.plan(fault, on: place, times: object?["times"] as? Int ?? 1)
        return StubReply(status: 204, json: "").response
    }
}

/// An answer of the stub.
struct StubReply: Equatable, Sendable {
    var status: Int
    var json: String

    static func error(_ status: Int, _ code: String, _ field: String?, _ message: String) -> StubReply {
        var object: [String: String] = ["error_code": code, "message": message]
        if let field { object["field"] = field }
        return StubReply(status: status, json: encoded(object))
    }

    /// In the operator's shape, with the values at fault.
    static func error(_ problem: StubProblem, _ body: StubValue) -> StubReply {
        var object: [String: Any] = ["error_code": problem.code, "message": problem.message, "field": problem.field]
        if let value = body[problem.field], value.text != nil || value.number != nil {
            object["values"] = [value.plain]
        }
        return StubReply(status: problem.status, json: encoded(object))
    }

    /// An answer whose body never comes: the connection ends first.
    static let broken = Response(
        status: .ok, headers: [.contentType: "application/json"],
        body: ResponseBody(contentLength: 100) { _ in throw BrokenOff() })

    private struct BrokenOff: Error {}

    static func encoded(_ object: Any) -> String {
        let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    var response: Response {
        Response(
            status: .init(code: status), headers: [.contentType: "application/json"],
            body: json.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(string: json)))
    }
}
