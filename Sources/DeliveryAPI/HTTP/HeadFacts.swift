import NIOHTTP1

/// The header lines that the edge looks at, found in one pass: asking `HTTPHeaders` for each name would compare
/// every name with every line.
struct HeadFacts {
    var origin: String?
    var expect: String?
    var cookie: String?
    var userAgent: String?
    var contentType: String?
    var contentLength: String?
    var authorization: String?
    /// All lines in their order, joined by commas.
    var forwardedFor: String?
    var hasTransferEncoding = false
    var hasContentEncoding = false

    /// Nothing known yet.
    init() {}

    init(_ headers: HTTPHeaders) {
        for (name, value) in headers {
            // The length alone rules out almost every comparison.
            switch name.utf8.count {
            case 6:
                if Self.same(name, "origin") {
                    origin = origin ?? value
                } else if Self.same(name, "expect") {
                    expect = expect ?? value
                } else if Self.same(name, "cookie") {
                    // HTTP/1.1 clients send one line; of several all are looked at.
                    cookie = cookie.map { $0 + ";" + value } ?? value
                }
            case 10: if Self.same(name, "user-agent") { userAgent = userAgent ?? value }
            case 12: if Self.same(name, "content-type") { contentType = contentType ?? value }
            case 13: if Self.same(name, "authorization") { authorization = authorization ?? value }
            case 14: if Self.same(name, "content-length") { contentLength = contentLength ?? value }
            case 15:
                if Self.same(name, "x-forwarded-for") { forwardedFor = forwardedFor.map { $0 + "," + value } ?? value }
            case 16: if Self.same(name, "content-encoding") { hasContentEncoding = true }
            case 17: if Self.same(name, "transfer-encoding") { hasTransferEncoding = true }
            default: break
            }
        }
    }

    private static func same(_ name: String, _ lowercase: StaticString) -> Bool {
        var place = lowercase.utf8Start
        for byte in name.utf8 {
            let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if folded != place.pointee { return false }
            place += 1
        }
        return true
    }
}
