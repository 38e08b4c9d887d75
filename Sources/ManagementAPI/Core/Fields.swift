import AdModel
import Store

/// Reads the members of one JSON object, collects everything that is wrong, and refuses members nobody asked for.
///
/// Each reader returns nil (or a fallback) when the value is bad and notes the problem; `finish()` throws them all as
/// one `invalid_fields`. A member that is `null` counts as absent; `isNull` tells the two apart for merge patches.
public final class Fields {
    /// Problems that are told; more are only implied.
    public static let problemLimit = 50

    final class Log {
        var problems: [Refusal.FieldProblem] = []
        var children: [Fields] = []
    }

    private let members: [String: JSONValue]
    private let path: String
    private let log: Log
    private var known: Set<String> = []

    /// The object of a whole body.
    public convenience init(_ members: [String: JSONValue]) {
        self.init(members, path: "", log: Log())
    }

    private init(_ members: [String: JSONValue], path: String, log: Log) {
        self.members = members
        self.path = path
        self.log = log
        log.children.append(self)
    }

    /// The path of a member as problems name it.
    public func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Notes a problem with a member.
    public func problem(_ key: String, _ detail: String, code: String = "invalid") {
        note(name(key), code, detail)
    }

    private func note(_ field: String, _ code: String, _ detail: String) {
        guard log.problems.count < Self.problemLimit else { return }
        log.problems.append(Refusal.FieldProblem(field: field, code: code, detail: detail))
    }

    /// Throws everything that was noted, of nested objects too, and every unknown member.
    public func finish() throws(Refusal) {
        for object in log.children {
            for key in object.members.keys.sorted() where !object.known.contains(key) {
                note(
                    object.name(String(key.prefix(64))), "unknown_field",
                    "Unknown; known here: \(object.known.sorted().joined(separator: ", ")).")
            }
        }
        guard let first = log.problems.first else { return }
        throw Refusal(
            .invalidFields, field: first.field, "\(first.field): \(first.detail)", fields: log.problems)
    }

    // MARK: Presence

    /// Whether the member is given, null included.
    public func has(_ key: String) -> Bool {
        known.insert(key)
        return members[key] != nil
    }

    /// Whether the member is given as null: in a merge patch, "clear it".
    public func isNull(_ key: String) -> Bool {
        known.insert(key)
        return members[key] == .null
    }

    /// Refuses members that only the server sets.
    public func readOnly(_ keys: String...) {
        for key in keys where has(key) {
            problem(key, "Set by the server; leave it out.", code: "read_only_field")
        }
    }

    /// The raw value; nil when absent or null.
    public func json(_ key: String) -> JSONValue? {
        known.insert(key)
        guard let value = members[key], value != .null else { return nil }
        return value
    }

    private func required(_ key: String) -> JSONValue? {
        guard let value = json(key) else {
            problem(key, "Required.", code: "required")
            return nil
        }
        return value
    }

    private func wrongType(_ key: String, _ value: JSONValue, _ wanted: String) {
        problem(key, "Must be \(wanted), not \(value.kindName).", code: "wrong_type")
    }

    // MARK: Texts

    public func text(_ key: String, limit: Int = 255) -> String? {
        required(key) == nil ? nil : textIfPresent(key, limit: limit)
    }

    /// A text of 1...limit characters without control characters other than newline and tab.
    public func textIfPresent(_ key: String, limit: Int = 255) -> String? {
        guard let value = json(key) else { return nil }
        return text(value, key, limit)
    }

    private func text(_ value: JSONValue, _ key: String, _ limit: Int) -> String? {
        guard case .string(let text) = value else {
            wrongType(key, value, "a string")
            return nil
        }
        guard !text.isEmpty else {
            problem(key, "Must not be empty.", code: "too_short")
            return nil
        }
        guard text.unicodeScalars.count <= limit else {
            problem(key, "At most \(limit) characters.", code: "too_long")
            return nil
        }
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" && $0 != "\t" || $0.value == 0x7F })
        else {
            problem(key, "Contains control characters.")
            return nil
        }
        return text
    }

    /// An id chosen by the retailer: 1...64 of `A-Z a-z 0-9 . -` (and `_` where the noun allows it). Absent = generated.
    public func code(_ key: String, underscore: Bool = false) -> String? {
        guard let text = textIfPresent(key, limit: 64) else { return nil }
        guard text.utf8.allSatisfy({ Self.isCodeByte($0) || (underscore && $0 == 0x5F) }) else {
            problem(key, "Only latin letters, digits, dots\(underscore ? ", underscores" : "") and dashes.")
            return nil
        }
        return text
    }

