import AdModel
import ORD

/// One payment as the bank reports it.
public struct BankDocument: Equatable, Sendable {
    /// Place in the file, from 1.
    public var index: Int
    /// Line of the file on which it begins, from 1.
    public var line: Int
    public var number: String
    public var date: Day
    /// What was paid, VAT included.
    public var amount: KopeckAmount
    /// 10 or 12 digits; empty when the bank gave none.
    public var payerINN: String
    public var payerName: String
    /// Empty when the file does not say.
    public var recipientINN: String
    public var purpose: String
}

/// What is wrong with a file of the bank, at which field.
public struct BankFileProblem: Equatable, Sendable {
    /// `documents[3].Сумма`, in the file's own words, or `file`.
    public var field: String
    /// Stable word.
    public var code: String
    public var detail: String
}

/// A file that cannot be taken as it is: nothing of it was.
public struct BankFileError: Error, Equatable, Sendable {
    /// At most `BankFile.problemLimit` of them.
    public var problems: [BankFileProblem]
}

/// Payments out of the exchange format of 1C (`1CClientBankExchange`, in windows-1251 or UTF-8) or out of CSV.
public struct BankFile: Equatable, Sendable {
    public enum Format: String, Sendable {
        case exchange1C = "1c"
        case csv
    }

    /// Bytes of a file.
    public static let sizeLimit = 4 << 20
    /// Payments of a file.
    public static let documentLimit = 10_000
    /// Problems that are told at once.
    public static let problemLimit = 50

    public var format: Format
    public var documents: [BankDocument]

    /// Reads a whole file; everything that is wrong is told at once.
    public static func read(_ bytes: [UInt8]) throws(BankFileError) -> BankFile {
        guard bytes.count <= sizeLimit else {
            throw BankFileError(problems: [
                BankFileProblem(field: "file", code: "too_large", detail: "at most \(sizeLimit) bytes")
            ])
        }
        let text = decoded(bytes)
        var log = BankFileLog()
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let format: Format
        var documents: [BankDocument]
        if lines.first?.trimmed == Exchange1C.signature {
            format = .exchange1C
            documents = Exchange1C.documents(lines, &log)
        } else {
            format = .csv
            documents = BankCSV.documents(lines, &log)
        }
        if documents.count > documentLimit {
            log.add("file", "too_many", "at most \(documentLimit) payments in one file")
            documents = []
        }
        guard log.problems.isEmpty else { throw BankFileError(problems: log.problems) }
        return BankFile(format: format, documents: documents)
    }

    /// UTF-8 where the bytes are that, else windows-1251: real cyrillic text in the latter is never valid UTF-8.
    private static func decoded(_ bytes: [UInt8]) -> String {
        let body = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        return String(validating: body, as: UTF8.self) ?? Windows1251.decode(body)
    }
}

/// Collects problems up to the limit.
struct BankFileLog {
    private(set) var problems: [BankFileProblem] = []

    mutating func add(_ field: String, _ code: String, _ detail: String) {
        guard problems.count < BankFile.problemLimit else { return }
        problems.append(BankFileProblem(field: field, code: code, detail: detail))
    }
}

/// Turns the fields of one payment into values, with the words of its file for whoever has to find the mistake.
struct BankFields {
    var index: Int
    var line: Int
    /// Value by canonical name, as written.
    var values: [String: String]
    /// The file's name of each canonical one.
    var names: [String: String]

    func document(_ log: inout BankFileLog) -> BankDocument? {
        func fail(_ key: String, _ code: String, _ detail: String) {
            log.add("documents[\(index)].\(names[key] ?? key)", code, "line \(line): \(detail)")
        }
        func value(_ key: String) -> String { (values[key] ?? "").trimmed }
        let number = value("number")
        if number.isEmpty { fail("number", "required", "the payment has no number") }
        if number.count > 64 { fail("number", "too_long", "at most 64 characters") }
        let date = Self.day(value("date"))
        if date == nil { fail("date", "invalid", "a date such as 20.11.2026 is expected") }
        let amount = Self.amount(value("amount"))
        if amount == nil { fail("amount", "invalid", "a sum above 0 such as 1234.56 is expected") }
        for key in ["payer_inn", "recipient_inn"] where Self.inn(value(key)) == nil {
            fail(key, "invalid", "a tax number has 10 or 12 digits")
        }
        guard !number.isEmpty, number.count <= 64, let date, let amount, let payer = Self.inn(value("payer_inn")),
            let recipient = Self.inn(value("recipient_inn"))
        else { return nil }
        return BankDocument(
            index: index, line: line, number: number, date: date, amount: amount, payerINN: payer,
            payerName: String(value("payer_name").prefix(255)), recipientINN: recipient,
            purpose: String(value("purpose").prefix(1_000)))
    }

    /// `20.11.2026` or `2026-11-20`.
    private static func day(_ text: String) -> Day? {
        if let day = Day(text) { return day }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        return Day("\(parts[2])-\(parts[1])-\(parts[0])")
    }

    /// `1234.56`; some programs write the kopecks after a comma or a dash.
    private static func amount(_ text: String) -> KopeckAmount? {
        let plain = String(text.map { $0 == "," || $0 == "-" ? "." : $0 })
        guard let amount = KopeckAmount(plain), amount > .zero else { return nil }
        return amount
    }

    /// The number, or nothing where the bank has written nothing or a zero; nil when it is neither.
    private static func inn(_ text: String) -> String? {
        if text.isEmpty || text.allSatisfy({ $0 == "0" }) { return "" }
        guard text.utf8.count == 10 || text.utf8.count == 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return text
    }
}

extension StringProtocol {
    /// Without white space at either end.
    var trimmed: String {
        let rest = drop { $0.isWhitespace }
        return String(rest.reversed().drop { $0.isWhitespace }.reversed())
    }
}
