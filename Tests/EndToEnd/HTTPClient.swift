import Foundation
import FoundationNetworking
import Testing

/// A client that follows no redirect, keeps no cookie, and holds every answer against the OpenAPI documents.
struct HTTPClient: Sendable {
    let base: URL
    let document: OpenAPIDocument
    private let session: URLSession

    init(base: URL, document: OpenAPIDocument) {
        self.base = base
        self.document = document
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpShouldSetCookies = false
        configuration.httpCookieAcceptPolicy = .never
        configuration.timeoutIntervalForRequest = 15
        session = URLSession(configuration: configuration, delegate: RedirectsStay(), delegateQueue: nil)
    }

    struct Answer: Sendable {
        var status: Int
        var headers: [String: String]
        var body: Data

        var json: JSONValue {
            JSONValue(try? JSONSerialization.jsonObject(with: body, options: [.fragmentsAllowed]))
        }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    func send(
        _ method: String, _ path: String, json: String? = nil, headers: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        guard let url = URL(string: path, relativeTo: base) else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        // A person's browser: what robots send is stored but never billed.
        request.setValue(
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", forHTTPHeaderField: "User-Agent")
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        if let json {
            request.httpBody = Data(json.utf8)
            if headers["Content-Type"] == nil {
                request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            }
        }
        let (body, response) = try await session.data(for: request)
        guard let http = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        var received: [String: String] = [:]
        for (name, value) in http.allHeaderFields { received["\(name)".lowercased()] = "\(value)" }
        let answer = Answer(status: http.statusCode, headers: received, body: body)
        let findings = document.findings(
            method: method, path: url.path, status: answer.status, contentType: received["content-type"], body: body)
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))", sourceLocation: sourceLocation)
        return answer
    }

    func get(
        _ path: String, headers: [String: String] = [:], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        try await send("GET", path, headers: headers, sourceLocation: sourceLocation)
    }

    func post(
        _ path: String, _ json: String, headers: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        try await send("POST", path, json: json, headers: headers, sourceLocation: sourceLocation)
    }
}

private final class RedirectsStay: NSObject, URLSessionTaskDelegate, Sendable {
    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}
