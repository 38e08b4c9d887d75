import Foundation
import FoundationNetworking
import Logging
import ManagementAPI
import TestKit

/// A running server of one test and a client for it.
struct HTTPProbe {
    init(port: Int) { self.port = port }

    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: Data

        var text: String { String(decoding: body, as: UTF8.self) }
        var json: [String: Any] { (try? JSONSerialization.jsonObject(with: body) as? [String: Any]) ?? [:] }
        subscript(_ member: String) -> String { json[member].map { "\($0)" } ?? "" }
    }

    let port: Int
    private let session = URLSession(configuration: .ephemeral)

    func get(_ path: String, key: String? = nil, headers: [String: String] = [:]) async throws -> Answer {
        guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.cachePolicy = .reloadIgnoringLocalAndRemoteCacheData
        if let key { request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization") }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await session.data(for: request)
        guard let http = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        var fields: [String: String] = [:]
        for (name, value) in http.allHeaderFields { fields["\(name)".lowercased()] = "\(value)" }
        return Answer(status: http.statusCode, headers: fields, body: data)
    }

    /// Any method, with a body.
    func send(
        _ method: String, _ path: String, key: String? = nil, body: Data? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.httpBody = body
        if let key { request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization") }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await session.data(for: request)
        guard let http = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        var fields: [String: String] = [:]
        for (name, value) in http.allHeaderFields { fields["\(name)".lowercased()] = "\(value)" }
        return Answer(status: http.statusCode, headers: fields, body: data)
    }

    /// Runs `body` against a server on a free port and ends it afterwards.
    static func with(
        _ serve: @escaping @Sendable (@escaping @Sendable (Int) async -> Void) async throws -> Void,
        _ body: (HTTPProbe) async throws -> Void
    ) async throws {
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let server = Task { try await serve { announce.yield($0) } }
        var iterator = ports.makeAsyncIterator()
        let port = await iterator.next() ?? 0
        let probe = HTTPProbe(port: port)
        // Connections kept open would make the server wait for them.
        defer { probe.session.invalidateAndCancel() }
        do { try await body(probe) } catch {
            server.cancel()
            _ = await server.result
            throw error
        }
        probe.session.invalidateAndCancel()
        server.cancel()
        _ = await server.result
    }
}
