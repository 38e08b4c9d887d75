import AdModel
import Archive
import CMS
import FinanceDocuments
import ORD
import Spreadsheet

/// Every way in which a month leaves the house. The raw values are what the command line and the API call them.
public enum MonthFormat: String, CaseIterable, Sendable {
    /// The bundle in the shape of the VK operator, one ZIP file.
    case vk
    /// The same month in the shape of Mediascout v3 and of Ozon, one ZIP file each.
    case mediascout, ozon
    /// Neutral tables: one CSV file each, or one workbook.
    case csv, xlsx
    /// Ledger = statistics = items = act, with findings, levy and deadlines.
    case reconciliationHTML = "reconciliation-html"
    case reconciliationPDF = "reconciliation-pdf"
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

    /// The files of a month. Equal months give equal files, except for PDF and signatures.
    /// - Parameters:
    ///   - printer: makes the PDFs.
    ///   - signer: signs the manifests of bundles; the signature is a file beside the ZIP.
    /// - Throws: `ORDError` (`gate_failed`), `ArchiveError`, `SpreadsheetError`, `PDFError`, `CMSError`.
    public func files(
        for month: ExportMonth, printer: PDFPrinter = PDFPrinter(), signer: ManifestSigner? = nil
    ) async throws -> [ExportFile] {
        let period = "\(month.statement.month)"
        switch self {
        case .vk:
            let bundle = try VKBundle.export(month)
            return try Self.archive(bundle.suggestedName, bundle.files, manifest: bundle.manifest, signer)
        case .mediascout:
            let bundle = try month.switches.mediascout.bundle(month)
            return try Self.archive(bundle.suggestedName, bundle.files, manifest: bundle.manifest, signer)
        case .ozon:
            let bundle = try month.switches.ozon.bundle(month)
            return try Self.archive(bundle.suggestedName, bundle.files, manifest: bundle.manifest, signer)
        case .csv:
            return MonthTables.all(month.statement, month.settlement()).map { $0.csvFile(prefix: "ord-\(period)") }
        case .xlsx:
            let book = Workbook(MonthTables.all(month.statement, month.settlement()))
            return [
                ExportFile(
                    name: "ord-\(period).xlsx",
                    contentType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                    bytes: try book.bytes())
            ]
        case .reconciliationHTML:
            return [Self.page("reconciliation-\(period)", ReconciliationReport.html(Reconciliation(month)))]
        case .reconciliationPDF:
            let html = ReconciliationReport.html(Reconciliation(month))
            return [Self.paper("reconciliation-\(period)", try await printer.pdf(of: html))]
        case .reconciliationCSV:
            let report = Reconciliation(month)
            return [report.table, report.levyTable, report.findingsTable].map {
                $0.csvFile(prefix: "reconciliation-\(period)")
            }
        case .actsHTML: return ActDocument.all(of: month).map { Self.page($0.fileStem, $0.html) }
        case .actsPDF:
            var files: [ExportFile] = []
            for act in ActDocument.all(of: month) {
                files.append(Self.paper(act.fileStem, try await printer.pdf(of: act.html)))
            }
            return files
        case .oneC, .oneC1251:
            let style = CSVStyle.oneC(self == .oneC ? .utf8 : .windows1251)
            return [OneCActs.table(month.statement, month.settlement()).csvFile(prefix: "acts-\(period)", style)]
        }
    }

    /// A page as a file.
    public static func page(_ stem: String, _ html: [UInt8]) -> ExportFile {
        ExportFile(name: "\(stem).html", contentType: "text/html; charset=utf-8", bytes: html)
    }

    /// A printed paper as a file.
    public static func paper(_ stem: String, _ pdf: [UInt8]) -> ExportFile {
        ExportFile(name: "\(stem).pdf", contentType: "application/pdf", bytes: pdf)
    }

    /// A bundle as one ZIP file, with the signature of its manifest beside it when somebody signs.
    public static func archive(
        _ name: String, _ files: [VKBundle.File], manifest: [UInt8], _ signer: ManifestSigner?
    ) throws -> [ExportFile] {
        let entries = files.map { ArchiveEntry(name: $0.name, bytes: $0.bytes) }
        var out = [ExportFile(name: name, contentType: "application/zip", bytes: try ZipWriter.bytes(of: entries))]
        if let signer {
            out.append(
                ExportFile(
                    name: "\(name.replacing(".zip", with: "")).manifest.json.p7s",
                    contentType: "application/pkcs7-signature", bytes: try signer.signature(of: manifest)))
        }
        return out
    }
}

/// Who signs the manifests. Its description repeats no secret.
public struct ManifestSigner: Sendable, CustomStringConvertible {
    private let keyPEM: [UInt8]
    private let certificatePEM: [UInt8]
    private let passphrase: String?

    /// - Parameters:
    ///   - keyPEM: private key in PEM.
    ///   - certificatePEM: the signer's certificate, then any that lead to the authority.
    ///   - passphrase: of an encrypted key.
    public init(keyPEM: [UInt8], certificatePEM: [UInt8], passphrase: String? = nil) {
        self.keyPEM = keyPEM
        self.certificatePEM = certificatePEM
        self.passphrase = passphrase
    }

    public var description: String { "signer of manifests" }

    /// Detached CMS in DER.
    /// - Throws: `CMSError`.
    public func signature(of manifest: [UInt8]) throws(CMSError) -> [UInt8] {
        try DetachedSignature.sign(
            manifest, keyPEM: keyPEM, certificatePEM: certificatePEM, passphrase: passphrase)
    }
}
