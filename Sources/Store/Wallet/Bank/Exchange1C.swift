/// The text format in which banks and 1C exchange payments: `Key=Value` lines, one section per payment.
enum Exchange1C {
    static let signature = "1CClientBankExchange"

    private static let names = [
        "number": "Номер", "date": "Дата", "amount": "Сумма", "payer_inn": "ПлательщикИНН", "payer_name": "Плательщик1",
        "recipient_inn": "ПолучательИНН", "purpose": "НазначениеПлатежа",
    ]

    static func documents(_ lines: [some StringProtocol], _ log: inout BankFileLog) -> [BankDocument] {
        var documents: [BankDocument] = []
        var open: BankFields?
        var index = 0
        var ended = false
        for (offset, raw) in lines.enumerated() {
            let line = raw.trimmed
            let (key, value) = parts(line)
            switch key {
            case "СекцияДокумент":
                if let open {
                    log.add("documents[\(open.index)]", "not_closed", "line \(open.line): КонецДокумента is missing")
                }
                index += 1
                open = BankFields(index: index, line: offset + 1, values: [:], names: names)
            case "КонецДокумента":
                guard let fields = open else {
                    log.add(
                        "file", "not_opened", "line \(offset + 1): there is no СекцияДокумент to this КонецДокумента")
                    continue
                }
                if let document = fields.document(&log) { documents.append(document) }
                open = nil
            case "КонецФайла": ended = true
            default:
                if var fields = open {
                    take(key, value, into: &fields)
                    open = fields
                }
            }
        }
        if let open {
            log.add("documents[\(open.index)]", "not_closed", "line \(open.line): КонецДокумента is missing")
        }
        // A file that was cut off must not pass for a whole one.
        if !ended { log.add("file", "cut_off", "the last line КонецФайла is missing") }
        return documents
    }

    private static func parts(_ line: String) -> (key: String, value: String) {
        guard let equals = line.firstIndex(of: "=") else { return (line, "") }
        return (line[..<equals].trimmed, line[line.index(after: equals)...].trimmed)
    }

    /// The payer's name is in one of two keys; the purpose may go on in numbered ones.
    private static func take(_ key: String, _ value: String, into fields: inout BankFields) {
        if key == "Плательщик" {
            if fields.values["payer_name"] == nil { fields.values["payer_name"] = value }
        } else if key.hasPrefix("НазначениеПлатежа"), key != "НазначениеПлатежа", !value.isEmpty {
            let whole = fields.values["purpose"] ?? ""
            // Programs write the text whole as well as in pieces.
            if !whole.contains(value) { fields.values["purpose"] = whole.isEmpty ? value : "\(whole) \(value)" }
        } else if let canonical = names.first(where: { $0.value == key })?.key, !value.isEmpty {
            fields.values[canonical] = value
        }
    }
}
