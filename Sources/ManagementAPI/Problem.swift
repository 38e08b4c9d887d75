import HTTPTypes
import Hummingbird
import NIOCore

/// An RFC 9457 problem: what every refused request of this listener is answered with.
struct Problem: Error {
    var status: HTTPResponse.Status
    /// Stable word that programs may branch on.
    var code: String
    var title: String
    var detail: String
    /// The parameter at fault, when there is one.
    var field: String?
    var headers: HTTPFields = [:]

    func response(requestID: String) -> Response {
        var json = JSONText()
        json.object {
            $0.member("type", "https://nimb.dev/problems/\(code)")
            $0.member("title", title)
            $0.member("status", Int64(status.code))
            $0.member("code", code)
            $0.member("detail", detail)
            if let field { $0.member("field", field) }
            $0.member("request_id", requestID)
        }
        var headers = headers
        headers[.contentType] = "application/problem+json"
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: json.text)))
    }

    static let notFound = Problem(
        status: .notFound, code: "not_found", title: "Not found", detail: "There is nothing at this address.")
    static let unavailable = Problem(
        status: .serviceUnavailable, code: "unavailable", title: "Temporarily unavailable",
        detail: "The data base does not answer; try again later.", headers: [.retryAfter: "5"])
    static let internalError = Problem(
        status: .internalServerError, code: "internal_error", title: "Internal error",
        detail: "The request failed; give the request id to the operator.")

    /// Bad and missing keys look alike, so that nothing can be learnt about existing keys.
    static let unauthorized = Problem(
        status: .unauthorized, code: "unauthorized", title: "Not authorised",
        detail: "Send a valid advertiser API key: Authorization: Bearer nk_adv_...",
        headers: [.wwwAuthenticate: "Bearer"])
}

extension HTTPField.Name {
    /// `X-Request-Id`, a constant that is a valid name.
    static let requestID = HTTPField.Name("X-Request-Id") ?? .server
}
