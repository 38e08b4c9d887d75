/// Texts as rules read them: small letters, ё as е, word by word, and letters of the other alphabet that look like
/// ours taken for ours, so that a look-alike does not slip through.
public struct Wording: Sendable {
    public let words: [String]

    public init(_ texts: [String]) { words = texts.flatMap(Self.words) }

    /// Words of a text; `+`, `%` and `№` belong to words.
    static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        func end() {
            if !word.isEmpty { words.append(folded(String(word))) }
            word = .init()
        }
        for scalar in text.lowercased().unicodeScalars {
            if scalar == "№" {
                end()
                words.append("№")
            } else if scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "+"
                || scalar == "%"
            {
                word.append(scalar == "ё" ? "е" : scalar)
            } else if scalar == "\u{AD}" || scalar == "\u{200B}" || scalar == "\u{200C}" || scalar == "\u{200D}"
                || scalar == "\u{FEFF}" || scalar.properties.canonicalCombiningClass != .notReordered
            {
                // Invisible characters and accents inside a word do not make it another one.
                continue
            } else {
                end()
            }
        }
        end()
        return words
    }

    private static let lookAlikes: [Unicode.Scalar: Unicode.Scalar] = [
        "a": "а", "b": "в", "c": "с", "e": "е", "h": "н", "k": "к", "m": "м", "o": "о", "p": "р", "t": "т", "x": "х",
        "y": "у", "3": "з", "0": "о",
    ]

    /// A word that mixes alphabets, written in Cyrillic alone.
    private static func folded(_ word: String) -> String {
        guard word.unicodeScalars.contains(where: { (0x400...0x4FF).contains($0.value) }) else { return word }
        return String(String.UnicodeScalarView(word.unicodeScalars.map { lookAlikes[$0] ?? $0 }))
    }

    /// Whether the words of a pattern stand next to each other somewhere; a final `*` of a word stands for any ending.
    public func contains(_ pattern: String) -> Bool {
        let wanted = Self.pattern(pattern)
        guard !wanted.isEmpty, words.count >= wanted.count else { return false }
        return (0...(words.count - wanted.count)).contains { start in
            wanted.indices.allSatisfy { wanted[$0].matches(words[start + $0]) }
        }
    }

    private struct Piece {
        var text: String
        var isPrefix: Bool
        func matches(_ word: String) -> Bool { isPrefix ? word.hasPrefix(text) : word == text }
    }

    private static func pattern(_ pattern: String) -> [Piece] {
        pattern.split(separator: " ").flatMap { part -> [Piece] in
            let isPrefix = part.hasSuffix("*")
            let words = words(String(isPrefix ? part.dropLast() : part))
            return words.enumerated().map { Piece(text: $1, isPrefix: isPrefix && $0 == words.count - 1) }
        }
    }
}
