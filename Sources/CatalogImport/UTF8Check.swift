/// Tells whether bytes that arrive in pieces are UTF-8.
///
/// The XML parser passes the bytes of names through unchecked, and Foundation ends the process on a name that is not
/// UTF-8; so nothing of the kind may reach it.
struct UTF8Check {
    /// Continuation bytes that are still to come, and the range of the next one.
    private var missing = 0
    private var lower: UInt8 = 0x80
    private var upper: UInt8 = 0xBF

    /// False from the first byte on that cannot stand where it stands.
    mutating func accepts(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        let count = bytes.count
        while at < count {
            if missing == 0 {
                // Most of a feed is ASCII: eight bytes at a time.
                while at + 8 <= count,
                    bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
                { at += 8 }
                guard at < count else { return true }
            }
            let byte = bytes[at]
            at += 1
            if missing > 0 {
                guard byte >= lower, byte <= upper else { return false }
                missing -= 1
                lower = 0x80
                upper = 0xBF
                continue
            }
            switch byte {
            case 0x00...0x7F: break
            case 0xC2...0xDF: missing = 1
            case 0xE0...0xEF:
                missing = 2
                if byte == 0xE0 { lower = 0xA0 }
                if byte == 0xED { upper = 0x9F }
            case 0xF0...0xF4:
                missing = 3
                if byte == 0xF0 { lower = 0x90 }
                if byte == 0xF4 { upper = 0x8F }
            default: return false
            }
        }
        return true
    }
}
