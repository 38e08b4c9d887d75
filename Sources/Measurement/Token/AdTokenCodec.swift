import AdModel
import Crypto

/// Signs and opens ad tokens.
///
/// One HMAC-SHA256 per minute or so, keyed by the installation's key over (key id, period), gives two SipHash keys;
/// each of them, over the decision id, gives the decision one of its own two: one authenticates every ad's bytes
/// (SipHash-2-4-128), the other seals its price. A token can so be opened by any node that has the key, and signing
/// eleven ads costs little more than signing one.
///
/// Wire: base64url of version, key id, decision id, ids, ad, position, pricing, product count, sealed price, shopper
/// hash, product ids (all little-endian), 16 bytes of tag.
public struct AdTokenCodec: Sendable {
    /// Format that this binary writes. It also opens version 1, which took its two keys from an HMAC of its own: an
    /// answer that was given before an upgrade is still on somebody's screen.
    public static let version: UInt8 = 2
    /// Longest token in characters.
    public static let wireLimit = Base64URL.encodedCount(
        fixedLength + 4 * AdToken.productLimit + tagLength)

    static let fixedLength = 62
    static let tagLength = 16
    static let bytesLimit = fixedLength + 4 * AdToken.productLimit + tagLength

    /// Keyed states ready to be copied, by key id: copying one is a third of the price of keying it.
    private let states: [HMAC<SHA256>?]
    private let signingID: UInt8

    public init(_ keys: AdTokenKeys) {
        var states = [HMAC<SHA256>?](repeating: nil, count: 256)
        for (id, key) in keys.keys { states[Int(id)] = HMAC(key: SymmetricKey(data: key)) }
        self.states = states
        signingID = keys.signingID
    }

    /// Keys of the time that a decision falls into: to be kept for as long as it `covers` decisions.
    public func period(of decision: DecisionID) -> AdTokenPeriod {
        guard let state = states[Int(signingID)] else {
            preconditionFailure("AdTokenKeys always holds its signing key")
        }
        return Self.period(state, keyID: signingID, decision)
    }

    /// Prepares to sign the ads of one decision, for the shopper whose keyed hash is given (0 = unknown).
    /// - Parameter period: must cover the decision.
    public func begin(
        _ decision: DecisionID, storefrontID: Int32, shopperHash: UInt64, in period: AdTokenPeriod
    ) -> AdTokenSigner {
        precondition(period.covers(decision), "a token is signed with the keys of its time")
        return AdTokenSigner(
            keyID: period.keyID, decision: decision, storefrontID: storefrontID, shopperHash: shopperHash,
            secrets: period.secrets(decision))
    }

    /// Signs one ad on its own: for tests and tools; the edge uses `begin`.
    public func encode(_ token: AdToken) -> String {
        let signer = begin(
            token.decisionID, storefrontID: token.storefrontID, shopperHash: token.shopperHash,
            in: period(of: token.decisionID))
        return String(unsafeUninitializedCapacity: Self.wireLimit) { out in
            token.productIDs.withUnsafeBufferPointer { products in
                signer.write(
                    placementID: token.placementID, lineItemID: token.lineItemID, campaignID: token.campaignID,
                    advertiserID: token.advertiserID, creativeVersionID: token.creativeVersionID, ad: token.ad,
                    position: token.position, pricing: token.pricing, price: token.price, productIDs: products,
                    into: UnsafeMutableRawBufferPointer(out))
            }
        }
    }

    /// Opens the wire form. Nothing of it is believed before its tag has been checked, in constant time.
    public func open(_ wire: UnsafeRawBufferPointer) throws(TokenError) -> AdToken {
        guard wire.count <= Self.wireLimit, let length = Base64URL.decodedCount(wire.count),
            length >= Self.fixedLength + Self.tagLength
        else { throw .malformed }
        let result = withUnsafeTemporaryAllocation(byteCount: Self.bytesLimit, alignment: 8) { memory in
            let bytes = UnsafeMutableRawBufferPointer(rebasing: memory[0..<length])
            guard Base64URL.decode(wire, into: bytes) else { return Result<AdToken, TokenError>.failure(.malformed) }
            return Result { () throws(TokenError) in try opened(UnsafeRawBufferPointer(bytes)) }
        }
        return try result.get()
    }

    /// The same for a string.
    public func open(_ wire: String) throws(TokenError) -> AdToken {
        var copy = wire
        let result = copy.withUTF8 { utf8 in
            Result { () throws(TokenError) in try open(UnsafeRawBufferPointer(utf8)) }
        }
        return try result.get()
    }

