import Crypto
import Foundation

/// Seals small values that leave the server or rest in the database and must not be read or changed: cursors, secrets
/// of webhooks. AES-GCM under a key derived per purpose, so that a value of one purpose never opens as another.
public struct Sealer: Sendable {
    private let root: SymmetricKey

    /// - Parameter key: 32 random bytes, the same on every node of an installation.
    public init(key: [UInt8]) {
        precondition(key.count == 32, "a sealing key has 32 bytes")
        root = SymmetricKey(data: key)
    }

    /// A sealer whose values do not outlive the process.
    public static func random() -> Sealer {
        var generator = SystemRandomNumberGenerator()
        return Sealer(key: (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    private func key(_ purpose: String) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(inputKeyMaterial: root, info: Data("nimb \(purpose)".utf8), outputByteCount: 32)
    }

    /// Base64url text without padding. Sealing fails only when the library's own limits are broken.
    public func seal(_ bytes: [UInt8], purpose: String) -> String {
        guard let box = try? AES.GCM.seal(bytes, using: key(purpose)), let combined = box.combined else { return "" }
        return combined.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }

    /// The sealed bytes; nil when the text was not made by this key for this purpose.
    public func open(_ text: String, purpose: String) -> [UInt8]? {
        guard text.utf8.count <= 4_096 else { return nil }
        var base64 = text.replacing("-", with: "+").replacing("_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: base64), let box = try? AES.GCM.SealedBox(combined: data),
            let bytes = try? AES.GCM.open(box, using: key(purpose))
        else { return nil }
        return [UInt8](bytes)
    }
}
