import AdModel
import Crypto

/// The signed parameter with which a page shows one creative version, whatever its state, and never bills it.
///
/// base64url of: creative version id (4 bytes, big-endian), last second of its life (8), the first 16 bytes of an
/// HMAC-SHA256 over both. Whoever has it may look at the creative until then, and do nothing else with it.
public struct PreviewParameter: Sendable {
    /// Longest and usual life of a parameter.
    public static let longest = Timestamp.Span.hours(24)
    public static let usual = Timestamp.Span.hours(1)
    /// Characters of every parameter.
    public static let length = 38
    /// Ad events whose token begins so belong to a preview.
    public static let tokenPrefix = "preview-"
    private static let macBytes = 16

    private let key: SymmetricKey

    /// - Parameter secret: shared by all nodes and the management side; the key is derived of it for this use alone.
    public init(secret: [UInt8]) {
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), info: Array("nimb creative preview".utf8), outputByteCount: 32
        )
    }

    /// Why a parameter shows nothing. Its raw value is the word that the answer says.
    public enum Fault: String, Error, Sendable {
        case forged, expired

        /// Stable code.
        public var code: String { "preview_" + rawValue }
        public var isRetryable: Bool { false }
    }

    public func sign(creativeVersionID: Int32, until: Timestamp) -> String {
        let bytes = Self.bytes(creativeVersionID, floorDivide(until.micros, 1_000_000))
        let mac = HMAC<SHA256>.authenticationCode(for: bytes, using: key)
        return Base64URL.encode(bytes + Array(mac).prefix(Self.macBytes))
    }

    /// The creative version to show.
    public func open(_ text: some StringProtocol, now: Timestamp) throws(Fault) -> Int32 {
        guard text.utf8.count == Self.length, let all = Base64URL.decode(Substring(text)),
            all.count == 12 + Self.macBytes
        else { throw .forged }
        let bytes = Array(all[0..<12])
        let mac = Array(HMAC<SHA256>.authenticationCode(for: bytes, using: key))
        // Constant time in the bytes of the code.
        var difference: UInt8 = 0
        for index in 0..<Self.macBytes { difference |= mac[index] ^ all[12 + index] }
        guard difference == 0 else { throw .forged }
        let until = Int64(bitPattern: bytes[4..<12].reduce(0) { $0 << 8 | UInt64($1) })
        guard now.micros / 1_000_000 <= until else { throw .expired }
        return Int32(bitPattern: bytes[0..<4].reduce(0) { $0 << 8 | UInt32($1) })
    }

    private static func bytes(_ version: Int32, _ second: Int64) -> [UInt8] {
        let id = UInt32(bitPattern: version)
        let time = UInt64(bitPattern: second)
        return (0..<4).map { UInt8(truncatingIfNeeded: id >> (24 - 8 * $0)) }
            + (0..<8).map { UInt8(truncatingIfNeeded: time >> (56 - 8 * $0)) }
    }
}
