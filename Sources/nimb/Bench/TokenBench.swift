import AdModel
import Crypto
import Measurement

/// What signing and opening the tokens of one decision costs, beside one HMAC-SHA256 of 96 bytes from a key, which is
/// what authenticating a single ad on its own would cost.
struct TokenBench {
    /// Ads of a decision: three banners and a shelf.
    var ads = 11
    var iterations = 20_000

    /// Nanoseconds per decision: its keys, then every ad's token written into memory.
    func sign() throws -> Double {
        let codec = try Self.codec()
        var period = codec.period(of: DecisionID(issuedAt: Timestamp(micros: 0), low: 0))
        var memory = [UInt8](repeating: 0, count: AdTokenCodec.wireLimit)
        let products: [Int32] = [11, 12, 13]
        var written = 0
        let took = ContinuousClock().measure {
            memory.withUnsafeMutableBytes { out in
                products.withUnsafeBufferPointer { products in
                    for i in 0..<iterations {
                        let decision = DecisionID(issuedAt: Timestamp(micros: Int64(i)), low: 7)
                        if !period.covers(decision) { period = codec.period(of: decision) }
                        let signer = codec.begin(decision, storefrontID: 1, shopperHash: 99, in: period)
                        for ad in 0..<ads { written &+= write(signer, ad, products, out) }
                    }
                }
            }
        }
        precondition(written > 0)
        return took.inUs * 1_000 / Double(iterations)
    }

    /// Nanoseconds per ad, without the state of the decision.
    func signOneMoreAd() throws -> Double {
        let codec = try Self.codec()
        let decision = DecisionID(issuedAt: Timestamp(micros: 1), low: 7)
        let signer = codec.begin(decision, storefrontID: 1, shopperHash: 99, in: codec.period(of: decision))
        var memory = [UInt8](repeating: 0, count: AdTokenCodec.wireLimit)
        let products: [Int32] = [11, 12, 13]
        var written = 0
        let took = ContinuousClock().measure {
            memory.withUnsafeMutableBytes { out in
                products.withUnsafeBufferPointer { products in
                    for i in 0..<(iterations * 10) { written &+= write(signer, i & 15, products, out) }
                }
            }
        }
        precondition(written > 0)
        return took.inUs * 1_000 / Double(iterations * 10)
    }

    /// Nanoseconds to open one token.
    func open() throws -> Double {
        let codec = try Self.codec()
        let wire = Array(
            codec.encode(
                AdToken(
                    decisionID: DecisionID(issuedAt: Timestamp(micros: 1), low: 7), storefrontID: 1, placementID: 2,
                    lineItemID: 3, campaignID: 4, advertiserID: 5, creativeVersionID: 6, ad: 1, position: 0,
                    pricing: .cpc, price: Micros(350_000), shopperHash: 99, productIDs: [11, 12, 13])
            ).utf8)
        var opened = 0
        let clock = ContinuousClock()
        let start = clock.now
        for _ in 0..<iterations {
            let token = try wire.withUnsafeBytes { try codec.open($0) }
            opened &+= token.productIDs.count
        }
        precondition(opened > 0)
        return (clock.now - start).inUs * 1_000 / Double(iterations)
    }

    /// Nanoseconds of one HMAC-SHA256 over 96 bytes, keyed anew.
    func oneShotMAC() -> Double {
        let key = SymmetricKey(data: [UInt8](repeating: 1, count: 32))
        let message = [UInt8](repeating: 2, count: 96)
        var sum = 0
        let took = ContinuousClock().measure {
            message.withUnsafeBytes { raw in
                for _ in 0..<iterations {
                    sum &+= HMAC<SHA256>.authenticationCode(for: raw, using: key).byteCount
                }
            }
        }
        precondition(sum > 0)
        return took.inUs * 1_000 / Double(iterations)
    }

    private func write(
        _ signer: AdTokenSigner, _ ad: Int, _ products: UnsafeBufferPointer<Int32>,
        _ out: UnsafeMutableRawBufferPointer
    ) -> Int {
        signer.write(
            placementID: 2, lineItemID: Int32(ad), campaignID: 4, advertiserID: 5, creativeVersionID: 6,
            ad: UInt8(ad), position: UInt8(ad), pricing: .cpm, price: Micros(350_000), productIDs: products, into: out)
    }

    private static func codec() throws -> AdTokenCodec {
        AdTokenCodec(try AdTokenKeys(id: 1, key: [UInt8](repeating: 3, count: AdTokenKeys.keyLength)))
    }
}
