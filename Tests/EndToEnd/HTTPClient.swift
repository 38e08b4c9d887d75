import Foundation
import TestKit
import Testing

/// A client that holds every answer against the OpenAPI documents.
struct HTTPClient: Sendable {
    let base: URL
    let document: OpenAPIDocument
    private let web = WebClient()

    init(base: URL, document: OpenAPIDocument) {
        self.base = base
        self.document = document
    }

    func send(
        _ method: String, _ path: String, json: String? = nil, headers: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> WebClient.Answer {
        guard let url = URL(string: path, relativeTo: base) else { throw URLError(.badURL) }
        let answer = try await web.send(method, url, json: json, headers: headers)
        let findings = document.findings(
            method: method, path: url.path, status: answer.status, contentType: answer.headers["content-type"],
            body: answer.body)
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))", sourceLocation: sourceLocation)
        return answer
    }

    func get(
        _ path: String, headers: [String: String] = [:], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> WebClient.Answer {
        try await send("GET", path, headers: headers, sourceLocation: sourceLocation)
    }

    func post(
        _ path: String, _ json: String, headers: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> WebClient.Answer {
        try await send("POST", path, json: json, headers: headers, sourceLocation: sourceLocation)
    }
}
