import Foundation

/// A JSON value of a creative's fields.
public indirect enum FieldValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([FieldValue])
    case object([String: FieldValue])

    /// Parses JSON text. Throws `AdFormatError` with the code `bad_json`.
    public init(json: [UInt8]) throws(AdFormatError) {
        do {
            let any = try JSONSerialization.jsonObject(with: Data(json), options: [.fragmentsAllowed])
            self = FieldValue(any)
        } catch {
            throw AdFormatError(code: "bad_json", message: "not a JSON document")
        }
    }

    private init(_ any: Any) {
        switch any {
        case let text as String: self = .string(text)
        case let list as [Any]: self = .array(list.map(FieldValue.init))
        case let object as [String: Any]: self = .object(object.mapValues(FieldValue.init))
        case let number as NSNumber:
            // JSONSerialization makes booleans numbers of the C type of a char.
            if number.objCType.pointee == 0x63 {
                self = .bool(number.boolValue)
            } else if let whole = Int64(exactly: number.doubleValue), number.doubleValue.magnitude < 9e15 {
                self = .integer(whole)
            } else {
                self = .number(number.doubleValue)
            }
        default: self = .null
        }
    }

    public subscript(key: String) -> FieldValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    public var int: Int? { if case .integer(let number) = self { Int(number) } else { nil } }
    public var double: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }
    public var array: [FieldValue]? { if case .array(let list) = self { list } else { nil } }
    public var object: [String: FieldValue]? { if case .object(let members) = self { members } else { nil } }

    /// What a mustache template reads: dictionaries, arrays, strings, numbers and booleans.
    var forTemplate: Any? {
        switch self {
        case .null: nil
        case .bool(let value): value
        case .integer(let value): value
        case .number(let value): value
        case .string(let value): value
        case .array(let list): list.compactMap(\.forTemplate)
        case .object(let members): members.compactMapValues(\.forTemplate)
        }
    }
}

/// Why an ad format cannot be used, or a document read.
public struct AdFormatError: Error, Equatable, CustomStringConvertible {
    /// `bad_json`, `unknown_keyword`, `bad_schema`, `bad_template`, `bad_format` or `missing_file`.
    public let code: String
    public let message: String
    public var isRetryable: Bool { false }
    public var description: String { "\(code): \(message)" }

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// One thing that is wrong with a creative.
public struct FieldError: Equatable, Sendable {
    /// Path inside the fields, `cards[2].title`; empty for the whole.
    public let path: String
    /// `required`, `unknown_field`, `wrong_type`, `too_short`, `too_long`, `out_of_range`, `not_allowed`, `bad_url`,
    /// `wrong_size`, `too_heavy` or `wrong_count`.
    public let code: String
    /// What to do about it, for people.
    public let message: String

    public init(path: String, code: String, message: String) {
        self.path = path
        self.code = code
        self.message = message
    }
}
