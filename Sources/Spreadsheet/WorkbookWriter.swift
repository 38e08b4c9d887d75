import CXLSXWriter
import Foundation

extension Workbook {
    /// The workbook as an XLSX file. Equal workbooks give equal bytes: the creation date is fixed.
    ///
    /// libxlsxwriter writes through temporary files in `TMPDIR`, so this blocks; keep it off event loops.
    /// - Throws: `SpreadsheetError`.
    public func bytes() throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nimb-xlsx-\(UUID().uuidString)")
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch { throw SpreadsheetError(code: "spreadsheet_write", message: "no temporary folder: check TMPDIR") }
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("book.xlsx")
        guard let book = workbook_new(file.path) else {
            throw SpreadsheetError(code: "spreadsheet_write", message: "libxlsxwriter does not start")
        }
        do {
            fixCreationDate(book)
            let formats = Formats(book)
            var names: Set<String> = []
            for sheet in sheets {
                // Checked here, because the library would complain on standard error.
                guard Self.isSheetName(sheet.name), names.insert(sheet.name.lowercased()).inserted else {
                    throw SpreadsheetError(
                        code: "spreadsheet_sheet", message: "\(sheet.name) is not a name of a sheet, or is there twice")
                }
                try write(sheet, to: book, formats)
            }
        } catch {
            // Closing is the only way to free it.
            _ = workbook_close(book)
            throw error
        }
        let status = workbook_close(book)
        guard status == LXW_NO_ERROR else {
            throw SpreadsheetError(code: "spreadsheet_write", message: String(cString: lxw_strerror(status)))
        }
        do { return [UInt8](try Data(contentsOf: file)) } catch {
            throw SpreadsheetError(code: "spreadsheet_write", message: "the file cannot be read back: check TMPDIR")
        }
    }

    private static func isSheetName(_ name: String) -> Bool {
        (1...31).contains(name.utf16.count) && !name.contains { "[]:*?/\\".contains($0) } && name.first != "'"
            && name.last != "'"
    }

    private func fixCreationDate(_ book: UnsafeMutablePointer<lxw_workbook>) {
        var properties = lxw_doc_properties()
        // 2020-01-01 00:00 UTC: any fixed moment would do, but 0 means "now".
        properties.created = 1_577_836_800
        _ = workbook_set_properties(book, &properties)
    }

    /// Cell formats of one workbook.
    private struct Formats {
        let title: UnsafeMutablePointer<lxw_format>?
        let key: UnsafeMutablePointer<lxw_format>?
        let text: UnsafeMutablePointer<lxw_format>?
        let integer: UnsafeMutablePointer<lxw_format>?
        let day: UnsafeMutablePointer<lxw_format>?
        /// By number of decimals, 0 to 8.
        let decimals: [UnsafeMutablePointer<lxw_format>?]

        init(_ book: UnsafeMutablePointer<lxw_workbook>) {
            func format(_ number: String? = nil) -> UnsafeMutablePointer<lxw_format>? {
                let format = workbook_add_format(book)
                format_set_align(format, UInt8(LXW_ALIGN_VERTICAL_TOP.rawValue))
                if let number { format_set_num_format(format, number) }
                return format
            }
            title = format("@")
            format_set_bold(title)
            format_set_bg_color(title, 0xE8EEF4)
            format_set_text_wrap(title)
            format_set_bottom(title, UInt8(LXW_BORDER_THIN.rawValue))
            key = format("@")
            format_set_font_color(key, 0x7A8691)
            format_set_font_size(key, 8)
            // The format says "text", so that a cell that is edited stays text.
            text = format("@")
            integer = format("#,##0")
            day = format("dd.mm.yyyy")
            decimals = (0...8).map { count in
                format(count == 0 ? "#,##0" : "#,##0.\(String(repeating: "0", count: count))")
            }
        }
    }

    private func write(_ sheet: Sheet, to book: UnsafeMutablePointer<lxw_workbook>, _ formats: Formats) throws {
        guard sheet.rows.count + 2 <= Self.rowLimit else {
            throw SpreadsheetError(
                code: "spreadsheet_too_large", message: "\(sheet.name): more rows than a sheet holds; use CSV")
        }
        guard let page = workbook_add_worksheet(book, sheet.name) else {
            throw SpreadsheetError(code: "spreadsheet_sheet", message: "\(sheet.name) cannot be added")
        }
        for (index, column) in sheet.columns.enumerated() {
            let place = lxw_col_t(index)
            _ = worksheet_set_column(page, place, place, Double(column.width), nil)
            _ = worksheet_write_string(page, 0, place, column.title, formats.title)
            _ = worksheet_write_string(page, 1, place, column.key, formats.key)
        }
        worksheet_freeze_panes(page, 2, 1)
        if !sheet.columns.isEmpty {
            let last = lxw_row_t(max(sheet.rows.count + 1, 2))
            _ = worksheet_autofilter(page, 1, 0, last, lxw_col_t(sheet.columns.count - 1))
        }
        // For those who print it: one page wide, headers on every page.
        worksheet_set_landscape(page)
        worksheet_fit_to_pages(page, 1, 0)
        _ = worksheet_repeat_rows(page, 0, 1)
        for (line, row) in sheet.rows.enumerated() {
            for (index, cell) in row.enumerated() {
                try write(cell, page, lxw_row_t(line + 2), lxw_col_t(index), formats, sheet.name)
            }
        }
    }

    private func write(
        _ cell: Cell, _ page: UnsafeMutablePointer<lxw_worksheet>, _ row: lxw_row_t, _ column: lxw_col_t,
        _ formats: Formats, _ sheet: String
    ) throws {
        let status: lxw_error
        switch cell {
        case .empty: return
        case .text(let text):
            guard text.utf16.count <= Self.textLimit else {
                throw SpreadsheetError(
                    code: "spreadsheet_too_large", message: "\(sheet), line \(row + 1): a text too long for a cell")
            }
            // NUL would end the C string; no text of ours may hold one.
            status = worksheet_write_string(page, row, column, text.replacing("\0", with: ""), formats.text)
        case .integer(let number):
            status = worksheet_write_number(page, row, column, Double(number), formats.integer)
        case .decimal(let units, let decimals):
            let places = min(max(decimals, 0), 8)
            var scale = 1.0
            for _ in 0..<places { scale *= 10 }
            // Both are whole numbers below 2^53, so the quotient is the double nearest to the decimal.
            status = worksheet_write_number(page, row, column, Double(units) / scale, formats.decimals[places])
        case .day(let number):
            // Serial 25569 is 1970-01-01.
            status = worksheet_write_number(page, row, column, Double(number) + 25_569, formats.day)
        }
        guard status == LXW_NO_ERROR else {
            throw SpreadsheetError(
                code: "spreadsheet_write",
                message: "\(sheet), line \(row + 1): \(String(cString: lxw_strerror(status)))")
        }
    }
}
