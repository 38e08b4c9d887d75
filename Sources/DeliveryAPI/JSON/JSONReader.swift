import AdModel

/// A piece of text inside the reader's memory: offset and length in bytes, valid UTF-8, no escapes left.
struct TextSlice: Equatable, Sendable {
    var start: Int32 = 0
    var count: Int32 = 0

    var isEmpty: Bool { count == 0 }
    var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// A pull scanner over one bounded JSON body.
///
/// Callers ask for exactly what they expect, so there is no tree, no recursion and no skipping: a member that the
/// caller does not know is refused by name. Strings are checked as UTF-8 and stay where the body has them; only those
/// with escapes are decoded, behind the body. The memory is reused from request to request. Works on hostile bytes:
/// every access is bounds-checked by the array.
package struct JSONReader {
    /// The body, then the strings that had to be decoded.
    private(set) var text: [UInt8]
    /// Bytes of the body.
    private let bodyCount: Int
    private var at = 0

    /// Takes the bytes of a body over; take them back from `text` to reuse their memory.
    package init(_ body: consuming [UInt8]) {
        text = body
        bodyCount = text.count
    }

    /// Byte offset that is read next, for messages.
    var position: Int { at }

    // MARK: Structure

    /// Consumes `{`. The result is the "first member" flag that `nextKey` needs.
    mutating func openObject(_ field: @autoclosure () -> String) throws(Problem) -> Bool {
        skipSpace()
        guard at < bodyCount else { throw syntax("the body ends too early") }
        guard text[at] == 0x7B else { throw wrongKind("an object", field()) }
        at += 1
        return true
    }

    /// The next member's name, with the colon consumed; nil at `}`.
    mutating func nextKey(_ first: inout Bool) throws(Problem) -> TextSlice? {
        skipSpace()
        guard at < bodyCount else { throw syntax("the body ends inside an object") }
        if text[at] == 0x7D {
            at += 1
            return nil
        }
        if !first {
            guard text[at] == 0x2C else { throw syntax("expected ',' or '}'") }
            at += 1
            skipSpace()
        }
        first = false
        let key = try rawString()
        skipSpace()
        guard at < bodyCount, text[at] == 0x3A else { throw syntax("expected ':'") }
        at += 1
        return key
    }

    /// Consumes `[`. The result is the "first element" flag that `nextElement` needs.
    mutating func openArray(_ field: @autoclosure () -> String) throws(Problem) -> Bool {
        skipSpace()
        guard at < bodyCount else { throw syntax("the body ends too early") }
        guard text[at] == 0x5B else { throw wrongKind("an array", field()) }
        at += 1
        return true
    }

    /// Whether an array comes next.
    mutating func isArray() -> Bool {
        skipSpace()
        return at < bodyCount && text[at] == 0x5B
    }

    /// True when another element follows, false after `]`.
    mutating func nextElement(_ first: inout Bool) throws(Problem) -> Bool {
        skipSpace()
        guard at < bodyCount else { throw syntax("the body ends inside an array") }
        if text[at] == 0x5D {
            at += 1
            return false
        }
        if !first {
            guard text[at] == 0x2C else { throw syntax("expected ',' or ']'") }
            at += 1
            skipSpace()
            guard at < bodyCount, text[at] != 0x5D else { throw syntax("a value is missing") }
        }
        first = false
        return true
    }

    /// Only white space may follow the document.
    package mutating func end() throws(Problem) {
        skipSpace()
        guard at == bodyCount else { throw syntax("there is something after the end of the document") }
    }

    // MARK: Values

    /// A string.
    mutating func string(_ field: @autoclosure () -> String) throws(Problem) -> TextSlice {
        skipSpace()
        guard at < bodyCount else { throw syntax("the body ends too early") }
        guard text[at] == 0x22 else { throw wrongKind("a string", field()) }
        return try rawString()
    }

    /// `null` is consumed and answered true: an optional member may be null.
    mutating func null() -> Bool {
        skipSpace()
        guard at + 4 <= bodyCount, text[at] == 0x6E, text[at + 1] == 0x75, text[at + 2] == 0x6C,
            text[at + 3] == 0x6C
        else { return false }
        at += 4
        return true
    }

    mutating func bool(_ field: @autoclosure () -> String) throws(Problem) -> Bool {
        skipSpace()
        if literal("true") { return true }
        if literal("false") { return false }
        throw wrongKind("true or false", field())
    }

    /// An integer without fraction or exponent that fits `Int64`.
    mutating func integer(_ field: @autoclosure () -> String) throws(Problem) -> Int64 {
        skipSpace()
        guard at < bodyCount else { throw syntax("the body ends too early") }
        var i = at
        let negative = text[i] == 0x2D
        if negative { i += 1 }
        let firstDigit = i
        var value: Int64 = 0
        while i < bodyCount, text[i] &- 0x30 <= 9 {
            let digit = Int64(text[i] &- 0x30)
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.subtractingReportingOverflow(digit)
            guard !overflowed, !carried else { throw wrongKind("an integer of at most 63 bits", field()) }
            value = sum
            i += 1
        }
        let digits = i - firstDigit
        guard digits > 0 else { throw wrongKind("an integer", field()) }
        if digits > 1, text[firstDigit] == 0x30 { throw syntax("a number must not start with 0") }
        if i < bodyCount, text[i] == 0x2E || text[i] == 0x65 || text[i] == 0x45 {
            throw wrongKind("an integer without fraction or exponent", field())
        }
        // The value was collected as a negative number, because Int64.min has no positive twin.
        if !negative {
            guard value != .min else { throw wrongKind("an integer of at most 63 bits", field()) }
            value = -value
        }
        at = i
        return value
    }

    // MARK: Going on after a bad element

    /// A place to come back to.
    struct Mark {
        fileprivate var at: Int
        fileprivate var text: Int
    }

    var mark: Mark { Mark(at: at, text: text.count) }

    /// Back to the mark; strings read since are forgotten.
    mutating func rewind(to mark: Mark) {
        at = mark.at
        text.removeSubrange(mark.text...)
    }

    /// Reads over one value of any kind, checked as JSON, nested at most `depth` deep.
    package mutating func skipValue(depth: Int = 16) throws(Problem) {
        guard depth > 0 else { throw syntax("values are nested too deep") }
        skipSpace()
        guard at < bodyCount else { throw syntax("the body ends too early") }
        switch text[at] {
        case 0x22: _ = try rawString()
        case 0x7B:
            at += 1
            var first = true
            while try nextKey(&first) != nil { try skipValue(depth: depth - 1) }
        case 0x5B:
            at += 1
            var first = true
            while try nextElement(&first) { try skipValue(depth: depth - 1) }
        case 0x2D, 0x30...0x39: try skipNumber()
        default:
            guard literal("true") || literal("false") || literal("null") else { throw syntax("expected a value") }
        }
    }

    private mutating func skipNumber() throws(Problem) {
        if text[at] == 0x2D { at += 1 }
        let first = at
        func digits(_ from: Int) -> Int {
            var i = from
            while i < bodyCount, text[i] &- 0x30 <= 9 { i += 1 }
            return i
        }
        at = digits(at)
        guard at > first, at == first + 1 || text[first] != 0x30 else { throw syntax("this is not a number") }
        if at < bodyCount, text[at] == 0x2E {
            let end = digits(at + 1)
            guard end > at + 1 else { throw syntax("this is not a number") }
            at = end
        }
        if at < bodyCount, text[at] == 0x65 || text[at] == 0x45 {
            at += 1
            if at < bodyCount, text[at] == 0x2B || text[at] == 0x2D { at += 1 }
            let end = digits(at)
            guard end > at else { throw syntax("this is not a number") }
            at = end
        }
    }

    // MARK: Looking at text

    /// Whether the slice is exactly `word`.
    func isText(_ slice: TextSlice, _ word: StaticString) -> Bool {
        guard word.utf8CodeUnitCount == Int(slice.count) else { return false }
        return word.withUTF8Buffer { expected in
            var i = Int(slice.start)
            for byte in expected {
                if text[i] != byte { return false }
                i += 1
            }
            return true
        }
    }

    /// Calls `body` with the bytes of the slice.
    @inline(__always)
    func withBytes<Result>(_ slice: TextSlice, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        text.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[slice.range])) }
    }

    /// Whether two slices have the same bytes.
    func isSame(_ one: TextSlice, _ other: TextSlice) -> Bool {
        one.count == other.count && text[one.range].elementsEqual(text[other.range])
    }

    /// The slice as a string. It was checked as UTF-8 when it was read.
    func swift(_ slice: TextSlice) -> String { String(decoding: text[slice.range], as: UTF8.self) }

    // MARK: Errors

    func syntax(_ what: String) -> Problem { Problem(.invalidJSON, "At byte \(at): \(what).") }

    func wrongKind(_ expected: String, _ field: String) -> Problem {
        guard at < bodyCount else { return syntax("the body ends too early") }
        // A byte that starts no JSON value at all is a matter of syntax, not of this field.
        switch text[at] {
        case 0x22, 0x2D, 0x30...0x39, 0x5B, 0x7B, 0x66, 0x6E, 0x74:
            return Problem(.invalidField, "At byte \(at): expected \(expected).", field: field)
        default: return syntax("expected \(expected)")
        }
    }

    /// The refusal of a member that the API does not know.
    func unknown(_ key: TextSlice, in object: String) -> Problem {
        let name = String(swift(key).prefix(64))
        let path = object.isEmpty ? name : "\(object).\(name)"
        return Problem(.unknownField, "At byte \(at): this field is not known.", field: path)
    }

    // MARK: Bytes

    private mutating func skipSpace() {
        while at < bodyCount {
            switch text[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: return
            }
        }
    }

    private mutating func literal(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard at + count <= bodyCount else { return false }
        let same = word.withUTF8Buffer { expected in
            for i in 0..<count where text[at + i] != expected[i] { return false }
            return true
        }
        if same { at += count }
        return same
    }

    private mutating func rawString() throws(Problem) -> TextSlice {
        guard at < bodyCount, text[at] == 0x22 else { throw syntax("expected a string") }
        at += 1
        let start = at
        while true {
            guard at < bodyCount else { throw syntax("the body ends inside a string") }
            let byte = text[at]
            switch byte {
            case 0x22:
                at += 1
                return TextSlice(start: Int32(start), count: Int32(at - 1 - start))
            case 0x5C: return try decodedString(from: start)
            case 0..<0x20: throw syntax("a control character inside a string must be escaped")
            case 0x20...0x7F: at += 1
            default: at += try multibyte()
            }
        }
    }

    /// The rest of a string with escapes: what of it was read stands at `start`.
    private mutating func decodedString(from start: Int) throws(Problem) -> TextSlice {
        let decoded = text.count
        for i in start..<at { text.append(text[i]) }
        while true {
            guard at < bodyCount else { throw syntax("the body ends inside a string") }
            let byte = text[at]
            switch byte {
            case 0x22:
                at += 1
                return TextSlice(start: Int32(decoded), count: Int32(text.count - decoded))
            case 0x5C: try escape()
            case 0..<0x20: throw syntax("a control character inside a string must be escaped")
            case 0x20...0x7F:
                text.append(byte)
                at += 1
            default:
                let length = try multibyte()
                for i in at..<(at + length) { text.append(text[i]) }
                at += length
            }
        }
    }

    private mutating func escape() throws(Problem) {
        guard at + 1 < bodyCount else { throw syntax("the body ends inside a string") }
        let kind = text[at + 1]
        switch kind {
        case 0x22, 0x5C, 0x2F: text.append(kind)
        case 0x62: text.append(0x08)
        case 0x66: text.append(0x0C)
        case 0x6E: text.append(0x0A)
        case 0x72: text.append(0x0D)
        case 0x74: text.append(0x09)
        case 0x75:
            var unit = try hex4(at + 2)
            at += 6
            if unit & 0xFC00 == 0xD800 {
                guard at + 1 < bodyCount, text[at] == 0x5C, text[at + 1] == 0x75 else {
                    throw syntax("a surrogate has no partner")
                }
                let low = try hex4(at + 2)
                guard low & 0xFC00 == 0xDC00 else { throw syntax("a surrogate has no partner") }
                at += 6
                unit = 0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF)
            }
            guard let scalar = Unicode.Scalar(unit) else { throw syntax("a surrogate has no partner") }
            text.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
            return
        default: throw syntax("this escape is not known")
        }
        at += 2
    }

    private func hex4(_ from: Int) throws(Problem) -> UInt32 {
        guard from + 4 <= bodyCount else { throw syntax("the body ends inside a string") }
        var value: UInt32 = 0
        for i in from..<(from + 4) {
            let digit: UInt8
            switch text[i] {
            case 0x30...0x39: digit = text[i] - 0x30
            case 0x41...0x46: digit = text[i] - 0x37
            case 0x61...0x66: digit = text[i] - 0x57
            default: throw syntax("\\u needs four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// Length of one scalar of two to four bytes, refused when overlong, a surrogate or beyond U+10FFFF.
    private func multibyte() throws(Problem) -> Int {
        let lead = text[at]
        let length: Int
        let second: ClosedRange<UInt8>
        switch lead {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: throw syntax("a string is not valid UTF-8")
        }
        guard at + length <= bodyCount, second.contains(text[at + 1]) else {
            throw syntax("a string is not valid UTF-8")
        }
        for i in (at + 2)..<(at + length) where text[i] & 0xC0 != 0x80 { throw syntax("a string is not valid UTF-8") }
        return length
    }
}
