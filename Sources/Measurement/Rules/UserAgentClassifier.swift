/// Tells machines from people by the `User-Agent` header, from a list of patterns that can be replaced at run time
/// (build a new classifier, swap it).
///
/// The list has one pattern per line: a piece of text, found anywhere in the header in any case; `^text` only at its
/// start, `text$` only at its end, `^text$` the whole of it; `!text` names something that people have, and a pattern
/// found only inside it does not count (`!cubot` for the phones of that brand). Empty lines and `#` comments are
/// skipped. A leading `\` makes the rest of the line plain text.
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
    /// Patterns in the list, exceptions included.
    public let patternCount: Int

    /// Builds the automaton from the text of a list.
    public init(list: UnsafeRawBufferPointer) throws(UserAgentListError) {
        var patterns: [ByteAutomaton.Pattern] = []
        var people: [[UInt8]] = []
        for (index, rawLine) in list.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            var line = rawLine.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }[...]
            if line.last == 0x0D { line.removeLast() }
            guard let first = line.first, first != 0x23 else { continue }
            guard line.count <= Self.patternLength else { throw UserAgentListError(line: index + 1, reason: .tooLong) }
            var atStart = false
            var atEnd = false
            var isPeople = false
            if first == 0x5C {
                line.removeFirst()
            } else {
                if first == 0x21 {
                    isPeople = true
                    line.removeFirst()
                } else if first == 0x5E {
                    atStart = true
                    line.removeFirst()
                }
                if !isPeople, line.last == 0x24 {
                    atEnd = true
                    line.removeLast()
                }
            }
            guard !line.isEmpty else { throw UserAgentListError(line: index + 1, reason: .empty) }
            if isPeople {
                people.append(Array(line))
            } else {
                patterns.append(ByteAutomaton.Pattern(bytes: Array(line), atStart: atStart, atEnd: atEnd))
            }
            guard patterns.count + people.count <= Self.patternLimit else {
                throw UserAgentListError(line: index + 1, reason: .tooMany)
            }
        }
        guard !patterns.isEmpty else { throw UserAgentListError(line: 0, reason: .empty) }
        automaton = ByteAutomaton(patterns)
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
        return automaton.contains(in: bytes) { start, end in !isInsidePeople(bytes, start, end) }
    }

    /// The same for a string.
    public func isBot(_ header: String) -> Bool {
        var copy = header
        return copy.withUTF8 { isBot(UnsafeRawBufferPointer($0)) }
    }

    /// Whether one of the exceptions covers bytes `start..<end`. Only met when a pattern has been found.
    private func isInsidePeople(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
        people.contains { exception in
            let first = max(0, end - exception.count)
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
    /// Stable code.
    public var code: String { reason.rawValue }
    public var isRetryable: Bool { false }
}
