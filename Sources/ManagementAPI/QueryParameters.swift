import Foundation
import Hummingbird

/// The decoded query parameters of a request, in order, repeats kept.
enum QueryParameters {
    /// Bytes of a query string that are read.
    static let limit = 4_096

    static func decode(_ query: String?) throws(Problem) -> [(name: String, value: String)] {
        guard let query, !query.isEmpty else { return [] }
        guard query.utf8.count <= limit else {
            throw Problem(
                status: .uriTooLong, code: "query_too_long", title: "Query too long",
                detail: "At most \(limit) bytes of query.")
        }
        var result: [(name: String, value: String)] = []
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(pair[0]), let value = decoded(pair.count == 2 ? pair[1] : "") else {
                throw Problem(
                    status: .badRequest, code: "invalid_parameter", title: "Invalid parameter",
                    detail: "A parameter is not percent-encoded UTF-8.", field: String(pair[0].prefix(64)))
            }
            result.append((name, value))
        }
        return result
    }

    private static func decoded(_ text: Substring) -> String? {
        text.replacing("+", with: " ").removingPercentEncoding
    }
}
