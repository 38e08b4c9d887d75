import AdModel
import Archive
import FinanceDocuments
import ORD

/// Every way in which a month leaves the house. The raw values are what the command line and the API call them.
public enum MonthExport: String, CaseIterable, Sendable {
    /// The bundle in the shape of the VK operator, one ZIP file.
    case vk
    /// The same month in the shape of Mediascout v3 and of Ozon, one ZIP file each.
    case mediascout, ozon
    /// Neutral tables: one CSV file each, or one workbook.
    case csv, xlsx
    /// Ledger = statistics = items = act, with findings, levy and deadlines.
    case reconciliationHTML = "reconciliation-html"
    case reconciliationCSV = "reconciliation-csv"
    /// Acts to print and sign, one file each.
    case actsHTML = "acts-html"
    case actsPDF = "acts-pdf"
    /// Acts for 1C, in UTF-8 and in windows-1251.
    case oneC = "1c"
    case oneC1251 = "1c-1251"

    /// True for files that go to an operator: they are refused while the gate fails. The others are for people, who
    /// need them just then.
    public var needsGate: Bool {
        switch self {
        case .vk, .mediascout, .ozon: true
        default: false
        }
    }

    /// The files of a month. Equal months give equal files, except for PDF.
    /// - Throws: `ORDError` (`gate_failed`), `ArchiveError`, and what the libraries below throw.
    public func files(for month: ExportMonth) async throws -> [ExportFile] {
        switch self {
        case .vk:
            let bundle = try VKBundle.export(month)
            let entries = bundle.files.map { ArchiveEntry(name: $0.name, bytes: $0.bytes) }
            return [
                ExportFile(
                    name: bundle.suggestedName, contentType: "application/zip", bytes: try ZipWriter.bytes(of: entries))
            ]
        default: return []
        }
    }
}
