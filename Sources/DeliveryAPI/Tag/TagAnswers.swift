import AdFormats
import Crypto
import Inflate
import NIOHTTP1

/// Answers of `/tag/…`: files that never change while the process lives, compressed and hashed once.
final class TagAnswers: Sendable {
    private struct File: Sendable {
        let contentType: String
        let plain: [UInt8]
        let zipped: [UInt8]
        /// Strong: one for each form of the bytes.
        let tags: (plain: String, zipped: String)

        init(_ text: String, _ contentType: String) {
            self.contentType = contentType
            plain = Array(text.utf8)
            zipped = GzipWriter.compress(plain) ?? []
            let hash = SHA256.hash(data: plain).prefix(12).map {
                $0 < 16 ? "0\(String($0, radix: 16))" : String($0, radix: 16)
            }
            .joined()
            tags = ("\"\(hash)\"", "\"\(hash)-gz\"")
        }
    }

    private let files: [TagFile: File]

    init(_ tag: TagFiles) {
        files = [
            .classic: File(tag.classic, "text/javascript; charset=utf-8"),
            .module: File(tag.module, "text/javascript; charset=utf-8"),
            .stylesheet: File(tag.stylesheet, "text/css; charset=utf-8"),
        ]
    }

    /// An hour without asking, a day while asking behind: a page never waits for the tag it had yesterday, and a new
    /// version is everywhere within a day.
    private static let caching = "public, max-age=3600, stale-while-revalidate=86400"

    func answer(_ name: TagFile, _ headers: HTTPHeaders) -> Answer? {
        guard let file = files[name] else { return nil }
        let isZipped = !file.zipped.isEmpty && Self.takesGzip(headers)
        let tag = isZipped ? file.tags.zipped : file.tags.plain
        var fields: [(name: String, value: String)] = [
            ("cache-control", Self.caching), ("etag", tag), ("vary", "accept-encoding"),
            ("cross-origin-resource-policy", "cross-origin"),
        ]
        let known = headers[canonicalForm: "if-none-match"]
        if known.contains(where: { $0 == "*" || $0 == tag || $0 == "W/\(tag)" }) {
            var answer = Answer(status: 304, contentType: "", body: [], headers: fields)
            answer.isPublic = true
            return answer
        }
        if isZipped { fields.append(("content-encoding", "gzip")) }
        var answer = Answer(
            status: 200, contentType: file.contentType, body: isZipped ? file.zipped : file.plain, headers: fields)
        answer.isPublic = true
        return answer
    }

    private static func takesGzip(_ headers: HTTPHeaders) -> Bool {
        headers[canonicalForm: "accept-encoding"].contains { coding in
            let parts = coding.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
            guard let name = parts.first, name == "gzip" || name == "*" else { return false }
            return !parts.dropFirst().contains { $0.wholeMatch(of: /q=0(\.0*)?/) != nil }
        }
    }
}

/// The files of the tag.
enum TagFile: String {
    case classic = "nimb.js"
    case module = "nimb.mjs"
    case stylesheet = "nimb.css"
}
