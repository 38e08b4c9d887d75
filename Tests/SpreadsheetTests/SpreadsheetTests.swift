import Archive
import Foundation
import Spreadsheet
import Testing

@Suite("Spreadsheet") struct SpreadsheetTests {
    private let book = Workbook(sheets: [
        .init(
            name: "Контрагенты",
            columns: [
                .init(title: "ИНН", key: "inn", width: 14), .init(title: "Код ККТУ", key: "kktu", width: 10),
                .init(title: "erid", key: "erid", width: 26), .init(title: "Сумма", key: "sum", width: 16),
                .init(title: "Показы", key: "shows", width: 10), .init(title: "Дата", key: "date", width: 12),
            ],
            rows: [
                [
                    .text("007707083893"), .text("17.3.10"), .text("2E10"), .decimal(units: 333_296_667, decimals: 5),
                    .integer(33_333), .day(20_543),
                ],
                [.text("=1+1"), .text("1.2.1"), .text("+7 495"), .decimal(units: -1, decimals: 2), .empty, .empty],
            ]),
        .init(name: "Акты", columns: [.init(title: "Номер", key: "serial", width: 10)], rows: []),
    ])

    @Test func `the same workbook gives the same bytes`() throws {
        #expect(try book.bytes() == book.bytes())
    }

    @Test func `LibreOffice reads codes as text, with their zeros, and formulas as text`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nimb-soffice-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(try book.bytes()).write(to: folder.appendingPathComponent("book.xlsx"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/soffice")
        process.arguments = [
            "-env:UserInstallation=file://\(folder.path)/profile", "--headless", "--convert-to",
            // Comma, quotes, UTF-8, from the first line; values as shown.
            "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true", "--outdir", folder.path,
            folder.appendingPathComponent("book.xlsx").path,
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let csv = try String(contentsOf: folder.appendingPathComponent("book.csv"), encoding: .utf8)
        let lines = csv.split(separator: "\n").map(String.init)
        #expect(lines.first == "ИНН,Код ККТУ,erid,Сумма,Показы,Дата")
        #expect(lines.dropFirst(2).first == #"007707083893,17.3.10,2E10,"3,332.96667","33,333",31.03.2026"#)
        #expect(lines.last == "=1+1,1.2.1,+7 495,-0.01,,")
    }

    @Test func `text cells are strings in the file, not numbers`() throws {
        let sheet = try #require(
            try ZipReader.entries(of: book.bytes()).first { $0.name == "xl/worksheets/sheet1.xml" })
        let xml = String(decoding: sheet.bytes, as: UTF8.self)
        #expect(xml.contains(#"<c r="A3" s="3" t="s">"#) && !xml.contains("<f>"), "\(xml.prefix(2_000))")
        #expect(xml.contains(#"state="frozen""#))
    }

    @Test(arguments: ["", "a/b", "'a'", String(repeating: "я", count: 32)])
    func `a sheet's name is checked`(name: String) {
        #expect {
            _ = try Workbook(sheets: [.init(name: name, columns: [], rows: [])]).bytes()
        } throws: { ($0 as? SpreadsheetError)?.code == "spreadsheet_sheet" }
    }

    @Test func `a text that no cell holds is refused`() {
        let long = String(repeating: "x", count: Workbook.textLimit + 1)
        #expect {
            _ = try Workbook(sheets: [.init(name: "A", columns: [], rows: [[.text(long)]])]).bytes()
        } throws: { ($0 as? SpreadsheetError)?.code == "spreadsheet_too_large" }
    }
}
