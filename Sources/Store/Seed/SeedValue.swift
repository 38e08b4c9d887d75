/// A parsed seed file before its meaning is read: what YAML and JSON have in common, with the line of each value.
///
/// `Store` knows no YAML; the command turns its parser's tree into this one.
public struct SeedValue: Sendable {
    /// One entry of a mapping; order is that of the file.
    public struct Entry: Sendable {
        public var key: String
        public var value: SeedValue

        public init(key: String, value: SeedValue) {
            self.key = key
            self.value = value
        }
    }

    /// The shape of a value.
    public indirect enum Content: Sendable {
        case null
        /// A scalar as written. `plain` = without quotes: only such a scalar can be a number or a boolean.
        case scalar(String, plain: Bool)
        case list([SeedValue])
        case map([Entry])
    }

    public var content: Content
    /// Line in the file, from 1, when the parser knows it.
    public var line: Int?

    public init(_ content: Content, line: Int? = nil) {
        self.content = content
        self.line = line
    }

    /// The value as JSON with keys in byte order: equal content gives equal text. A plain scalar that is an
    /// exact JSON integer, decimal or boolean becomes one; everything else is a string.
    public var canonicalJSON: String {
        switch content {
        case .null: "null"
        case .scalar(let text, let plain):
            plain && (text == "true" || text == "false" || Self.isJSONNumber(text))
                ? text : SeedJSON.quoted(text)
        case .list(let items): "[" + items.map(\.canonicalJSON).joined(separator: ",") + "]"
        case .map(let entries):
            "{"
                + entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { "\(SeedJSON.quoted($0.key)):\($0.value.canonicalJSON)" }.joined(separator: ",") + "}"
        }
    }

    /// What the value is, for messages.
    var kindName: String {
        switch content {
        case .null: "nothing"
        case .scalar: "a single value"
        case .list: "a list"
        case .map: "a mapping"
        }
    }

    /// Digits with an optional sign and fraction, no exponent, no leading zero, at most 18 digits.
    private static func isJSONNumber(_ text: String) -> Bool {
        var bytes = Array(text.utf8)
        if bytes.first == 0x2D { bytes.removeFirst() }
        let parts = bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, !whole.isEmpty, bytes.count <= 18,
            whole.count == 1 || whole.first != 0x30,
            parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { (0x30...0x39).contains($0) } })
        else { return false }
        return true
    }
}

/// The little JSON writing that the selling side needs: stable bytes, no dictionary order.
enum SeedJSON {
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            default:
                if scalar.value < 0x20 {
                    let hex = String(scalar.value, radix: 16)
                    out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }

    static func array(_ texts: [String]) -> String {
        "[" + texts.map(quoted).joined(separator: ",") + "]"
    }
}
