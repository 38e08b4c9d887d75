import Crypto
import Foundation
import ORD

/// One call to the operator, as a line of the bundle says it, byte for byte.
public struct BundleLine: Hashable, Sendable {
    /// What is sent before what: each object after those that it names.
    public enum Stage: Int16, CaseIterable, Comparable, Sendable {
        /// What is taken back: rows before the acts that billed them.
        case deletedRows = 1
        case deletedActs, persons, contracts, agreements, cids, pads, media, creatives, statistics, invoices

        public static func < (a: Stage, b: Stage) -> Bool { a.rawValue < b.rawValue }

        /// The word in API answers.
        public var word: String {
            switch self {
            case .deletedRows, .deletedActs: "delete"
            case .persons: "person"
            case .contracts, .agreements: "contract"
            case .cids: "cid"
            case .pads: "pad"
            case .media: "media"
            case .creatives: "creative"
            case .statistics: "statistics"
            case .invoices: "invoice"
            }
        }

        /// Whether something is taken back and not written.
        public var isDelete: Bool { self == .deletedRows || self == .deletedActs }

        /// The operator's word for asking the register about an object; nil where the register has none.
        public var registerType: String? {
            switch self {
            case .deletedRows, .deletedActs, .media: nil
            default: word
            }
        }
    }

    public var stage: Stage
    /// Our id of the object; of a statistics row `<creative>__<pad>__<YYYY-MM>-01`, as the operator calls it.
    public var externalID: String
    /// `PUT`, `POST` or `DELETE`.
    public var method: String
    /// Path below the operator's base address.
    public var path: String
    public var body: [UInt8]

    public init(stage: Stage, externalID: String, method: String, path: String, body: [UInt8]) {
        self.stage = stage
        self.externalID = externalID
        self.method = method
        self.path = path
        self.body = body
    }

    /// SHA-256 of path and body: the same object in the same form. Pictures are known by the hash of their content.
    public var fingerprint: [UInt8] {
        var body = body
        if stage == .media, let object = (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any],
            let sha256 = object["sha256"] as? String
        {
            body = Array(sha256.utf8)
        }
        return OperatorRequest(externalID: externalID, path: path, body: body).fingerprint
    }

    /// The calls of a bundle's files, in the order of sending: `deletes` first, then what others refer to.
    /// - Parameter files: names and contents; files that are no lists of calls (manifest, erids, pictures) are left out.
    /// - Throws: `FinanceError` with code `bundle_line` for a line that is no call.
    public static func read(_ files: [(name: String, bytes: [UInt8])]) throws -> [BundleLine] {
        var lines: [BundleLine] = []
        for file in files {
            guard let stem = stems[file.name] else { continue }
            for bytes in file.bytes.split(separator: 0x0A) { lines.append(try line(Array(bytes), stem)) }
        }
        return lines.enumerated().sorted { a, b in
            a.element.stage != b.element.stage ? a.element.stage < b.element.stage : a.offset < b.offset
        }.map(\.element)
    }

    private static let stems: [String: Stage] = [
        "deletes.ndjson": .deletedRows, "persons.ndjson": .persons, "contracts.ndjson": .contracts,
        "cids.ndjson": .cids, "pads.ndjson": .pads, "media.ndjson": .media, "creatives.ndjson": .creatives,
        "statistics.ndjson": .statistics, "invoices.ndjson": .invoices,
    ]

    /// Lines are written by us in one spelling (R3), so the body is cut out of them, not parsed and written again.
    private static func line(_ bytes: [UInt8], _ stage: Stage) throws -> BundleLine {
        func wrong() -> FinanceError {
            FinanceError(code: "bundle_line", message: "a line of the bundle's \(stage.word) list is not a call")
        }
        guard let object = (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any],
            let method = object["method"] as? String, let path = object["path"] as? String,
            let body = object["body"] as? [String: Any]
        else { throw wrong() }
        let head = Array(#"{"method":"\#(method)","path":"\#(path)","body":"#.utf8)
        guard bytes.starts(with: head), bytes.last == UInt8(ascii: "}") else { throw wrong() }
        let text = Array(bytes[head.count..<(bytes.count - 1)])
        var stage = stage
        if stage == .deletedRows, !path.hasPrefix("/v3/statistics") { stage = .deletedActs }
        if stage == .contracts, body["type"] as? String == "additional" { stage = .agreements }
        return BundleLine(
            stage: stage, externalID: externalID(path: path, body), method: method, path: path, body: text)
    }

    private static func externalID(path: String, _ body: [String: Any]) -> String {
        if path.hasPrefix("/v3/statistics") {
            guard let row = (body["items"] as? [[String: Any]])?.first,
                let creative = row["creative_external_id"] as? String, let pad = row["pad_external_id"] as? String,
                let day = row["date_start_actual"] as? String
            else { return path }
            return statisticsID(creative: creative, pad: pad, day: day)
        }
        let parts = path.split(separator: "/")
        // DELETE /v4/invoice/{id}, POST /v4/invoice/{id}/delete, PUT /v1/person/{id}.
        return parts.count > 2 ? String(parts[2]) : path
    }

    /// What the operator calls a row of statistics.
    public static func statisticsID(creative: String, pad: String, day: String) -> String {
        "\(creative)__\(pad)__\(day.prefix(7))-01"
    }
}
