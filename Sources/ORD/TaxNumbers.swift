/// Russian tax numbers. Only ASCII digits are digits here: full-width and other digits are refused.
public enum TaxNumber {
    /// What is wrong with an INN.
    public enum Defect: String, Error, Sendable {
        case digits = "inn_digits"
        case length = "inn_length"
        case zeros = "inn_zeros"
        case checksum = "inn_checksum"
    }

    /// INN of a firm: 10 digits, the last one a check digit.
    public static func checkINN10(_ text: String) throws(Defect) {
        let d = try digits(text, count: 10)
        guard check(d, [2, 4, 10, 3, 5, 9, 4, 6, 8]) == d[9] else { throw .checksum }
    }

    /// INN of a person or sole trader: 12 digits, the last two check digits.
    public static func checkINN12(_ text: String) throws(Defect) {
        let d = try digits(text, count: 12)
        guard check(d, [7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == d[10],
            check(d, [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == d[11]
        else { throw .checksum }
    }

    /// KPP: nine digits.
    public static func isKPP(_ text: String) -> Bool {
        text.utf8.count == 9 && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func digits(_ text: String, count: Int) throws(Defect) -> [Int] {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { throw .digits }
        guard text.utf8.count == count else { throw .length }
        let d = text.utf8.map { Int($0) - 0x30 }
        // All zeros satisfy the arithmetic, so they need a rule of their own.
        guard d.contains(where: { $0 != 0 }) else { throw .zeros }
        return d
    }

    /// Sum modulo 11 modulo 10: a remainder of 10 counts as 0.
    private static func check(_ digits: [Int], _ weights: [Int]) -> Int {
        zip(weights, digits).reduce(0) { $0 + $1.0 * $1.1 } % 11 % 10
    }
}
