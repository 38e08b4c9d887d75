import Crypto

/// A secret of 32 random bytes that somebody carries: a session, an invitation, a reset. Only its hash is stored.
public struct SecretToken: Equatable, Sendable {
    /// Characters of every token.
    public static let length = 43

    /// The token itself, told once.
    public let text: String

    /// A fresh token from the system's generator.
    public init() {
        text = Base64URL.encode(RandomBytes.make(32))
    }

    /// A token that somebody presents; nil when it cannot be one.
    public init?(_ text: String) {
        guard text.utf8.count == Self.length, let bytes = Base64URL.decode(text), bytes.count == 32 else { return nil }
        self.text = text
    }

    /// What is stored and looked up.
    public var hash: [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    /// A second secret that belongs to this one and cannot be made without it: what a page sends back with every
    /// change. Reading it does not tell the token.
    public var pageToken: String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("nimb page token".utf8), using: SymmetricKey(data: Array(text.utf8)))
        return Base64URL.encode(code)
    }

    /// Whether `text` is the page token, told in a time that does not depend on how much of it is right.
    public func isPageToken(_ text: String) -> Bool {
        let own = Array(pageToken.utf8)
        let other = Array(text.utf8.prefix(own.count + 1))
        guard own.count == other.count else { return false }
        return zip(own, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
