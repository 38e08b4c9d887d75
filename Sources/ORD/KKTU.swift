/// The classifier of goods and services (ККТУ): 405 codes in three levels, of which only the third is used.
public struct KKTUDictionary: Sendable {
    /// One code.
    public struct Entry: Hashable, Sendable {
        public let code: String
        /// 1...3.
        public let level: Int
        public let parent: String?
        /// May it stand on a creative? Third level only.
        public let isUsable: Bool
        /// As published, in capitals.
        public let name: String
        /// For people.
        public let displayName: String
    }

    /// In the order of the numbers.
    public let entries: [Entry]
    private let byCode: [String: Entry]
    private let searchText: [String]

    public func entry(_ code: String) -> Entry? { byCode[code] }

    /// Codes whose name contains every word of the query (any case, ё as е), or whose code begins with it.
    /// Usable codes come first.
    public func search(_ query: String, limit: Int = 50) -> [Entry] {
        let words = Self.normalised(query).split(separator: " ")
        guard !words.isEmpty else { return [] }
        var usable: [Entry] = []
        var other: [Entry] = []
        for (entry, text) in zip(entries, searchText) {
            let matches = words.allSatisfy { text.contains($0) } || (words.count == 1 && entry.code.hasPrefix(words[0]))
            guard matches else { continue }
            if entry.isUsable { usable.append(entry) } else { other.append(entry) }
        }
        return Array((usable + other).prefix(limit))
    }

    /// Reads `kktu.csv` (comma, quotes, header line).
    /// - Throws: `ORDError` with code `kktu_file` when a line, a parent or a level is wrong.
    public init(csv bytes: some Sequence<UInt8>) throws(ORDError) {
        let rows = CSV.rows(String(decoding: Array(bytes), as: UTF8.self))
        var entries: [Entry] = []
        var byCode: [String: Entry] = [:]
        func wrong(_ line: Int, _ message: String) -> ORDError {
            ORDError(
                code: "kktu_file",
                findings: [Finding(code: "kktu_file", object: "kktu.csv line \(line)", message: message)])
        }
        guard let header = rows.first, header.count >= 6,
            Array(header.prefix(6))
                == ["code", "level", "parent_code", "usable_in_creative", "name_ru", "name_ru_display"]
        else {
            throw wrong(
                1, "the header must begin with code,level,parent_code,usable_in_creative,name_ru,name_ru_display")
        }
        for (index, row) in rows.enumerated().dropFirst() {
            let line = index + 1
            guard row.count == header.count else {
                throw wrong(line, "expected \(header.count) fields, found \(row.count)")
            }
            let numbers = row[0].split(separator: ".", omittingEmptySubsequences: false)
            guard numbers.allSatisfy({ (1...3).contains($0.utf8.count) && $0.first != "0" && Int($0) != nil }),
                Int(row[1]) == numbers.count, (1...3).contains(numbers.count)
            else { throw wrong(line, "the code must be one to three numbers, as many as its level") }
            let parent = numbers.count == 1 ? nil : numbers.dropLast().joined(separator: ".")
            guard (row[2].isEmpty ? nil : row[2]) == parent else {
                throw wrong(line, "the parent must be the code without its last number")
            }
            guard (row[3] == "1") == (numbers.count == 3) else {
                throw wrong(line, "only the third level may be usable")
            }
            guard !row[4].isEmpty else { throw wrong(line, "the name is missing") }
            let entry = Entry(
                code: row[0], level: numbers.count, parent: parent, isUsable: row[3] == "1", name: row[4],
                displayName: row[5].isEmpty ? row[4] : row[5])
            guard byCode.updateValue(entry, forKey: entry.code) == nil else {
                throw wrong(line, "the code is there twice")
            }
            entries.append(entry)
        }
        for (index, entry) in entries.enumerated() {
            if let parent = entry.parent, byCode[parent] == nil {
                throw wrong(index + 2, "the parent \(parent) is missing")
            }
        }
        func key(_ code: String) -> [Int] { code.split(separator: ".").map { Int($0) ?? 0 } }
        entries.sort { key($0.code).lexicographicallyPrecedes(key($1.code)) }
        self.entries = entries
        self.byCode = byCode
        searchText = entries.map { Self.normalised($0.name) }
    }

    private static func normalised(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.lowercased().unicodeScalars.map { scalar in
                    if scalar == "ё" { return "е" }
                    let isWord = scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "."
                    return isWord ? scalar : " "
                }))
    }
}

/// Comma-separated values with double quotes (RFC 4180).
enum CSV {
    static func rows(_ text: String) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var field = String.UnicodeScalarView()
        var quoted = false
        var scalars = text.unicodeScalars.makeIterator()
        var pending = scalars.next()
        if pending == "\u{FEFF}" { pending = scalars.next() }
        func endRow() {
            row.append(String(field))
            field = .init()
            if row != [""] { rows.append(row) }
            row = []
        }
        while let scalar = pending {
            pending = scalars.next()
            switch (scalar, quoted) {
            case ("\"", true):
                if pending == "\"" {
                    field.append("\"")
                    pending = scalars.next()
                } else {
                    quoted = false
                }
            case ("\"", false): quoted = true
            case (",", false):
                row.append(String(field))
                field = .init()
            case ("\r", false): break
            case ("\n", false): endRow()
            default: field.append(scalar)
            }
        }
        if !field.isEmpty || !row.isEmpty { endRow() }
        return rows
    }
}