    private func opened(_ bytes: UnsafeRawBufferPointer) throws(TokenError) -> AdToken {
        guard bytes[0] == Self.version || bytes[0] == 1 else { throw .unsupportedVersion }
        guard let state = states[Int(bytes[1])] else { throw .unknownKey }
        let decision = DecisionID(
            issuedAt: Timestamp(micros: bytes.field(2)), low: UInt64(bitPattern: bytes.field(10)))
        let secrets =
            bytes[0] == 1
            ? Self.firstSecrets(state, keyID: bytes[1], decision)
            : Self.period(state, keyID: bytes[1], decision).secrets(decision)
        let body = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - Self.tagLength)])
        let tag = secrets.authentication.hash128(body)
        let difference =
            (tag.0 ^ UInt64(bitPattern: bytes.field(body.count)))
            | (tag.1 ^ UInt64(bitPattern: bytes.field(body.count + 8)))
        guard difference == 0 else { throw .forged }
        // Authentic from here on; the rest can only fail if a signer with the key wrote nonsense.
        let productCount = Int(bytes[45])
        guard productCount <= AdToken.productLimit, body.count == Self.fixedLength + 4 * productCount,
            let pricing = try? Pricing(logCode: bytes[44])
        else { throw .malformed }
        let placementID: Int32 = bytes.field(22)
        let lineItemID: Int32 = bytes.field(26)
        let mask = secrets.priceMask(
            placementID: placementID, lineItemID: lineItemID, ad: bytes[42], position: bytes[43])
        let sealed: Int64 = bytes.field(46)
        return AdToken(
            decisionID: decision, storefrontID: bytes.field(18), placementID: placementID, lineItemID: lineItemID,
            campaignID: bytes.field(30), advertiserID: bytes.field(34), creativeVersionID: bytes.field(38),
            ad: bytes[42], position: bytes[43], pricing: pricing,
            price: Micros(Int64(bitPattern: UInt64(bitPattern: sealed) ^ mask)),
            shopperHash: UInt64(bitPattern: bytes.field(54)),
            productIDs: (0..<productCount).map { bytes.field(Self.fixedLength + 4 * $0) })
    }

    private static func period(_ state: HMAC<SHA256>, keyID: UInt8, _ decision: DecisionID) -> AdTokenPeriod {
        let number = AdTokenPeriod.number(decision)
        let keys = keys(
            state, 0x6E69_6D62_2D61_6470, UInt64(version) << 8 | UInt64(keyID), UInt64(bitPattern: number), 0)
        return AdTokenPeriod(keyID: keyID, number: number, authentication: keys.0, sealing: keys.1)
    }

    /// Of version 1.
    private static func firstSecrets(_ state: HMAC<SHA256>, keyID: UInt8, _ decision: DecisionID) -> TokenSecrets {
        let keys = keys(
            state, 0x6E69_6D62_2D61_6474, 1 << 8 | UInt64(keyID), UInt64(bitPattern: decision.issuedAt.micros),
            decision.low)
        return TokenSecrets(authentication: keys.0, sealing: keys.1)
    }

    /// Two keys out of one MAC. Every use has a prefix of its own, so that none can be made to yield another's keys.
    private static func keys(
        _ state: HMAC<SHA256>, _ prefix: UInt64, _ kind: UInt64, _ first: UInt64, _ second: UInt64
    ) -> (SipHash, SipHash) {
        var mac = state
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { message in
            message.storeBytes(of: prefix.bigEndian, toByteOffset: 0, as: UInt64.self)
            message.storeBytes(of: kind, toByteOffset: 8, as: UInt64.self)
            message.storeBytes(of: first.littleEndian, toByteOffset: 16, as: UInt64.self)
            message.storeBytes(of: second.littleEndian, toByteOffset: 24, as: UInt64.self)
            mac.update(data: UnsafeRawBufferPointer(message))
        }
        return mac.finalize().withUnsafeBytes { digest in
            (
                SipHash(key: UnsafeRawBufferPointer(rebasing: digest[0..<16])),
                SipHash(key: UnsafeRawBufferPointer(rebasing: digest[16..<32]))
            )
        }
    }
}

/// Why a token is refused. Never retryable.
public enum TokenError: String, Error, Sendable {
    /// Not the form of a token at all.
    case malformed = "malformed_token"
    /// Signed by a newer or forgotten format.
    case unsupportedVersion = "unsupported_token_version"
    /// Signed by a key that this installation does not have (any more).
    case unknownKey = "unknown_token_key"
    /// Its tag does not fit: altered or invented.
    case forged = "forged_token"

    /// Stable code.
    public var code: String { rawValue }
    public var isRetryable: Bool { false }
}

extension UnsafeRawBufferPointer {
    /// A little-endian integer at a byte offset.
    @inline(__always)
    func field<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> T {
        T(littleEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}
