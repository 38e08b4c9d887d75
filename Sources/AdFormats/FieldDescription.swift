/// A field of a format, for people who fill it in.
public struct FieldDescription: Equatable, Sendable {
    public let name: String
    /// `string`, `integer`, …
    public let type: String
    public let title: String
    public let note: String?
    public let isRequired: Bool
    /// Characters of a text, entries of a list.
    public let maximumLength: Int?
    /// The words that are accepted, when the list is closed.
    public let allowed: [String]?
}

extension AdFormat {
    /// The format's fields: those that are required first, each group by name.
    public var fieldDescriptions: [FieldDescription] {
        schema.properties.map { name, field in
            FieldDescription(
                name: name, type: field.kind.rawValue, title: field.title ?? name, note: field.note,
                isRequired: schema.required.contains(name), maximumLength: field.maxLength ?? field.maxItems,
                allowed: field.allowed)
        }.sorted { ($0.isRequired ? 0 : 1, $0.name) < ($1.isRequired ? 0 : 1, $1.name) }
    }
}
