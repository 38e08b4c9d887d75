import CMS
import Foundation
import Testing

/// Keys and certificates are made anew by the openssl program for every run.
@Suite(.serialized) struct DetachedSignatureTests {
    private let folder: URL
    private let manifest = Array(#"{"schema":"vk-ord-bundle/1","note":"кофе"}"#.utf8) + [0x0A]

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("nimb-cms-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func file(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    }

    private func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: folder.appendingPathComponent(name))
    }

    /// A throwaway key and its self-signed certificate.
    private func identity(_ name: String, algorithm: String = "rsa:2048") throws -> (key: [UInt8], certificate: [UInt8])
    {
        let kind =
            algorithm == "ec" ? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["-newkey", algorithm]
        let code = try run(
            ["req", "-x509"] + kind + [
                "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out", "\(name).pem",
            ])
        try #require(code == 0)
        return (try file("\(name).key"), try file("\(name).pem"))
    }

    /// Runs openssl in the folder; returns its exit code.
    private func run(_ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    @Test(arguments: ["rsa:2048", "ec"])
    func `a signature holds for us and for openssl, and for no other bytes`(algorithm: String) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let signer = try identity("signer", algorithm: algorithm)
        let signature = try DetachedSignature.sign(manifest, keyPEM: signer.key, certificatePEM: signer.certificate)
        try DetachedSignature.verify(signature, of: manifest, trustedPEM: signer.certificate)
        try write(manifest, "manifest.json")
        try write(signature, "manifest.json.p7s")
        let check = [
            "cms", "-verify", "-binary", "-inform", "DER", "-in", "manifest.json.p7s", "-content", "manifest.json",
            "-CAfile", "signer.pem", "-out", "out",
        ]
        #expect(try run(check) == 0)
        #expect(try file("out") == manifest)

        var changed = manifest
        changed[3] ^= 1
        #expect {
            try DetachedSignature.verify(signature, of: changed, trustedPEM: signer.certificate)
        } throws: { ($0 as? CMSError)?.code == "cms_mismatch" }
        try write(changed, "manifest.json")
        #expect(try run(check) != 0)
    }

    @Test func `an unknown signer is told from changed bytes`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let signer = try identity("signer")
        let other = try identity("other")
        let signature = try DetachedSignature.sign(manifest, keyPEM: signer.key, certificatePEM: signer.certificate)
        #expect {
            try DetachedSignature.verify(signature, of: manifest, trustedPEM: other.certificate)
        } throws: { ($0 as? CMSError)?.code == "cms_untrusted" }
    }

    @Test func `a signature that openssl made holds for us`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let signer = try identity("signer")
        try write(manifest, "manifest.json")
        #expect(
            try run([
                "cms", "-sign", "-binary", "-in", "manifest.json", "-signer", "signer.pem", "-inkey", "signer.key",
                "-outform", "DER", "-out", "theirs.p7s",
            ]) == 0)
        try DetachedSignature.verify(try file("theirs.p7s"), of: manifest, trustedPEM: signer.certificate)
    }

    @Test func `errors name the cause and repeat no secret`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let signer = try identity("signer")
        let other = try identity("other")
        func code(_ body: () throws -> Void) -> String? {
            do {
                try body()
                return nil
            } catch {
                #expect(!"\(error)".contains("PRIVATE") && !"\(error)".contains("sesame"))
                return (error as? CMSError)?.code
            }
        }
        #expect(
            code {
                _ = try DetachedSignature.sign(
                    manifest, keyPEM: Array("sesame".utf8), certificatePEM: signer.certificate)
            } == "cms_key")
        #expect(
            code { _ = try DetachedSignature.sign(manifest, keyPEM: signer.key, certificatePEM: []) }
                == "cms_certificate")
        #expect(
            code { _ = try DetachedSignature.sign(manifest, keyPEM: signer.key, certificatePEM: other.certificate) }
                == "cms_key_mismatch")
        #expect(
            code { try DetachedSignature.verify([1, 2, 3], of: manifest, trustedPEM: signer.certificate) }
                == "cms_format")
    }

    @Test func `an encrypted key needs its pass phrase and never asks the terminal`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let signer = try identity("signer")
        #expect(
            try run([
                "pkey", "-in", "signer.key", "-aes256", "-passout", "pass:sesame", "-out", "locked.key",
            ]) == 0)
        let locked = try file("locked.key")
        for wrong in [nil, "open"] {
            #expect {
                try DetachedSignature.sign(
                    manifest, keyPEM: locked, certificatePEM: signer.certificate, passphrase: wrong)
            } throws: { ($0 as? CMSError)?.code == "cms_key" }
        }
        let signature = try DetachedSignature.sign(
            manifest, keyPEM: locked, certificatePEM: signer.certificate, passphrase: "sesame")
        try DetachedSignature.verify(signature, of: manifest, trustedPEM: signer.certificate)
    }
}
