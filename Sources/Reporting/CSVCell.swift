/// Cells of CSV files, written so that a spreadsheet cannot take text for a formula.
public enum CSVCell {
    /// A text cell: text that begins with `= + - @`, a tab or CR gets a `'` in front; quoted by RFC 4180 where
    /// the text holds the separator, a quote, CR or LF.
    /// - Parameter separator: a comma, unless the file uses another one.
    public static func text(_ text: String, separator: UInt8 = 0x2C) -> String {
        var cell = text
        if let first = text.utf8.first, [0x3D, 0x2B, 0x2D, 0x40, 0x09, 0x0D].contains(first) { cell = "'" + text }
        // Bytes, not characters: CR LF is one character to Swift and would hide the two.
        guard cell.utf8.contains(where: { [separator, 0x22, 0x0D, 0x0A].contains($0) }) else { return cell }
        var quoted = "\""
        for character in cell.unicodeScalars {
            if character == "\"" { quoted += "\"" }
            quoted.unicodeScalars.append(character)
        }
        return quoted + "\""
    }

    /// A number cell: written as it is, since a leading minus is part of a number.
    public static func number(_ number: Int64) -> String { String(number) }
}
