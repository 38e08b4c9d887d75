import Foundation

/// Spellings and numbers of the demo catalogue.
enum DemoText {
    private static let letters: [Character: String] = [
        "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i", "й": "y",
        "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
        "х": "h", "ц": "c", "ч": "ch", "ш": "sh", "щ": "sch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu",
        "я": "ya", "×": "x", ",": ".",
    ]

    /// `1,5 кг` becomes `1.5kg`: what may stand in an id and in an address.
    static func slug(_ text: String) -> String {
        var result = ""
        for character in text.lowercased() {
            if let letter = letters[character] {
                result += letter
            } else if character.isASCII, character.isLetter || character.isNumber {
                result.append(character)
            }
        }
        return result
    }

    /// What a package's text measures.
    static func measure(_ size: String) -> String {
        if size.contains("см") || ["полуторное", "евро"].contains(size) { return "Размер" }
        if size.hasSuffix("г") { return "Вес" }
        if size.hasSuffix("л") { return "Объём" }
        return "В упаковке"
    }

    /// A price in kopecks as shops like it: 61.90, 389.00, 1 390.00.
    static func nicePrice(_ kopecks: Int) -> Int {
        let roubles = max(kopecks / 100, 9)
        switch roubles {
        case ..<100: return roubles * 100 + 90
        case ..<1_000: return (roubles + 5) / 10 * 1_000 - 100
        default: return (roubles + 5) / 10 * 1_000
        }
    }

    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }

    /// Kopecks as a decimal.
    static func roubles(_ kopecks: Int) -> String {
        kopecks.isMultiple(of: 100)
            ? "\(kopecks / 100)" : "\(kopecks / 100).\(kopecks % 100 < 10 ? "0" : "")\(kopecks % 100)"
    }
}
