/// Payments as a table: a header line with `number,date,amount,payer_inn` and, where known, `payer_name`,
/// `recipient_inn`, `purpose`, in any order; `,` or `;` between fields; RFC 4180 quotes, without line breaks in a field.
enum BankCSV {
    private static let required = ["number", "date", "amount", "payer_inn"]
    private static let optional = ["payer_name", "recipient_inn", "purpose"]

    static func documents(_ lines: [some StringProtocol], _ log: inout BankFileLog) -> [BankDocument] {
        guard let header = lines.first, !header.trimmed.isEmpty else {
            log.add("file", "empty", "the file is empty")
            return []
        }
        let separator: Character = header.contains(";") ? ";" : ","
        let columns = (fields(header, separator) ?? []).map { $0.trimmed.lowercased() }
        let missing = required.filter { !columns.contains($0) }
        guard missing.isEmpty else {
            log.add(
                "file", "unknown_format",
                "neither the exchange format of 1C nor a table with the columns \(required.joined(separator: ", "))")
            return []
        }
        for column in columns where !(required + optional).contains(column) {
            log.add("file", "unknown_column", "the column \(column) is not known")
        }
        if Set(columns).count != columns.count { log.add("file", "repeated_column", "a column is there twice") }
        var documents: [BankDocument] = []
        var index = 0
        for (offset, line) in lines.enumerated().dropFirst() where !line.trimmed.isEmpty {
            index += 1
            guard let values = fields(line, separator), values.count == columns.count else {
                log.add(
                    "documents[\(index)]", "fields", "line \(offset + 1): \(columns.count) fields are expected")
                continue
            }
            let byName = Dictionary(zip(columns, values)) { first, _ in first }
            let fields = BankFields(index: index, line: offset + 1, values: byName, names: [:])
            if let document = fields.document(&log) { documents.append(document) }
        }
        return documents
    }

    /// nil when a quote is not closed or something follows one that is.
    private static func fields(_ line: some StringProtocol, _ separator: Character) -> [String]? {
        var fields: [String] = []
        var rest = Substring(line)
        while true {
            var field = ""
            if rest.first == "\"" {
                rest.removeFirst()
                while let end = rest.firstIndex(of: "\"") {
                    field += rest[..<end]
                    rest = rest[rest.index(after: end)...]
                    guard rest.first == "\"" else { break }
                    field.append(rest.removeFirst())
                    guard rest.contains("\"") else { return nil }
                }
                guard rest.isEmpty || rest.first == separator else { return nil }
            } else {
                let end = rest.firstIndex(of: separator) ?? rest.endIndex
                field = String(rest[..<end])
                rest = rest[end...]
            }
            fields.append(field)
            guard !rest.isEmpty else { return fields }
            rest.removeFirst()
        }
    }
}
