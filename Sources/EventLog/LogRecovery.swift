/// What opening an existing log finds out and repairs.
struct LogRecovery {
    var header: LogFormat.Header
    /// First position of the segment that is written to.
    var segmentStart: UInt64
    var file: any LogFile
    /// Where the next frame goes; everything before is durable.
    var end: UInt64
    /// Bytes of a torn tail that were cut off.
    var cutBytes: UInt64

    /// Checks the chain of segments and brings the last one to a whole, durable end. nil when there is no log yet.
    init?(_ directory: LogDirectory, recordLimit: Int) throws(EventLogError) {
        try directory.reading { () throws(LogFileError) in try directory.removeUnfinished() }
        let segments = try directory.reading { () throws(LogFileError) in try directory.segments() }
        guard let last = segments.last else { return nil }
        header = try directory.header(of: last)
        for (segment, next) in zip(segments, segments.dropFirst()) {
            let other = try directory.header(of: segment)
            guard other.logID == header.logID, other.node == header.node else {
                throw .corrupt(segment: segment.name, position: segment.firstPosition, reason: "foreign_segment")
            }
            let size = try directory.reading { () throws(LogFileError) in
                let file = try directory.files.open(directory.path(of: segment.name), .read)
                defer { file.close() }
                return try file.size()
            }
            // A segment is closed only when all of it is durable, so a gap is damage and no torn tail.
            let end = segment.firstPosition + size - UInt64(LogFormat.headerSize)
            guard end == next.firstPosition else {
                throw .corrupt(segment: segment.name, position: end, reason: "segment_length")
            }
        }
        segmentStart = last.firstPosition
        let opened = try directory.reading { () throws(LogFileError) in
            let file = try directory.files.open(directory.path(of: last.name), .readWrite)
            return (file, try file.size())
        }
        file = opened.0
        var scanner = LogScanner(
            opened.0, firstPosition: segmentStart, fileSize: opened.1, from: segmentStart, recordLimit: recordLimit,
            chunkSize: 1 << 20)
        var durable = segmentStart
        var isTorn = false
        scan: while true {
            let item = try directory.reading { () throws(LogFileError) in try scanner.next() }
            switch item {
            case .record: continue
            case .marker(let vouched): durable = max(durable, vouched)
            case .end: break scan
            case .torn, .invalid:
                isTorn = true
                break scan
            }
        }
        end = scanner.position
        cutBytes = segmentStart + opened.1 - UInt64(LogFormat.headerSize) - end
        if isTorn {
            let isDamage = try directory.reading { () throws(LogFileError) in try scanner.damageIsProven() }
            guard !isDamage, end >= durable else {
                throw .corrupt(segment: last.name, position: end, reason: "checksum")
            }
        }
        do {
            if isTorn { try file.truncate(to: UInt64(LogFormat.headerSize) + end - segmentStart) }
            try Self.rewrite(file, segmentStart: segmentStart, from: durable, to: end)
            try file.sync()
            // A process killed between the rename of a new segment and the fsync of its directory leaves a name that
            // the next power loss would take away, with everything written under it.
            try directory.files.syncDirectory(directory.path)
        } catch {
            throw .failed(error)
        }
    }

    /// Writes the bytes that no marker vouches for once more. After a failed fdatasync the kernel may show pages as
    /// clean that never reached the disk; written anew they are dirty again, and the next fdatasync means something.
    private static func rewrite(
        _ file: any LogFile, segmentStart: UInt64, from: UInt64, to end: UInt64
    ) throws(LogFileError) {
        var position = from
        while position < end {
            let offset = UInt64(LogFormat.headerSize) + position - segmentStart
            let bytes = try file.readFully(from: offset, count: Int(min(1 << 20, end - position)))
            guard !bytes.isEmpty else { return }
            let written = bytes.withUnsafeBytes { raw in
                Result { () throws(LogFileError) in try file.writeFully(raw, at: offset) }
            }
            try written.get()
            position += UInt64(bytes.count)
        }
    }
}
