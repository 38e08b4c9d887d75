import Foundation
import ManagementAPI
import TestKit
import Yams

/// An OpenAPI document of the project and the check that an answer is one it documents.
///
/// Closed on purpose: an undocumented route, status or field is a finding, so the documents cannot drift from
/// the servers without a test failing.
struct OpenAPIDocument: Sendable {
    let name: String
    private let root: JSONNode

    init(named name: String) throws {
        self.name = name
        let text =
            name == "management"
            ? try OpenAPIBundle.text()
            : try String(
                contentsOf: Checkout.root.appendingPathComponent("Sources/nimb/OpenAPI/\(name).yaml"), encoding: .utf8)
        root = JSONNode(try Yams.load(yaml: text))
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
            .findings(JSONNode(parsed), against: content["schema"], at: "\(method) \(path) \(status) ")
    }

    /// Follows one `$ref`.
    func resolved(_ value: JSONNode) -> JSONNode {
        guard case .string(let reference) = value["$ref"], reference.hasPrefix("#/") else { return value }
        var found = root
        for step in reference.dropFirst(2).split(separator: "/") { found = found[String(step)] }
        return resolved(found)
    }

    private func operation(method: String, path: String) -> JSONNode? {
        guard case .object(let paths) = root["paths"] else { return nil }
        let wanted = path.split(separator: "/", omittingEmptySubsequences: false)
        var best: (literal: Int, operation: JSONNode)?
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
