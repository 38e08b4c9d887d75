import AdModel
import NIOCore

/// A whole answer, before it knows its connection. For everything but the hot path, which writes its own bytes.
public struct Answer: Sendable {
    public var status: UInt16
    public var contentType: String
    public var body: [UInt8]
    /// More header lines; the values are ours, never a caller's text.
    public var headers: [(name: String, value: String)] = []
    /// The connection is closed after this answer.
    public var closes = false
    /// Pages of every origin may read it; it says nothing about anybody.
    public var isPublic = false

    public init(status: UInt16, contentType: String, body: [UInt8], headers: [(name: String, value: String)] = []) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.headers = headers
    }

    /// A JSON answer that must not be cached.
    public static func json(_ body: [UInt8], status: UInt16 = 200) -> Answer {
        Answer(
            status: status, contentType: "application/json", body: body, headers: [("cache-control", "no-store")])
    }

    /// RFC 9457.
    public static func problem(_ problem: Problem, requestID: String) -> Answer {
        var out = JSONOut()
        out.raw("{\"type\":\"https://nimb.dev/problems/\(problem.code.rawValue)\",\"title\":")
        out.string(problem.code.title)
        out.raw(",\"status\":\(problem.code.status),\"code\":\"\(problem.code.rawValue)\",\"detail\":")
        out.string(problem.detail)
        if let field = problem.field {
            out.raw(",\"field\":")
            out.string(field)
        }
        out.raw(",\"request_id\":\"\(requestID)\"}")
        var answer = Answer(
            status: problem.code.status, contentType: "application/problem+json", body: out.bytes,
            headers: [("cache-control", "no-store"), ("x-request-id", requestID)])
        if problem.code.isRetryable { answer.headers.append(("retry-after", "1")) }
        if problem.code == .unauthorized { answer.headers.append(("www-authenticate", "Bearer")) }
        return answer
    }
}

/// What an answer must repeat or obey of its request and connection.
struct AnswerFrame: Sendable {
    var keepAlive = true
    /// HEAD: the head of the answer only.
    var isHead = false
    /// Origin to allow; nil when the request had none or an unknown one.
    var allowedOrigin: String?
    /// Answers differ by origin, so caches must know.
    var variesByOrigin = false
    /// HTTP/1.0 needs to be told that the connection stays.
    var isHTTP10 = false
}

/// Serialises answers. One per event loop: it keeps the `Date` line of the current second.
struct AnswerWriter {
    private var dateSecond: Int64 = .min
    private var dateLine: [UInt8] = []

    /// Status line and the headers common to every answer.
    mutating func start(_ status: UInt16, _ frame: AnswerFrame, nowMicros: Int64, into out: inout ByteBuffer) {
        out.writeStaticString(Self.statusLine(status))
        let second = nowMicros / 1_000_000
        if second != dateSecond {
            dateSecond = second
            dateLine = Array("date: \(HTTPDate.text(unixSecond: second))\r\n".utf8)
        }
        out.writeBytes(dateLine)
        if !frame.keepAlive {
            out.writeStaticString("connection: close\r\n")
        } else if frame.isHTTP10 {
            out.writeStaticString("connection: keep-alive\r\n")
        }
        if frame.variesByOrigin {
            out.writeStaticString("vary: origin\r\n")
            if let origin = frame.allowedOrigin {
                out.writeStaticString("access-control-allow-origin: ")
                out.writeString(origin)
                out.writeStaticString(
                    "\r\naccess-control-allow-credentials: true\r\naccess-control-expose-headers: x-request-id, retry-after\r\n"
                )
            }
        }
    }

    /// The whole answer.
    mutating func write(_ answer: Answer, _ frame: AnswerFrame, nowMicros: Int64, into out: inout ByteBuffer) {
        var frame = frame
        if answer.isPublic { frame.variesByOrigin = false }
        start(answer.status, frame, nowMicros: nowMicros, into: &out)
        if answer.isPublic { out.writeStaticString("access-control-allow-origin: *\r\n") }
        for (name, value) in answer.headers {
            out.writeString(name)
            out.writeStaticString(": ")
            out.writeString(value)
            out.writeStaticString("\r\n")
        }
        if answer.status == 204 || answer.status == 304 {
            out.writeStaticString("\r\n")
            return
        }
        out.writeStaticString("content-type: ")
        out.writeString(answer.contentType)
        out.writeStaticString("\r\nx-content-type-options: nosniff\r\ncontent-length: ")
        out.writeString(String(answer.body.count))
        out.writeStaticString("\r\n\r\n")
        if !frame.isHead { out.writeBytes(answer.body) }
    }

    static func statusLine(_ status: UInt16) -> StaticString {
        switch status {
        case 200: "HTTP/1.1 200 OK\r\n"
        case 204: "HTTP/1.1 204 No Content\r\n"
        case 302: "HTTP/1.1 302 Found\r\n"
        case 304: "HTTP/1.1 304 Not Modified\r\n"
        case 400: "HTTP/1.1 400 Bad Request\r\n"
        case 401: "HTTP/1.1 401 Unauthorized\r\n"
        case 403: "HTTP/1.1 403 Forbidden\r\n"
        case 404: "HTTP/1.1 404 Not Found\r\n"
        case 405: "HTTP/1.1 405 Method Not Allowed\r\n"
        case 408: "HTTP/1.1 408 Request Timeout\r\n"
        case 409: "HTTP/1.1 409 Conflict\r\n"
        case 411: "HTTP/1.1 411 Length Required\r\n"
        case 413: "HTTP/1.1 413 Content Too Large\r\n"
        case 415: "HTTP/1.1 415 Unsupported Media Type\r\n"
        case 417: "HTTP/1.1 417 Expectation Failed\r\n"
        case 431: "HTTP/1.1 431 Request Header Fields Too Large\r\n"
        case 503: "HTTP/1.1 503 Service Unavailable\r\n"
        default: "HTTP/1.1 500 Internal Server Error\r\n"
        }
    }
}

/// RFC 9110 `IMF-fixdate`.
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func text(unixSecond: Int64) -> String {
        let day = Int32(truncatingIfNeeded: floorDivide(unixSecond, 86_400))
        let inDay = unixSecond - Int64(day) * 86_400
        let civil = Day(number: day).civil
        func two(_ n: Int64) -> String { n < 10 ? "0\(n)" : "\(n)" }
        let weekday = days[Int((day % 7 + 7) % 7)]
        return
            "\(weekday), \(two(Int64(civil.day))) \(months[civil.month - 1]) \(civil.year) \(two(inDay / 3_600)):\(two(inDay / 60 % 60)):\(two(inDay % 60)) GMT"
    }
}
