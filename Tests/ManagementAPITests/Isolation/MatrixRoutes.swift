import Foundation
import ManagementAPI
import Yams

/// The operations of the OpenAPI document, which the isolation matrix is generated from: a new route is in it or the
/// tests fail.
struct MatrixRoutes {
    struct Operation {
        var method: String
        var path: String
        /// Roles that the document names; nil = public.
        var roles: Set<String>?
        /// Names of the path parameters with the collection that each stands behind, in order.
        var parameters: [(name: String, collection: String)]
        var body: [String: Any]?
        var bodyType: String?

        var name: String { "\(method) \(path)" }
    }

    let operations: [Operation]
    private let root: [String: Any]

    init() throws {
        root = try Yams.load(yaml: OpenAPIBundle.text()) as? [String: Any] ?? [:]
        var operations: [Operation] = []
        for (path, item) in root["paths"] as? [String: [String: Any]] ?? [:] {
            for (method, value) in item {
                guard ["get", "post", "put", "patch", "delete"].contains(method),
                    let operation = value as? [String: Any]
                else { continue }
                var found = Operation(
                    method: method.uppercased(), path: path, roles: (operation["x-roles"] as? [String]).map(Set.init),
                    parameters: Self.parameters(of: path))
                let content = (Self.resolved(operation["requestBody"], root)?["content"] as? [String: Any])
                if let type = content?.keys.sorted().first(where: { $0.hasSuffix("json") })
                    ?? content?.keys.sorted().first
                {
                    found.bodyType = type
                    found.body = Self.resolved((content?[type] as? [String: Any])?["schema"], root)
                }
                operations.append(found)
            }
        }
        self.operations = operations.sorted { $0.name < $1.name }
    }

    /// `/v1/creatives/{id}/versions/{version}` gives (`id`, `creatives`), (`version`, `versions`).
    private static func parameters(of path: String) -> [(name: String, collection: String)] {
        let steps = path.split(separator: "/").map(String.init)
        return steps.enumerated().compactMap { index, step in
            guard step.hasPrefix("{"), step.hasSuffix("}"), index > 0 else { return nil }
            return (String(step.dropFirst().dropLast()), steps[index - 1])
        }
    }

    private static func resolved(_ value: Any?, _ root: [String: Any]) -> [String: Any]? {
        guard let object = value as? [String: Any] else { return nil }
        guard let reference = object["$ref"] as? String else { return object }
        var found: Any? = root
        for step in reference.dropFirst(2).split(separator: "/") { found = (found as? [String: Any])?[String(step)] }
        return resolved(found, root)
    }

    /// A body that the schema allows: its required members, and for a merge patch one member more.
    func sample(_ operation: Operation, ids: [String: String]) -> Data {
        guard let schema = operation.body else { return Data() }
        guard operation.bodyType?.hasSuffix("json") == true else { return Data("x".utf8) }
        let value = sample(schema, name: "", ids: ids, depth: 0)
        return (try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys])) ?? Data("{}".utf8)
    }

    private func sample(_ raw: Any?, name: String, ids: [String: String], depth: Int) -> Any {
        guard let schema = Self.resolved(raw, root), depth < 8 else { return NSNull() }
        if let example = schema["example"] { return example }
        if let example = (schema["examples"] as? [Any])?.first { return example }
        if let constant = schema["const"] { return constant }
        if let words = schema["enum"] as? [Any], let first = words.first { return first }
        for keyword in ["oneOf", "anyOf", "allOf"] {
            if let first = (schema[keyword] as? [Any])?.first {
                return sample(first, name: name, ids: ids, depth: depth + 1)
            }
        }
        let types = (schema["type"] as? [String]) ?? [(schema["type"] as? String) ?? "string"]
        switch types.first(where: { $0 != "null" }) ?? "null" {
        case "object":
            let properties = schema["properties"] as? [String: Any] ?? [:]
            var required = schema["required"] as? [String] ?? []
            if required.isEmpty, let one = properties.keys.sorted().first(where: { $0 == "name" || $0 == "reason" }) {
                required = [one]
            }
            var object: [String: Any] = [:]
            for key in required { object[key] = sample(properties[key], name: key, ids: ids, depth: depth + 1) }
            return object
        case "array":
            let least = schema["minItems"] as? Int ?? 1
            return least == 0
                ? []
                : [
                    sample(
                        schema["items"], name: name.hasSuffix("s") ? String(name.dropLast()) : name, ids: ids,
                        depth: depth + 1)
                ]
        case "integer", "number": return schema["minimum"] ?? 1
        case "boolean": return true
        default:
            if let id = ids[name] { return id }
            switch schema["format"] as? String {
            case "date": return "2026-12-01"
            case "date-time": return "2026-12-01T00:00:00Z"
            case "email": return "somebody@example.test"
            case "uri": return "https://shop.test/"
            default: break
            }
            let known = [
                "inn": "7707083893", "kktu": "17.3.1", "email": "somebody@example.test", "kind": "x",
                "serial": "A-1/26",
                "url": "https://shop.test/", "signed_on": "2026-01-01", "reference": "ref-1", "reason": "because",
            ]
            if let text = known[name] { return text }
            return String(repeating: "x", count: max(1, schema["minLength"] as? Int ?? 1))
        }
    }
}
