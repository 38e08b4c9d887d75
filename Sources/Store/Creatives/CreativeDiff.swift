import AdFormats

/// What differs between two versions.
public struct CreativeChange: Equatable, Sendable {
    /// `fields.headline`, `landing_url` or `media`.
    public var field: String
    /// JSON; `null` where the version has no such field.
    public var before: String
    public var after: String

    public init(field: String, before: String, after: String) {
        self.field = field
        self.before = before
        self.after = after
    }
}

public enum CreativeDiff {
    /// Differences by field, in the order of the names; `before` nil = everything is new.
    public static func between(
        _ before: CreativeVersionRecord?, _ after: CreativeVersionRecord
    ) -> [CreativeChange] {
        let old = members(before?.fieldsJSON ?? "{}")
        let new = members(after.fieldsJSON)
        var changes: [CreativeChange] = []
        for key in Set(old.keys).union(new.keys).sorted() where old[key] != new[key] {
            changes.append(
                CreativeChange(
                    field: "fields.\(key)", before: old[key]?.json ?? "null", after: new[key]?.json ?? "null"))
        }
        func add(_ field: String, _ was: FieldValue?, _ now: FieldValue) {
            guard was != now else { return }
            changes.append(CreativeChange(field: field, before: was?.json ?? "null", after: now.json))
        }
        add("landing_url", before.map { .string($0.landingURL) }, .string(after.landingURL))
        add("media", before.map { media($0) }, media(after))
        return changes
    }

    private static func media(_ version: CreativeVersionRecord) -> FieldValue {
        .array(version.media.map { .string($0.id) })
    }

    private static func members(_ json: String) -> [String: FieldValue] {
        (try? FieldValue(json: Array(json.utf8)))?.object ?? [:]
    }
}
