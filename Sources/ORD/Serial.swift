/// Numbers of contracts and acts as ЕРИР sees them: an extra space or a Latin letter makes another document, and the
/// levy is charged twice. So they are compared folded.
public enum Serial {
    /// Upper case, Cyrillic look-alikes written in Latin, every run of punctuation and spaces as one hyphen.
    public static func folded(_ serial: String) -> String {
        var out = String.UnicodeScalarView()
        var gap = false
        for scalar in serial.uppercased().unicodeScalars {
            guard scalar.properties.isAlphabetic || scalar.properties.numericType != nil, scalar != "\u{2116}" else {
                gap = true
                continue
            }
            if gap, !out.isEmpty { out.append("-") }
            gap = false
            out.append(lookAlikes[scalar] ?? scalar)
        }
        return String(out)
    }

    static func check(_ serial: String, _ field: String, _ c: inout Checker) {
        c.length(field, serial, 1...255)
        if serial.first == " " || serial.last == " " || serial.contains("  ") {
            c.fail(field, "serial_spaces", "remove spaces at the ends and double spaces: they make another document")
        }
        if serial.unicodeScalars.contains(where: { $0.value < 0x20 || $0 == "\u{A0}" || $0 == "\u{200B}" }) {
            c.fail(field, "serial_spaces", "remove invisible characters: they make another document")
        }
    }

    private static let lookAlikes: [Unicode.Scalar: Unicode.Scalar] = [
        "А": "A", "В": "B", "Е": "E", "Ё": "E", "К": "K", "М": "M", "Н": "H", "О": "O", "Р": "P", "С": "C", "Т": "T",
        "У": "Y", "Х": "X", "І": "I", "Ј": "J", "Ѕ": "S",
    ]
}
