import AdModel
import ORD
import Postgres
import Synchronization

/// What a refresh from an operator's dictionary changes.
public struct KKTUDiff: Equatable, Sendable {
    public var added: [KKTUChange] = []
    public var renamed: [KKTUChange] = []
    /// Codes that the operator does not list any more.
    public var vanished: [String] = []
    /// Codes that had vanished and are listed again.
    public var returned: [String] = []
    public var isEmpty: Bool { added.isEmpty && renamed.isEmpty && vanished.isEmpty && returned.isEmpty }
}

/// Refreshes of the classifier. Codes are never deleted: acts of closed months name them.
public enum KKTUStore {
    /// A dictionary that has lost more codes than this is not one: percent of the known ones.
    public static let lossLimit = 20

    /// All changes so far, in order of code.
    public static func changes(on db: isolated PostgresConnection) throws -> [KKTUChange] {
        try db.query("select * from kktu_code order by code").map { row in
            KKTUChange(
                code: try row.string("code"), name: try row.string("name"),
                displayName: try row.string("display_name"),
                vanishedOn: try row.daysIfPresent("vanished_on").map(Day.init(number:)))
        }
    }

    /// Compares an operator's list with the dictionary in use.
    /// - Throws: `invalid_fields` when the list cannot be one: a wrong code, a missing parent, most codes gone.
    public static func diff(_ listed: [(code: String, name: String)], with known: KKTUDictionary) throws -> KKTUDiff {
        var diff = KKTUDiff()
        let codes = Set(listed.map(\.code))
        guard codes.count == listed.count else {
            throw Refusal.field("items", "duplicate", "A code is listed twice.")
        }
        for (index, entry) in listed.enumerated() {
            let parts = entry.code.split(separator: ".", omittingEmptySubsequences: false)
            guard (1...3).contains(parts.count),
                parts.allSatisfy({ (1...3).contains($0.utf8.count) && Int($0) != nil && $0.first != "0" })
            else {
                throw Refusal.field("items[\(index)].code", "invalid", "A code is one to three numbers with dots.")
            }
            let parent = parts.dropLast().joined(separator: ".")
            guard parent.isEmpty || codes.contains(parent) || known.entry(parent) != nil else {
                throw Refusal.field("items[\(index)].code", "unknown_reference", "The group \(parent) is missing.")
            }
            guard let old = known.entry(entry.code) else {
                diff.added.append(KKTUChange(code: entry.code, name: entry.name, displayName: entry.name))
                continue
            }
            if old.vanishedOn != nil { diff.returned.append(entry.code) }
            // Capitals and ё are matters of taste between operators.
            if fold(old.name) != fold(entry.name) {
                diff.renamed.append(KKTUChange(code: entry.code, name: entry.name, displayName: entry.name))
            }
        }
        diff.vanished = known.entries.filter { $0.vanishedOn == nil && !codes.contains($0.code) }.map(\.code)
        guard diff.vanished.count * 100 <= known.entries.count * lossLimit else {
            throw Refusal.field(
                "items", "too_many",
                "\(diff.vanished.count) of \(known.entries.count) codes are missing: not a dictionary.")
        }
        return diff
    }

    /// Keeps what a refresh has found. Repeating it changes nothing.
    public static func apply(
        _ diff: KKTUDiff, to known: KKTUDictionary, today: Day, on db: isolated PostgresConnection
    ) throws {
        func keep(_ code: String, _ name: String, _ displayName: String, vanished: Bool) throws {
            try db.query(
                """
                insert into kktu_code (code, name, display_name, added_on, vanished_on) values ($1, $2, $3, $4, $5)
                on conflict (code) do update set name = excluded.name, display_name = excluded.display_name,
                    vanished_on = excluded.vanished_on
                """,
                [
                    .text(code), .text(name), .text(displayName), .date(days: today.number),
                    vanished ? .date(days: today.number) : .null,
                ])
        }
        for entry in diff.added + diff.renamed { try keep(entry.code, entry.name, entry.displayName, vanished: false) }
        let renamed = Set(diff.renamed.map(\.code))
        for (codes, vanished) in [(diff.vanished, true), (diff.returned, false)] {
            for code in codes where !renamed.contains(code) {
                guard let entry = known.entry(code) else { continue }
                try keep(code, entry.name, entry.displayName, vanished: vanished)
            }
        }
    }

    private static func fold(_ name: String) -> String {
        name.lowercased().replacing("ё", with: "е").split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}

/// The classifier in use: the one that ships with the program and what refreshes have changed since.
public final class KKTUSource: Sendable {
    private let base: KKTUDictionary
    private let known: Mutex<(changes: [KKTUChange], dictionary: KKTUDictionary)>

    public init(_ base: KKTUDictionary) {
        self.base = base
        known = Mutex(([], base))
    }

    /// As it was read last.
    public var latest: KKTUDictionary { known.withLock { $0.dictionary } }

    /// As the database has it.
    public func current(on db: isolated PostgresConnection) throws -> KKTUDictionary {
        let changes = try KKTUStore.changes(on: db)
        if let same = known.withLock({ $0.changes == changes ? $0.dictionary : nil }) { return same }
        let dictionary = base.changed(by: changes)
        known.withLock { $0 = (changes, dictionary) }
        return dictionary
    }
}
