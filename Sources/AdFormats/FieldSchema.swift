import Foundation

/// The subset of JSON Schema that ad formats use. Keywords: `type` (one of object, array, string, integer, number,
/// boolean), `title`, `description`, `properties`, `required`, `additionalProperties` (false), `items`, `minItems`,
/// `maxItems`, `minLength`, `maxLength` (in characters), `minimum`, `maximum`, `enum` (of strings), `format` ("uri":
/// an absolute http or https address) and `$schema`. Any other keyword is an error when the format is loaded, so
/// that no rule is believed to be checked that is not.
public struct FieldSchema: Sendable {
    enum Kind: String { case object, array, string, integer, number, boolean }

    let kind: Kind
    public let title: String?
    public let note: String?
    let properties: [String: FieldSchema]
    let required: [String]
    let items: [FieldSchema]
    let minItems: Int?
    let maxItems: Int?
    let minLength: Int?
    let maxLength: Int?
    let minimum: Double?
    let maximum: Double?
    let allowed: [String]?
    let isURI: Bool

    private static let keywords: [Kind: Set<String>] = [
        .object: ["properties", "required", "additionalProperties"],
        .array: ["items", "minItems", "maxItems"],
        .string: ["minLength", "maxLength", "enum", "format"],
        .integer: ["minimum", "maximum"],
        .number: ["minimum", "maximum"],
        .boolean: [],
    ]

    /// Reads a schema; `path` is where it stands, for messages.
    init(_ value: FieldValue, path: String = "") throws(AdFormatError) {
        func bad(_ message: String) -> AdFormatError {
            AdFormatError(code: "bad_schema", message: "\(path.isEmpty ? "schema" : path): \(message)")
        }
        guard let members = value.object else { throw bad("must be an object") }
        guard let kind = members["type"]?.string.flatMap(Kind.init(rawValue:)) else {
            throw bad("\"type\" must be object, array, string, integer, number or boolean")
        }
        let known = (Self.keywords[kind] ?? []).union(["type", "title", "description", "$schema"])
        for keyword in members.keys.sorted() where !known.contains(keyword) {
            throw AdFormatError(
                code: "unknown_keyword",
                message:
                    "\(path.isEmpty ? "schema" : path): \"\(keyword)\" is not a keyword of type \(kind.rawValue) here")
        }
        func count(_ keyword: String) throws(AdFormatError) -> Int? {
            guard let value = members[keyword] else { return nil }
            guard let number = value.int, number >= 0 else { throw bad("\"\(keyword)\" must be a whole number >= 0") }
            return number
        }
        func number(_ keyword: String) throws(AdFormatError) -> Double? {
            guard let value = members[keyword] else { return nil }
            guard let number = value.double else { throw bad("\"\(keyword)\" must be a number") }
            return number
        }
        self.kind = kind
        title = members["title"]?.string
        note = members["description"]?.string
        minItems = try count("minItems")
        maxItems = try count("maxItems")
        minLength = try count("minLength")
        maxLength = try count("maxLength")
        minimum = try number("minimum")
        maximum = try number("maximum")

        var properties: [String: FieldSchema] = [:]
        if let declared = members["properties"] {
            guard let object = declared.object else { throw bad("\"properties\" must be an object") }
            for (name, value) in object {
                properties[name] = try FieldSchema(value, path: path.isEmpty ? name : "\(path).\(name)")
            }
        }
        self.properties = properties
        var required: [String] = []
        if let declared = members["required"] {
            guard let list = declared.array else { throw bad("\"required\" must be a list of names") }
            for name in list {
                guard let name = name.string, properties[name] != nil else {
                    throw bad("\"required\" names something that is not among the properties")
                }
                required.append(name)
            }
        }
        self.required = required
        if let closed = members["additionalProperties"], closed != .bool(false) {
            throw bad("\"additionalProperties\" can only be false; nothing else is ever allowed")
        }
        if kind == .array {
            guard let declared = members["items"] else { throw bad("an array needs \"items\"") }
            items = [try FieldSchema(declared, path: "\(path)[]")]
        } else {
            items = []
        }
        if let declared = members["enum"] {
            guard let list = declared.array, !list.isEmpty else { throw bad("\"enum\" must be a list of strings") }
            var allowed: [String] = []
            for value in list {
                guard let text = value.string else { throw bad("\"enum\" must be a list of strings") }
                allowed.append(text)
            }
            self.allowed = allowed
        } else {
            allowed = nil
        }
        if let declared = members["format"] {
            guard declared.string == "uri" else {
                throw AdFormatError(code: "unknown_keyword", message: "\(path): \"format\" can only be \"uri\"")
            }
            isURI = true
        } else {
            isURI = false
        }
    }

