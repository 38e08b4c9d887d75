/// Why the private cluster cannot be had. Every message is one sentence that says what to do.
public struct PrivateClusterError: Error, Equatable, CustomStringConvertible {
    /// Stable snake_case code.
    public let code: String
    public let message: String
    /// True when another attempt may succeed without anybody's help.
    public let isRetryable: Bool

    init(_ code: String, _ message: String, isRetryable: Bool = false) {
        self.code = code
        self.message = message
        self.isRetryable = isRetryable
    }

    public var description: String { message }
}
