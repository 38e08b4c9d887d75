import AdModel

/// Values with the rules of the API on top of JSON's.
extension JSONReader {
    /// An opaque id chosen by the caller: `CallerID` rules.
    mutating func callerID(_ field: @autoclosure () -> String) throws(Problem) -> TextSlice {
        let slice = try string(field())
        if CallerID.isAcceptable(text[slice.range]) { return slice }
        let bytes = text[slice.range]
        let digits = bytes.count { $0 >= 0x30 && $0 <= 0x39 }
        if bytes.contains(0x40) || (digits >= 10 && bytes.count <= 20) {
            throw Problem(
                .personalData, "Send an opaque id: e-mail addresses and phone numbers are not taken.", field: field())
        }
        throw Problem(
            .invalidField, "Expected 1 to \(CallerID.limit) characters out of A-Z a-z 0-9 . _ : -", field: field())
    }

    /// A code, name or SKU of 1 to `limit` bytes without control characters.
    mutating func word(_ field: @autoclosure () -> String, limit: Int) throws(Problem) -> TextSlice {
        let slice = try string(field())
        guard !slice.isEmpty, slice.count <= limit, !hasControls(slice) else {
            throw Problem(
                .invalidField, "Expected 1 to \(limit) bytes of text without control characters.", field: field())
        }
        return slice
    }

    private func hasControls(_ slice: TextSlice) -> Bool {
        withBytes(slice) { bytes in bytes.contains { $0 < 0x20 || $0 == 0x7F } }
    }

    /// A name that is echoed in answers: `A-Z a-z 0-9 . _ : -`, 1 to 64 bytes.
    mutating func echoedName(_ field: @autoclosure () -> String) throws(Problem) -> TextSlice {
        let slice = try string(field())
        let good = withBytes(slice) { bytes in
            bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2E, 0x5F, 0x3A, 0x2D: true
                default: false
                }
            }
        }
        guard good, slice.count >= 1, slice.count <= 64 else {
            throw Problem(.invalidField, "Expected 1 to 64 characters out of A-Z a-z 0-9 . _ : -", field: field())
        }
        return slice
    }

    /// Free text of at most `limit` bytes without control characters; may be empty.
    mutating func phrase(_ field: @autoclosure () -> String, limit: Int) throws(Problem) -> TextSlice {
        let slice = try string(field())
        guard slice.count <= limit else {
            throw Problem(.invalidField, "Expected at most \(limit) bytes.", field: field())
        }
        try refuseControls(slice, field())
        return slice
    }

    /// A search phrase without control characters; may be empty. What follows the last whole character within `limit`
    /// bytes is cut off: whatever a shopper has typed, the page gets its ads.
    mutating func phraseCut(_ field: @autoclosure () -> String, limit: Int) throws(Problem) -> TextSlice {
        var slice = try string(field())
        if slice.count > limit {
            var end = Int(slice.start) + limit
            while end > Int(slice.start), text[end] & 0xC0 == 0x80 { end -= 1 }
            slice.count = Int32(end) - slice.start
        }
        try refuseControls(slice, field())
        return slice
    }

    private func refuseControls(_ slice: TextSlice, _ field: @autoclosure () -> String) throws(Problem) {
        // No text of the database can hold a NUL, and one record that cannot be stored would stop shipping.
        guard !hasControls(slice) else {
            throw Problem(.invalidField, "Expected text without control characters.", field: field())
        }
    }

    /// RFC 3339 with a zone.
    mutating func instant(_ field: @autoclosure () -> String) throws(Problem) -> Timestamp {
        let slice = try string(field())
        guard let instant = Timestamp(rfc3339: swift(slice)) else {
            throw Problem(
                .invalidField, "Expected an RFC 3339 instant with a zone, for example 2026-11-21T10:00:00Z.",
                field: field())
        }
        return instant
    }

    /// An integer inside `range`.
    mutating func integer(
        _ field: @autoclosure () -> String, in range: ClosedRange<Int64>
    ) throws(Problem) -> Int64 {
        let value = try integer(field())
        guard range.contains(value) else {
            throw Problem(
                .invalidField, "Expected an integer from \(range.lowerBound) to \(range.upperBound).", field: field())
        }
        return value
    }

    /// One word of a closed list.
    mutating func choice<T: RawRepresentable & CaseIterable>(
        _ field: @autoclosure () -> String, _ type: T.Type = T.self
    ) throws(Problem) -> T where T.RawValue == String {
        let slice = try string(field())
        if let value = T(rawValue: swift(slice)) { return value }
        let list = T.allCases.map(\.rawValue).joined(separator: ", ")
        throw Problem(.invalidField, "Expected one of: \(list).", field: field())
    }
}

/// Which members of one object were read already: each at most once, some required.
struct SeenFields {
    private var bits: UInt64 = 0

    /// Marks member number `bit`; refuses a second one.
    mutating func once(_ bit: Int, _ field: @autoclosure () -> String) throws(Problem) {
        guard bits & (1 << UInt64(bit)) == 0 else {
            throw Problem(.duplicateField, "Give the field once.", field: field())
        }
        bits |= 1 << UInt64(bit)
    }

    func has(_ bit: Int) -> Bool { bits & (1 << UInt64(bit)) != 0 }

    func require(_ bit: Int, _ field: @autoclosure () -> String) throws(Problem) {
        guard has(bit) else { throw Problem(.missingField, "This field is required.", field: field()) }
    }
}

// Strings of their own, in two steps on purpose: `json.swift(try json.word(...))` would look at the reader as it was
// before the word was read.
extension JSONReader {
    mutating func stringText(_ field: @autoclosure () -> String) throws(Problem) -> String {
        let slice = try string(field())
        return swift(slice)
    }

    mutating func wordText(_ field: @autoclosure () -> String, limit: Int) throws(Problem) -> String {
        let slice = try word(field(), limit: limit)
        return swift(slice)
    }

    mutating func phraseText(_ field: @autoclosure () -> String, limit: Int) throws(Problem) -> String {
        let slice = try phrase(field(), limit: limit)
        return swift(slice)
    }

    mutating func callerIDText(_ field: @autoclosure () -> String) throws(Problem) -> String {
        let slice = try callerID(field())
        return swift(slice)
    }
}