    /// Everything that is wrong with a value, in the order of the path.
    func check(_ value: FieldValue, path: String, into errors: inout [FieldError]) {
        func fail(_ code: String, _ message: String) {
            errors.append(FieldError(path: path, code: code, message: message))
        }
        switch (kind, value) {
        case (.object, .object(let members)): checkObject(members, path: path, into: &errors)
        case (.array, .array(let list)):
            if let minItems, list.count < minItems { fail("wrong_count", "needs at least \(minItems) entries") }
            if let maxItems, list.count > maxItems { fail("wrong_count", "may have at most \(maxItems) entries") }
            for (index, entry) in list.enumerated() {
                items.first?.check(entry, path: "\(path)[\(index)]", into: &errors)
            }
        case (.string, .string(let text)): checkText(text, path: path, into: &errors)
        case (.integer, .integer(let number)): checkRange(Double(number), path: path, into: &errors)
        case (.number, .integer(let number)): checkRange(Double(number), path: path, into: &errors)
        case (.number, .number(let number)): checkRange(number, path: path, into: &errors)
        case (.boolean, .bool): break
        default: fail("wrong_type", "must be of type \(kind.rawValue)")
        }
    }

    private func checkObject(_ members: [String: FieldValue], path: String, into errors: inout [FieldError]) {
        func at(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
        for name in members.keys.sorted() where properties[name] == nil {
            let known = properties.keys.sorted().joined(separator: ", ")
            errors.append(
                FieldError(
                    path: at(name), code: "unknown_field", message: "is not a field of this format; known are \(known)")
            )
        }
        for name in required where members[name] == nil {
            errors.append(FieldError(path: at(name), code: "required", message: "is required"))
        }
        for name in properties.keys.sorted() {
            if let value = members[name] { properties[name]?.check(value, path: at(name), into: &errors) }
        }
    }

    private func checkText(_ text: String, path: String, into errors: inout [FieldError]) {
        func fail(_ code: String, _ message: String) {
            errors.append(FieldError(path: path, code: code, message: message))
        }
        if let minLength, text.count < minLength { fail("too_short", "needs at least \(minLength) characters") }
        if let maxLength, text.count > maxLength { fail("too_long", "may have at most \(maxLength) characters") }
        if text.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" }) {
            fail("not_allowed", "must not contain control characters")
        }
        if let allowed, !allowed.contains(text) {
            fail("not_allowed", "must be one of \(allowed.joined(separator: ", "))")
        }
        if isURI {
            let url = URLComponents(string: text)
            let scheme = url?.scheme?.lowercased()
            if scheme != "https" && scheme != "http" || url?.host?.isEmpty ?? true {
                fail("bad_url", "must be an absolute http or https address")
            }
        }
    }

    private func checkRange(_ number: Double, path: String, into errors: inout [FieldError]) {
        if let minimum, number < minimum {
            errors.append(FieldError(path: path, code: "out_of_range", message: "must be at least \(minimum)"))
        }
        if let maximum, number > maximum {
            errors.append(FieldError(path: path, code: "out_of_range", message: "must be at most \(maximum)"))
        }
    }
}
