import Crypto
import CryptoExtras
import Foundation

/// How much work a guess at a password costs. Stored with each hash, so that it can be raised: a hash made with less
/// is made anew at the next login.
public struct ScryptParameters: Equatable, Sendable {
    /// Binary logarithm of N, the number of blocks: memory is 128 · N · r bytes.
    public var log2N: Int
    /// Block size factor.
    public var r: Int
    /// Passes.
    public var p: Int

    public init(log2N: Int, r: Int, p: Int) {
        self.log2N = log2N
        self.r = r
        self.p = p
    }

    /// What new passwords are hashed with: 32 MiB and three passes.
    public static let current = ScryptParameters(log2N: 15, r: 8, p: 3)

    /// What a stored hash may ask for; a damaged row must not be able to take the machine's memory.
    static let log2NRange = 4...18
    static let rRange = 1...16
    static let pRange = 1...8

    var isAcceptable: Bool {
        Self.log2NRange.contains(log2N) && Self.rRange.contains(r) && Self.pRange.contains(p)
    }
}

/// A stored password: `scrypt$log2N$r$p$salt$key`, salt and key in base64url.
public struct PasswordHash: Equatable, Sendable {
    public var parameters: ScryptParameters
    public var salt: [UInt8]
    public var key: [UInt8]

    static let saltBytes = 16
    static let keyBytes = 32

    /// Reads a stored hash; nil when it is none.
    public init?(_ text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "scrypt", let log2N = Int(parts[1]), let r = Int(parts[2]),
            let p = Int(parts[3]), let salt = Base64URL.decode(parts[4]), let key = Base64URL.decode(parts[5]),
            salt.count == Self.saltBytes, key.count == Self.keyBytes
        else { return nil }
        parameters = ScryptParameters(log2N: log2N, r: r, p: p)
        guard parameters.isAcceptable else { return nil }
        self.salt = salt
        self.key = key
    }

    /// The hash of no password that anybody knows: checking against it costs as much as against any other.
    static func ofNobody(_ parameters: ScryptParameters) -> PasswordHash {
        PasswordHash(
            parameters: parameters, salt: RandomBytes.make(saltBytes), key: RandomBytes.make(keyBytes))
    }

    private init(parameters: ScryptParameters, salt: [UInt8], key: [UInt8]) {
        self.parameters = parameters
        self.salt = salt
        self.key = key
    }

    /// Hashes a password; takes as long as its parameters say, so never on an event loop.
    public init(password: String, salt: [UInt8], parameters: ScryptParameters) throws {
        self.parameters = parameters
        self.salt = salt
        key = try Self.derive(password, salt, parameters)
    }

    /// Whether the password is the one, told in a time that does not depend on how much of it is right.
    public func matches(_ password: String) throws -> Bool {
        let other = try Self.derive(password, salt, parameters)
        guard other.count == key.count else { return false }
        return zip(key, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    public var text: String {
        "scrypt$\(parameters.log2N)$\(parameters.r)$\(parameters.p)$\(Base64URL.encode(salt))$\(Base64URL.encode(key))"
    }

    private static func derive(_ password: String, _ salt: [UInt8], _ parameters: ScryptParameters) throws -> [UInt8] {
        // The same letters typed on another machine may be composed otherwise.
        let bytes = Array(password.precomposedStringWithCanonicalMapping.utf8)
        return try KDF.Scrypt.deriveKey(
            from: bytes, salt: salt, outputByteCount: keyBytes, rounds: 1 << parameters.log2N,
            blockSize: parameters.r, parallelism: parameters.p
        ).withUnsafeBytes { Array($0) }
    }
}
