import AdModel
import Foundation
import ManagementAPI
import Store

/// Turns values of a seed file into the JSON of the API. Four conveniences, nothing else: `bid_rub: "320.00"` becomes
/// `bid_micros`, a bare date where the API wants an instant becomes midnight of the accounting zone, `today+30` there is
/// such a date, and a whole number without quotes is a number.
struct SeedJSON {
    var zone: TimeZone
    /// The day of the accounting zone that `today` means.
    var today: Day
    /// Keys whose bare dates mean instants.
    static let instants: Set<String> = ["from", "to", "valid_from", "valid_to", "expires_at"]

    /// The members of a mapping, without those the driver takes for itself.
    func members(_ value: SeedValue, without skipped: Set<String>, path: String, file: String) throws
        -> [String: JSONValue]
    {
        guard case .map(let entries) = value.content else {
            throw SeedError(file: file, path: path, line: value.line, "must be a mapping")
        }
        var result: [String: JSONValue] = [:]
        for entry in entries where !skipped.contains(entry.key) {
            let (key, json) = try member(entry, path: path, file: file)
            guard result.updateValue(json, forKey: key) == nil else {
                throw SeedError(file: file, path: "\(path).\(key)", line: entry.value.line, "is given twice")
            }
        }
        return result
    }

    private func member(_ entry: SeedValue.Entry, path: String, file: String) throws -> (String, JSONValue) {
        let inner = "\(path).\(entry.key)"
        guard entry.key.hasSuffix("_rub") else {
            return (entry.key, try json(entry.value, key: entry.key, path: inner, file: file))
        }
        guard let text = entry.value.text, let micros = ExactDecimal.micros(text) else {
            throw SeedError(
                file: file, path: inner, line: entry.value.line,
                "must be roubles as an exact decimal with at most 6 digits after the point, like \"1000.00\"")
        }
        return (entry.key.dropLast(3) + "micros", .integer(micros))
    }

    private func json(_ value: SeedValue, key: String, path: String, file: String) throws -> JSONValue {
        switch value.content {
        case .null: return .null
        case .list(let items):
            return .array(
                try items.enumerated().map { try json($1, key: key, path: "\(path)[\($0)]", file: file) })
        case .map: return .object(try members(value, without: [], path: path, file: file))
        case .scalar(let text, let plain):
            if plain {
                if text == "true" || text == "false" { return .bool(text == "true") }
                if let number = Int64(text), String(number) == text { return .integer(number) }
                if Self.instants.contains(key), let day = Day(text) ?? relative(text) { return .string(midnight(day)) }
            }
            return .string(text)
        }
    }

    /// `today`, `today+30`, `today-5`; at most 1,100 days away.
    private func relative(_ text: String) -> Day? {
        guard text.hasPrefix("today") else { return nil }
        let rest = text.dropFirst(5)
        guard let days = rest.isEmpty ? 0 : Int32(rest), rest.isEmpty || rest.first == "+" || rest.first == "-",
            abs(days) <= 1_100
        else { return nil }
        return Day(number: today.number + days)
    }

    /// Midnight at the start of a day in the accounting zone, as RFC 3339.
    private func midnight(_ day: Day) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let (year, month, dayOfMonth) = day.civil
        let date = calendar.date(from: DateComponents(year: year, month: month, day: dayOfMonth))
        return Timestamp(micros: Int64((date?.timeIntervalSince1970 ?? 0).rounded()) * 1_000_000).rfc3339
    }

    private static func isText(_ value: JSONValue) -> Bool { if case .string = value { true } else { false } }

    /// Whether the server's value says what the file says: members that the file leaves out do not count, and an
    /// instant may be written in another zone.
    static func agrees(_ wanted: JSONValue, with current: JSONValue?) -> Bool {
        switch (wanted, current) {
        case (.object(let wanted), .object(let current)):
            wanted.allSatisfy { key, value in
                // The one list of words whose order means something.
                key == "algorithms" ? value == current[key] : agrees(value, with: current[key])
            }
        case (.array(let wanted), .array(let current)) where wanted.allSatisfy(isText):
            // Lists of words are sets to the API.
            wanted.count == current.count && Set(wanted.map(\.canonicalText)) == Set(current.map(\.canonicalText))
        case (.array(let wanted), .array(let current)):
            wanted.count == current.count && zip(wanted, current).allSatisfy { agrees($0, with: $1) }
        case (.string(let wanted), .string(let current)):
            wanted == current
                || Timestamp(rfc3339: wanted).map { $0 == Timestamp(rfc3339: current) } ?? false
        case (.null, nil), (.null, .null): true
        default: wanted == current
        }
    }
}
