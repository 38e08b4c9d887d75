import Foundation

/// A JSON value of a case file or of an emitted body.
enum JSONValue: Hashable, Sendable, Decodable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    init(_ bytes: [UInt8]) throws { self = try JSONDecoder().decode(JSONValue.self, from: Data(bytes)) }

    var string: String? { if case .string(let value) = self { value } else { nil } }
    var number: Double? { if case .number(let value) = self { value } else { nil } }
    var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// A member by dotted path; nil when absent or null.
    subscript(path: String) -> JSONValue? {
        var value = self
        for key in path.split(separator: ".") {
            guard let next = value.object?[String(key)] else { return nil }
            value = next
        }
        return value == .null ? nil : value
    }

    /// Sets a member by dotted path; null removes it.
    mutating func set(_ path: String, _ value: JSONValue) {
        guard var members = object else { return }
        let parts = path.split(separator: ".", maxSplits: 1).map { String($0) }
        guard let key = parts.first else { return }
        if parts.count == 1 {
            members[key] = value == .null ? nil : value
        } else {
            var inner = members[key] ?? .object([:])
            inner.set(parts[1], value)
            members[key] = inner
        }
        self = .object(members)
    }
}

/// Files of `Tests/ORDTests/Cases` and other places of the source tree.
enum Files {
    static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    static let repository = here.deletingLastPathComponent().deletingLastPathComponent()

    static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: here.appendingPathComponent(path)))
    }

    static func cases<T: Decodable>(_ name: String, as type: T.Type = T.self) -> [T] {
        do {
            return try JSONDecoder().decode([T].self, from: Data(try bytes("Cases/\(name).json")))
        } catch {
            // An unreadable file must fail the run, not skip it.
            preconditionFailure("Cases/\(name).json: \(error)")
        }
    }
}
