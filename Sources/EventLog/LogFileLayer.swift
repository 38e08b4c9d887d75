import AdModel

/// Everything that the event log asks of a file system. Tests put one in its place that loses power.
public protocol LogFileLayer: Sendable {
    /// Creates a directory (and its parents) where there is none.
    func createDirectory(_ path: String) throws(LogFileError)
    /// Names in a directory, in no order.
    func list(_ directory: String) throws(LogFileError) -> [String]
    /// Opens a file; `.createNew` fails when it exists.
    func open(_ path: String, _ mode: LogFileMode) throws(LogFileError) -> any LogFile
    /// Moves a file over another name in the same directory.
    func rename(_ path: String, to newPath: String) throws(LogFileError)
    func remove(_ path: String) throws(LogFileError)
    /// Makes creations, renames and removals in a directory durable.
    func syncDirectory(_ path: String) throws(LogFileError)
    /// Takes the exclusive lock of a path until `close()`; nil when another process holds it.
    func lock(_ path: String) throws(LogFileError) -> (any LogFile)?
}

/// One open file, addressed by offset.
public protocol LogFile: Sendable {
    /// Writes some of the bytes, at least one, and says how many.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LogFileError) -> Int
    /// Reads some bytes and says how many; 0 at the end of the file.
    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(LogFileError) -> Int
    /// `fdatasync`.
    func sync() throws(LogFileError)
    func truncate(to size: UInt64) throws(LogFileError)
    func size() throws(LogFileError) -> UInt64
    /// When the content last changed.
    func modifiedAt() throws(LogFileError) -> Timestamp
    /// Gives the descriptor back; calling it twice is harmless.
    func close()
}

/// How a file is opened.
public enum LogFileMode: Sendable { case read, readWrite, createNew }

/// A failed call of the file layer.
public struct LogFileError: Error, Equatable, Sendable {
    /// `write`, `fdatasync`, `open`, ...
    public let operation: String
    public let errno: Int32

    public init(operation: String, errno: Int32) {
        self.operation = operation
        self.errno = errno
    }

    /// Stable code.
    public var code: String { "log_file_error" }
    public var isRetryable: Bool { false }
}
