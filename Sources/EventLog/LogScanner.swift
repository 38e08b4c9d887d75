/// Walks the frames of one segment from an offset, in chunks.
struct LogScanner {
    enum Item {
        /// A whole record; the payload is `scanner.payload` until the next call.
        case record(end: UInt64)
        case marker(durable: UInt64)
        /// Nothing more, exactly at the end of the file.
        case end
        /// The file ends inside a frame.
        case torn
        /// Bytes that are no frame.
        case invalid
    }

    private let file: any LogFile
    private let firstPosition: UInt64
    private let fileSize: UInt64
    private let recordLimit: Int
    private let chunkSize: Int
    private var chunk: [UInt8] = []
    /// File offset of `chunk[0]`.
    private var chunkStart: UInt64
    private var cursor = 0
    private var payloadRange = 0..<0

    /// Starts at `position`, which is a frame boundary at or after the segment's first position.
    init(
        _ file: any LogFile, firstPosition: UInt64, fileSize: UInt64, from position: UInt64, recordLimit: Int,
        chunkSize: Int = 256 << 10
    ) {
        self.file = file
        self.firstPosition = firstPosition
        self.fileSize = fileSize
        self.recordLimit = recordLimit
        self.chunkSize = chunkSize
        chunkStart = UInt64(LogFormat.headerSize) + (position - firstPosition)
    }

    /// Position of the frame that the next call looks at.
    var position: UInt64 { firstPosition + chunkStart + UInt64(cursor) - UInt64(LogFormat.headerSize) }

    /// Payload of the record just returned.
    var payload: ArraySlice<UInt8> { chunk[payloadRange] }

    mutating func next() throws(LogFileError) -> Item {
        while true {
            let here = position
            let frame = chunk.withUnsafeBytes {
                LogFormat.frame(in: $0, at: cursor, position: here, recordLimit: recordLimit)
            }
            switch frame {
            case .record(let range):
                payloadRange = range
                cursor = range.upperBound
                return .record(end: position)
            case .marker(let durable):
                cursor += LogFormat.markerSize
                return .marker(durable: durable)
            case .invalid:
                return .invalid
            case .incomplete(let needed):
                let offset = chunkStart + UInt64(cursor)
                if offset >= fileSize { return .end }
                if offset + UInt64(needed) > fileSize { return .torn }
                guard try fill(from: offset, atLeast: needed) else { return .torn }
            }
        }
    }

    /// Reads on from `offset`; false when the file turns out shorter than it was.
    private mutating func fill(from offset: UInt64, atLeast needed: Int) throws(LogFileError) -> Bool {
        let wanted = Int(min(UInt64(max(needed, chunkSize)), fileSize - offset))
        chunk = try file.readFully(from: offset, count: wanted)
        chunkStart = offset
        cursor = 0
        return chunk.count >= needed
    }

    /// Looks through everything after the present frame for a marker that vouches for it: the proof that a frame
    /// found damaged had been durable.
    func damageIsProven() throws(LogFileError) -> Bool {
        let bad = position
        var offset = UInt64(LogFormat.headerSize) + (bad - firstPosition) + 1
        while offset + UInt64(LogFormat.markerSize) <= fileSize {
            let bytes = try file.readFully(from: offset, count: Int(min(1 << 20, fileSize - offset)))
            guard bytes.count >= LogFormat.markerSize else { return false }
            let start = firstPosition + offset - UInt64(LogFormat.headerSize)
            let found = bytes.withUnsafeBytes { raw in
                for i in 0...(raw.count - LogFormat.markerSize) where raw[i] == 0xFF && raw[i + 3] == 0xFF {
                    guard raw.word32(i) == LogFormat.markerLength else { continue }
                    let frame = LogFormat.frame(
                        in: raw, at: i, position: start + UInt64(i), recordLimit: recordLimit)
                    if case .marker(let durable) = frame, durable > bad { return true }
                }
                return false
            }
            if found { return true }
            // Overlap, so that a marker across two chunks is seen.
            offset += UInt64(bytes.count - LogFormat.markerSize + 1)
        }
        return false
    }
}

extension LogFile {
    /// Reads `count` bytes, or fewer where the file ends.
    func readFully(from offset: UInt64, count: Int) throws(LogFileError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < bytes.count {
            let result = bytes.withUnsafeMutableBytes { raw in
                Result { () throws(LogFileError) in
                    try read(into: UnsafeMutableRawBufferPointer(rebasing: raw[done...]), at: offset + UInt64(done))
                }
            }
            let count = try result.get()
            if count == 0 { break }
            done += count
        }
        bytes.removeLast(bytes.count - done)
        return bytes
    }

    /// Writes all bytes, going on after short writes.
    func writeFully(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LogFileError) {
        var done = 0
        while done < bytes.count {
            let written = try write(UnsafeRawBufferPointer(rebasing: bytes[done...]), at: offset + UInt64(done))
            // A write of nothing is no error by the letter, but going on with it would never end.
            guard written > 0 else { throw LogFileError(operation: "write", errno: 5) }
            done += written
        }
    }
}
