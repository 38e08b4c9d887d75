import AdModel

/// The node's durable log: one writer thread, group commit with fdatasync, segments that a worker reads.
///
/// A record is acknowledged (`onDurable` with success) only after the fdatasync that covers it. Records keep the
/// order of their `append` calls. Positions count bytes from the start of the log and only grow.
public final class EventLog: Sendable {
    private let writer: LogWriter
    private let directory: LogDirectory
    private let lockFile: any LogFile
    /// Identity of the log, for the checkpoint.
    public let logID: LogID
    public let nodeID: Int16
    /// Bytes of a torn tail that opening has cut off; 0 after an orderly end.
    public let recoveredCutBytes: UInt64

    /// Opens the log in a directory, or begins one there.
    ///
    /// A torn tail, which nobody was told to be durable, is cut. Damage to bytes that had been durable is refused with
    /// `.corrupt`, a directory in use with `.locked`, another node's log with `.foreignNode`.
    public init(
        directory path: String, nodeID: Int16, files: any LogFileLayer = SystemLogFiles(),
        limits: EventLogLimits = EventLogLimits()
    ) throws(EventLogError) {
        let directory = LogDirectory(path: path, files: files)
        let lock = try directory.reading { () throws(LogFileError) in
            try files.createDirectory(path)
            return try files.lock(path + "/lock")
        }
        guard let lock else { throw .locked(directory: path) }
        do throws(EventLogError) {
            let start: LogWriter.Start
            if let recovery = try LogRecovery(directory, recordLimit: limits.recordBytes) {
                guard recovery.header.node == nodeID else {
                    throw .foreignNode(expected: nodeID, found: recovery.header.node)
                }
                start = LogWriter.Start(
                    header: recovery.header, file: recovery.file, segmentStart: recovery.segmentStart,
                    end: recovery.end)
                recoveredCutBytes = recovery.cutBytes
            } else {
                let header = LogFormat.Header(logID: .random(), node: nodeID, firstPosition: 0)
                do throws(LogFileError) {
                    start = LogWriter.Start(
                        header: header, file: try directory.create(header), segmentStart: 0, end: 0)
                } catch {
                    throw .failed(error)
                }
                recoveredCutBytes = 0
            }
            writer = try LogWriter(directory, start, limits)
            logID = start.header.logID
        } catch {
            lock.close()
            throw error
        }
        self.directory = directory
        self.nodeID = nodeID
        lockFile = lock
    }

    deinit { close() }

    /// Adds one record. `onDurable` is called once, on the writer's thread, in order, and must be brief; without one
    /// the record is written within `lazyDelay` and nobody is told. Throws `.full`, `.closed`, `.failed` or
    /// `.recordSize`, and then nothing was added.
    public func append(
        _ bytes: UnsafeRawBufferPointer, onDurable: (@Sendable (Result<Void, EventLogError>) -> Void)? = nil
    ) throws(EventLogError) {
        try writer.append(bytes, onDurable)
    }

    /// The same for an array.
    public func append(
        _ bytes: [UInt8], onDurable: (@Sendable (Result<Void, EventLogError>) -> Void)? = nil
    ) throws(EventLogError) {
        let result = bytes.withUnsafeBytes { raw in
            Result { () throws(EventLogError) in try writer.append(raw, onDurable) }
        }
        try result.get()
    }

    /// Adds a batch of records, all or none, under one acknowledgement. The batch can be reused afterwards.
    public func append(
        _ batch: borrowing LogBatch, onDurable: (@Sendable (Result<Void, EventLogError>) -> Void)? = nil
    ) throws(EventLogError) {
        try writer.append(batch, onDurable)
    }

    /// Adds one record and returns when it is durable.
    public func appendDurably(_ bytes: [UInt8]) async throws(EventLogError) {
        let result: Result<Void, EventLogError> = await withCheckedContinuation { continuation in
            do throws(EventLogError) {
                try append(bytes) { continuation.resume(returning: $0) }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        try result.get()
    }

    /// Position up to which everything is on disk.
    public var durableEnd: UInt64 { writer.durableEnd }

    /// Counters since the log was opened.
    public var statistics: EventLogStatistics { writer.statistics }

    /// Removes whole segments that end at or before `position` and were last written before `time`; the last one
    /// always stays. Returns how many.
    @discardableResult
    public func removeSegments(before position: UInt64, olderThan time: Timestamp) throws(EventLogError) -> Int {
        try directory.reading { () throws(LogFileError) in
            try directory.removeSegments(before: position, olderThan: time)
        }
    }

    /// Writes what is waiting, answers everybody and gives the directory free. Blocks for one or two fdatasyncs; later
    /// calls of `append` throw `.closed`.
    public func close() {
        writer.close()
        lockFile.close()
    }
}

/// Counters of an event log since it was opened.
public struct EventLogStatistics: Equatable, Sendable {
    public var records: UInt64 = 0
    /// Bytes written, framing included.
    public var bytes: UInt64 = 0
    /// Group commits.
    public var syncs: UInt64 = 0
    /// Nanoseconds spent in writes and fdatasync, and the longest of them.
    public var syncNanoseconds: UInt64 = 0
    public var longestSyncNanoseconds: UInt64 = 0
    /// Appends refused because the buffer was full.
    public var refusedFull: UInt64 = 0
    /// Segments begun.
    public var segments: UInt64 = 0
    /// True after the disk failed: nothing is accepted any more.
    public var hasFailed = false
    /// Bytes waiting now.
    public var waitingBytes = 0
}
