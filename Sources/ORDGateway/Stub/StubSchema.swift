import Foundation

/// The operator's bodies as JSON Schemas (`Schemas/`): transcribed from his document, repaired where it contradicts
/// itself, its money patterns anchored. Rules that no schema can say are in `StubRules`.
struct StubSchema: Sendable {
    private let schema: StubValue

    init?(_ bytes: [UInt8]) {
        guard let schema = StubValue(bytes) else { return nil }
        self.schema = schema
    }

    /// Bodies by kind of object.
    static let all: [String: StubSchema] = [
        "person": PackageResources.person_json, "contract": PackageResources.contract_json,
        "pad": PackageResources.pad_json, "cid": PackageResources.cid_json,
        "creative": PackageResources.creative_json, "invoice": PackageResources.invoice_json,
        "statistics": PackageResources.statistics_json,
        "statistics_delete": PackageResources.statistics_delete_json,
    ].compactMapValues { StubSchema($0) }

    /// What does not fit, the first of each place; and keys that are ignored, with their paths.
    func check(_ value: StubValue) -> (problems: [StubProblem], ignored: [String]) {
        var found = Found()
        Self.check(value, schema, "", &found)
        return (found.problems, found.ignored)
    }

    private struct Found {
        var problems: [StubProblem] = []
        var ignored: [String] = []

        mutating func add(_ code: String, _ path: String, _ message: String) {
            problems.append(StubProblem(code, path, message))
        }
    }

    private static func check(_ value: StubValue, _ schema: StubValue, _ path: String, _ found: inout Found) {
        let types = schema["type"]?.list?.compactMap(\.text) ?? [schema["type"]?.text].compactMap { $0 }
        guard types.isEmpty || types.contains(value.kind) || (types.contains("number") && value.kind == "integer")
        else {
            let code = value == .null ? "common_null_field" : "common_wrong_type"
            return found.add(code, path, "must be \(types.joined(separator: " or "))")
        }
        if let allowed = schema.object?["enum"]?.list, !allowed.contains(value) {
            return found.add("common_unknown_value", path, "is none of the allowed values")
        }
        switch value {
        case .text(let text): checkText(text, schema, path, &found)
        case .number(let number):
            if let least = schema["minimum"]?.number, number < least {
                found.add("common_number_out_of_ranges", path, "must be at least \(least)")
            }
        case .list(let items): checkList(items, schema, path, &found)
        case .object(let members): checkObject(members, schema, path, &found)
        default: break
        }
    }

    private static func checkText(_ text: String, _ schema: StubValue, _ path: String, _ found: inout Found) {
        let length = Decimal(text.unicodeScalars.count)
        if let least = schema["minLength"]?.number, length < least {
            found.add("common_length_out_of_ranges", path, "must have at least \(least) characters")
            return
        }
        if let most = schema["maxLength"]?.number, length > most {
            found.add("common_length_out_of_ranges", path, "must have at most \(most) characters")
            return
        }
        if let pattern = schema["pattern"]?.text, text.range(of: pattern, options: .regularExpression) == nil {
            found.add("common_pattern_mismatch", path, "must look like \(pattern)")
        }
    }

    private static func checkList(_ items: [StubValue], _ schema: StubValue, _ path: String, _ found: inout Found) {
        let count = Decimal(items.count)
        if schema["minItems"]?.number.map({ count < $0 }) == true
            || schema["maxItems"]?.number.map({ count > $0 }) == true
        {
            found.add("common_length_out_of_ranges", path, "has too few or too many entries")
        }
        if schema["uniqueItems"] == .bool(true), Set(items).count != items.count {
            found.add("common_not_unique", path, "has repetitions")
        }
        guard let inner = schema["items"] else { return }
        for (index, item) in items.enumerated() { check(item, inner, "\(path)[\(index)]", &found) }
    }

    private static func checkObject(
        _ members: [String: StubValue], _ schema: StubValue, _ path: String, _ found: inout Found
    ) {
        func place(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
        for name in (schema["required"]?.list ?? []).compactMap(\.text) where members[name] == nil {
            found.add("common_required_field", place(name), "is required")
        }
        let known = schema["properties"]?.object ?? [:]
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            if let inner = known[name] {
                check(value, inner, place(name), &found)
            } else if schema.object?["additionalProperties"] == .bool(false) {
                found.add("common_unknown_field", place(name), "is not known")
            } else {
                found.ignored.append(place(name))
            }
        }
    }
}
