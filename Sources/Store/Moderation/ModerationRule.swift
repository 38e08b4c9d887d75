import Postgres

/// What an automatic check found.
public struct ModerationFinding: Equatable, Sendable {
    public enum Effect: String, CaseIterable, Sendable {
        /// Prevents approval.
        case block
        /// Needs a named override with a reason.
        case warn
    }

    /// Stable: the code of a rule, or of a check that is built in (`format`, `landing_url`, `kktu`, …).
    public var code: String
    public var effect: Effect
    /// Where it was found, when it has one place.
    public var field: String?
    /// What to do, for people.
    public var message: String

    public init(code: String, effect: Effect, field: String? = nil, message: String) {
        self.code = code
        self.effect = effect
        self.field = field
        self.message = message
    }
}

/// A rule of the retailer's list; see the table `moderation_rule` for what its parts mean.
public struct ModerationRule: Equatable, Sendable {
    public var id: Int32
    public var code: String
    public var title: String
    public var effect: ModerationFinding.Effect
    public var message: String
    public var kktu: [String]
    public var categoryWords: [String]
    public var words: [String]
    public var required: [String]
    public var enabled: Bool
    public var revision: Int64

    public init(
        id: Int32 = 0, code: String, title: String, effect: ModerationFinding.Effect, message: String,
        kktu: [String] = [], categoryWords: [String] = [], words: [String] = [], required: [String] = [],
        enabled: Bool = true, revision: Int64 = 1
    ) {
        self.id = id
        self.code = code
        self.title = title
        self.effect = effect
        self.message = message
        self.kktu = kktu
        self.categoryWords = categoryWords
        self.words = words
        self.required = required
        self.enabled = enabled
        self.revision = revision
    }

    /// The rule's finding about a creative, if it has one.
    ///
    /// - Parameters:
    ///   - code: KKTU code of the campaign.
    ///   - goods: names of the categories that the promoted products lie in.
    ///   - wording: what the creative says.
    public func finding(kktu code: String?, goods: Wording, wording: Wording) -> ModerationFinding? {
        guard enabled else { return nil }
        let byCode = code.map { code in kktu.contains { code == $0 || code.hasPrefix($0 + ".") } } ?? false
        let applies = byCode || categoryWords.contains(where: goods.contains) || words.contains(where: wording.contains)
        guard applies, required.isEmpty || !required.contains(where: wording.contains) else { return nil }
        return ModerationFinding(code: self.code, effect: effect, message: message)
    }
}

/// The retailer's list of rules.
public enum ModerationRules {
    /// Rules that there may be.
    public static let limit = 200

    static func record(_ row: PostgresRow) throws -> ModerationRule {
        ModerationRule(
            id: try row.int32("id"), code: try row.string("code"), title: try row.string("title"),
            effect: ModerationFinding.Effect(rawValue: try row.string("effect")) ?? .block,
            message: try row.string("message"), kktu: try row.stringArray("kktu"),
            categoryWords: try row.stringArray("category_words"), words: try row.stringArray("words"),
            required: try row.stringArray("required"), enabled: try row.bool("enabled"),
            revision: try row.int64("revision"))
    }

    /// All rules, in the order they were made.
    public static func all(on db: isolated PostgresConnection) throws -> [ModerationRule] {
        try db.query("select * from moderation_rule order by id").map(record)
    }

    /// A rule by its code.
    public static func find(_ code: String, on db: isolated PostgresConnection) throws -> ModerationRule {
        guard let row = try db.query("select * from moderation_rule where code = $1", [.text(code)]).first else {
            throw Refusal.notFound
        }
        return try record(row)
    }

    /// Stores a new rule, or a changed one by its code.
    public static func put(_ rule: ModerationRule, on db: isolated PostgresConnection) throws -> ModerationRule {
        let known = try db.query(
            "select count(*) as n, count(*) filter (where code = $1) as same from moderation_rule",
            [.text(rule.code)]
        ).single()
        guard try known.int("same") > 0 || known.int("n") < limit else {
            throw Refusal(.conflict, "There are \(limit) rules, as many as there may be.")
        }
        let row = try db.query(
            """
            insert into moderation_rule (code, title, effect, message, kktu, category_words, words, required, enabled)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            on conflict (code) do update set title = excluded.title, effect = excluded.effect,
                message = excluded.message, kktu = excluded.kktu, category_words = excluded.category_words,
                words = excluded.words, required = excluded.required, enabled = excluded.enabled,
                revision = moderation_rule.revision + 1
            returning *
            """,
            [
                .text(rule.code), .text(rule.title), .text(rule.effect.rawValue), .text(rule.message),
                .textArray(rule.kktu), .textArray(rule.categoryWords), .textArray(rule.words),
                .textArray(rule.required), .bool(rule.enabled),
            ]
        ).single()
        return try record(row)
    }
}
