import HTTPTypes
import Hummingbird
import NIOCore

/// Answers of the shop, with the headers that every page has.
struct ShopReply: Sendable {
    let options: DemoShopOptions

    /// Nothing but the shop's own files and the ad server's may run, load or be called.
    /// - Parameter pictures: origins of the product pictures that lie elsewhere.
    func policy(pictures: [String] = []) -> String {
        let images = (["'self'", options.deliveryURL, options.mediaURL] + pictures).joined(separator: " ")
        return [
            "default-src 'none'", "script-src 'self' \(options.deliveryURL)", "style-src 'self' \(options.deliveryURL)",
            "img-src \(images)", "connect-src 'self' \(options.deliveryURL)", "form-action 'self'", "base-uri 'none'",
            "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types nimb",
        ].joined(separator: "; ")
    }

    func page(_ html: String, status: HTTPResponse.Status = .ok, pictures: [String] = [], cookies: [String] = [])
        -> Response
    {
        var headers = headers(cookies)
        headers[.contentType] = "text/html; charset=utf-8"
        headers[.contentSecurityPolicy] = policy(pictures: pictures)
        if status == .serviceUnavailable { headers[.retryAfter] = "3" }
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    /// 303: what was posted is not posted again by a reload.
    func redirect(_ path: String, cookies: [String] = []) -> Response {
        var headers = headers(cookies)
        headers[.location] = path
        return Response(status: .seeOther, headers: headers)
    }

    func json(_ text: String, cookies: [String] = []) -> Response {
        var headers = headers(cookies)
        headers[.contentType] = "application/json"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// A file that never changes under its address.
    func file(_ bytes: [UInt8], type: String, seconds: Int) -> Response {
        var headers = headers([])
        headers[.contentType] = type
        headers[.cacheControl] = "public, max-age=\(seconds)"
        headers[.contentSecurityPolicy] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        if let name = HTTPField.Name("Cross-Origin-Resource-Policy") { headers[name] = "cross-origin" }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    private func headers(_ cookies: [String]) -> HTTPFields {
        var headers: HTTPFields = [.cacheControl: "no-store", .xContentTypeOptions: "nosniff"]
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "strict-origin-when-cross-origin" }
        for cookie in cookies { headers.append(HTTPField(name: .setCookie, value: cookie)) }
        return headers
    }
}
