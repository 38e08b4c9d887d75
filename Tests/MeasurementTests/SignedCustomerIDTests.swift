import AdModel
import Measurement
import Testing

@Suite struct SignedCustomerIDTests {
    private let secret = Array("a shop's secret, shared".utf8)
    private let now = Timestamp(micros: 1_795_000_000_000_000)

    @Test func whatTheShopSignedIsBelieved() throws {
        let text = SignedCustomerID.sign("card.42", expiry: now + .hours(1), secret: secret)
        #expect(try SignedCustomerID.verify(text, secrets: [secret], now: now) == "card.42")
    }

    @Test func hexadecimalIsUnderstood() throws {
        // printf 'c1.1800000000' | openssl dgst -sha256 -hmac 'a shop'"'"'s secret, shared'
        let text = "c1.1800000000.0f196fb647b222cdae4ac0d153f7c1ceb1fdcf7f32041774128d2fbdd4bcd477"
        #expect(try SignedCustomerID.verify(text, secrets: [secret], now: now) == "c1")
        #expect(try SignedCustomerID.verify(text.uppercasedMAC, secrets: [secret], now: now) == "c1")
    }

    @Test func aReplacedSecretWorksBesideTheNewOne() throws {
        let text = SignedCustomerID.sign("c1", expiry: now + .hours(1), secret: secret)
        let new = Array("another secret of the shop".utf8)
        #expect(try SignedCustomerID.verify(text, secrets: [new, secret], now: now) == "c1")
        #expect(throws: SignedCustomerIDError.forged) {
            try SignedCustomerID.verify(text, secrets: [new], now: now)
        }
        #expect(throws: SignedCustomerIDError.forged) { try SignedCustomerID.verify(text, secrets: [], now: now) }
    }

    @Test func anExpiredOneIsRefused() {
        let text = SignedCustomerID.sign("c1", expiry: now, secret: secret)
        #expect(throws: SignedCustomerIDError.expired) {
            try SignedCustomerID.verify(text, secrets: [secret], now: now)
        }
    }

    @Test func everyChangedCharacterIsRefused() {
        let text = Array(SignedCustomerID.sign("c1", expiry: now + .hours(1), secret: secret).utf8)
        for i in text.indices {
            for change in [UInt8(1), 2, 16] {
                var altered = text
                altered[i] ^= change
                let attempt = String(decoding: altered, as: UTF8.self)
                #expect(throws: SignedCustomerIDError.self, "\(attempt)") {
                    try SignedCustomerID.verify(attempt, secrets: [secret], now: now)
                }
            }
        }
    }

    @Test func nonsenseIsMalformed() {
        for text in [
            "", ".", "..", "c1", "c1.5", "c1..x", "a@b.1800000000.x", "c1.-5.x", "c1.99999999999999999999.x",
            String(repeating: "x", count: 4_000),
        ] {
            #expect(throws: SignedCustomerIDError.malformed, "\(text)") {
                try SignedCustomerID.verify(text, secrets: [secret], now: now)
            }
        }
    }

    @Test func aShortSecretVerifiesNothing() {
        let short = Array("short".utf8)
        let text = SignedCustomerID.sign("c1", expiry: now + .hours(1), secret: short)
        #expect(throws: SignedCustomerIDError.forged) {
            try SignedCustomerID.verify(text, secrets: [short], now: now)
        }
    }
}

extension String {
    /// The same with the hexadecimal digits of the code in upper case.
    fileprivate var uppercasedMAC: String {
        guard let dot = lastIndex(of: ".") else { return self }
        return String(self[...dot]) + self[index(after: dot)...].uppercased()
    }
}
