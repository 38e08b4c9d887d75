import Foundation
import TestKit

/// The part of JSON Schema 2020-12 that the project's OpenAPI documents use. A keyword that it does not know is
/// itself a finding: silence must mean "checked".
struct SchemaChecker {
    let document: OpenAPIDocument

    private static let annotations: Set<String> = [
        "description", "title", "examples", "example", "default", "deprecated", "readOnly", "$comment",
        "contentEncoding",
    ]
    private static let known: Set<String> = [
        "type", "properties", "required", "additionalProperties", "items", "enum", "const", "oneOf", "anyOf", "allOf",
        "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "format", "$ref",
        "propertyNames", "exclusiveMinimum", "uniqueItems", "maxProperties", "minProperties",
    ]

    func findings(_ value: JSONNode, against raw: JSONNode, at path: String) -> [String] {
        let schema = document.resolved(raw)
        guard case .object(let keywords) = schema else { return [] }
        var found: [String] = []
        for keyword in keywords.keys where !Self.known.contains(keyword) && !Self.annotations.contains(keyword) {
            found.append("\(path): the schema uses '\(keyword)', which the checker does not know")
        }
        if schema["type"] != .null {
            let types = schema["type"].string.map { [$0] } ?? schema["type"].array.compactMap(\.string)
            if !types.contains(where: { matches(value, type: $0) }) {
                return found + ["\(path): expected \(types.joined(separator: " or ")), found \(value)"]
            }
        }
        if case .array(let allowed) = schema["enum"], !allowed.contains(value) {
            found.append("\(path): \(value) is none of the documented values")
        }
        if schema["const"] != .null, schema["const"] != value { found.append("\(path): \(value) is not the constant") }
        switch value {
        case .object(let members): found += objectFindings(members, schema: schema, at: path)
        case .array(let items):
            for (index, item) in items.enumerated() {
                found += findings(item, against: schema["items"], at: "\(path)[\(index)]")
            }
            if let least = schema["minItems"].integer, items.count < least { found.append("\(path): too few items") }
            if let most = schema["maxItems"].integer, items.count > most { found.append("\(path): too many items") }
        case .string(let text):
            if let pattern = schema["pattern"].string, text.range(of: pattern, options: .regularExpression) == nil {
                found.append("\(path): '\(text)' does not match \(pattern)")
            }
            if let most = schema["maxLength"].integer, text.unicodeScalars.count > most {
                found.append("\(path): longer than \(most)")
            }
            if let least = schema["minLength"].integer, text.unicodeScalars.count < least {
                found.append("\(path): shorter than \(least)")
            }
        case .integer(let number):
            if let least = schema["minimum"].integer, number < least { found.append("\(path): \(number) < \(least)") }
            if let most = schema["maximum"].integer, number > most { found.append("\(path): \(number) > \(most)") }
        default: break
        }
        for part in schema["allOf"].array { found += findings(value, against: part, at: path) }
        for keyword in ["oneOf", "anyOf"] {
            guard case .array(let branches) = schema[keyword] else { continue }
            let results = branches.map { findings(value, against: $0, at: path) }
            let passing = results.filter(\.isEmpty).count
            if passing == 0 { found += results.min { $0.count < $1.count } ?? [] }
            if keyword == "oneOf", passing > 1 { found.append("\(path): matches \(passing) branches of oneOf") }
        }
        return found
    }

    private func objectFindings(_ members: [String: JSONNode], schema: JSONNode, at path: String) -> [String] {
        var found: [String] = []
        let properties = schema["properties"].object
        for name in schema["required"].array.compactMap(\.string) where members[name] == nil {
            found.append("\(path).\(name) is missing")
        }
        for (name, member) in members {
            if let property = properties[name] {
                found += findings(member, against: property, at: "\(path).\(name)")
            } else if schema["additionalProperties"] == .bool(false) {
                found.append("\(path).\(name) is not documented")
            } else if case .object = schema["additionalProperties"] {
                found += findings(member, against: schema["additionalProperties"], at: "\(path).\(name)")
            }
        }
        return found
    }

    private func matches(_ value: JSONNode, type: String) -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("integer", .integer), ("number", .integer), ("number", .number),
            ("string", .string), ("array", .array), ("object", .object):
            true
        default: false
        }
    }
}
