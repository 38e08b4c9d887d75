import Crypto
import Foundation
import Measurement

/// The secrets that the nodes of one installation share: the keys of ad tokens and of the shopper hash, and the
/// shop's secret for signed customer ids. They live in a file of their own, readable by its owner alone, never in
/// the database and never in a log.
///
/// One `name = hex` per line: `token.<id>` (32 bytes; the one with the greatest id signs, all verify), `shopper`
/// (32 bytes), `sealing` (32 bytes) and any number of `customer.<n>`.
struct SecretsFile {
    var tokenKeys: AdTokenKeys
    var shopperKey: [UInt8]
    var customerSecrets: [[UInt8]]
    /// Seals cursors and the secrets of webhooks. Derived from the shopper's key in files made before it had a line.
    var sealingKey: [UInt8]

    /// Reads the file; with `create`, makes one of random keys when there is none.
    static func load(_ path: String, create: Bool) throws -> SecretsFile {
        if create, !FileManager.default.fileExists(atPath: path) { try make(path) }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw Refusal("the secrets file \(path) cannot be read; make one with: nimb secrets \(path)")
        }
        return try parse(text, path: path)
    }

    /// Writes a new file of random keys, refusing to overwrite one.
    static func make(_ path: String) throws {
        func key() -> String {
            var generator = SystemRandomNumberGenerator()
            return (0..<32).map { _ in
                let text = String(UInt8.random(in: 0...255, using: &generator), radix: 16)
                return text.count == 1 ? "0" + text : text
            }.joined()
        }
        let text = "token.1 = \(key())\nshopper = \(key())\ncustomer.1 = \(key())\nsealing = \(key())\n"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw Refusal("the secrets file \(path) exists already or cannot be made.") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data(text.utf8))
        try handle.synchronize()
    }

    private static func parse(_ text: String, path: String) throws -> SecretsFile {
        var tokens: [(id: UInt8, key: [UInt8])] = []
        var named: [String: [UInt8]] = [:]
        var customers: [[UInt8]] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let trimmed = line.trimmingCharacters(in: .whitespaces)
            if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
            let parts = trimmed.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2, let key = bytes(parts[1]), key.count == 32 else {
                throw Refusal("\(path) line \(number + 1): expected 'name = 64 hexadecimal digits'.")
            }
            if parts[0].hasPrefix("token."), let id = UInt8(parts[0].dropFirst(6)) {
                tokens.append((id, key))
            } else if parts[0].hasPrefix("customer.") {
                customers.append(key)
            } else {
                named[parts[0]] = key
            }
        }
        tokens.sort { $0.id < $1.id }
        guard let first = tokens.first, let shopper = named["shopper"] else {
            throw Refusal("\(path) needs token.<id> and shopper; make a new one with: nimb secrets FILE")
        }
        var keys = try AdTokenKeys(id: first.id, key: first.key)
        for token in tokens.dropFirst() { try keys.rotate(to: token.id, key: token.key) }
        return SecretsFile(
            tokenKeys: keys, shopperKey: shopper, customerSecrets: customers,
            sealingKey: named["sealing"] ?? Array(SHA256.hash(data: Array("nimb sealing".utf8) + shopper)))
    }

    private static func bytes(_ hex: String) -> [UInt8]? {
        let digits = Array(hex.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }
}
