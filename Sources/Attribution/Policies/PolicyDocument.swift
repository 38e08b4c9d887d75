import AdModel

/// One thing that is wrong with a policy document.
public struct PolicyProblem: Error, Hashable, Sendable {
    /// The member at fault: `levels`, `levels[2]`; empty for the document as a whole.
    public var field: String
    /// `required`, `wrong_type`, `out_of_range`, `unknown_word`, `repeated`, `wrong_order`, `unknown_field`,
    /// `not_json`.
    public var code: String
    /// What is wrong and what is accepted.
    public var detail: String

    public init(_ field: String, _ code: String, _ detail: String) {
        self.field = field
        self.code = code
        self.detail = detail
    }
}

/// Everything that is wrong with a policy document, in the order of its members.
public struct PolicyProblems: Error, Equatable, Sendable, CustomStringConvertible {
    public var problems: [PolicyProblem]

    public var description: String {
        problems.map { $0.field.isEmpty ? $0.detail : "\($0.field): \($0.detail)" }.joined(separator: " ")
    }
}

extension AttributionPolicy {
    /// Most bytes of a policy document.
    public static let documentLimit = 16_384
    /// Longest window, seconds: 366 days.
    public static let longestWindowSeconds: Int64 = 366 * 86_400

    /// Reads a policy as its JSON document states it. What is not stated is as in `default@1`; the windows must be
    /// stated, `null` for a kind of touch that does not count.
    /// - Throws: every problem of the document.
    public static func parse(json: [UInt8]) throws(PolicyProblems) -> AttributionPolicy {
        guard json.count <= documentLimit else {
            throw PolicyProblems(problems: [PolicyProblem("", "out_of_range", "At most \(documentLimit) bytes.")])
        }
        let tree: PolicyTree
        do {
            var parser = PolicyParser(json)
            tree = try parser.document()
        } catch {
            throw PolicyProblems(problems: [error])
        }
        guard case .object(let members) = tree else {
            throw PolicyProblems(problems: [PolicyProblem("", "wrong_type", "A policy is a JSON object.")])
        }
        var reader = PolicyReader(members)
        let policy = reader.policy()
        guard reader.problems.isEmpty else { throw PolicyProblems(problems: reader.problems) }
        return policy
    }

    /// The policy as its document, every member stated, in the order of the presets.
    public var json: String {
        let (family, version) = nameParts
        func list(_ words: [String]) -> String { words.map { "\"\($0)\"" }.joined(separator: ",") }
        return "{\"name\":\"\(family)\",\"version\":\(version),"
            + "\"click_window_seconds\":\(Self.seconds(clickWindow)),"
            + "\"view_window_seconds\":\(Self.seconds(viewWindow)),\"counted_view\":\"\(viewCounting.rawValue)\","
            + "\"levels\":[\(list(levels.map(\.rawValue)))],\"precedence\":[\(list(precedence.map(\.rawValue)))],"
            + "\"scope\":\"\(scope.rawValue)\",\"separate_interactions\":\(separatesInteractions),"
            + "\"basis\":\"\(basis.rawValue)\"}"
    }

    /// `default@1` as `default` and `1`.
    public var nameParts: (family: String, version: Int64) {
        let parts = name.split(separator: "@")
        return (parts.first.map(String.init) ?? name, parts.last.flatMap { Int64($0) } ?? 0)
    }

    private static func seconds(_ window: Timestamp.Span?) -> String {
        window.map { String($0.micros / 1_000_000) } ?? "null"
    }

    /// What is wrong with the values taken together; empty for a policy that can be used.
    var problems: [PolicyProblem] {
        var found: [PolicyProblem] = []
        if !Self.isName(name) {
            found.append(
                PolicyProblem(
                    "name", "out_of_range",
                    "Lower-case letters, digits and hyphens, 64 at most, and a version from 1 to 999,999,999."))
        }
        for (field, window) in [("click_window_seconds", clickWindow), ("view_window_seconds", viewWindow)] {
            if let window, window.micros < 0 || window.micros > Self.longestWindowSeconds * 1_000_000 {
                found.append(
                    PolicyProblem(field, "out_of_range", "Between 0 and \(Self.longestWindowSeconds): 366 days."))
            }
        }
        if clickWindow == nil, viewWindow == nil {
            found.append(
                PolicyProblem("click_window_seconds", "required", "Give a window for clicks or one for views."))
        }
        if levels.isEmpty { found.append(PolicyProblem("levels", "required", "Give at least one match level.")) }
        for (index, pair) in zip(levels, levels.dropFirst()).enumerated() where pair.0.strength <= pair.1.strength {
            found.append(
                PolicyProblem(
                    "levels[\(index + 1)]", pair.0 == pair.1 ? "repeated" : "wrong_order",
                    "Levels are distinct and go from strong to weak: sku, variant, listed, brand, order."))
        }
        if levels.contains(.listed) || levels.contains(.brand), !levels.contains(.sku) || !levels.contains(.variant) {
            found.append(
                PolicyProblem("levels", "required", "A policy with listed or brand has sku and variant too."))
        }
        for (index, comparator) in precedence.enumerated() where precedence[..<index].contains(comparator) {
            found.append(PolicyProblem("precedence[\(index)]", "repeated", "A comparator is named once at most."))
        }
        return found
    }
}

