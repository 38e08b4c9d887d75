/// The keyed 64-bit form of a visitor id that tokens and profiles carry instead of the id itself.
public struct ShopperHash: Sendable, CustomStringConvertible, CustomReflectable {
    private let hash: SipHash

    /// At least 16 secret random bytes; changing them orphans live profiles and outstanding tokens.
    public init(key: [UInt8]) {
        hash = key.withUnsafeBytes { SipHash(key: $0) }
    }

    /// Never 0, which stands for "no shopper".
    public func callAsFunction(_ visitorID: UnsafeRawBufferPointer) -> UInt64 {
        let value = hash.hash64(visitorID)
        return value == 0 ? 1 : value
    }

    /// The same for a string.
    public func callAsFunction(_ visitorID: String) -> UInt64 {
        var copy = visitorID
        return copy.withUTF8 { self(UnsafeRawBufferPointer($0)) }
    }

    public var description: String { "ShopperHash(redacted)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
