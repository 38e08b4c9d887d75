/// Numbers of contracts and acts as ЕРИР sees them: an extra space or a Latin letter makes another document, and the
/// levy is charged twice. So they are compared folded.
public enum Serial {
    /// Upper case, Cyrillic look-alikes written in Latin, letters that read like digits as digits, every run of
    /// punctuation and spaces as one hyphen.
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

    /// What is wrong with a number.
    public static func findings(_ serial: String, _ field: String) -> [Finding] {
        var c = Checker(field)
        check(serial, field, &c)
        return c.findings
    }

    static func check(_ serial: String, _ field: String, _ c: inout Checker) {
        c.length(field, serial, 1...255)
        if serial.first == " " || serial.last == " " || serial.contains("  ") {
            c.fail(field, "serial_spaces", "remove spaces at the ends and double spaces: they make another document")
        }
        let isInvisible = serial.unicodeScalars.contains { scalar in
            scalar != " "
                && (scalar.properties.isWhitespace || scalar.properties.generalCategory == .control
                    || scalar.properties.generalCategory == .format)
        }
        if isInvisible {
            c.fail(field, "serial_spaces", "remove invisible characters: they make another document")
        }
    }

    private static let lookAlikes: [Unicode.Scalar: Unicode.Scalar] = [
        "А": "A", "В": "B", "Е": "E", "Ё": "E", "К": "K", "М": "M", "Н": "H", "О": "0", "Р": "P", "С": "C", "Т": "T",
        "У": "Y", "Х": "X", "І": "1", "Ј": "J", "Ѕ": "S", "З": "3", "O": "0", "I": "1",
    ]
}
