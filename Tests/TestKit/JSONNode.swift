import Foundation

/// A JSON value that can be compared and walked.
public enum JSONNode: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONNode])
    case object([String: JSONNode])

    /// From what JSONSerialization or Yams gives.
    public init(_ value: Any?) {
        switch value {
        case let value as [String: Any]: self = .object(value.mapValues { JSONNode($0) })
        case let value as [AnyHashable: Any]:
            self = .object(Dictionary(uniqueKeysWithValues: value.map { ("\($0.key)", JSONNode($0.value)) }))
        case let value as [Any]: self = .array(value.map { JSONNode($0) })
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

    /// A member; `.null` when there is none.
    public subscript(_ key: String) -> JSONNode {
        guard case .object(let members) = self else { return .null }
        return members[key] ?? .null
    }

    /// An element; `.null` when there is none.
    public subscript(_ index: Int) -> JSONNode {
        guard case .array(let items) = self, items.indices.contains(index) else { return .null }
        return items[index]
    }

    /// The document as JSON text, keys in order; for bodies and scripts.
    public var text: String {
        let data = try? JSONSerialization.data(withJSONObject: plain, options: [.fragmentsAllowed, .sortedKeys])
        return String(decoding: data ?? Data("null".utf8), as: UTF8.self)
    }
    /// As JSONSerialization takes it.
    private var plain: Any {
        switch self {
        case .null: NSNull()
        case .bool(let value): value
        case .integer(let value): value
        case .number(let value): value
        case .string(let value): value
        case .array(let items): items.map(\.plain)
        case .object(let members): members.mapValues(\.plain)
        }
    }

    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var array: [JSONNode] { if case .array(let items) = self { items } else { [] } }
    public var object: [String: JSONNode] { if case .object(let members) = self { members } else { [:] } }
}
