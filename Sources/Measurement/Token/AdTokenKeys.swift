/// The secrets that tokens are signed with, by key id. The key added last signs, all of them verify; a key is
/// retired when the longest billing deadline of its tokens has passed. Never printable.
public struct AdTokenKeys: Sendable {
    /// Length of a key, random bytes.
    public static let keyLength = 32

    private(set) var keys: [UInt8: [UInt8]]
    /// Id of the key that signs.
    public private(set) var signingID: UInt8

    /// Starts with one key of 32 random bytes.
    public init(id: UInt8, key: [UInt8]) throws(AdTokenKeyError) {
        guard key.count == Self.keyLength else { throw .wrongLength }
        keys = [id: key]
        signingID = id
    }

    /// Ids of all keys that verify.
    public var ids: [UInt8] { keys.keys.sorted() }

    /// Adds a key, which signs from now on; the others go on verifying.
    public mutating func rotate(to id: UInt8, key: [UInt8]) throws(AdTokenKeyError) {
        guard key.count == Self.keyLength else { throw .wrongLength }
        guard keys[id] == nil else { throw .duplicateID }
        keys[id] = key
        signingID = id
    }

    /// Forgets a key: its tokens are refused from now on. The signing key cannot be retired.
    public mutating func retire(_ id: UInt8) throws(AdTokenKeyError) {
        guard id != signingID else { throw .signingKey }
        guard keys.removeValue(forKey: id) != nil else { throw .unknownID }
    }
}

extension AdTokenKeys: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "AdTokenKeys(ids: \(ids), signing: \(signingID), keys redacted)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["ids": ids, "signingID": signingID]) }
}

/// Why a change of keys is refused. Never retryable.
public enum AdTokenKeyError: String, Error, Sendable {
    case wrongLength = "token_key_wrong_length"
    case duplicateID = "token_key_duplicate_id"
    case unknownID = "token_key_unknown_id"
    case signingKey = "token_key_is_signing"

    /// Stable code.
    public var code: String { rawValue }
    public var isRetryable: Bool { false }
}
