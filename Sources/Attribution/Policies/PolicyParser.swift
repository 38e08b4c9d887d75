/// A JSON value, as far as policies use it.
enum PolicyTree {
    case null
    case bool(Bool)
    /// A whole number.
    case number(Int64)
    /// A number that is not a whole one of 64 bits.
    case fraction
    case text(String)
    case list([PolicyTree])
    case object([String: PolicyTree])
}

/// Reads JSON strictly: UTF-8, no member twice, a few levels deep.
struct PolicyParser {
    private static let depthLimit = 8

    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(PolicyProblem) -> PolicyTree {
        let tree = try value(depth: 0)
        skipSpace()
        guard at == bytes.count else { throw problem("more follows after the document") }
        return tree
    }

    private func problem(_ what: String) -> PolicyProblem {
        PolicyProblem("", "not_json", "This is not a JSON document: \(what), at byte \(at + 1).")
    }

    private mutating func skipSpace() {
        while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func word(_ text: StaticString, _ tree: PolicyTree) throws(PolicyProblem) -> PolicyTree {
        let wanted = Array("\(text)".utf8)
        guard bytes[at...].starts(with: wanted) else { throw problem("an unknown word") }
        at += wanted.count
        return tree
    }

    private mutating func value(depth: Int) throws(PolicyProblem) -> PolicyTree {
        guard depth < Self.depthLimit else { throw problem("nested too deeply") }
        skipSpace()
        guard at < bytes.count else { throw problem("it ends too soon") }
        switch bytes[at] {
        case 0x6E: return try word("null", .null)
        case 0x74: return try word("true", .bool(true))
        case 0x66: return try word("false", .bool(false))
        case 0x22: return .text(try text())
        case 0x5B:
            at += 1
            var items: [PolicyTree] = []
            if take(0x5D) { return .list(items) }
            repeat { items.append(try value(depth: depth + 1)) } while take(0x2C)
            guard take(0x5D) else { throw problem("a list without its end") }
            return .list(items)
        case 0x7B:
            at += 1
            var members: [String: PolicyTree] = [:]
            if take(0x7D) { return .object(members) }
            repeat {
                skipSpace()
                guard at < bytes.count, bytes[at] == 0x22 else { throw problem("a member without a name") }
                let name = try text()
                guard take(0x3A) else { throw problem("a member without a value") }
                let member = try value(depth: depth + 1)
                guard members.updateValue(member, forKey: name) == nil else { throw problem("a member given twice") }
            } while take(0x2C)
            guard take(0x7D) else { throw problem("an object without its end") }
            return .object(members)
        default: return try number()
        }
    }

    private mutating func number() throws(PolicyProblem) -> PolicyTree {
        let start = at
        while at < bytes.count, (0x30...0x39).contains(bytes[at]) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(bytes[at])
        { at += 1 }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil else {
            throw problem("neither a value nor a number")
        }
        return Int64(text).map { .number($0) } ?? .fraction
    }

    private mutating func text() throws(PolicyProblem) -> String {
        at += 1
        var out: [UInt8] = []
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            switch byte {
            case 0x22:
                guard let text = String(validating: out, as: UTF8.self) else { throw problem("a text not in UTF-8") }
                return text
            case 0x5C: try escape(&out)
            case 0..<0x20: throw problem("a control character in a text")
            default: out.append(byte)
            }
        }
        throw problem("a text without its end")
    }

    private mutating func escape(_ out: inout [UInt8]) throws(PolicyProblem) {
        guard at < bytes.count else { throw problem("it ends too soon") }
        let byte = bytes[at]
        at += 1
        switch byte {
        case 0x22, 0x5C, 0x2F: out.append(byte)
        case 0x62: out.append(0x08)
        case 0x66: out.append(0x0C)
        case 0x6E: out.append(0x0A)
        case 0x72: out.append(0x0D)
        case 0x74: out.append(0x09)
        case 0x75:
            guard at + 4 <= bytes.count,
                let code = UInt32(String(decoding: bytes[at..<(at + 4)], as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(code)
            else { throw problem("an escape that is no character") }
            at += 4
            out += Array(String(Character(scalar)).utf8)
        default: throw problem("an unknown escape")
        }
    }
}
