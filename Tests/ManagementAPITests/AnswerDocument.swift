import Foundation
import ManagementAPI
import Yams

/// The management document, and whether an answer is one that it describes: an undocumented route, status or member is
/// a finding.
struct AnswerDocument: @unchecked Sendable {
    // Plain values out of the YAML parser, never changed.
    private let root: [String: Any]

    init() throws { root = try Yams.load(yaml: OpenAPIBundle.text()) as? [String: Any] ?? [:] }

    func findings(_ method: String, _ path: String, status: Int, type: String?, body: Data) -> [String] {
        let name = "\(method) \(path)"
        guard let operation = operation(method, path) else { return ["\(name) is not documented"] }
        let responses = operation["responses"] as? [String: Any] ?? [:]
        guard let response = resolved(responses["\(status)"]) else { return ["\(name) \(status) is not documented"] }
        guard let contents = response["content"] as? [String: Any] else {
            return body.isEmpty ? [] : ["\(name) \(status) has a body that is not documented"]
        }
        let media = type.map { String($0.split(separator: ";")[0]) } ?? ""
        guard let content = contents[media] as? [String: Any] else { return ["\(name) \(status): type \(media)"] }
        // Papers and files are what they are.
        guard media.hasSuffix("json") else { return [] }
        guard let value = try? JSONSerialization.jsonObject(with: body, options: .fragmentsAllowed) else {
            return ["\(name) \(status) is not JSON"]
        }
        return check(value, content["schema"], "\(name) \(status)")
    }

    private func operation(_ method: String, _ path: String) -> [String: Any]? {
        let paths = root["paths"] as? [String: [String: Any]] ?? [:]
        let steps = path.split(separator: "/")
        let fitting = paths.filter { template, _ in
            let parts = template.split(separator: "/")
            return parts.count == steps.count && zip(parts, steps).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        let best = fitting.min { a, b in
            a.key.split(separator: "{").count < b.key.split(separator: "{").count
        }
        return best?.value[method.lowercased()] as? [String: Any]
    }

    private func resolved(_ value: Any?) -> [String: Any]? {
        guard let object = value as? [String: Any] else { return nil }
        guard let reference = object["$ref"] as? String else { return object }
        var found: Any? = root
        for step in reference.dropFirst(2).split(separator: "/") { found = (found as? [String: Any])?[String(step)] }
        return resolved(found)
    }

    private func check(_ value: Any, _ raw: Any?, _ path: String) -> [String] {
        guard let schema = resolved(raw) else { return ["\(path) has no schema"] }
        var found: [String] = []
        if let branches = schema["anyOf"] as? [Any] {
            let results = branches.map { check(value, $0, path) }
            if !results.contains(where: \.isEmpty) { found += results.first ?? [] }
        }
        let types = (schema["type"] as? String).map { [$0] } ?? schema["type"] as? [String] ?? []
        if !types.isEmpty, !types.contains(where: { Self.fits(value, $0) }) {
            return ["\(path) is not \(types.joined(separator: " or "))"]
        }
        if let words = schema["enum"] as? [String], let text = value as? String, !words.contains(text) {
            found.append("\(path): “\(text)” is none of the documented words")
        }
        if let items = value as? [Any] {
            for (index, item) in items.enumerated() { found += check(item, schema["items"], "\(path)[\(index)]") }
        }
        if let members = value as? [String: Any] {
            let properties = schema["properties"] as? [String: Any] ?? [:]
            for name in schema["required"] as? [String] ?? [] where members[name] == nil {
                found.append("\(path).\(name) is missing")
            }
            for (name, member) in members {
                if let property = properties[name] {
                    found += check(member, property, "\(path).\(name)")
                } else if schema["additionalProperties"] as? Bool == false {
                    found.append("\(path).\(name) is not documented")
                }
            }
        }
        return found
    }

    private static func fits(_ value: Any, _ type: String) -> Bool {
        switch type {
        case "null": value is NSNull
        case "string": value is String
        case "array": value is [Any]
        case "object": value is [String: Any]
        case "boolean", "integer", "number": value is NSNumber
        default: false
        }
    }
}
