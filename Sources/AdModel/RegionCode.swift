/// ISO 3166 code of a region, such as `RU-MOW` or `RU`, in eight bytes: comparing and passing it on costs nothing.
public struct RegionCode: Hashable, Sendable {
    /// The code's bytes, the first one lowest; unused ones are 0.
    public let bits: UInt64

    /// nil for 0, which is no code.
    @inlinable
    public init?(bits: UInt64) {
        if bits == 0 { return nil }
        self.bits = bits
    }

    /// From text of 1 to 8 bytes.
    public init?(_ text: String) {
        guard (1...8).contains(text.utf8.count) else { return nil }
        self.init(bits: text.utf8.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// Hands the code's bytes to `body`.
    @inlinable
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        let count = 8 - bits.leadingZeroBitCount / 8
        return withUnsafeBytes(of: bits.littleEndian) { body(UnsafeRawBufferPointer(rebasing: $0[0..<count])) }
    }
}
