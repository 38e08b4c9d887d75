import AdModel

/// Search phrases, made fit to be stored.
public enum SearchPhrase {
    /// What stands in the place of something masked.
    public static let mask = "***"
    /// Digits in a row from which they may be a phone, card or document number.
    static let digitRun = 6

    /// Control characters other than white space are dropped first: PostgreSQL stores no U+0000, and a number must not
    /// pass because something invisible stands inside it. Runs of six or more digits and words with an `@` are masked, then the phrase is cut to `Limits.phrase`
    /// characters. Masking comes first, so that the cut cannot shorten a number to something that passes.
    public static func masked(_ phrase: String) -> String {
        var out = ""
        var kept = 0
        for piece in visible(phrase).split(separator: " ", omittingEmptySubsequences: true) {
            if kept > Limits.phrase { break }
            if !out.isEmpty { out.append(" ") }
            let words = piece.split(omittingEmptySubsequences: true, whereSeparator: \.isWhitespace)
            for (i, word) in words.enumerated() {
                if i > 0 { out.append(" ") }
                out.append(maskedWord(word))
            }
            kept = out.count
        }
        return cut(out)
    }

    /// A phrase in UTF-8 as a decision's record keeps it: masked and cut like any other, unless it is short and has
    /// nothing to mask, as nearly all have. Those are not touched.
    public static func kept(_ phrase: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        if phrase.count <= Limits.phrase, isPlain(phrase) { return phrase }
        return ArraySlice(masked(String(decoding: phrase, as: UTF8.self)).utf8)
    }

    /// True for ASCII and Cyrillic letters without control characters, an `@` or a long number.
    private static func isPlain(_ phrase: ArraySlice<UInt8>) -> Bool {
        var digits = 0
        for byte in phrase {
            switch byte {
            case 0x30...0x39:
                digits += 1
                if digits >= digitRun { return false }
            case 0x20...0x3F, 0x41...0x7E: digits = 0
            // Two bytes of U+0400...U+047F: letters all.
            case 0xD0, 0xD1, 0x80...0xBF: digits = 0
            default: return false
            }
        }
        return true
    }

    private static func visible(_ phrase: String) -> String {
        func drops(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.generalCategory == .control && !scalar.properties.isWhitespace
        }
        guard phrase.unicodeScalars.contains(where: drops) else { return phrase }
        var kept = String.UnicodeScalarView()
        for scalar in phrase.unicodeScalars where !drops(scalar) { kept.append(scalar) }
        return String(kept)
    }

    private static func maskedWord(_ word: Substring) -> String {
        if word.unicodeScalars.contains(where: { $0 == "@" || $0 == "\u{FF20}" || $0 == "\u{FE6B}" }) { return mask }
        var out = String.UnicodeScalarView()
        var run = String.UnicodeScalarView()
        var digits = 0
        func flush() {
            if digits >= digitRun { out.append(contentsOf: mask.unicodeScalars) } else { out.append(contentsOf: run) }
            run = String.UnicodeScalarView()
            digits = 0
        }
        for scalar in word.unicodeScalars {
            // Digits of any script: a number typed with Arabic or full-width digits is still a number.
            if scalar.properties.numericType == .decimal {
                run.append(scalar)
                digits += 1
            } else {
                flush()
                out.append(scalar)
            }
        }
        flush()
        return String(out)
    }

    private static func cut(_ text: String) -> String {
        var out = ""
        var scalars = 0
        for character in text.prefix(Limits.phrase) {
            // A character can be a base letter under any number of marks.
            scalars += character.unicodeScalars.count
            guard scalars <= 4 * Limits.phrase else { break }
            out.append(character)
        }
        while out.last?.isWhitespace == true { out.removeLast() }
        return out
    }
}
