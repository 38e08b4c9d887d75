import Foundation
import FoundationNetworking

/// An HTTP client for tests: it follows no redirect, keeps no cookie, and looks like a person's browser, because what
/// robots send is stored but never billed.
public struct WebClient: Sendable {
    /// A desktop browser's `User-Agent`.
    public static let browserAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

    public struct Answer: Sendable {
        public var status: Int
        /// By lower-case name.
        public var headers: [String: String]
        public var body: Data

        public var json: JSONNode {
            JSONNode(try? JSONSerialization.jsonObject(with: body, options: [.fragmentsAllowed]))
        }
        public var text: String { String(decoding: body, as: UTF8.self) }
    }

    private let session: URLSession

    public init(timeout: TimeInterval = 15) {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpShouldSetCookies = false
        configuration.httpCookieAcceptPolicy = .never
        configuration.timeoutIntervalForRequest = timeout
        session = URLSession(configuration: configuration, delegate: RedirectsStay(), delegateQueue: nil)
    }

    /// Sends one request. With `json` the body is JSON and `Content-Type` says so unless the headers do.
    public func send(
        _ method: String, _ url: URL, json: String? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.setValue(Self.browserAgent, forHTTPHeaderField: "User-Agent")
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
        return Answer(status: http.statusCode, headers: received, body: body)
    }

    /// The same for an address in text.
    public func send(
        _ method: String, _ address: String, json: String? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        guard let url = URL(string: address) else { throw URLError(.badURL) }
        return try await send(method, url, json: json, headers: headers)
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
