import Foundation
import Store

/// The decoded query parameters of a request, in order, repeats kept.
enum QueryParameters {
    /// Bytes of a query string that are read.
    static let limit = 4_096

    static func decode(_ query: String?) throws(Refusal) -> [(name: String, value: String)] {
        guard let query, !query.isEmpty else { return [] }
        guard query.utf8.count <= limit else {
            throw Refusal(.queryTooLong, "At most \(limit) bytes of query.")
        }
        var result: [(name: String, value: String)] = []
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(pair[0]), let value = decoded(pair.count == 2 ? pair[1] : "") else {
                throw Refusal(
                    .invalidParameter, field: String(pair[0].prefix(64)), "A parameter is not percent-encoded UTF-8.")
            }
            result.append((name, value))
        }
        return result
    }

    private static func decoded(_ text: Substring) -> String? {
        text.replacing("+", with: " ").removingPercentEncoding
    }
}
