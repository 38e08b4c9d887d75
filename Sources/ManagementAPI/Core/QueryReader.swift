import AdModel
import Store

/// Reads the query parameters of a request; `finish()` refuses those nobody asked for.
public final class QueryReader {
    private var values: [String: String] = [:]
    private var known: Set<String> = []
    private let sealer: Sealer

    init(_ query: String?, sealer: Sealer) throws(Refusal) {
        self.sealer = sealer
        for (name, value) in try QueryParameters.decode(query) {
            guard values.updateValue(value, forKey: name) == nil else {
                throw Refusal(.invalidParameter, field: String(name.prefix(64)), "Given twice.")
            }
        }
    }

    public func text(_ name: String, limit: Int = 255) throws(Refusal) -> String? {
        known.insert(name)
        guard let value = values[name] else { return nil }
        guard !value.isEmpty, value.unicodeScalars.count <= limit,
            !value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else { throw Refusal(.invalidParameter, field: name, "Must be 1 to \(limit) printable characters.") }
        return value
    }

    public func word(_ name: String, _ allowed: [String]) throws(Refusal) -> String? {
        guard let value = try text(name) else { return nil }
        guard allowed.contains(value) else {
            throw Refusal(.invalidParameter, field: name, "Must be one of \(allowed.joined(separator: ", ")).")
        }
        return value
    }

    public func bool(_ name: String) throws(Refusal) -> Bool? {
        try word(name, ["true", "false"]).map { $0 == "true" }
    }

    public func int(_ name: String, _ range: ClosedRange<Int>) throws(Refusal) -> Int? {
        guard let value = try text(name) else { return nil }
        guard let number = Int(value), range.contains(number) else {
            throw Refusal(
                .invalidParameter, field: name,
                "Must be a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    public func day(_ name: String) throws(Refusal) -> Day? {
        guard let value = try text(name, limit: 10) else { return nil }
        guard let day = Day(value) else {
            throw Refusal(.invalidParameter, field: name, "Must be a date like 2026-11-01.")
        }
        return day
    }

    public func instant(_ name: String) throws(Refusal) -> Timestamp? {
        guard let value = try text(name, limit: 40) else { return nil }
        guard let instant = Timestamp(rfc3339: value) else {
            throw Refusal(.invalidParameter, field: name, "Must be an instant like 2026-11-01T10:00:00Z.")
        }
        return instant
    }

    /// `limit` and `cursor`. Cursors are sealed: they tell nothing about how many rows there are.
    public func page() throws(Refusal) -> Page {
        let limit = try int("limit", 1...Page.maximumLimit) ?? Page.defaultLimit
        guard let cursor = try text("cursor") else { return Page(limit: limit) }
        guard let after = Cursor.open(cursor, sealer) else {
            throw Refusal(
                .invalidCursor, field: "cursor", "Not a cursor of this list; pass next_cursor as it was given.")
        }
        return Page(limit: limit, after: after)
    }

    /// Refuses unknown parameters.
    public func finish() throws(Refusal) {
        for name in values.keys.sorted() where !known.contains(name) {
            throw Refusal(
                .unknownParameter, field: String(name.prefix(64)),
                known.isEmpty
                    ? "This address takes no parameters."
                    : "Unknown; known here: \(known.sorted().joined(separator: ", ")).")
        }
    }
}

/// The position in a list, sealed.
enum Cursor {
    static func seal(_ id: Int64, _ sealer: Sealer) -> String {
        sealer.seal(withUnsafeBytes(of: id.littleEndian, Array.init), purpose: "cursor")
    }

    static func open(_ text: String, _ sealer: Sealer) -> Int64? {
        guard let bytes = sealer.open(text, purpose: "cursor"), bytes.count == 8 else { return nil }
        return bytes.reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
    }
}