/// Turns members into a policy and collects what is wrong with them.
private struct PolicyReader {
    var members: [String: PolicyTree]
    var problems: [PolicyProblem] = []

    init(_ members: [String: PolicyTree]) { self.members = members }

    mutating func policy() -> AttributionPolicy {
        let family = text("name")
        let version = number("version", 1...999_999_999)
        let click = window("click_window_seconds")
        let view = window("view_window_seconds")
        let counting = word("counted_view", AttributionPolicy.ViewCounting.allCases) ?? .viewable
        let levels: [MatchLevel] = words("levels") ?? [.sku, .variant, .listed, .brand]
        let precedence: [AttributionPolicy.Comparator] = words("precedence") ?? [.match, .interaction, .recency]
        let scope = word("scope", AttributionPolicy.Scope.allCases) ?? .line
        let separate = bool("separate_interactions") ?? false
        let basis = word("basis", AttributionPolicy.Basis.allCases) ?? .net
        for name in members.keys.sorted() {
            problems.append(PolicyProblem(String(name.prefix(64)), "unknown_field", "A policy has no such member."))
        }
        let policy = AttributionPolicy(
            trusted: "\(family ?? "")@\(version ?? 0)", click, view, counting, levels, precedence, scope, separate,
            basis)
        // A member that could not be read is told once; what its absence would lead to is not.
        let told = Set(problems.map(\.field))
        problems += policy.problems.filter { problem in
            !told.contains(problem.field) && !(problem.field == "name" && told.contains("version"))
                && !(problem.field == "click_window_seconds" && told.contains("view_window_seconds"))
                && !told.contains { $0.hasPrefix(problem.field + "[") }
        }
        return policy
    }

    private mutating func take(_ name: String) -> PolicyTree? { members.removeValue(forKey: name) }

    private mutating func wrongType(_ name: String, _ wanted: String) {
        problems.append(PolicyProblem(name, "wrong_type", wanted))
    }

    private mutating func required(_ name: String, _ detail: String) {
        problems.append(PolicyProblem(name, "required", detail))
    }

    private mutating func text(_ name: String) -> String? {
        switch take(name) {
        case .text(let text): return text
        case nil, .null: required(name, "A name such as \"summer-week\".")
        default: wrongType(name, "A text.")
        }
        return nil
    }

    private mutating func number(_ name: String, _ range: ClosedRange<Int64>) -> Int64? {
        switch take(name) {
        case .number(let number) where range.contains(number): return number
        case .number:
            problems.append(
                PolicyProblem(name, "out_of_range", "A whole number from \(range.lowerBound) to \(range.upperBound)."))
        case nil, .null: required(name, "A whole number from \(range.lowerBound).")
        default: wrongType(name, "A whole number.")
        }
        return nil
    }

    private mutating func window(_ name: String) -> Timestamp.Span? {
        switch take(name) {
        case .null: return nil
        case .number(let seconds) where (0...AttributionPolicy.longestWindowSeconds).contains(seconds):
            return .seconds(seconds)
        case .number:
            problems.append(
                PolicyProblem(
                    name, "out_of_range", "Between 0 and \(AttributionPolicy.longestWindowSeconds): 366 days."))
        case nil: required(name, "Whole seconds, or null when such touches do not count.")
        default: wrongType(name, "Whole seconds, or null when such touches do not count.")
        }
        return nil
    }

    private mutating func bool(_ name: String) -> Bool? {
        switch take(name) {
        case nil: return nil
        case .bool(let bool): return bool
        default: wrongType(name, "true or false.")
        }
        return nil
    }

    private mutating func word<Word: RawRepresentable<String>>(_ name: String, _ known: [Word]) -> Word? {
        switch take(name) {
        case nil: return nil
        case .text(let text):
            if let word = Word(rawValue: text) { return word }
            problems.append(
                PolicyProblem(
                    name, "unknown_word", "One of \(known.map(\.rawValue).joined(separator: ", "))."))
        default: wrongType(name, "One of \(known.map(\.rawValue).joined(separator: ", ")).")
        }
        return nil
    }

    private mutating func words<Word: RawRepresentable<String> & CaseIterable>(_ name: String) -> [Word]? {
        let known = "One of \(Word.allCases.map(\.rawValue).joined(separator: ", "))."
        switch take(name) {
        case nil: return nil
        case .list(let items):
            var result: [Word] = []
            for (index, item) in items.enumerated() {
                guard case .text(let text) = item, let word = Word(rawValue: text) else {
                    problems.append(PolicyProblem("\(name)[\(index)]", "unknown_word", known))
                    continue
                }
                result.append(word)
            }
            return result
        default: wrongType(name, "A list. " + known)
        }
        return nil
    }
}
