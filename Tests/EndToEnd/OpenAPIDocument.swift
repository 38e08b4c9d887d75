import Foundation
import ManagementAPI
import Yams

/// An OpenAPI document of the project and the check that an answer is one it documents.
///
/// Closed on purpose: an undocumented route, status or field is a finding, so the documents cannot drift from
/// the servers without a test failing.
struct OpenAPIDocument: Sendable {
    let name: String
    private let root: JSONValue

    init(named name: String) throws {
        self.name = name
        let text =
            name == "management"
            ? try OpenAPIBundle.text()
            : try String(
                contentsOf: Checkout.root.appendingPathComponent("Sources/nimb/OpenAPI/\(name).yaml"), encoding: .utf8)
        root = JSONValue(try Yams.load(yaml: text))
    }

    /// What is wrong with the answer, as sentences; empty when it is as documented.
    func findings(method: String, path: String, status: Int, contentType: String?, body: Data) -> [String] {
        guard let operation = operation(method: method, path: path) else {
            return ["\(name): \(method) \(path) is not documented"]
        }
        let responses = operation["responses"]
        var response = responses["\(status)"]
        if response == .null { response = responses["default"] }
        guard response != .null else {
            return ["\(name): \(method) \(path) answered \(status), which is not documented"]
        }
        response = resolved(response)
        guard case .object(let contents) = response["content"], !contents.isEmpty else {
            return body.isEmpty ? [] : ["\(name): \(method) \(path) \(status) has a body that is not documented"]
        }
        let media = contentType.map { String($0.split(separator: ";")[0]) } ?? ""
        guard let content = contents[media] else {
            return [
                "\(name): \(method) \(path) \(status) has content type '\(media)', documented: \(contents.keys.sorted())"
            ]
        }
        guard media.hasSuffix("json") else { return [] }
        guard let parsed = try? JSONSerialization.jsonObject(with: body, options: [.fragmentsAllowed]) else {
            return ["\(name): \(method) \(path) \(status) is not JSON"]
        }
        return SchemaChecker(document: self)
            .findings(JSONValue(parsed), against: content["schema"], at: "\(method) \(path) \(status) ")
    }

    /// Follows one `$ref`.
    func resolved(_ value: JSONValue) -> JSONValue {
        guard case .string(let reference) = value["$ref"], reference.hasPrefix("#/") else { return value }
        var found = root
        for step in reference.dropFirst(2).split(separator: "/") { found = found[String(step)] }
        return resolved(found)
    }

    private func operation(method: String, path: String) -> JSONValue? {
        guard case .object(let paths) = root["paths"] else { return nil }
        let wanted = path.split(separator: "/", omittingEmptySubsequences: false)
        var best: (literal: Int, operation: JSONValue)?
        for (template, item) in paths {
            let steps = template.split(separator: "/", omittingEmptySubsequences: false)
            guard steps.count == wanted.count else { continue }
            var literal = 0
            let matches = zip(steps, wanted).allSatisfy { step, value in
                if step.hasPrefix("{") || step.contains("{") { return !value.isEmpty }
                literal += 1
                return step == value
            }
            let operation = item[method.lowercased()]
            guard matches, operation != .null, literal > best?.literal ?? -1 else { continue }
            best = (literal, operation)
        }
        return best?.operation
    }
}

/// A JSON value that can be compared and walked.
enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(_ value: Any?) {
        switch value {
        case let value as [String: Any]: self = .object(value.mapValues { JSONValue($0) })
        case let value as [AnyHashable: Any]:
            self = .object(Dictionary(uniqueKeysWithValues: value.map { ("\($0.key)", JSONValue($0.value)) }))
        case let value as [Any]: self = .array(value.map { JSONValue($0) })
        case let value as String: self = .string(value)
        case let value as NSNumber:
            if "\(value.objCType.pointee)" == "99" {
                self = .bool(value.boolValue)
            } else if value.doubleValue == value.doubleValue.rounded(), abs(value.doubleValue) < 9e15 {
                self = .integer(value.int64Value)
            } else {
                self = .number(value.doubleValue)
            }
        case let value as Bool: self = .bool(value)
        case let value as Int: self = .integer(Int64(value))
        case let value as Double: self = .number(value)
        default: self = .null
        }
    }

    subscript(_ key: String) -> JSONValue {
        guard case .object(let members) = self else { return .null }
        return members[key] ?? .null
    }

    subscript(_ index: Int) -> JSONValue {
        guard case .array(let items) = self, items.indices.contains(index) else { return .null }
        return items[index]
    }

    var string: String? { if case .string(let value) = self { value } else { nil } }
    var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    var array: [JSONValue] { if case .array(let items) = self { items } else { [] } }
    var object: [String: JSONValue] { if case .object(let members) = self { members } else { [:] } }
}
