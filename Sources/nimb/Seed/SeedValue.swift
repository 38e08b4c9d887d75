/// A parsed seed file before its meaning is read: what YAML and JSON have in common, with the line of each value.
struct SeedValue: Sendable {
    /// One entry of a mapping; order is that of the file.
    struct Entry: Sendable {
        var key: String
        var value: SeedValue
    }

    indirect enum Content: Sendable {
        case null
        /// A scalar as written. `plain` = without quotes: only such a scalar can be a number, a boolean or a date.
        case scalar(String, plain: Bool)
        case list([SeedValue])
        case map([Entry])
    }

    var content: Content
    /// Line in the file, from 1, when the parser knows it.
    var line: Int?

    init(_ content: Content, line: Int? = nil) {
        self.content = content
        self.line = line
    }

    /// The value under a key of a mapping; nil when absent or null.
    subscript(_ key: String) -> SeedValue? {
        guard case .map(let entries) = content, let value = entries.first(where: { $0.key == key })?.value else {
            return nil
        }
        if case .null = value.content { return nil }
        return value
    }

    /// The entries of a list; empty for anything else.
    var items: [SeedValue] { if case .list(let items) = content { items } else { [] } }

    /// The text of a scalar.
    var text: String? { if case .scalar(let text, _) = content { text } else { nil } }
}
