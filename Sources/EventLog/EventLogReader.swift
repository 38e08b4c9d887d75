import AdModel
import Synchronization

/// Reads a log, also while its writer runs in this or another process. Only records that are certainly on disk are
/// returned: what is shipped can never turn out to have been lost.
public final class EventLogReader: Sendable {
    private let directory: LogDirectory
    private let recordLimit: Int
    /// Highest position that a marker has vouched for so far.
    private let vouched = Mutex<UInt64>(0)
    public let logID: LogID
    public let nodeID: Int16

    /// Opens the log for reading; `.noLog` when the directory holds none yet.
    public init(
        directory path: String, files: any LogFileLayer = SystemLogFiles(), limits: EventLogLimits = EventLogLimits()
    ) throws(EventLogError) {
        directory = LogDirectory(path: path, files: files)
        recordLimit = limits.recordBytes
        let segments: [LogDirectory.Segment]
        do throws(LogFileError) {
            segments = try directory.segments()
        } catch {
            throw error.errno == 2 ? .noLog(directory: path) : .unreadable(error)
        }
        guard let last = segments.last else { throw .noLog(directory: path) }
        let header = try directory.header(of: last)
        logID = header.logID
        nodeID = header.node
    }

    /// First position that is still there.
    public func firstPosition() throws(EventLogError) -> UInt64 {
        try directory.reading { () throws(LogFileError) in try directory.segments() }.first?.firstPosition ?? 0
    }

    /// The next durable records from a position, which is 0 or a `next` (or an `end`) of an earlier read.
    ///
    /// Returns at least one record when there is one, whatever its size. Throws `.positionRemoved`,
    /// `.positionBeyondEnd`, `.corrupt` or `.unreadable`.
    public func read(
        from position: UInt64, maximumRecords: Int = 10_000, maximumBytes: Int = 4 << 20
    ) throws(EventLogError) -> LogRead {
        let segments = try directory.reading { () throws(LogFileError) in try directory.segments() }
        guard let first = segments.first else { throw .noLog(directory: directory.path) }
        guard let start = segments.lastIndex(where: { $0.firstPosition <= position }) else {
            throw .positionRemoved(requested: position, first: first.firstPosition)
        }
        var collector = Collector(
            position: position, maximumRecords: max(1, maximumRecords), maximumBytes: maximumBytes)
        for index in start..<segments.count {
            let nextStart = index + 1 < segments.count ? segments[index + 1].firstPosition : nil
            try read(segments[index], endingAt: nextStart, into: &collector)
            if collector.isFull { break }
            if let nextStart { collector.position = nextStart }
        }
        return collector.result(durable: vouched.withLock { $0 })
    }

    /// Removes shipped segments: see `EventLog.removeSegments`. Safe beside a running writer.
    @discardableResult
    public func removeSegments(before position: UInt64, olderThan time: Timestamp) throws(EventLogError) -> Int {
        try directory.reading { () throws(LogFileError) in
            try directory.removeSegments(before: position, olderThan: time)
        }
    }

    /// Collects from one segment; `nextStart` is where the following one begins, nil for the last.
    private func read(
        _ segment: LogDirectory.Segment, endingAt nextStart: UInt64?, into collector: inout Collector
    ) throws(EventLogError) {
        let (file, size) = try directory.reading { () throws(LogFileError) in
            let file = try directory.files.open(directory.path(of: segment.name), .read)
            return (file, try file.size())
        }
        defer { file.close() }
        let end = segment.firstPosition + size - min(size, UInt64(LogFormat.headerSize))
        guard collector.position <= end else {
            throw .positionBeyondEnd(requested: collector.position, end: end)
        }
        if let nextStart {
            // A following segment is begun only when all of this one is durable.
            guard end == nextStart else {
                throw .corrupt(segment: segment.name, position: end, reason: "segment_length")
            }
            vouch(for: nextStart)
        }
        var scanner = LogScanner(
            file, firstPosition: segment.firstPosition, fileSize: size, from: collector.position,
            recordLimit: recordLimit)
        while true {
            let item = try directory.reading { () throws(LogFileError) in try scanner.next() }
            switch item {
            case .record(let end):
                if collector.isFull {
                    // Only looking for the marker that vouches for what has been collected.
                    if collector.lastEnd <= vouched.withLock({ $0 }) { return }
                } else {
                    collector.add(scanner.payload, end: end)
                }
            case .marker(let durable):
                vouch(for: durable)
                if collector.isFull, collector.lastEnd <= durable { return }
            case .end:
                return
            case .torn, .invalid:
                // The tail that is being written looks like this too; damage only if it had been durable.
                let isDurable = scanner.position < vouched.withLock { $0 }
                if case .invalid = item, !isDurable {
                    guard try directory.reading({ () throws(LogFileError) in try scanner.damageIsProven() }) else {
                        return
                    }
                } else if !isDurable {
                    return
                }
                throw .corrupt(segment: segment.name, position: scanner.position, reason: "checksum")
            }
        }
    }

    private func vouch(for position: UInt64) {
        vouched.withLock { $0 = max($0, position) }
    }

    private struct Collector {
        var position: UInt64
        let start: UInt64
        let maximumRecords: Int
        let maximumBytes: Int
        private var entries: [LogRead.Entry] = []
        private var bytes = 0

        init(position: UInt64, maximumRecords: Int, maximumBytes: Int) {
            self.position = position
            start = position
            self.maximumRecords = maximumRecords
            self.maximumBytes = maximumBytes
        }

        var isFull: Bool { entries.count >= maximumRecords || !entries.isEmpty && bytes >= maximumBytes }
        var lastEnd: UInt64 { entries.last?.end ?? start }

        mutating func add(_ payload: ArraySlice<UInt8>, end: UInt64) {
            entries.append(LogRead.Entry(end: end, bytes: Array(payload)))
            bytes += payload.count
        }

        func result(durable: UInt64) -> LogRead {
            let kept = entries.prefix { $0.end <= durable }
            return LogRead(records: Array(kept), next: kept.last?.end ?? start)
        }
    }
}

/// What one read returned.
public struct LogRead: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        /// Position after the record: the checkpoint once it has been shipped.
        public let end: UInt64
        public let bytes: [UInt8]

        public init(end: UInt64, bytes: [UInt8]) {
            self.end = end
            self.bytes = bytes
        }
    }

    public let records: [Entry]
    /// Where the next read goes on; the same position again when nothing new is durable.
    public let next: UInt64

    public init(records: [Entry], next: UInt64) {
        self.records = records
        self.next = next
    }
}
