import AdModel
import Foundation

/// A value of the file together with its path.
struct SeedNode {
    let value: SeedValue
    let path: String
    let log: SeedLog

    func problem(_ reason: String) { log.add(path, value.line, reason) }

    /// The text of a scalar, quoted or not; reports anything else.
    func text(limit: Int = 255) -> String? {
        guard case .scalar(let text, _) = value.content else {
            problem("must be a single value, not \(value.kindName)")
            return nil
        }
        guard !text.isEmpty else {
            problem("must not be empty")
            return nil
        }
        guard text.unicodeScalars.count <= limit else {
            problem("is longer than \(limit) characters")
            return nil
        }
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" && $0 != "\t" }) else {
            problem("contains control characters")
            return nil
        }
        return text
    }

    func list(limit: Int) -> [SeedNode] {
        guard case .list(let items) = value.content else {
            problem("must be a list, not \(value.kindName)")
            return []
        }
        guard items.count <= limit else {
            problem("has \(items.count) entries; at most \(limit) are accepted")
            return []
        }
        return items.enumerated().map { SeedNode(value: $1, path: "\(path)[\($0)]", log: log) }
    }
}

/// Reads the keys of one mapping and remembers which were asked for, so that the rest can be refused.
final class SeedObject {
    let node: SeedNode
    private let entries: [String: SeedValue]
    private var known: Set<String> = []
    /// The zone in which bare dates are midnight.
    let zone: TimeZone

    var path: String { node.path }
    var line: Int? { node.value.line }

    init?(_ node: SeedNode, zone: TimeZone) {
        guard case .map(let entries) = node.value.content else {
            node.problem("must be a mapping, not \(node.value.kindName)")
            return nil
        }
        self.node = node
        self.zone = zone
        var byKey: [String: SeedValue] = [:]
        for entry in entries {
            if byKey.updateValue(entry.value, forKey: entry.key) != nil {
                node.log.add(SeedObject.join(node.path, entry.key), entry.value.line, "is given twice")
            }
        }
        self.entries = byKey
    }

    private static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The value under a key; nil when absent or null.
    func child(_ key: String) -> SeedNode? {
        known.insert(key)
        guard let value = entries[key] else { return nil }
        if case .null = value.content { return nil }
        return SeedNode(value: value, path: SeedObject.join(path, key), log: node.log)
    }

    func problem(_ key: String, _ reason: String) {
        node.log.add(SeedObject.join(path, key), entries[key]?.line ?? line, reason)
    }

    private func required(_ key: String) -> SeedNode? {
        guard let found = child(key) else {
            problem(key, "is required")
            return nil
        }
        return found
    }

    /// Refuses every key that nobody asked for.
    func finish() {
        for (key, value) in entries where !known.contains(key) {
            node.log.add(
                SeedObject.join(path, key), value.line,
                "unknown key; known keys here: \(known.sorted().joined(separator: ", "))")
        }
    }

    // MARK: Scalars

    func text(_ key: String, limit: Int = 255) -> String? { required(key)?.text(limit: limit) }

    func textIfPresent(_ key: String, limit: Int = 255) -> String? { child(key)?.text(limit: limit) }

    /// A code of ours: 1...64 characters of `A-Z a-z 0-9 . -`, and `_` where the noun allows it (the codes that
    /// travel to the operator do not).
    func code(_ key: String, underscore: Bool = false) -> String? {
        required(key).flatMap { SeedObject.code($0, underscore: underscore) }
    }

    func codeIfPresent(_ key: String, underscore: Bool = false) -> String? {
        child(key).flatMap { SeedObject.code($0, underscore: underscore) }
    }

    static func code(_ node: SeedNode, underscore: Bool = false) -> String? {
        guard let text = node.text(limit: 64) else { return nil }
        guard text.utf8.allSatisfy({ isCodeByte($0) || (underscore && $0 == 0x5F) }) else {
            node.problem(
                "“\(text)” may contain only latin letters, digits, dots\(underscore ? ", underscores" : "") and dashes")
            return nil
        }
        return text
    }

