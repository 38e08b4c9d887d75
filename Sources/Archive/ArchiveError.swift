/// A ZIP file could not be written or read.
public struct ArchiveError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable code: `archive_empty`, `archive_entry_name`, `archive_too_large`, `archive_write`, `archive_read`.
    public let code: String
    /// What is wrong and what to do.
    public let message: String
    /// The same entries give the same answer.
    public var isRetryable: Bool { false }

    public var description: String { "\(code): \(message)" }
}

/// One file of an archive.
public struct ArchiveEntry: Hashable, Sendable {
    /// Relative path with `/`, in UTF-8; never a directory.
    public var name: String
    public var bytes: [UInt8]

    public init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// Limits of archives.
public enum ArchiveLimits {
    /// Entries in one archive.
    public static let entries = 65_000
    /// Bytes of all entries together: the classic ZIP format, and memory, end soon after.
    public static let totalBytes = 2_000_000_000
    /// Bytes of a name.
    public static let nameBytes = 1_000
}
