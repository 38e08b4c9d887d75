/// One thing that is wrong with an object or with a month, precise to the field.
///
/// Codes are stable snake_case words; messages say what to do and never repeat tax numbers or phones.
public struct Finding: Hashable, Sendable {
    /// What a finding does to an export.
    public enum Severity: String, Sendable {
        /// Stops the export.
        case error
        /// Is reported and carried in the manifest.
        case warning
    }

    public var severity: Severity
    /// Stable code, such as `inn_checksum`.
    public var code: String
    /// Kind and id of the object: `person org-brand-1`, `statistics cr-7-v1 pad-shop`, `month 2026-11`.
    public var object: String
    /// Path of the field in the operator's body, such as `juridical_details.inn`; empty for the whole object.
    public var field: String
    /// What is wrong and what to do.
    public var message: String

    public init(_ severity: Severity = .error, code: String, object: String, field: String = "", message: String) {
        self.severity = severity
        self.code = code
        self.object = object
        self.field = field
        self.message = message
    }
}

extension Finding: CustomStringConvertible {
    /// One line: object, field, code, message.
    public var description: String {
        let place = field.isEmpty ? object : "\(object): \(field)"
        return "\(severity.rawValue): \(place): \(code): \(message)"
    }
}

/// The export was refused: nothing may be written or sent.
public struct ORDError: Error, Sendable, CustomStringConvertible {
    /// Stable code: `gate_failed`, `kktu_file`.
    public let code: String
    /// Why, object by object.
    public let findings: [Finding]
    /// Repeating the same call cannot help: the data has to be corrected first.
    public var isRetryable: Bool { false }

    public init(code: String, findings: [Finding]) {
        self.code = code
        self.findings = findings
    }

    public var description: String { findings.map(\.description).joined(separator: "\n") }
}

/// Collects the findings of one object.
struct Checker {
    let object: String
    private(set) var findings: [Finding] = []

    init(_ object: String) { self.object = object }

    mutating func fail(_ field: String, _ code: String, _ message: String) {
        findings.append(Finding(code: code, object: object, field: field, message: message))
    }

    /// `value` must be one of the closed list.
    mutating func choice(_ field: String, _ value: String, _ allowed: [String]) {
        guard !allowed.contains(value) else { return }
        fail(field, "unknown_value", "use one of: \(allowed.joined(separator: ", "))")
    }

    /// Length in characters (Unicode scalars, as the operator counts them).
    mutating func length(_ field: String, _ value: String, _ range: ClosedRange<Int>) {
        guard !range.contains(value.unicodeScalars.count) else { return }
        fail(field, "length", "must have \(range.lowerBound) to \(range.upperBound) characters")
    }

    mutating func required(_ field: String, _ value: String?, _ why: String) -> String? {
        if value == nil { fail(field, "required", why) }
        return value
    }

    mutating func forbidden(_ field: String, _ value: String?, _ why: String) {
        if value != nil { fail(field, "forbidden", why) }
    }

    mutating func unique(_ field: String, _ values: [String]) {
        var seen: Set<String> = []
        for (index, value) in values.enumerated() where !seen.insert(value).inserted {
            fail("\(field)[\(index)]", "not_unique", "remove the repetition")
        }
    }

    /// An absolute http or https address.
    mutating func webAddress(_ field: String, _ value: String) {
        if value.unicodeScalars.count > 2_000 {
            fail(field, "length", "must have at most 2000 characters")
        } else if !Address.isWeb(value) {
            fail(field, "address", "must be a full address that begins with http:// or https://")
        }
    }
}
