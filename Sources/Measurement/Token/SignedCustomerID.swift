import AdModel
import Crypto

/// `id.expiry.HMAC`: how a shop vouches for a customer id that travels through the browser.
///
/// `expiry` is Unix seconds; the HMAC is HMAC-SHA256 over `id.expiry` with the secret that the shop and Nimb share,
/// written as base64url without padding or as hexadecimal digits.
public enum SignedCustomerID {
    /// Shortest shared secret in bytes.
    public static let secretMinimum = 16

    /// The customer id, if it is authentic and not expired. All secrets are tried, so that one can be replaced.
    public static func verify(_ text: String, secrets: [[UInt8]], now: Timestamp) throws(SignedCustomerIDError)
        -> String
    {
        guard text.utf8.count <= CallerID.limit + 1 + 20 + 1 + 64 else { throw .malformed }
        // From the right, because ids may contain dots.
        guard let macDot = text.lastIndex(of: "."), let expiryDot = text[..<macDot].lastIndex(of: ".") else {
            throw .malformed
        }
        let id = text[..<expiryDot]
        let expiryText = text[text.index(after: expiryDot)..<macDot]
        guard CallerID.isAcceptable(Array(id.utf8)), expiryText.utf8.allSatisfy({ $0 &- 0x30 <= 9 }),
            let expiry = Int64(expiryText), expiry <= Int64.max / 1_000_000,
            let mac = macBytes(text[text.index(after: macDot)...])
        else { throw .malformed }
        let signed = Array(text[..<macDot].utf8)
        var authentic = false
        for secret in secrets where secret.count >= secretMinimum {
            // Constant time in the bytes of the code.
            let valid = HMAC<SHA256>.isValidAuthenticationCode(
                mac, authenticating: signed, using: SymmetricKey(data: secret))
            authentic = authentic || valid
        }
        guard authentic else { throw .forged }
        guard now < Timestamp(micros: expiry * 1_000_000) else { throw .expired }
        return String(id)
    }

    /// What a shop's server computes; here for demos and tests.
    public static func sign(_ id: String, expiry: Timestamp, secret: [UInt8]) -> String {
        let text = "\(id).\(floorDivide(expiry.micros, 1_000_000))"
        let mac = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: secret))
        return "\(text).\(Base64URL.encode(Array(mac)))"
    }

    private static func macBytes(_ text: Substring) -> [UInt8]? {
        switch text.utf8.count {
        case 43: return Base64URL.decode(text)
        case 64:
            var bytes: [UInt8] = []
            var rest = text[...]
            while !rest.isEmpty {
                guard rest.utf8.first != 0x2B, let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
                bytes.append(byte)
                rest = rest.dropFirst(2)
            }
            return bytes
        default: return nil
        }
    }
}

/// Why a signed customer id is refused. Never retryable.
public enum SignedCustomerIDError: String, Error, Sendable {
    case malformed = "customer_id_malformed"
    case forged = "customer_id_forged"
    case expired = "customer_id_expired"

    /// Stable code.
    public var code: String { rawValue }
    public var isRetryable: Bool { false }
}
