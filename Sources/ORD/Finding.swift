/// One thing that is wrong with an object or with a month, precise to the field.
///
/// Codes are stable snake_case words; messages say what to do and never repeat tax numbers or phones.
public struct Finding: Hashable, Sendable {
    /// What a finding does to an export.
    public enum Severity: String, CaseIterable, Sendable {
        /// Stops the export, whoever asks for it.
        case error
        /// Stops the export until a person overrides it by name with a reason; then it is carried in the manifest.
        case warning
        /// Is reported and carried in the manifest.
        case note
    }

    /// A row that a finding is about.
    public struct Link: Hashable, Sendable {
        /// `person, contract, pad, creative, media, act, statistics, line_item, charge, month, cid`.
        public var kind: String
        /// Public id of the row; of a charge its number, of statistics `<creative>__<pad>`.
        public var id: String

        public init(_ kind: String, _ id: String) {
            self.kind = kind
            self.id = id
        }
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
    /// Further rows that are concerned, such as the charges behind a sum; at most `relatedLimit`.
    public var related: [Link]

    /// Rows that one finding names beside its own object.
    public static let relatedLimit = 20

    public init(
        _ severity: Severity = .error, code: String, object: String, field: String = "", message: String,
        related: [Link] = []
    ) {
        self.severity = severity
        self.code = code
        self.object = object
        self.field = field
        self.message = message
        self.related = Array(related.prefix(Self.relatedLimit))
    }

    /// The rows to look at: the object itself, what it is made of, and `related`, without repetitions.
    public var links: [Link] {
        let words = object.split(separator: " ").map(String.init)
        var links: [Link] = []
        if words.count == 3, words[0] == "statistics" {
            links = [
                Link("statistics", "\(words[1])__\(words[2])"), Link("creative", words[1]), Link("pad", words[2]),
            ]
        } else if words.count >= 2 {
            links = [Link(words[0], words[1...].joined(separator: " "))]
        }
        for link in related where !links.contains(link) { links.append(link) }
        return links
    }
}

/// A warning that a person answers for: exactly this finding of the month, by name.
public struct GateOverride: Hashable, Sendable {
    public var code: String
    public var object: String
    public var field: String
    /// Who, as the audit log names him, and why.
    public var actor: String
    public var reason: String

    public init(code: String, object: String, field: String = "", actor: String, reason: String) {
        self.code = code
        self.object = object
        self.field = field
        self.actor = actor
        self.reason = reason
    }

    /// Does it answer for the finding? An error is never overridden.
    public func covers(_ finding: Finding) -> Bool {
        finding.severity == .warning && finding.code == code && finding.object == object && finding.field == field
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
