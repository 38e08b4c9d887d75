/// RFC 4648 base64url without padding, over raw memory and without allocation.
public enum Base64URL {
    /// Characters that `count` bytes take.
    public static func encodedCount(_ count: Int) -> Int { (count * 4 + 2) / 3 }

    /// Bytes that `count` characters hold; nil when no input has that many.
    public static func decodedCount(_ count: Int) -> Int? { count % 4 == 1 ? nil : count * 3 / 4 }

    /// Writes the characters and returns how many; `out` has room for `encodedCount` of them.
    @discardableResult
    public static func encode(_ bytes: UnsafeRawBufferPointer, into out: UnsafeMutableRawBufferPointer) -> Int {
        let length = encodedCount(bytes.count)
        precondition(out.count >= length, "no room for base64url")
        guard let source = bytes.baseAddress, let target = out.baseAddress else { return 0 }
        pairs.withUnsafeBufferPointer { pairs in
            var i = 0
            var o = 0
            while i + 3 <= bytes.count {
                let group =
                    Int(source.load(fromByteOffset: i, as: UInt8.self)) << 16
                    | Int(source.load(fromByteOffset: i + 1, as: UInt8.self)) << 8
                    | Int(source.load(fromByteOffset: i + 2, as: UInt8.self))
                let word = UInt32(pairs[group >> 12]) | UInt32(pairs[group & 0xFFF]) << 16
                target.storeBytes(of: word.littleEndian, toByteOffset: o, as: UInt32.self)
                i += 3
                o += 4
            }
            switch bytes.count - i {
            case 1:
                let pair = pairs[Int(source.load(fromByteOffset: i, as: UInt8.self)) << 4]
                target.storeBytes(of: pair.littleEndian, toByteOffset: o, as: UInt16.self)
            case 2:
                let group =
                    Int(source.load(fromByteOffset: i, as: UInt8.self)) << 10
                    | Int(source.load(fromByteOffset: i + 1, as: UInt8.self)) << 2
                target.storeBytes(of: pairs[group >> 6].littleEndian, toByteOffset: o, as: UInt16.self)
                target.storeBytes(of: alphabet[group & 63], toByteOffset: o + 2, as: UInt8.self)
            default: break
            }
        }
        return length
    }

    /// The characters as a string.
    public static func encode(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: encodedCount(bytes.count)) { out in
            bytes.withUnsafeBytes { encode($0, into: UnsafeMutableRawBufferPointer(out)) }
        }
    }

    /// Decodes into `out`, which has room for `decodedCount`; false for anything but the one canonical spelling of
    /// some bytes (a foreign character, padding, set bits after the last byte).
    public static func decode(_ text: UnsafeRawBufferPointer, into out: UnsafeMutableRawBufferPointer) -> Bool {
        guard let length = decodedCount(text.count), length <= out.count else { return false }
        return values.withUnsafeBufferPointer { values in
            var bits: UInt32 = 0
            var pending = 0
            var o = 0
            // One bad character leaves a bit that no good one sets.
            var bad: UInt8 = 0
            for character in text {
                let value = values[Int(character)]
                bad |= value
                bits = bits << 6 | UInt32(value & 63)
                pending += 6
                if pending >= 8 {
                    pending -= 8
                    out[o] = UInt8(truncatingIfNeeded: bits >> UInt32(pending))
                    o += 1
                }
            }
            return bad < 64 && bits & ((1 << UInt32(pending)) - 1) == 0
        }
    }

    /// The decoded bytes of a string, or nil.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard let length = decodedCount(characters.count) else { return nil }
        var bytes = [UInt8](repeating: 0, count: length)
        let good = bytes.withUnsafeMutableBytes { out in characters.withUnsafeBytes { decode($0, into: out) } }
        return good ? bytes : nil
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Two characters for each 12 bits, first one in the low byte: half the look-ups.
    private static let pairs: [UInt16] = (0..<4096).map {
        UInt16(alphabet[$0 >> 6]) | UInt16(alphabet[$0 & 63]) << 8
    }

    /// Value of each character, 0xFF for none.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()
}
