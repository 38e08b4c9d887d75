import AdModel

/// What an operator's dictionary has changed about one code.
public struct KKTUChange: Hashable, Sendable {
    public var code: String
    public var name: String
    public var displayName: String
    /// The day on which it was missed first; nil while it is listed.
    public var vanishedOn: Day?

    public init(code: String, name: String, displayName: String, vanishedOn: Day? = nil) {
        self.code = code
        self.name = name
        self.displayName = displayName
        self.vanishedOn = vanishedOn
    }
}

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
        /// The day on which an operator's dictionary was first found without it; it stays on what has it already.
        public let vanishedOn: Day?
        /// May it be put on something new?
        public var canBeChosen: Bool { isUsable && vanishedOn == nil }

        init(
            code: String, level: Int, parent: String?, isUsable: Bool, name: String, displayName: String,
            vanishedOn: Day? = nil
        ) {
            self.code = code
            self.level = level
            self.parent = parent
            self.isUsable = isUsable
            self.name = name
            self.displayName = displayName
            self.vanishedOn = vanishedOn
        }
    }

    /// In the order of the numbers.
    public let entries: [Entry]
    private let byCode: [String: Entry]
    /// Words of each entry's name with their stems, and the stems of the names above it.
    private let ownStems: [[(stem: String, word: String)]]
    private let aboveStems: [Set<String>]

    public func entry(_ code: String) -> Entry? { byCode[code] }

    /// Codes that fit the words of a query, or that begin with it. Words are taken by their stem (any case, any form,
    /// ё as е), the beginning of a word is enough, words of the shop stand for those of the classifier ("кошек" for
    /// "животных"), and names of the codes above count as well. Codes that fit all words come alone; when there is
    /// none, those that fit most. Usable codes come first, own names before names above.
    public func search(_ query: String, limit: Int = 50) -> [Entry] {
        let words = Self.normalised(query).split(separator: " ").map(String.init)
        if words.count == 1, words[0].first?.isNumber == true {
            let found = entries.filter { $0.code.hasPrefix(words[0]) }
            return Array((found.filter(\.isUsable) + found.filter { !$0.isUsable }).prefix(limit))
        }
        let wanted = words.filter { !KKTUWords.empty.contains($0) }.map(SearchWord.init)
        guard !wanted.isEmpty else { return [] }
        var found: [(place: Int, score: Int, matched: Int)] = []
        for place in entries.indices where entries[place].vanishedOn == nil {
            var score = 0
            var matched = 0
            for word in wanted {
                let points = word.points(own: ownStems[place], above: aboveStems[place])
                if points > 0 { matched += 1 }
                score += points
            }
            if matched > 0 { found.append((place, score, matched)) }
        }
        let best = found.map(\.matched).max() ?? 0
        return found.filter { $0.matched == best }.sorted { a, b in
            let (x, y) = (entries[a.place].isUsable, entries[b.place].isUsable)
            if x != y { return x }
            return (-a.score, a.place) < (-b.score, b.place)
        }.prefix(limit).map { entries[$0.place] }
    }

    /// One word of a query.
    private struct SearchWord {
        /// The stem, and the one of the other forms where a vowel comes and goes: "игрушек", "игрушки".
        let stems: [String]
        let text: String
        let meanings: [String]

        init(_ word: String) {
            text = word
            var stem = RussianStem.of(word)
            var stems = [stem]
            if stem.count > 3, stem.hasSuffix("ек") || stem.hasSuffix("ок") {
                stem.removeLast(2)
                stems.append(stem + "к")
            }
            self.stems = stems
            meanings = stems.flatMap { KKTUWords.meanings[$0] ?? [] }
        }

        /// 4 = in the name, 3 = the beginning of a word of it, 2 = by another word, 1 = in a name above.
        func points(own: [(stem: String, word: String)], above: Set<String>) -> Int {
            if own.contains(where: { stems.contains($0.stem) }) { return 4 }
            let isLong = text.unicodeScalars.count >= 3
            if isLong, own.contains(where: { word in stems.contains { word.word.hasPrefix($0) } }) { return 3 }
            if own.contains(where: { meanings.contains($0.stem) }) { return 2 }
            return stems.contains(where: above.contains) || meanings.contains(where: above.contains) ? 1 : 0
        }
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
        self.init(entries)
    }

    /// The same with an operator's changes. Vanished codes stay, marked; an unknown group makes none of a code.
    public func changed(by changes: [KKTUChange]) -> KKTUDictionary {
        guard !changes.isEmpty else { return self }
        var all = byCode
        for change in changes {
            let numbers = change.code.split(separator: ".")
            all[change.code] = Entry(
                code: change.code, level: numbers.count,
                parent: numbers.count == 1 ? nil : numbers.dropLast().joined(separator: "."),
                isUsable: numbers.count == 3, name: change.name, displayName: change.displayName,
                vanishedOn: change.vanishedOn)
        }
        return KKTUDictionary(Array(all.values))
    }

    private init(_ unordered: [Entry]) {
        var entries = unordered
        let byCode = Dictionary(entries.map { ($0.code, $0) }) { first, _ in first }
        func key(_ code: String) -> [Int] { code.split(separator: ".").map { Int($0) ?? 0 } }
        entries.sort { key($0.code).lexicographicallyPrecedes(key($1.code)) }
        self.entries = entries
        self.byCode = byCode
        let stems = entries.map { entry in
            Self.normalised(entry.name).split(separator: " ").map(String.init)
                .filter { !KKTUWords.empty.contains($0) }.map { (stem: RussianStem.of($0), word: $0) }
        }
        var places: [String: Int] = [:]
        for (place, entry) in entries.enumerated() { places[entry.code] = place }
        ownStems = stems
        aboveStems = entries.map { entry in
            var above: Set<String> = []
            var parent = entry.parent
            while let code = parent, let place = places[code] {
                above.formUnion(stems[place].map(\.stem))
                parent = entries[place].parent
            }
            return above
        }
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
