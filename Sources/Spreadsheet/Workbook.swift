/// A workbook as it is written: sheets of typed cells.
public struct Workbook: Sendable {
    /// One cell. Text stays text, whatever it looks like: no cell is ever a formula, and leading zeros stay.
    public enum Cell: Hashable, Sendable {
        case empty
        case text(String)
        case integer(Int64)
        /// `units` of 10^-`decimals`, shown with that many decimals. A spreadsheet counts with binary floating point, 15
        /// digits; sums beyond that are for the CSV.
        case decimal(units: Int64, decimals: Int)
        /// Days since 1970-01-01, shown as `31.03.2026`.
        case day(Int32)
    }

    public struct Column: Sendable {
        /// For people; the first line of the sheet.
        public var title: String
        /// For programs; the second line.
        public var key: String
        /// Characters.
        public var width: Int

        public init(title: String, key: String, width: Int) {
            self.title = title
            self.key = key
            self.width = width
        }
    }

    public struct Sheet: Sendable {
        /// 1 to 31 characters, none of `[ ] : * ? / \`.
        public var name: String
        public var columns: [Column]
        public var rows: [[Cell]]

        public init(name: String, columns: [Column], rows: [[Cell]]) {
            self.name = name
            self.columns = columns
            self.rows = rows
        }
    }

    public var sheets: [Sheet]

    public init(sheets: [Sheet]) { self.sheets = sheets }

    /// Most rows of a sheet, both header lines among them: the format's own limit.
    public static let rowLimit = 1_048_576
    /// Most characters of a cell: the format's own limit.
    public static let textLimit = 32_767
}

/// The workbook could not be written.
public struct SpreadsheetError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable code: `spreadsheet_too_large`, `spreadsheet_sheet`, `spreadsheet_write`.
    public let code: String
    public let message: String
    public var isRetryable: Bool { false }
    public var description: String { "\(code): \(message)" }
}
