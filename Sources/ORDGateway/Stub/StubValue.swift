import Foundation

/// A JSON value as the stub reads it: numbers stay decimal.
enum StubValue: Hashable, Sendable, Decodable {
    case null
    case bool(Bool)
    case number(Decimal)
    case text(String)
    case list([StubValue])
    case object([String: StubValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Decimal.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([StubValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: StubValue].self))
        }
    }

    init?(_ bytes: [UInt8]) {
        guard let value = try? JSONDecoder().decode(StubValue.self, from: Data(bytes)) else { return nil }
        self = value
    }

    var text: String? { if case .text(let value) = self { value } else { nil } }
    var number: Decimal? { if case .number(let value) = self { value } else { nil } }
    var list: [StubValue]? { if case .list(let value) = self { value } else { nil } }
    var object: [String: StubValue]? { if case .object(let value) = self { value } else { nil } }

    /// A member by dotted path; nil when absent or null.
    subscript(_ path: String) -> StubValue? {
        var value = self
        for key in path.split(separator: ".") {
            guard let next = value.object?[String(key)] else { return nil }
            value = next
        }
        return value == .null ? nil : value
    }

    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number(let number): number.isWhole ? "integer" : "number"
        case .text: "string"
        case .list: "array"
        case .object: "object"
        }
    }

    /// As the operator's `values` name it.
    var plain: Any {
        switch self {
        case .null: NSNull()
        case .bool(let value): value
        case .number(let value): NSDecimalNumber(decimal: value)
        case .text(let value): value
        case .list(let values): values.map(\.plain)
        case .object(let members): members.mapValues(\.plain)
        }
    }
}

extension Decimal {
    var isWhole: Bool { rounded(0, .plain) == self }

    func rounded(_ scale: Int, _ mode: NSDecimalNumber.RoundingMode) -> Decimal {
        var (value, result) = (self, Decimal())
        NSDecimalRound(&result, &value, scale, mode)
        return result
    }
}

/// What is wrong with a body, in the operator's words.
struct StubProblem: Equatable {
    var code: String
    var field: String
    var message: String
    /// 400 unless the body names something that is not there.
    var status = 400

    init(_ code: String, _ field: String, _ message: String, status: Int = 400) {
        self.code = code
        self.field = field
        self.message = message
        self.status = status
    }

    static func absent(_ field: String) -> StubProblem {
        StubProblem("common_not_found_error", field, "\(field) names an object that is not registered", status: 404)
    }
}
