import Decisioning
import Foundation
import Postgres

/// The targeting object of a line item: read as serving reads it, so that nothing is stored that serving does not
/// understand, and checked against what there is.
public enum LineItemTargeting {
    /// Values of one dimension.
    public static let listLimit = 1_000
    /// The shop's own keys that one targeting names.
    public static let keyLimit = 20
    /// Bytes of the object.
    public static let textLimit = 131_072

    /// The canonical JSON of the object, and what is wrong with it, by path from `targeting`. An unknown key, an
    /// unknown word and an empty list (which would match nobody by accident) are refused.
    public static func canonical(_ json: String) -> (json: String, problems: [Refusal.FieldProblem]) {
        guard json.utf8.count <= textLimit else {
            return ("{}", [.init(field: "targeting", code: "too_long", detail: "At most \(textLimit) bytes.")])
        }
        var problems: [Refusal.FieldProblem] = []
        let data = Data(json.utf8)
        let raw = try? JSONSerialization.jsonObject(with: data)
        findLists(raw, "targeting", &problems)
        do {
            let targeting = try JSONDecoder().decode(Targeting.self, from: data)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return (String(decoding: try encoder.encode(targeting), as: UTF8.self), problems)
        } catch let error as DecodingError {
            problems.append(problem(error))
        } catch {
            problems.append(.init(field: "targeting", code: "invalid", detail: "Cannot be read."))
        }
        return ("{}", problems)
    }

    private static func findLists(_ value: Any?, _ path: String, _ problems: inout [Refusal.FieldProblem]) {
        if let members = value as? [String: Any] {
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                findLists(member, "\(path).\(key)", &problems)
            }
            if path.hasSuffix(".keys"), members.count > keyLimit {
                problems.append(.init(field: path, code: "too_many", detail: "At most \(keyLimit) keys."))
            }
        } else if let items = value as? [Any] {
            if items.isEmpty {
                problems.append(
                    .init(field: path, code: "too_short", detail: "Leave the key out to match everything."))
            } else if items.count > listLimit {
                problems.append(.init(field: path, code: "too_many", detail: "At most \(listLimit) entries."))
            }
        }
    }

    private static func problem(_ error: DecodingError) -> Refusal.FieldProblem {
        let context: DecodingError.Context
        var path: [any CodingKey]
        switch error {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found):
            context = found
            path = found.codingPath
        case .keyNotFound(let key, let found):
            context = found
            path = found.codingPath + [key]
        @unknown default: return .init(field: "targeting", code: "invalid", detail: "Cannot be read.")
        }
        let field = path.reduce("targeting") { text, key in
            key.intValue.map { "\(text)[\($0)]" } ?? "\(text).\(key.stringValue)"
        }
        path.removeAll()
        return .init(field: field, code: "invalid", detail: String(context.debugDescription.prefix(500)))
    }

    /// Notes codes that do not exist.
    static func checkReferences(
        _ json: String, _ problems: inout FieldProblems, on db: isolated PostgresConnection
    ) throws {
        let targeting = try JSONDecoder().decode(Targeting.self, from: Data(json.utf8))
        for (path, values) in [("targeting", targeting.wanted), ("targeting.not", targeting.excluded)] {
            try KnownCodes.check(
                values.placements, table: "placement", field: "\(path).placements", &problems, on: db)
            try KnownCodes.check(values.categories, table: "category", field: "\(path).categories", &problems, on: db)
            try KnownCodes.check(values.audiences, table: "audience", field: "\(path).audiences", &problems, on: db)
            try KnownCodes.check(values.brands, table: "brand", field: "\(path).brands", &problems, on: db)
            try KnownCodes.check(
                values.locations, table: "stock_location", field: "\(path).locations", &problems, on: db)
            try KnownCodes.check(
                values.products, table: "product", column: "sku", field: "\(path).products", &problems, on: db)
            for (place, region) in values.regions.enumerated() where !isRegion(region) {
                problems.add(
                    "\(path).regions[\(place)]", "invalid",
                    "“\(region.prefix(16))” is not an ISO 3166 code like RU-MOW or RU.")
            }
        }
    }

    /// `RU` or `RU-MOW`.
    private static func isRegion(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count == 2 && bytes.allSatisfy { (0x41...0x5A).contains($0) } || Region.isCode(text)
    }
}
