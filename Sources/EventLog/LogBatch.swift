/// Records framed ahead, to be appended together. Reuse one: `removeAll()` keeps the memory.
public struct LogBatch: Sendable {
    private(set) var frames: [UInt8] = []
    /// Records in the batch.
    public private(set) var count = 0
    /// Longest record seen, checked against the log's limit.
    private(set) var longest = 0
    private(set) var hasEmpty = false

    public init() {}

    /// Bytes that the batch takes in the log.
    public var byteCount: Int { frames.count }

    /// Adds a record.
    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let length = UInt32(bytes.count)
        withUnsafeBytes(of: length.littleEndian) { frames.append(contentsOf: $0) }
        withUnsafeBytes(of: LogFormat.checksum(length: length, bytes).littleEndian) { frames.append(contentsOf: $0) }
        frames.append(contentsOf: bytes)
        count += 1
        longest = max(longest, bytes.count)
        hasEmpty = hasEmpty || bytes.isEmpty
    }

    /// The same for an array.
    public mutating func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }

    /// Empties the batch.
    public mutating func removeAll() {
        frames.removeAll(keepingCapacity: true)
        count = 0
        longest = 0
        hasEmpty = false
    }
}
