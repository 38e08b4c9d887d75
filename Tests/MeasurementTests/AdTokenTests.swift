import AdModel
import Measurement
import Testing

@Suite struct AdTokenTests {
    private let key = (0..<32).map { UInt8($0) }
    private let otherKey = (100..<132).map { UInt8($0) }

    private func codec() throws -> AdTokenCodec { AdTokenCodec(try AdTokenKeys(id: 1, key: key)) }

    @Test func aTokenOpensToWhatWasSigned() throws {
        let codec = try codec()
        for seed in UInt64(0)..<500 {
            var make = RecordMaker(random: SplitMix(seed))
            let token = make.token()
            let wire = codec.encode(token)
            #expect(wire.utf8.count <= AdTokenCodec.wireLimit)
            #expect(
                wire.utf8.allSatisfy {
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8.contains($0)
                })
            #expect(try codec.open(wire) == token, "seed \(seed)")
        }
    }

    /// Both written by another program, from the text of this type's comment.
    @Test(arguments: [
        "AQEAAD8zFkQGAE0AAAAAAAAAAwAAAAQAAAAFAAAABgAAAAcAAAAIAAAAAgEBA2cNEDR9Xao9YwAAAAAAAAALAAAADAAAAA0AAACRN97iWsbWo7-VkJQyCrio",
        "AgEAAD8zFkQGAE0AAAAAAAAAAwAAAAQAAAAFAAAABgAAAAcAAAAIAAAAAgEBA8qBlvIE1dlnYwAAAAAAAAALAAAADAAAAA0AAADOjaFJB1dFzrI85SwBfShL",
    ])
    func aTokenOfEitherVersionOpens(wire: String) throws {
        let token = AdToken(
            decisionID: DecisionID(issuedAt: Timestamp(micros: 1_763_712_000_000_000), low: 77), storefrontID: 3,
            placementID: 4, lineItemID: 5, campaignID: 6, advertiserID: 7, creativeVersionID: 8, ad: 2, position: 1,
            pricing: .cpc, price: Micros(350_000), shopperHash: 99, productIDs: [11, 12, 13])
        #expect(try codec().open(wire) == token)
    }

    @Test func theNewVersionIsWrittenByteForByte() throws {
        let wire =
            "AgEAAD8zFkQGAE0AAAAAAAAAAwAAAAQAAAAFAAAABgAAAAcAAAAIAAAAAgEBA8qBlvIE1dlnYwAAAAAAAAALAAAADAAAAA0AAADOjaFJB1dFzrI85SwBfShL"
        let codec = try codec()
        #expect(codec.encode(try codec.open(wire)) == wire)
    }

    @Test func aPeriodCoversItsOwnTimeOnly() throws {
        let codec = try codec()
        let first = DecisionID(issuedAt: Timestamp(micros: 3 << 26), low: 1)
        let last = DecisionID(issuedAt: Timestamp(micros: (4 << 26) - 1), low: 2)
        let next = DecisionID(issuedAt: Timestamp(micros: 4 << 26), low: 3)
        let period = codec.period(of: first)
        #expect(period.covers(last))
        #expect(!period.covers(next))
    }

    @Test func everyFlippedBitIsNoticed() throws {
        let codec = try codec()
        var make = RecordMaker(random: SplitMix(3))
        var token = make.token()
        token.productIDs = [1, 2, 3]
        let wire = codec.encode(token)
        var bytes = try #require(Base64URL.decode(wire))
        for bit in 0..<(bytes.count * 8) {
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: TokenError.self, "bit \(bit)") { try codec.open(Base64URL.encode(bytes)) }
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        #expect(try codec.open(Base64URL.encode(bytes)) == token)
    }

    @Test func cutPaddedAndForeignTextIsMalformed() throws {
        let codec = try codec()
        var make = RecordMaker(random: SplitMix(4))
        let wire = codec.encode(make.token())
        for text in [
            "", "x", wire + "=", wire + "A", String(wire.dropLast()), " " + wire, String(repeating: "A", count: 5_000),
        ] {
            #expect(throws: TokenError.self) { try codec.open(text) }
        }
        for seed in UInt64(0)..<2_000 {
            var random = SplitMix(seed)
            let bytes = (0..<Int.random(in: 0..<160, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(throws: TokenError.self) { try codec.open(Base64URL.encode(bytes)) }
        }
    }

    @Test func aTokenHasOneSpelling() throws {
        let codec = try codec()
        var make = RecordMaker(random: SplitMix(5))
        for _ in 0..<50 {
            let wire = codec.encode(make.token())
            guard wire.utf8.count % 4 != 0, let last = wire.last else { continue }
            // The unused bits of the last character are zero; any other character would mean the same bytes.
            for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" where other != last {
                #expect(throws: TokenError.self) { try codec.open(String(wire.dropLast()) + String(other)) }
            }
        }
    }

    @Test func tokensOfARotatedKeyStillOpenAndOfARetiredOneDoNot() throws {
        var keys = try AdTokenKeys(id: 1, key: key)
        var make = RecordMaker(random: SplitMix(6))
        let token = make.token()
        let old = AdTokenCodec(keys).encode(token)
        try keys.rotate(to: 2, key: otherKey)
        let rotated = AdTokenCodec(keys)
        let new = rotated.encode(token)
        #expect(old != new)
        #expect(try rotated.open(old) == token)
        #expect(try rotated.open(new) == token)
        try keys.retire(1)
        #expect(throws: TokenError.unknownKey) { try AdTokenCodec(keys).open(old) }
        #expect(try AdTokenCodec(keys).open(new) == token)
        #expect(throws: AdTokenKeyError.signingKey) { try keys.retire(2) }
        #expect(throws: AdTokenKeyError.duplicateID) { try keys.rotate(to: 2, key: key) }
        #expect(throws: AdTokenKeyError.wrongLength) { try keys.rotate(to: 3, key: [1]) }
        #expect(throws: AdTokenKeyError.unknownID) { try keys.retire(9) }
    }

    @Test func anotherKeyUnderTheSameIDRefuses() throws {
        var make = RecordMaker(random: SplitMix(7))
        let wire = try codec().encode(make.token())
        let other = AdTokenCodec(try AdTokenKeys(id: 1, key: otherKey))
        #expect(throws: TokenError.forged) { try other.open(wire) }
    }

    @Test func equalPricesDoNotLookEqual() throws {
        let codec = try codec()
        let offset = 46
        var make = RecordMaker(random: SplitMix(8))
        var token = make.token()
        token.productIDs = []
        token.price = Micros(350_000)
        var seen: Set<[UInt8]> = []
        var equalBytes = 0
        var pairs = 0
        var previous: [UInt8] = []
        // Ads of one decision, then the same ad of many decisions.
        for i in 0..<2_000 {
            if i < 200 { token.ad = UInt8(i) } else { token.decisionID.low &+= 1 }
            let sealed = Array(try #require(Base64URL.decode(codec.encode(token)))[offset..<(offset + 8)])
            #expect(seen.insert(sealed).inserted)
            if !previous.isEmpty {
                equalBytes += zip(sealed, previous).filter { $0 == $1 }.count
                pairs += 8
            }
            previous = sealed
        }
        // As chance has it: 1 in 256.
        #expect(Double(equalBytes) / Double(pairs) < 0.008)
    }

    @Test func aSignerWritesIntoMemoryOfTheCaller() throws {
        let codec = try codec()
        var make = RecordMaker(random: SplitMix(9))
        let token = make.token()
        let signer = codec.begin(
            token.decisionID, storefrontID: token.storefrontID, shopperHash: token.shopperHash,
            in: codec.period(of: token.decisionID))
        var memory = [UInt8](repeating: 0, count: AdTokenCodec.wireLimit)
        let length = memory.withUnsafeMutableBytes { out in
            token.productIDs.withUnsafeBufferPointer { products in
                signer.write(
                    placementID: token.placementID, lineItemID: token.lineItemID, campaignID: token.campaignID,
                    advertiserID: token.advertiserID, creativeVersionID: token.creativeVersionID, ad: token.ad,
                    position: token.position, pricing: token.pricing, price: token.price, productIDs: products,
                    into: out)
            }
        }
        #expect(String(decoding: memory.prefix(length), as: UTF8.self) == codec.encode(token))
    }

    @Test func keysDoNotPrint() throws {
        var keys = try AdTokenKeys(id: 1, key: key)
        try keys.rotate(to: 2, key: otherKey)
        let codec = AdTokenCodec(keys)
        let decision = DecisionID(issuedAt: Timestamp(micros: 1), low: 2)
        let period = codec.period(of: decision)
        let signer = codec.begin(decision, storefrontID: 1, shopperHash: 3, in: period)
        var dumped = ""
        dump(keys, to: &dumped)
        dump(codec, to: &dumped)
        dump(period, to: &dumped)
        dump(signer, to: &dumped)
        dump(ShopperHash(key: key), to: &dumped)
        dumped += "\(keys) \(codec) \(period) \(signer) \(String(reflecting: keys))"
        for byte in key.dropFirst(10) + otherKey { #expect(!dumped.contains(" \(byte),")) }
        #expect(!dumped.contains("[0, 1, 2"))
        #expect(dumped.contains("redacted"))
    }

    @Test func shoppersHashByKeyAndNeverToZero() {
        let hash = ShopperHash(key: key)
        #expect(hash("v1") == hash("v1"))
        #expect(hash("v1") != hash("v2"))
        #expect(hash("v1") != ShopperHash(key: otherKey)("v1"))
        #expect(hash("") != 0)
    }

    @Test func sipHashAgreesWithItsReference() throws {
        struct Vectors: Decodable {
            var sip64: [String]
            var sip128: [String]
        }
        let vectors: Vectors = try Cases.json("siphash-2-4-reference-vectors.json")
        let hash = (0..<16).map { UInt8($0) }.withUnsafeBytes { SipHash(key: $0) }
        #expect(vectors.sip64.count == 64 && vectors.sip128.count == 64)
        for length in 0..<64 {
            let message = (0..<length).map { UInt8($0) }
            message.withUnsafeBytes { raw in
                let narrow = withUnsafeBytes(of: hash.hash64(raw).littleEndian) { Array($0) }
                #expect(narrow == bytes(hex: vectors.sip64[length]), "64 bits, length \(length)")
                let (first, second) = hash.hash128(raw)
                let wide =
                    withUnsafeBytes(of: first.littleEndian) { Array($0) }
                    + withUnsafeBytes(of: second.littleEndian) { Array($0) }
                #expect(wide == bytes(hex: vectors.sip128[length]), "128 bits, length \(length)")
            }
        }
        let words = withUnsafeBytes(of: (UInt64(5).littleEndian, UInt64(6).littleEndian)) { hash.hash64($0) }
        #expect(hash.hash64(5, 6) == words)
    }

    @Test func base64URLIsRFC4648() {
        for (plain, text) in [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            #expect(Base64URL.encode(Array(plain.utf8)) == text)
            #expect(Base64URL.decode(text) == Array(plain.utf8))
        }
        #expect(Base64URL.encode([0xFB, 0xFF, 0xBF]) == "-_-_")
        for bad in ["A", "Zg=", "Zh", "Zm9=", "Z g", "+/+/"] { #expect(Base64URL.decode(bad) == nil, "\(bad)") }
    }
}
