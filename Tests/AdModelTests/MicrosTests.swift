import AdModel
import Foundation
import Testing

@Suite("money")
struct MicrosTests {
    @Test func isWrittenExactly() {
        #expect(Micros(0).description == "0.000000")
        #expect(Micros(1).description == "0.000001")
        #expect(Micros(-1).description == "-0.000001")
        #expect(Micros.roubles(1_234).description == "1234.000000")
        #expect(Micros(-1_500_000).description == "-1.500000")
        #expect(Micros(.max).description == "9223372036854.775807")
        #expect(Micros(.min).description == "-9223372036854.775808")
    }

    @Test func agreesWithDecimalArithmetic() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        for _ in 0..<5_000 {
            let a = Micros(.random(in: -1 << 61...1 << 61, using: &generator))
            let b = Micros(.random(in: -1 << 61...1 << 61, using: &generator))
            let decimalA = try #require(Decimal(string: a.description))
            let decimalB = try #require(Decimal(string: b.description))
            #expect(Decimal(string: (a + b).description) == decimalA + decimalB, "seed \(seed)")
            #expect(Decimal(string: (a - b).description) == decimalA - decimalB, "seed \(seed)")
            #expect((a < b) == (decimalA < decimalB), "seed \(seed)")
            #expect(a + -a == .zero, "seed \(seed)")
        }
    }
}

@Suite("ids chosen by callers")
struct CallerIDTests {
    private func accepts(_ text: String) -> Bool { CallerID.isAcceptable(Array(text.utf8)) }

    @Test(arguments: [
        "v1", "A", "0", "user:42", "a.b_c-d:e", String(repeating: "x", count: 64), "7916123456", "99161234567",
    ])
    func areAccepted(_ text: String) { #expect(accepts(text)) }

    @Test(arguments: [
        "", String(repeating: "x", count: 65), "a@b.ru", "has space", "tab\t", "имя", "slash/", "quote\"", "nul\0",
        "79161234567", "89161234567", "+79161234567", "percent%20", "back\\slash", "new\nline",
    ])
    func areRefused(_ text: String) { #expect(!accepts(text)) }

    @Test func onlyTheNamedBytesAreAllowed() {
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-".utf8)
        for byte in UInt8.min...UInt8.max {
            #expect(CallerID.isAcceptable([0x61, byte]) == allowed.contains(byte))
        }
    }
}
