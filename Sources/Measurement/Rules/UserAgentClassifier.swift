/// Tells machines from people by the `User-Agent` header, from a list of patterns that can be replaced at run time
/// (build a new classifier, swap it).
///
/// The list has one pattern per line: a piece of text, found anywhere in the header in any case; `^text` only at its
/// start, `text$` only at its end, `^text$` the whole of it. `!text` names something that people have, and a pattern
/// that begins inside it does not count (`!cubot` for the phones of that brand). `?text` is a word that the headers of
/// people have (a system, a device, an engine): when the list has such words, a header with none of them is a
/// machine's. Text may stand in double quotes, which keeps spaces at its ends. Empty lines and `#` comments are
/// skipped.
///
/// One pass over the header with an Aho-Corasick automaton, whatever the length of the list.
public struct UserAgentClassifier: Sendable {
    /// Limits of a list, so that a wrong file cannot take the memory of the process.
    public static let patternLimit = 10_000
    public static let patternLength = 200
    /// Bytes of a header that are looked at.
    public static let headerLimit = 1_024

    private let automaton: ByteAutomaton
    private let people: [[UInt8]]
    private let hasPeopleWords: Bool
    /// Lines in the list that say something.
    public let patternCount: Int

    /// Builds the automaton from the text of a list.
    public init(list: UnsafeRawBufferPointer) throws(UserAgentListError) {
        var patterns: [ByteAutomaton.Pattern] = []
        var people: [[UInt8]] = []
        for (index, rawLine) in list.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            var line = rawLine.map(ByteAutomaton.lowercased)[...]
            if line.last == 0x0D { line.removeLast() }
            guard let first = line.first, first != UInt8(ascii: "#") else { continue }
            guard line.count <= Self.patternLength else { throw UserAgentListError(line: index + 1, reason: .tooLong) }
            let isMarked = first == UInt8(ascii: "!") || first == UInt8(ascii: "?") || first == UInt8(ascii: "^")
            if isMarked { line.removeFirst() }
            var atEnd = false
            if line.last == UInt8(ascii: "$") {
                atEnd = true
                line.removeLast()
            }
            if line.count > 2, line.first == UInt8(ascii: "\""), line.last == UInt8(ascii: "\"") {
                line = line.dropFirst().dropLast()
            }
            guard !line.isEmpty else { throw UserAgentListError(line: index + 1, reason: .empty) }
            if first == UInt8(ascii: "!") {
                people.append(Array(line))
            } else {
                patterns.append(
                    ByteAutomaton.Pattern(
                        bytes: Array(line), atStart: first == UInt8(ascii: "^"), atEnd: atEnd,
                        isPeople: first == UInt8(ascii: "?")))
            }
            guard patterns.count + people.count <= Self.patternLimit else {
                throw UserAgentListError(line: index + 1, reason: .tooMany)
            }
        }
        guard patterns.contains(where: { !$0.isPeople }) else { throw UserAgentListError(line: 0, reason: .empty) }
        automaton = ByteAutomaton(patterns)
        hasPeopleWords = patterns.contains(where: \.isPeople)
        self.people = people
        patternCount = patterns.count + people.count
    }

    /// The same for a string.
    public init(list: String) throws(UserAgentListError) {
        var copy = list
        self = try copy.withUTF8 { utf8 in
            Result { () throws(UserAgentListError) in try Self(list: UnsafeRawBufferPointer(utf8)) }
        }.get()
    }

    /// True for a machine. An empty header is one: every browser sends some.
    public func isBot(_ header: UnsafeRawBufferPointer) -> Bool {
        let bytes = UnsafeRawBufferPointer(rebasing: header.prefix(Self.headerLimit))
        guard bytes.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { return true }
        let found = automaton.scan(bytes) { start, _ in !isInsidePeople(bytes, start) }
        return found.machine || hasPeopleWords && !found.people
    }

    /// The same for a string.
    public func isBot(_ header: String) -> Bool {
        var copy = header
        return copy.withUTF8 { isBot(UnsafeRawBufferPointer($0)) }
    }

    /// Whether one of the exceptions covers the byte at `start`. Only met when a pattern has been found.
    private func isInsidePeople(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        people.contains { exception in
            let first = max(0, start - exception.count + 1)
            let last = min(start, bytes.count - exception.count)
            guard first <= last else { return false }
            return (first...last).contains { position in
                exception.indices.allSatisfy { ByteAutomaton.lowercased(bytes[position + $0]) == exception[$0] }
            }
        }
    }
}

/// Which line of a pattern list is wrong. Never retryable.
public struct UserAgentListError: Error, Equatable, Sendable {
    public enum Reason: String, Sendable {
        case empty = "user_agent_pattern_empty"
        case tooLong = "user_agent_pattern_too_long"
        case tooMany = "user_agent_patterns_too_many"
    }

    /// Line from 1; 0 for the list as a whole.
    public let line: Int
    public let reason: Reason

    public init(line: Int, reason: Reason) {
        self.line = line
        self.reason = reason
    }

    /// Stable code.
    public var code: String { reason.rawValue }
    public var isRetryable: Bool { false }
}
