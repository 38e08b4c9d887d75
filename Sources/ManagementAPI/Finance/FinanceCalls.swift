import AdModel
import Archive
import FinanceExports
import ORD
import Postgres
import Store

/// What the finance routes share.
enum FinanceCalls {
    /// Who sees months, exports, sendings and the journal.
    static let readers: Set<Role> = [.admin, .analyst, .finance]

    /// The month of the path; `not_found` for what is no month, or one that has nothing and is not at hand.
    static func month(_ call: Call, on db: isolated PostgresConnection) throws -> AccountingMonth {
        guard let month = AccountingMonth(call.path("month")) else { throw Refusal.notFound }
        let today = try RetailerStore.today(call.now, on: db)
        let isNear = (month.first + -62...month.last + 31).contains(today)
        guard
            try isNear || MonthClose.status(of: month, on: db).state != .open
                || !db.query(
                    """
                    select 1 from charge where accounting_day between $1 and $2
                    union all select 1 from performance_day where day between $1 and $2 limit 1
                    """, [.date(days: month.first.number), .date(days: month.last.number)]
                ).isEmpty
        else { throw Refusal.notFound }
        return month
    }

    /// The dictionary in use, with refreshes.
    static func kktu(_ call: Call, on db: isolated PostgresConnection) throws -> KKTUDictionary {
        guard let source = call.services.kktuSource else {
            throw Refusal(.unavailable, "The KKTU dictionary is not loaded.", retryAfter: 60)
        }
        return try source.current(on: db)
    }

    /// `YYYY-MM` of a parameter.
    static func month(_ query: QueryReader, _ name: String = "month") throws -> AccountingMonth? {
        guard let text = try query.text(name, limit: 7) else { return nil }
        guard let month = AccountingMonth(text) else {
            throw Refusal(.invalidParameter, field: name, "Must be a month like 2026-11.")
        }
        return month
    }

    /// What the gate found, as a refusal.
    static func refusal(_ error: ORDError) -> Refusal {
        let errors = error.findings.filter { $0.severity != .note }
        return Refusal(
            .invalidState, field: "month",
            "The gate refuses the month: \(errors.count) findings, the first: \(errors.first?.description ?? error.code).",
            fields: errors.prefix(50).map {
                Refusal.FieldProblem(
                    field: $0.field.isEmpty ? $0.object : "\($0.object) \($0.field)", code: $0.code, detail: $0.message)
            })
    }

    /// Several files as one; one file as it is.
    static func answer(_ files: [ExportFile], stem: String) throws -> Answer {
        guard let first = files.first else { throw Refusal.notFound }
        var file = first
        if files.count > 1 {
            let entries = files.map { ArchiveEntry(name: $0.name, bytes: $0.bytes) }
            file = ExportFile(
                name: "\(stem).zip", contentType: "application/zip", bytes: try ZipWriter.bytes(of: entries))
        }
        var answer = Answer(status: 200, contentType: file.contentType, body: file.bytes)
        answer.headers["content-disposition"] = "attachment; filename=\"\(file.name)\""
        return answer
    }

    /// A paper as HTML or PDF.
    static func paper(_ stem: String, _ html: [UInt8], isPDF: Bool) async throws -> Answer {
        guard isPDF else { return try answer([MonthFormat.page(stem, html)], stem: stem) }
        do {
            return try answer([MonthFormat.paper(stem, try await PDFPrinter().pdf(of: html))], stem: stem)
        } catch let error as PDFError {
            throw Refusal(.unavailable, error.message, retryAfter: error.isRetryable ? 60 : nil)
        }
    }

    /// Files of a month in a format; problems with making them become refusals.
    static func files(_ format: MonthFormat, of month: ExportMonth) async throws -> [ExportFile] {
        do { return try await format.files(for: month) } catch let error as ORDError {
            throw refusal(error)
        } catch let error as PDFError {
            throw Refusal(.unavailable, error.message, retryAfter: error.isRetryable ? 60 : nil)
        }
    }
}
