import Foundation
import ManagementAPI
import Outbound

/// Calls the management API as any other program would: with a key, over HTTP.
struct ManagementClient: Sendable {
    struct Answer: Sendable {
        var status: Int
        var json: JSONValue
        var etag: String?

        subscript(_ member: String) -> JSONValue? {
            if case .object(let members) = json { members[member] } else { nil }
        }

        func text(_ member: String) -> String? { if case .string(let text)? = self[member] { text } else { nil } }
    }

    let base: String
    let key: String
    private let outbound: OutboundClient

    /// - Parameter base: address of the management listener; plain http and private addresses are its operator's choice.
    init(base: String, key: String) throws {
        guard let host = URL(string: base)?.host() else {
            throw Refusal("\(base) is not an address like http://127.0.0.1:8081.")
        }
        self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
        self.key = key
        outbound = OutboundClient(policy: OutboundPolicy(allowedHosts: [host]))
    }

    func get(_ path: String) async throws -> Answer { try await call(.get, path) }

    func post(_ path: String, _ body: [String: JSONValue] = [:], match: String? = nil) async throws -> Answer {
        try await call(.post, path, json: body, match: match)
    }

    func put(_ path: String, _ body: [String: JSONValue]) async throws -> Answer {
        try await call(.put, path, json: body)
    }

    func patch(_ path: String, _ body: [String: JSONValue], match: String?) async throws -> Answer {
        try await call(.patch, path, json: body, match: match)
    }

    func upload(_ path: String, _ bytes: [UInt8]) async throws -> Answer {
        try await call(.post, path, bytes: bytes, type: "application/octet-stream")
    }

    private func call(
        _ method: OutboundRequest.Method, _ path: String, json: [String: JSONValue]? = nil, bytes: [UInt8] = [],
        type: String = "application/json", match: String? = nil
    ) async throws -> Answer {
        var headers = [("Authorization", "Bearer \(key)"), ("Accept", "application/json")]
        if method != .get { headers.append(("Content-Type", type)) }
        if let match { headers.append(("If-Match", match)) }
        let body = json.map { Array(JSONValue.object($0).canonicalText.utf8) } ?? bytes
        let answer = try await outbound.send(
            OutboundRequest(
                method, base + path, headers: headers, body: body, maximumBytes: 16 << 20, timeout: .seconds(60)))
        return Answer(
            status: answer.status, json: JSONValue.parse(answer.body) ?? .null, etag: answer.header("ETag"))
    }

    /// One step of a path, escaped.
    static func step(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "-._~"))) ?? text
    }
}
