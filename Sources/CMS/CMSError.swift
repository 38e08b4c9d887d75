import CLibCrypto

/// A signature could not be made or does not hold. Messages never repeat keys, pass phrases or what OpenSSL saw of
/// them.
public struct CMSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable code: `cms_key`, `cms_certificate`, `cms_key_mismatch`, `cms_sign`, `cms_format`, `cms_untrusted`,
    /// `cms_mismatch`.
    public let code: String
    /// What to do.
    public let message: String
    /// The same bytes give the same answer.
    public var isRetryable: Bool { false }
    public var description: String { "\(code): \(message)" }

    /// Empties OpenSSL's queue of errors of this thread, so that nothing of it shows up elsewhere.
    static func failed(_ code: String, _ message: String) -> CMSError {
        ERR_clear_error()
        return CMSError(code: code, message: message)
    }
}
