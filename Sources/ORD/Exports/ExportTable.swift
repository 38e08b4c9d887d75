import AdModel
import Reporting

/// A table that leaves the house as CSV or as a sheet of a workbook. Ids, tax numbers and codes are text: a
/// spreadsheet must not take them for numbers.
public struct ExportTable: Sendable {
    public enum Cell: Hashable, Sendable {
        case empty
        case text(String)
        case integer(Int64)
        /// `units` of 10^-`decimals`.
        case decimal(units: Int64, decimals: Int)
        case day(Day)

        /// Text, or an empty cell for nil.
        static func optional(_ text: String?) -> Cell { text.map(Cell.text) ?? .empty }
        static func date(_ day: Day?) -> Cell { day.map { .day($0) } ?? .empty }
        static func money(_ amount: KopeckAmount?) -> Cell {
            amount.map { .decimal(units: $0.kopecks, decimals: 2) } ?? .empty
        }
        static func money(_ amount: Decimal5?) -> Cell {
            amount.map { .decimal(units: $0.units, decimals: 5) } ?? .empty
        }
    }

    public struct Column: Hashable, Sendable {
        /// For programs: `external_id`.
        public var key: String
        /// For people, in Russian.
        public var title: String
        /// Characters that are enough for most of its cells.
        public var width: Int

        public init(_ key: String, _ title: String, width: Int = 16) {
            self.key = key
            self.title = title
            self.width = width
        }
    }

    /// Stem of the file's name: `counterparties`.
    public var name: String
    /// Name of the sheet, at most 31 characters.
    public var title: String
    public var columns: [Column]
    public var rows: [[Cell]]

    public init(name: String, title: String, columns: [Column], rows: [[Cell]]) {
        self.name = name
        self.title = title
        self.columns = columns
        self.rows = rows
    }
}

/// How a CSV file is spelled.
public struct CSVStyle: Hashable, Sendable {
    /// Decimals after a comma and days as `31.03.2026`, as Russian programs read them; else a point and ISO days.
    public var isRussian: Bool
    /// Titles for people instead of keys.
    public var hasTitles: Bool
    /// UTF-8 begins with a byte order mark, so that a spreadsheet reads Cyrillic.
    public var encoding: Encoding

    public enum Encoding: String, Sendable {
        case utf8 = "utf-8"
        case windows1251 = "windows-1251"
    }

    public init(isRussian: Bool, hasTitles: Bool, encoding: Encoding) {
        self.isRussian = isRussian
        self.hasTitles = hasTitles
        self.encoding = encoding
    }

    /// For programs and for upload by hand: keys, decimal point, ISO days.
    public static let neutral = CSVStyle(isRussian: false, hasTitles: false, encoding: .utf8)
    /// For 1C.
    public static func oneC(_ encoding: Encoding) -> CSVStyle {
        CSVStyle(isRussian: true, hasTitles: true, encoding: encoding)
    }
}

extension ExportTable {
    /// The table as CSV: `;` between cells, because a Russian spreadsheet expects it, and CRLF after every line, as
    /// RFC 4180 says and as programs of Windows read without fail. Text that begins with `= + - @`, a tab or CR gets
    /// a `'` in front.
    public func csv(_ style: CSVStyle = .neutral) -> [UInt8] {
        var text = ""
        func line(_ cells: [String]) { text += cells.joined(separator: ";") + "\r\n" }
        line(columns.map { CSVCell.text(style.hasTitles ? $0.title : $0.key, separator: UInt8(ascii: ";")) })
        for row in rows { line(row.map { Self.spelled($0, style) }) }
        switch style.encoding {
        case .utf8: return [0xEF, 0xBB, 0xBF] + Array(text.utf8)
        case .windows1251: return Windows1251.bytes(of: text)
        }
    }

    /// The table as a file.
    public func csvFile(prefix: String, _ style: CSVStyle = .neutral) -> ExportFile {
        ExportFile(
            name: "\(prefix)-\(name).csv", contentType: "text/csv; charset=\(style.encoding.rawValue)",
            bytes: csv(style))
    }

    private static func spelled(_ cell: Cell, _ style: CSVStyle) -> String {
        switch cell {
        case .empty: return ""
        case .text(let text): return CSVCell.text(text, separator: UInt8(ascii: ";"))
        case .integer(let number): return CSVCell.number(number)
        case .decimal(let units, let decimals):
            let text = DecimalText.format(units, decimals: decimals)
            return style.isRussian ? text.replacing(".", with: ",") : text
        case .day(let day): return style.isRussian ? RussianText.shortDate(day) : day.description
        }
    }
}
