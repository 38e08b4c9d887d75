import CLibCrypto

/// Detached CMS signatures (RFC 5652) in DER, as `openssl cms -verify -binary -inform DER -content FILE` reads them.
public enum DetachedSignature {
    /// Bytes of what is signed, and of a signature.
    public static let contentLimit = 64 << 20
    public static let signatureLimit = 1 << 20

    /// Signs the bytes as they are; the signature carries the signer's certificate, not the content.
    /// - Parameters:
    ///   - keyPEM: private key; encrypted ones need the pass phrase.
    ///   - certificatePEM: the signer's certificate first, then any that lead to the authority.
    /// - Throws: `CMSError`.
    public static func sign(
        _ content: [UInt8], keyPEM: [UInt8], certificatePEM: [UInt8], passphrase: String? = nil
    ) throws(CMSError) -> [UInt8] {
        guard content.count <= contentLimit else { throw .failed("cms_sign", "at most \(contentLimit) bytes") }
        let key = try privateKey(keyPEM, passphrase)
        defer { EVP_PKEY_free(key) }
        let certificates = try certificates(certificatePEM)
        defer { for certificate in certificates { X509_free(certificate) } }
        guard X509_check_private_key(certificates[0], key) == 1 else {
            throw .failed("cms_key_mismatch", "the key does not belong to the first certificate of the file")
        }
        guard let chain = OPENSSL_sk_new_null() else { throw .failed("cms_sign", "out of memory") }
        defer { OPENSSL_sk_free(chain) }
        for extra in certificates.dropFirst() { _ = OPENSSL_sk_push(chain, UnsafeRawPointer(extra)) }
        return try withBIO(content) { bio throws(CMSError) in
            let flags = UInt32(CMS_DETACHED) | UInt32(CMS_BINARY)
            guard let signed = CMS_sign(certificates[0], key, chain, bio, flags) else {
                throw .failed("cms_sign", "OpenSSL cannot sign with this key and certificate: check their kind")
            }
            defer { CMS_ContentInfo_free(signed) }
            guard let out = BIO_new(BIO_s_mem()) else { throw .failed("cms_sign", "out of memory") }
            defer { BIO_free(out) }
            guard i2d_CMS_bio(out, signed) == 1 else { throw .failed("cms_sign", "the signature cannot be written") }
            return contents(of: out)
        }
    }

    /// Checks that the signature is of exactly these bytes, and that a trusted certificate vouches for the signer.
    /// - Parameter trustedPEM: certificates of authorities, or the signer's own when it is self-signed.
    /// - Throws: `CMSError`: `cms_format`, `cms_mismatch` for other bytes, `cms_untrusted` for an unknown signer.
    public static func verify(
        _ signature: [UInt8], of content: [UInt8], trustedPEM: [UInt8]
    ) throws(CMSError) {
        guard signature.count <= signatureLimit, content.count <= contentLimit else {
            throw .failed("cms_format", "the signature or the file is too large")
        }
        let trusted = try certificates(trustedPEM)
        defer { for certificate in trusted { X509_free(certificate) } }
        guard let store = X509_STORE_new() else { throw .failed("cms_format", "out of memory") }
        defer { X509_STORE_free(store) }
        for certificate in trusted { _ = X509_STORE_add_cert(store, certificate) }
        let parsed = try withBIO(signature) { bio throws(CMSError) in
            guard let parsed = d2i_CMS_bio(bio, nil) else {
                throw .failed("cms_format", "this is not a CMS signature in DER")
            }
            return parsed
        }
        defer { CMS_ContentInfo_free(parsed) }
        // First whether the bytes are the signed ones, then whether the signer is known: two different answers.
        for (flags, code, message) in [
            (CMS_NO_SIGNER_CERT_VERIFY, "cms_mismatch", "the file is not the one that was signed"),
            (0, "cms_untrusted", "no trusted certificate vouches for the signer, or it has expired"),
        ] {
            try withBIO(content) { bio throws(CMSError) in
                guard CMS_verify(parsed, nil, store, bio, nil, UInt32(CMS_BINARY) | UInt32(flags)) == 1 else {
                    throw .failed(code, message)
                }
            }
        }
    }

    private static func privateKey(_ pem: [UInt8], _ passphrase: String?) throws(CMSError) -> OpaquePointer {
        try withBIO(pem) { bio throws(CMSError) in
            // With no call-back OpenSSL takes the last argument for the pass phrase, and would ask the terminal when
            // that is missing too; an empty one makes it fail instead.
            var secret = Array((passphrase ?? "").utf8CString)
            defer { for index in secret.indices { secret[index] = 0 } }
            let key = secret.withUnsafeMutableBytes { PEM_read_bio_PrivateKey(bio, nil, nil, $0.baseAddress) }
            guard let key else {
                throw .failed("cms_key", "give a private key in PEM, and its pass phrase when it is encrypted")
            }
            return key
        }
    }

    /// At least one.
    private static func certificates(_ pem: [UInt8]) throws(CMSError) -> [OpaquePointer] {
        let found = try withBIO(pem) { bio throws(CMSError) in
            var found: [OpaquePointer] = []
            while found.count < 16, let certificate = PEM_read_bio_X509(bio, nil, nil, nil) {
                found.append(certificate)
            }
            // The end of the file is an error to OpenSSL.
            ERR_clear_error()
            return found
        }
        guard !found.isEmpty else { throw .failed("cms_certificate", "give a certificate in PEM") }
        return found
    }

    private static func withBIO<R>(
        _ bytes: [UInt8], _ body: (OpaquePointer) throws(CMSError) -> R
    ) throws(CMSError) -> R {
        // The BIO reads from a copy of its own, which lives exactly as long as it does.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: bytes)
        guard let bio = BIO_new_mem_buf(buffer.baseAddress, Int32(bytes.count)) else {
            throw .failed("cms_format", "out of memory")
        }
        defer { BIO_free(bio) }
        return try body(bio)
    }

    private static func contents(of bio: OpaquePointer) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = BIO_read(bio, &chunk, Int32(chunk.count))
            guard count > 0 else { return bytes }
            bytes += chunk[..<Int(count)]
        }
    }
}
