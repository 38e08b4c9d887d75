/// Findings in the words of those who close the month: what is wrong, and what to do about it. Code and details stay
/// beside them, for whoever helps.
public enum FindingWords {
    public enum Language: String, CaseIterable, Sendable { case ru, en }

    /// A short sentence that says what is wrong, and one that says what to do.
    public struct Words: Hashable, Sendable {
        public var what: String
        public var advice: String

        init(_ what: String, _ advice: String) {
            self.what = what
            self.advice = advice
        }
    }

    /// The words for a code; general ones for a code without words of its own.
    public static func words(_ code: String, _ language: Language) -> Words {
        switch language {
        case .ru: russian[code] ?? Words("Значение не подходит", "Исправьте поле: что именно, сказано ниже.")
        case .en: english[code] ?? Words("The value does not fit", "Correct the field as told below.")
        }
    }

    /// Codes that have words of their own.
    public static func codes(_ language: Language) -> Set<String> {
        Set(language == .ru ? russian.keys : english.keys)
    }

    /// `creative cr-7-v1` as `Креатив cr-7-v1`.
    static func object(_ object: String) -> String {
        var words = object.split(separator: " ").map(String.init)
        guard let kind = words.first, let name = kinds[kind] else { return object }
        words[0] = name
        return words.joined(separator: " ")
    }

    private static let kinds = [
        "person": "Контрагент", "contract": "Договор", "pad": "Площадка", "creative": "Креатив", "media": "Медиафайл",
        "statistics": "Строка", "act": "Акт", "month": "Месяц", "charge": "Списание №", "cid": "CID",
        "line_item": "Размещение",
    ]
}