    private static func isCodeByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == 0x2E || byte == 0x2D
    }

    public func word(_ key: String, _ allowed: [String]) -> String? {
        required(key) == nil ? nil : wordIfPresent(key, allowed)
    }

    /// One of a closed list of words.
    public func wordIfPresent(_ key: String, _ allowed: [String]) -> String? {
        guard let value = json(key) else { return nil }
        guard case .string(let text) = value, allowed.contains(text) else {
            problem(key, "Must be one of \(allowed.joined(separator: ", ")).", code: "not_allowed")
            return nil
        }
        return text
    }

    // MARK: Numbers

    public func int(_ key: String, _ range: ClosedRange<Int64>) -> Int64? {
        required(key) == nil ? nil : intIfPresent(key, range)
    }

    public func intIfPresent(_ key: String, _ range: ClosedRange<Int64>) -> Int64? {
        guard let value = json(key) else { return nil }
        guard case .integer(let number) = value else {
            wrongType(key, value, "a whole number")
            return nil
        }
        guard range.contains(number) else {
            problem(key, "Must be from \(range.lowerBound) to \(range.upperBound).", code: "out_of_range")
            return nil
        }
        return number
    }

    /// The greatest amount that is read, 10 billion roubles: sums of a million of them still fit 64 bits.
    public static let microsLimit: Int64 = 10_000_000_000 * 1_000_000

    /// Money in integer micro-roubles, 0...`microsLimit`.
    public func micros(_ key: String) -> Int64? { int(key, 0...Self.microsLimit) }
    public func microsIfPresent(_ key: String) -> Int64? { intIfPresent(key, 0...Self.microsLimit) }

    public func bool(_ key: String) -> Bool? {
        guard let value = json(key) else { return nil }
        guard case .bool(let flag) = value else {
            wrongType(key, value, "true or false")
            return nil
        }
        return flag
    }

    // MARK: Times

    public func instant(_ key: String) -> Timestamp? { required(key) == nil ? nil : instantIfPresent(key) }

    /// RFC 3339 with a zone.
    public func instantIfPresent(_ key: String) -> Timestamp? {
        guard let text = textIfPresent(key, limit: 40) else { return nil }
        guard let instant = Timestamp(rfc3339: text) else {
            problem(key, "Must be an instant like 2026-11-01T10:00:00+03:00.")
            return nil
        }
        return instant
    }

    public func day(_ key: String) -> Day? { required(key) == nil ? nil : dayIfPresent(key) }

    public func dayIfPresent(_ key: String) -> Day? {
        guard let text = textIfPresent(key, limit: 10) else { return nil }
        guard let day = Day(text) else {
            problem(key, "Must be a date like 2026-11-01.")
            return nil
        }
        return day
    }

    // MARK: Lists and objects

    private func items(_ key: String, limit: Int) -> [JSONValue] {
        guard let value = json(key) else { return [] }
        guard case .array(let items) = value else {
            wrongType(key, value, "a list")
            return []
        }
        guard items.count <= limit else {
            problem(key, "At most \(limit) entries.", code: "too_many")
            return []
        }
        return items
    }

    /// Texts without repetition, in order; empty when absent.
    public func texts(_ key: String, limit: Int, itemLimit: Int = 128) -> [String] {
        var seen: Set<String> = []
        return items(key, limit: limit).enumerated().compactMap { index, item in
            guard let text = text(item, "\(key)[\(index)]", itemLimit) else { return nil }
            guard seen.insert(text).inserted else {
                problem("\(key)[\(index)]", "Listed twice.", code: "duplicate")
                return nil
            }
            return text
        }
    }

    /// Words of a closed list, without repetition.
    public func words(_ key: String, _ allowed: [String], limit: Int = 64) -> [String] {
        texts(key, limit: limit).enumerated().filter { index, text in
            if allowed.contains(text) { return true }
            problem("\(key)[\(index)]", "Must be one of \(allowed.joined(separator: ", ")).", code: "not_allowed")
            return false
        }.map(\.element)
    }

    /// Whole numbers in order; empty when absent.
    public func ints(_ key: String, _ range: ClosedRange<Int64>, limit: Int) -> [Int64] {
        items(key, limit: limit).enumerated().compactMap { index, item in
            guard case .integer(let number) = item, range.contains(number) else {
                problem(
                    "\(key)[\(index)]", "Must be a whole number from \(range.lowerBound) to \(range.upperBound).",
                    code: "out_of_range")
                return nil
            }
            return number
        }
    }

    /// A nested object; its problems and unknown members are told by the outermost `finish()`.
    public func object(_ key: String) -> Fields? {
        guard let value = json(key) else { return nil }
        return nested(value, key)
    }

    /// A list of objects.
    public func objects(_ key: String, limit: Int) -> [Fields] {
        items(key, limit: limit).enumerated().compactMap { nested($1, "\(key)[\($0)]") }
    }

    private func nested(_ value: JSONValue, _ key: String) -> Fields? {
        guard case .object(let members) = value else {
            wrongType(key, value, "an object")
            return nil
        }
        return Fields(members, path: name(key), log: log)
    }
}
