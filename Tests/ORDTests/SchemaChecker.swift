/// The subset of JSON Schema that `Cases/schemas` uses. A keyword outside it is a problem itself.
struct SchemaChecker {
    let schema: JSONValue

    init(_ name: String) throws { schema = try JSONValue(Files.bytes("Cases/schemas/\(name).json")) }

    /// What does not fit, each with its path; empty when all fits.
    func problems(_ value: JSONValue) -> [String] { Self.check(value, schema, "$") }

    private static func check(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
        var problems: [String] = []
        for (keyword, rule) in schema.object ?? [:] {
            switch keyword {
            case "type":
                if rule.string != type(value), !(rule.string == "number" && type(value) == "integer") {
                    problems.append("\(path): is \(type(value)), not \(rule.string ?? "?")")
                }
            case "enum":
                if rule.array?.contains(value) != true { problems.append("\(path): \(value) is not on the list") }
            case "pattern":
                guard let text = value.string else { continue }
                let regex = rule.string.flatMap { try? Regex($0) }
                if regex.flatMap({ text.firstMatch(of: $0) }) == nil {
                    problems.append("\(path): \(text) does not match \(rule.string ?? "?")")
                }
            case "minLength", "maxLength":
                guard let text = value.string, let limit = rule.number else { continue }
                let count = Double(text.unicodeScalars.count)
                if keyword == "minLength" ? count < limit : count > limit { problems.append("\(path): length") }
            case "minimum", "maximum":
                guard let number = value.number, let limit = rule.number else { continue }
                if keyword == "minimum" ? number < limit : number > limit { problems.append("\(path): range") }
            case "minItems", "maxItems":
                guard let items = value.array, let limit = rule.number else { continue }
                let count = Double(items.count)
                if keyword == "minItems" ? count < limit : count > limit { problems.append("\(path): item count") }
            case "uniqueItems":
                if let items = value.array, Set(items).count != items.count {
                    problems.append("\(path): repeated items")
                }
            case "items":
                for (index, item) in (value.array ?? []).enumerated() {
                    problems += check(item, rule, "\(path)[\(index)]")
                }
            case "required":
                for name in rule.array ?? [] where value.object?[name.string ?? ""] == nil {
                    problems.append("\(path): \(name.string ?? "?") is missing")
                }
            case "properties":
                for (name, inner) in rule.object ?? [:] {
                    if let member = value.object?[name] { problems += check(member, inner, "\(path).\(name)") }
                }
            case "additionalProperties":
                let known = schema.object?["properties"]?.object ?? [:]
                for name in (value.object ?? [:]).keys where rule.bool == false && known[name] == nil {
                    problems.append("\(path): unknown key \(name)")
                }
            case "oneOf":
                let fitting = (rule.array ?? []).count { check(value, $0, path).isEmpty }
                if fitting != 1 { problems.append("\(path): fits \(fitting) of the alternatives, not one") }
            default: problems.append("\(path): the schema has the unknown keyword \(keyword)")
            }
        }
        return problems
    }

    private static func type(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .number(let number): number == number.rounded() ? "integer" : "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
