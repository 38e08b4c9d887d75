import AdModel

/// The two keys of one decision.
struct TokenSecrets: Sendable {
    let authentication: SipHash
    let sealing: SipHash

    /// What the price of one ad is XORed with: differs for every ad of the decision, because (placement, ad) does.
    @inline(__always)
    func priceMask(placementID: Int32, lineItemID: Int32, ad: UInt8, position: UInt8) -> UInt64 {
        sealing.hash64(
            UInt64(UInt32(bitPattern: placementID)) << 32 | UInt64(UInt32(bitPattern: lineItemID)),
            UInt64(ad) << 8 | UInt64(position))
    }
}

/// Writes the tokens of one decision. Cheap to make once per decision, allocates nothing per ad.
public struct AdTokenSigner: Sendable {
    private let head: (UInt64, UInt64, UInt64)
    private let shopperHash: UInt64
    private let storefrontID: Int32
    private let secrets: TokenSecrets

    init(
        keyID: UInt8, decision: DecisionID, storefrontID: Int32, shopperHash: UInt64, secrets: TokenSecrets
    ) {
        head = (
            UInt64(AdTokenCodec.version) | UInt64(keyID) << 8, UInt64(bitPattern: decision.issuedAt.micros),
            decision.low
        )
        self.shopperHash = shopperHash
        self.storefrontID = storefrontID
        self.secrets = secrets
    }

    /// Writes the token of one ad and returns its length in characters. `ad` is unique within the decision; at most
    /// `AdToken.productLimit` products; `out` has room for `AdTokenCodec.wireLimit` bytes.
    public func write(
        placementID: Int32, lineItemID: Int32, campaignID: Int32, advertiserID: Int32, creativeVersionID: Int32,
        ad: UInt8, position: UInt8, pricing: Pricing, price: Micros, productIDs: UnsafeBufferPointer<Int32>,
        into out: UnsafeMutableRawBufferPointer
    ) -> Int {
        precondition(productIDs.count <= AdToken.productLimit, "a token binds at most 16 products")
        return withUnsafeTemporaryAllocation(byteCount: AdTokenCodec.bytesLimit, alignment: 8) { bytes in
            bytes.storeBytes(of: UInt16(truncatingIfNeeded: head.0).littleEndian, toByteOffset: 0, as: UInt16.self)
            bytes.storeBytes(of: head.1.littleEndian, toByteOffset: 2, as: UInt64.self)
            bytes.storeBytes(of: head.2.littleEndian, toByteOffset: 10, as: UInt64.self)
            bytes.storeBytes(of: storefrontID.littleEndian, toByteOffset: 18, as: Int32.self)
            bytes.storeBytes(of: placementID.littleEndian, toByteOffset: 22, as: Int32.self)
            bytes.storeBytes(of: lineItemID.littleEndian, toByteOffset: 26, as: Int32.self)
            bytes.storeBytes(of: campaignID.littleEndian, toByteOffset: 30, as: Int32.self)
            bytes.storeBytes(of: advertiserID.littleEndian, toByteOffset: 34, as: Int32.self)
            bytes.storeBytes(of: creativeVersionID.littleEndian, toByteOffset: 38, as: Int32.self)
            bytes[42] = ad
            bytes[43] = position
            bytes[44] = pricing.logCode
            bytes[45] = UInt8(productIDs.count)
            let mask = secrets.priceMask(
                placementID: placementID, lineItemID: lineItemID, ad: ad, position: position)
            bytes.storeBytes(
                of: (UInt64(bitPattern: price.value) ^ mask).littleEndian, toByteOffset: 46, as: UInt64.self)
            bytes.storeBytes(of: shopperHash.littleEndian, toByteOffset: 54, as: UInt64.self)
            var end = AdTokenCodec.fixedLength
            for id in productIDs {
                bytes.storeBytes(of: id.littleEndian, toByteOffset: end, as: Int32.self)
                end += 4
            }
            let tag = secrets.authentication.hash128(UnsafeRawBufferPointer(rebasing: bytes[0..<end]))
            bytes.storeBytes(of: tag.0.littleEndian, toByteOffset: end, as: UInt64.self)
            bytes.storeBytes(of: tag.1.littleEndian, toByteOffset: end + 8, as: UInt64.self)
            return Base64URL.encode(UnsafeRawBufferPointer(rebasing: bytes[0..<(end + 16)]), into: out)
        }
    }
}

extension AdTokenSigner: CustomStringConvertible, CustomReflectable {
    public var description: String { "AdTokenSigner(redacted)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension AdTokenCodec: CustomStringConvertible, CustomReflectable {
    public var description: String { "AdTokenCodec(redacted)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
