/// Text for older programs of Windows.
public enum Windows1251 {
    /// The text's bytes; a letter that the table does not have becomes `?`.
    public static func bytes(of text: String) -> [UInt8] {
        text.unicodeScalars.map { scalar in
            switch scalar.value {
            case 0..<0x80: UInt8(scalar.value)
            case 0x410...0x44F: UInt8(scalar.value - 0x410 + 0xC0)
            default: others[scalar] ?? UInt8(ascii: "?")
            }
        }
    }

    private static let others: [Unicode.Scalar: UInt8] = {
        var table: [Unicode.Scalar: UInt8] = [
            "Ё": 0xA8, "ё": 0xB8, "№": 0xB9, "«": 0xAB, "»": 0xBB, "–": 0x96, "—": 0x97, "‘": 0x91, "’": 0x92,
            "“": 0x93, "”": 0x94, "„": 0x84, "…": 0x85, "•": 0x95, "€": 0x88, "‰": 0x89, "°": 0xB0, "±": 0xB1,
            "§": 0xA7, "©": 0xA9, "®": 0xAE, "™": 0x99, "·": 0xB7, "µ": 0xB5, "¶": 0xB6, "¤": 0xA4, "¦": 0xA6,
            "¬": 0xAC, "І": 0xB2, "і": 0xB3, "Ї": 0xAF, "ї": 0xBF, "Є": 0xAA, "є": 0xBA, "Ґ": 0xA5, "ґ": 0xB4,
            "Ў": 0xA1, "ў": 0xA2, "Ј": 0xA3, "ј": 0xBC, "Ѕ": 0xBD, "ѕ": 0xBE,
        ]
        // Spaces that do not break; the minus sign has no place, a hyphen stands for it.
        table["\u{A0}"] = 0xA0
        table["\u{202F}"] = 0xA0
        table["\u{2212}"] = 0x2D
        return table
    }()
}
