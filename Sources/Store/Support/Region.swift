/// ISO 3166-2 codes of regions.
enum Region {
    /// `RU-MOW`: two capital letters, a dash, one to three capitals or digits.
    static func isCode(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return (4...6).contains(bytes.count) && bytes[2] == 0x2D
            && bytes[..<2].allSatisfy { (0x41...0x5A).contains($0) }
            && bytes[3...].allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) }
    }
}