    private static func isCodeByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == 0x2E || byte == 0x2D
    }

    /// Roubles as an exact decimal with at most `places` digits after the point, in micro-roubles.
    func moneyIfPresent(_ key: String, places: Int = 6) -> Int64? {
        guard let node = child(key), let text = node.text() else { return nil }
        guard let micros = ExactDecimal.micros(text, places: places) else {
            node.problem(
                "“\(text)” is not an amount in roubles: write digits with at most \(places) after the point, like \"1000.00\""
            )
            return nil
        }
        return micros
    }

    func money(_ key: String, places: Int = 6) -> Int64? {
        guard child(key) != nil else {
            problem(key, "is required")
            return nil
        }
        return moneyIfPresent(key, places: places)
    }

    func int(_ key: String, _ range: ClosedRange<Int>, default fallback: Int) -> Int {
        guard let node = child(key), let text = node.text() else { return fallback }
        guard let number = Int(text), range.contains(number) else {
            node.problem("“\(text)” is not a whole number from \(range.lowerBound) to \(range.upperBound)")
            return fallback
        }
        return number
    }

    func bool(_ key: String, default fallback: Bool) -> Bool {
        guard let node = child(key) else { return fallback }
        if case .scalar(let text, plain: true) = node.value.content {
            if text == "true" { return true }
            if text == "false" { return false }
        }
        node.problem("must be true or false")
        return fallback
    }

    func word(_ key: String, _ allowed: [String], default fallback: String? = nil) -> String? {
        guard let node = child(key) else {
            if fallback == nil { problem(key, "is required: one of \(allowed.joined(separator: ", "))") }
            return fallback
        }
        return SeedObject.word(node, allowed)
    }

    static func word(_ node: SeedNode, _ allowed: [String]) -> String? {
        guard let text = node.text() else { return nil }
        guard allowed.contains(text) else {
            node.problem("“\(text)” is not one of \(allowed.joined(separator: ", "))")
            return nil
        }
        return text
    }

    // MARK: Times

    /// An instant with a zone, or a bare date = midnight of the accounting zone.
    func instantIfPresent(_ key: String) -> Timestamp? {
        guard let node = child(key), let text = node.text() else { return nil }
        if let day = Day(text) { return midnight(day) }
        if let instant = Timestamp(rfc3339: text) { return instant }
        node.problem("“\(text)” is neither a date like 2026-11-01 nor an instant like 2026-11-01T10:00:00+03:00")
        return nil
    }

    func dayIfPresent(_ key: String) -> Day? {
        guard let node = child(key), let text = node.text() else { return nil }
        guard let day = Day(text) else {
            node.problem("“\(text)” is not a date like 2026-11-01")
            return nil
        }
        return day
    }

    /// Midnight at the start of a day in the accounting zone.
    func midnight(_ day: Day) -> Timestamp {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let (year, month, dayOfMonth) = day.civil
        let parts = DateComponents(year: year, month: month, day: dayOfMonth)
        guard let date = calendar.date(from: parts) else { return day.utcStart }
        return Timestamp(micros: Int64(date.timeIntervalSince1970.rounded()) * 1_000_000)
    }

    /// A length of time: `90s`, `15m`, `24h`, `2d`; in seconds.
    func secondsIfPresent(_ key: String, _ range: ClosedRange<Int64>) -> Int64? {
        guard let node = child(key), let text = node.text() else { return nil }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let number = Int64(text.dropLast()), number < 1_000_000,
            range.contains(number * unit)
        else {
            node.problem("“\(text)” is not a length of time like 30m, 24h or 2d within the accepted range")
            return nil
        }
        return number * unit
    }

    // MARK: Lists and objects

    func objects(_ key: String, limit: Int) -> [SeedObject] {
        (child(key)?.list(limit: limit) ?? []).compactMap { SeedObject($0, zone: zone) }
    }

    func object(_ key: String) -> SeedObject? { child(key).flatMap { SeedObject($0, zone: zone) } }

    /// A list of texts without repetition, in the order of the file.
    func texts(_ key: String, limit: Int, itemLimit: Int = 128) -> [String] {
        var seen: Set<String> = []
        return (child(key)?.list(limit: limit) ?? []).compactMap { node in
            guard let text = node.text(limit: itemLimit) else { return nil }
            guard seen.insert(text).inserted else {
                node.problem("“\(text)” is listed twice")
                return nil
            }
            return text
        }
    }

    func words(_ key: String, _ allowed: [String], limit: Int = 32) -> [String] {
        (child(key)?.list(limit: limit) ?? []).compactMap { SeedObject.word($0, allowed) }
    }
}
