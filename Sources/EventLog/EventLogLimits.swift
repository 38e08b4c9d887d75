import AdModel

/// Sizes and times of an event log.
public struct EventLogLimits: Sendable {
    /// Bytes waiting to be written; as much again may be on its way to the disk. More answers `.full`.
    public var bufferBytes = 8 << 20
    /// Records waiting to be written. More answers `.full`.
    public var bufferRecords = 65_536
    /// Longest record.
    public var recordBytes = 1 << 20
    /// A segment is closed when it has grown past this.
    public var segmentBytes: UInt64 = 64 << 20
    /// How long a record that nobody waits for may stay in memory before it is written.
    public var lazyDelay: Timestamp.Span = Timestamp.Span(micros: 20_000)
    /// Records that nobody waits for are written at once when this much has gathered.
    public var lazyBytes = 1 << 20

    public init() {}
}

/// The identity of one log: a checkpoint belongs to it, and a log begun anew has another.
public struct LogID: Hashable, Sendable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A random (version 4) UUID.
    static func random() -> LogID {
        var generator = SystemRandomNumberGenerator()
        let high: UInt64 = generator.next() & ~0xF000 | 0x4000
        let low: UInt64 = generator.next() & ~(3 << 62) | 2 << 62
        return LogID(high: high, low: low)
    }

    /// Lower-case UUID text.
    public var description: String {
        func hex(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        let digits = Array(hex(high) + hex(low))
        return [digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20..<32]]
            .map { String($0) }.joined(separator: "-")
    }
}
