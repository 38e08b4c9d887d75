import AdModel
import ORD
import Spreadsheet

extension Workbook {
    /// One sheet for each table.
    init(_ tables: [ExportTable]) {
        self.init(
            sheets: tables.map { table in
                Sheet(
                    name: table.title,
                    columns: table.columns.map { Column(title: $0.title, key: $0.key, width: $0.width) },
                    rows: table.rows.map { row in row.map(Self.cell) })
            })
    }

    private static func cell(_ cell: ExportTable.Cell) -> Cell {
        switch cell {
        case .empty: .empty
        case .text(let text): .text(text)
        case .integer(let number): .integer(number)
        case .decimal(let units, let decimals): .decimal(units: units, decimals: decimals)
        case .day(let day): .day(day.number)
        }
    }
}
