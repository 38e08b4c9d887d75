import AdModel

/// Little-endian fields appended to a byte array.
extension [UInt8] {
    mutating func put(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    mutating func put(_ value: Float) { put(value.bitPattern) }

    /// A UInt16 length, then UTF-8. Callers keep strings far below the 65,534 bytes that fit.
    mutating func put(_ text: String) {
        var copy = text
        copy.withUTF8 { bytes in
            precondition(bytes.count < LogRecordCodec.absent, "a string of a log record is longer than 65,534 bytes")
            put(UInt16(bytes.count))
            append(contentsOf: bytes)
        }
    }

    /// As `put(_: String)`, with 0xFFFF for nil.
    mutating func put(_ text: String?) {
        if let text { put(text) } else { put(UInt16(LogRecordCodec.absent)) }
    }
}

/// A bounded cursor over bytes that nobody vouches for: every read is checked against what is left.
struct LogByteReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var remaining: Int { bytes.count - offset }

    mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type = T.self) throws(LogRecordError) -> T {
        guard remaining >= MemoryLayout<T>.size else { throw .truncated }
        defer { offset += MemoryLayout<T>.size }
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    mutating func float() throws(LogRecordError) -> Float { Float(bitPattern: try integer(UInt32.self)) }

    mutating func timestamp() throws(LogRecordError) -> Timestamp { Timestamp(micros: try integer(Int64.self)) }

    mutating func micros() throws(LogRecordError) -> Micros { Micros(try integer(Int64.self)) }

    mutating func string() throws(LogRecordError) -> String {
        guard let text = try optionalString() else { throw .invalidField("string") }
        return text
    }

    mutating func optionalString() throws(LogRecordError) -> String? {
        let length = Int(try integer(UInt16.self))
        if length == LogRecordCodec.absent { return nil }
        guard remaining >= length else { throw .truncated }
        defer { offset += length }
        let slice = UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)])
        guard let text = String(validating: slice, as: UTF8.self) else { throw .invalidField("utf8") }
        return text
    }

    /// The bytes of a string where they lie; none when it is absent.
    mutating func borrowedString() throws(LogRecordError) -> UnsafeBufferPointer<UInt8> {
        let length = Int(try integer(UInt16.self))
        guard length != LogRecordCodec.absent, length > 0 else { return UnsafeBufferPointer(start: nil, count: 0) }
        guard remaining >= length else { throw .truncated }
        defer { offset += length }
        return UnsafeBufferPointer(
            start: self.bytes.baseAddress?.advanced(by: offset).assumingMemoryBound(to: UInt8.self), count: length)
    }

    /// A count whose items take at least `itemSize` bytes each: refused before anything is reserved for it.
    mutating func count<T: FixedWidthInteger & BitwiseCopyable>(
        _: T.Type, atMost limit: Int, itemSize: Int
    ) throws(LogRecordError) -> Int {
        let raw = try integer(T.self)
        guard let count = Int(exactly: raw), count >= 0, count <= limit else { throw .invalidField("count") }
        guard count * itemSize <= remaining else { throw .truncated }
        return count
    }

    mutating func int32Array(_ count: Int) throws(LogRecordError) -> [Int32] {
        var values: [Int32] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try integer(Int32.self)) }
        return values
    }

    func finish() throws(LogRecordError) {
        guard remaining == 0 else { throw .trailingBytes }
    }
}
