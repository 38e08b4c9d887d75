/// Character rules for names of counterparties, by legal form.
///
/// A name that breaks them is corrected by a person, never silently: ЕРИР compares names letter by letter.
enum Names {
    /// A natural person: Russian letters and Roman numerals, words joined by one space, dash or apostrophe.
    static func isPhysical(_ name: String) -> Bool { isWords(name, dots: false) }

    /// A sole trader: the same, and a dot inside, before a space or at the end ("ИП Иванов И. И.").
    static func isSoleTrader(_ name: String) -> Bool { isWords(name, dots: true) }

    /// A firm, Russian or foreign: letters, digits, space and the operator's list of signs.
    ///
    /// U+0027 and U+2019 are not on the list, U+2018 and the backtick are; the backslash is not.
    static func isFirm(_ name: String) -> Bool {
        let scalars = name.unicodeScalars
        guard let first = scalars.first, let last = scalars.last, first != " ", last != " " else { return false }
        var hasWord = false
        for scalar in scalars {
            if isRussian(scalar) || isLatin(scalar) || isDigit(scalar) {
                hasWord = true
            } else if scalar != " ", !firmSigns.contains(scalar) {
                return false
            }
        }
        return hasWord
    }

    private static let firmSigns: Set<Unicode.Scalar> = [
        "-", "\u{2013}", "\u{2014}", "&", "#", ",", ".", ";", "!", "?", "\u{2018}", "`", "+", "*", "\u{2116}", "/", ":",
        "|", "_", "%", "\u{B0}", "\u{AB}", "\u{BB}", "\"", "(", ")",
    ]
    private static let roman: Set<Unicode.Scalar> = ["I", "V", "X", "L", "C", "D", "M"]
    private static let joints: Set<Unicode.Scalar> = [" ", "-", "\u{2013}", "\u{2014}", "'"]

    private static func isWords(_ name: String, dots: Bool) -> Bool {
        var previous: Unicode.Scalar?
        for scalar in name.unicodeScalars {
            defer { previous = scalar }
            let afterLetter = previous.map { isRussian($0) || roman.contains($0) } ?? false
            if isRussian(scalar) || roman.contains(scalar) { continue }
            if dots, scalar == "." {
                guard afterLetter else { return false }
            } else if joints.contains(scalar) {
                guard afterLetter || (scalar == " " && previous == ".") else { return false }
            } else {
                return false
            }
        }
        guard let last = previous else { return false }
        return !joints.contains(last)
    }

    private static func isRussian(_ s: Unicode.Scalar) -> Bool {
        (0x410...0x44F).contains(s.value) || s.value == 0x401 || s.value == 0x451
    }

    private static func isLatin(_ s: Unicode.Scalar) -> Bool {
        (0x41...0x5A).contains(s.value) || (0x61...0x7A).contains(s.value)
    }

    private static func isDigit(_ s: Unicode.Scalar) -> Bool { (0x30...0x39).contains(s.value) }
}
