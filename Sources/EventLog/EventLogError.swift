/// What the event log refuses, and what to do about it.
public enum EventLogError: Error, Equatable, Sendable {
    /// The bounded buffer holds as much as it may: answer 503 and let the caller come back.
    case full
    /// The log was closed.
    case closed
    /// The record has no bytes, or more than `EventLogLimits.recordBytes`.
    case recordSize(Int)
    /// Another process writes this log.
    case locked(directory: String)
    /// The disk failed under the log. Nothing more is accepted or acknowledged until the process starts anew, because
    /// after a failed fdatasync nobody knows which pages reached the disk.
    case failed(LogFileError)
    /// Bytes that had been durable are damaged, or a segment is missing.
    case corrupt(segment: String, position: UInt64, reason: String)
    /// The directory holds the log of another node.
    case foreignNode(expected: Int16, found: Int16)
    /// The directory holds no log.
    case noLog(directory: String)
    /// The position lies before the first segment that is still there.
    case positionRemoved(requested: UInt64, first: UInt64)
    /// The position lies after the durable end of the log.
    case positionBeyondEnd(requested: UInt64, end: UInt64)
    /// The file layer failed while reading.
    case unreadable(LogFileError)

    /// Stable code.
    public var code: String {
        switch self {
        case .full: "event_log_full"
        case .closed: "event_log_closed"
        case .recordSize: "event_log_record_size"
        case .locked: "event_log_locked"
        case .failed: "event_log_failed"
        case .corrupt: "event_log_corrupt"
        case .foreignNode: "event_log_foreign_node"
        case .noLog: "event_log_missing"
        case .positionRemoved: "event_log_position_removed"
        case .positionBeyondEnd: "event_log_position_beyond_end"
        case .unreadable: "event_log_unreadable"
        }
    }

    /// Whether the same call may succeed later.
    public var isRetryable: Bool { self == .full }
}

extension EventLogError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .full: "the event log's buffer is full; try again in a moment"
        case .closed: "the event log is closed"
        case .recordSize(let size): "a log record of \(size) bytes is empty or too long"
        case .locked(let directory): "another process writes the event log in \(directory); stop it first"
        case .failed(let error):
            "the disk failed under the event log (\(error.operation), errno \(error.errno)); free space or replace the "
                + "disk, then restart the node"
        case .corrupt(let segment, let position, let reason):
            "event log segment \(segment) is damaged at position \(position) (\(reason)); restore it from a backup, or "
                + "move the directory aside to start a new log and declare this one lost"
        case .foreignNode(let expected, let found):
            "the event log belongs to node \(found), not \(expected); check the log directory of this node"
        case .noLog(let directory): "there is no event log in \(directory) yet; start the server that writes it"
        case .positionRemoved(let requested, let first):
            "position \(requested) is no longer in the event log, which starts at \(first); restore the segments, or "
                + "set the checkpoint by hand"
        case .positionBeyondEnd(let requested, let end):
            "position \(requested) is after the durable end \(end) of the event log; the checkpoint belongs to another "
                + "log or the log was cut: do not ship before this is understood"
        case .unreadable(let error): "the event log cannot be read (\(error.operation), errno \(error.errno))"
        }
    }
}
