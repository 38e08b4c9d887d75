import HTTPTypes
import Hummingbird
import NIOCore
import Store

/// An RFC 9457 problem: what every refused request of this listener is answered with.
struct Problem: Error {
    var refusal: Refusal
    var headers: HTTPFields = [:]

    init(_ refusal: Refusal, headers: HTTPFields = [:]) {
        self.refusal = refusal
        self.headers = headers
        if let seconds = refusal.retryAfter { self.headers[.retryAfter] = String(seconds) }
        if refusal.code == .unauthorized { self.headers[.wwwAuthenticate] = "Bearer" }
    }

    init(_ code: RefusalCode, _ detail: String, field: String? = nil, headers: HTTPFields = [:]) {
        self.init(Refusal(code, field: field, detail), headers: headers)
    }

    func response(requestID: String) -> Response {
        let (status, title) = refusal.code.http
        var json = JSONText()
        json.object { json in
            json.member("type", "https://nimb.dev/problems/\(refusal.code.rawValue)")
            json.member("title", title)
            json.member("status", Int64(status.code))
            json.member("code", refusal.code.rawValue)
            json.member("detail", refusal.detail)
            if let field = refusal.field { json.member("field", field) }
            if !refusal.fields.isEmpty {
                json.member("errors", array: refusal.fields) { json, problem in
                    json.object {
                        $0.member("field", problem.field)
                        $0.member("code", problem.code)
                        $0.member("detail", problem.detail)
                    }
                }
            }
            json.member("request_id", requestID)
        }
        var headers = headers
        headers[.contentType] = "application/problem+json"
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: json.text)))
    }

    static let notFound = Problem(Refusal.notFound)
    static let unavailable = Problem(
        Refusal(.unavailable, "The data base does not answer; try again later.", retryAfter: 5))
    static let internalError = Problem(.internalError, "The request failed; give the request id to the operator.")

    /// Bad and missing keys look alike, so that nothing can be learnt about existing keys.
    static let unauthorized = Problem(
        .unauthorized, "Sign in, or send a valid API key: Authorization: Bearer nk_...")
}

extension HTTPField.Name {
    /// `X-Request-Id`, a constant that is a valid name.
    static let requestID = HTTPField.Name("X-Request-Id") ?? .server
}
