/// The records of one whole segment that lies in memory, for a reader that goes through a month of them at once.
///
/// A worker that follows the log reads with `EventLogReader`, which also knows what is durable.
public struct SegmentRecords: Sendable {
    // Borrowed from the caller, who keeps the mapping alive as long as this value and what it hands out.
    nonisolated(unsafe) private let bytes: UnsafeRawBufferPointer
    private let header: LogFormat.Header
    private let recordLimit: Int

    /// - Parameter bytes: the file, its header included.
    /// - Throws: `.corrupt` when it is no segment.
    public init(_ bytes: UnsafeRawBufferPointer, limits: EventLogLimits = EventLogLimits()) throws(EventLogError) {
        guard let header = LogFormat.decodeHeader(bytes) else {
            throw .corrupt(segment: "", position: 0, reason: "header")
        }
        self.bytes = bytes
        self.header = header
        recordLimit = limits.recordBytes
    }

    /// Calls the body with each record, after its checksum was found right. A tail that is still being written ends
    /// the walk.
    /// - Throws: `.corrupt` for a record that is damaged.
    public func forEach(_ body: (UnsafeRawBufferPointer) -> Void) throws(EventLogError) {
        var offset = LogFormat.headerSize
        while offset < bytes.count {
            let position = header.firstPosition + UInt64(offset - LogFormat.headerSize)
            switch LogFormat.frame(in: bytes, at: offset, position: position, recordLimit: recordLimit) {
            case .record(let range):
                body(UnsafeRawBufferPointer(rebasing: bytes[range]))
                offset = range.upperBound
            case .marker:
                offset += LogFormat.markerSize
            case .incomplete:
                return
            case .invalid:
                throw .corrupt(
                    segment: LogFormat.fileName(header.firstPosition), position: position, reason: "checksum")
            }
        }
    }

    /// The same for a second walk over bytes that `forEach` has checked: only lengths are read.
    public func forEachChecked(_ body: (UnsafeRawBufferPointer) -> Void) {
        var offset = LogFormat.headerSize
        while offset + LogFormat.frameHeader <= bytes.count {
            let length = bytes.word32(offset)
            if length == LogFormat.markerLength {
                offset += LogFormat.markerSize
                continue
            }
            let end = offset + LogFormat.frameHeader + Int(length)
            guard length > 0, end <= bytes.count else { return }
            body(UnsafeRawBufferPointer(rebasing: bytes[(offset + LogFormat.frameHeader)..<end]))
            offset = end
        }
    }
}
