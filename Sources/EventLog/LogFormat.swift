/// The bytes of a log.
///
/// Segment = header of 64 bytes, then frames. Frame = u32 length, u32 CRC-32C over length and payload, payload.
/// A frame whose length reads `marker` is a **durability marker** of the writer: its 16 bytes of payload say up to
/// which position everything was durable when it was written, and its own position. Markers are how a reader in
/// another process knows what it may ship, and how recovery tells a torn tail (cut it) from damage to bytes that had
/// been durable (refuse). A position counts the bytes of frames since the log began, markers included, headers not.
enum LogFormat {
    static let headerSize = 64
    static let frameHeader = 8
    static let markerLength: UInt32 = 0xFFFF_FFFF
    static let markerPayload = 16
    static let markerSize = frameHeader + markerPayload
    static let magic: UInt64 = 0x3147_4F4C_424D_494E  // "NIMBLOG1"
    static let version: UInt32 = 1
    static let suffix = ".log"
    static let unfinishedSuffix = ".log.new"

    struct Header: Equatable {
        var logID: LogID
        var node: Int16
        var firstPosition: UInt64
    }

    static func fileName(_ firstPosition: UInt64) -> String {
        let digits = String(firstPosition)
        return String(repeating: "0", count: 20 - digits.count) + digits + suffix
    }

    static func firstPosition(fileName: String) -> UInt64? {
        guard fileName.utf8.count == 20 + suffix.utf8.count, fileName.hasSuffix(suffix) else { return nil }
        let digits = fileName.prefix(20)
        guard digits.utf8.allSatisfy({ $0 &- 0x30 <= 9 }) else { return nil }
        return UInt64(digits)
    }

    static func encode(_ header: Header) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerSize)
        bytes.withUnsafeMutableBytes { raw in
            raw.storeBytes(of: magic.littleEndian, toByteOffset: 0, as: UInt64.self)
            raw.storeBytes(of: version.littleEndian, toByteOffset: 8, as: UInt32.self)
            raw.storeBytes(of: UInt32(headerSize).littleEndian, toByteOffset: 12, as: UInt32.self)
            // Big-endian, so that a hex dump shows the UUID.
            raw.storeBytes(of: header.logID.high.bigEndian, toByteOffset: 16, as: UInt64.self)
            raw.storeBytes(of: header.logID.low.bigEndian, toByteOffset: 24, as: UInt64.self)
            raw.storeBytes(of: header.node.littleEndian, toByteOffset: 32, as: Int16.self)
            raw.storeBytes(of: header.firstPosition.littleEndian, toByteOffset: 40, as: UInt64.self)
            let crc = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[0..<60]))
            raw.storeBytes(of: crc.littleEndian, toByteOffset: 60, as: UInt32.self)
        }
        return bytes
    }

    static func decodeHeader(_ raw: UnsafeRawBufferPointer) -> Header? {
        guard raw.count >= headerSize, raw.word64(0) == magic, raw.word32(8) == version,
            raw.word32(12) == UInt32(headerSize),
            raw.word32(60) == CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[0..<60]))
        else { return nil }
        return Header(
            logID: LogID(high: raw.word64(16).byteSwapped, low: raw.word64(24).byteSwapped),
            node: Int16(truncatingIfNeeded: raw.word64(32)), firstPosition: raw.word64(40))
    }

    /// CRC of a frame: its length field, then its payload.
    static func checksum(length: UInt32, _ payload: UnsafeRawBufferPointer) -> UInt32 {
        let seed = withUnsafeBytes(of: length.littleEndian) { CRC32C.checksum($0) }
        return CRC32C.checksum(payload, seed: seed)
    }

    /// Writes a marker of `markerSize` bytes.
    static func writeMarker(into raw: UnsafeMutableRawBufferPointer, durable: UInt64, position: UInt64) {
        raw.storeBytes(of: markerLength.littleEndian, toByteOffset: 0, as: UInt32.self)
        raw.storeBytes(of: durable.littleEndian, toByteOffset: 8, as: UInt64.self)
        raw.storeBytes(of: position.littleEndian, toByteOffset: 16, as: UInt64.self)
        let crc = checksum(length: markerLength, UnsafeRawBufferPointer(rebasing: raw[8..<24]))
        raw.storeBytes(of: crc.littleEndian, toByteOffset: 4, as: UInt32.self)
    }

    /// What lies at an offset of a chunk of frames.
    enum Frame: Equatable {
        case record(payload: Range<Int>)
        case marker(durable: UInt64)
        /// More bytes are needed to tell; so many from the frame's start.
        case incomplete(needed: Int)
        case invalid
    }

    /// Reads the frame at `offset`, whose position in the log is `position`.
    static func frame(
        in chunk: UnsafeRawBufferPointer, at offset: Int, position: UInt64, recordLimit: Int
    ) -> Frame {
        let available = chunk.count - offset
        guard available >= frameHeader else { return .incomplete(needed: frameHeader) }
        let length = chunk.word32(offset)
        if length == markerLength {
            guard available >= markerSize else { return .incomplete(needed: markerSize) }
            let payload = UnsafeRawBufferPointer(rebasing: chunk[(offset + 8)..<(offset + 24)])
            guard chunk.word32(offset + 4) == checksum(length: length, payload), payload.word64(8) == position,
                payload.word64(0) <= position
            else { return .invalid }
            return .marker(durable: payload.word64(0))
        }
        guard length >= 1, Int(length) <= recordLimit else { return .invalid }
        let size = frameHeader + Int(length)
        guard available >= size else { return .incomplete(needed: size) }
        let range = (offset + frameHeader)..<(offset + size)
        let payload = UnsafeRawBufferPointer(rebasing: chunk[range])
        return chunk.word32(offset + 4) == checksum(length: length, payload) ? .record(payload: range) : .invalid
    }
}

extension UnsafeRawBufferPointer {
    func word32(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    func word64(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
