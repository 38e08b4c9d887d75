import HTTPTypes
import Hummingbird
import NIOCore

/// What a route answers with, before it becomes a response; plain data, so that a repeated request can be answered
/// with the stored copy.
public struct Answer: Sendable {
    public var status: Int
    public var contentType: String?
    /// More headers by lower-case name: `etag`, `location`, …
    public var headers: [String: String]
    public var body: [UInt8]
    /// The body shows something once (a key, a token): it is never stored.
    public var holdsSecret = false

    public init(status: Int, contentType: String? = nil, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
    }

    /// A JSON object. `revision` becomes the `ETag` that a later write sends as `If-Match`.
    public static func json(
        status: Int = 200, revision: Int64? = nil, location: String? = nil, _ build: (inout JSONText) -> Void
    ) -> Answer {
        var json = JSONText()
        json.object(build)
        var answer = Answer(status: status, contentType: "application/json", body: Array(json.text.utf8))
        if let revision { answer.headers["etag"] = Self.tag(revision) }
        if let location { answer.headers["location"] = location }
        return answer
    }

    /// One page of a list. `rows` holds up to `page.fetchLimit` rows, of which at most `page.limit` are shown.
    public static func list<Row>(
        _ rows: [Row], _ call: Call, _ page: Page, id: (Row) -> Int64, _ render: (inout JSONText, Row) -> Void
    ) -> Answer {
        json { json in
            json.member("items", array: rows.prefix(page.limit)) { json, row in json.object { render(&$0, row) } }
            let last = rows.count > page.limit ? rows[page.limit - 1] : nil
            json.member("next_cursor", last.map { Cursor.seal(id($0), call.services.sealer) })
        }
    }

    public static let noContent = Answer(status: 204)

    static func tag(_ revision: Int64) -> String { "\"r\(revision)\"" }

    func response() -> Response {
        var fields: HTTPFields = [.cacheControl: "no-store"]
        if let contentType { fields[.contentType] = contentType }
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return Response(
            status: .init(code: status), headers: fields,
            body: body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
