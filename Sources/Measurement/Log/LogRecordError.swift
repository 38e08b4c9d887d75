/// Why bytes are not a log record. Never retryable: the same bytes fail again.
public enum LogRecordError: Error, Equatable, Sendable {
    /// The bytes end before the record does.
    case truncated
    /// The record ends before the bytes do.
    case trailingBytes
    /// First byte is no known kind.
    case unknownKind(UInt8)
    /// Written by a newer format than this binary reads: upgrade the worker before the edge.
    case unsupportedVersion(UInt8)
    /// A field holds a value outside its list or limit.
    case invalidField(String)

    /// Stable code.
    public var code: String {
        switch self {
        case .truncated: "log_record_truncated"
        case .trailingBytes: "log_record_trailing_bytes"
        case .unknownKind: "log_record_unknown_kind"
        case .unsupportedVersion: "log_record_unsupported_version"
        case .invalidField: "log_record_invalid_field"
        }
    }

    public var isRetryable: Bool { false }
}
