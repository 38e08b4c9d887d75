import AdModel
import Foundation
import Testing

@Suite("instants in RFC 3339")
struct RFC3339Tests {
    private func foundation(_ text: String) -> Date? {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime]
        return formatter.date(from: text)
    }

    @Test func agreeWithFoundationOnRandomInstantsAndZones() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        for _ in 0..<2_000 {
            let seconds = Int64.random(in: -11_000_000_000...7_000_000_000, using: &generator)
            let offset = Int64.random(in: -1_439...1_439, using: &generator)
            let local = Timestamp(micros: (seconds + offset * 60) * 1_000_000).rfc3339.dropLast()
            let minutes = abs(offset)
            func two(_ n: Int64) -> String { n < 10 ? "0\(n)" : "\(n)" }
            let text = "\(local)\(offset < 0 ? "-" : "+")\(two(minutes / 60)):\(two(minutes % 60))"
            let parsed = try #require(Timestamp(rfc3339: text), "seed \(seed): \(text)")
            #expect(parsed.micros == seconds * 1_000_000, "seed \(seed): \(text)")
            if let date = foundation(text) {
                #expect(Int64(date.timeIntervalSince1970.rounded()) == seconds, "seed \(seed): \(text)")
            } else {
                Issue.record("Foundation refuses \(text), seed \(seed)")
            }
        }
    }

    @Test func theirTextIsTheirInverse() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        for _ in 0..<20_000 {
            // Years 0001...9999.
            let micros = Int64.random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &generator)
            let instant = Timestamp(micros: micros)
            #expect(Timestamp(rfc3339: instant.rfc3339) == instant, "seed \(seed)")
        }
    }

    @Test(arguments: [
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"), ("2026-11-21t10:00:00z", "2026-11-21T10:00:00Z"),
        ("2026-11-21 10:00:00Z", "2026-11-21T10:00:00Z"),
        ("2026-11-21T10:00:00.5+03:00", "2026-11-21T07:00:00.500000Z"),
        ("2026-01-01T00:59:59.9999999+01:00", "2025-12-31T23:59:59.999999Z"),
        ("2026-12-31T23:30:00-00:30", "2027-01-01T00:00:00Z"),
        ("1969-12-31T23:59:59.000001Z", "1969-12-31T23:59:59.000001Z"),
    ])
    func readTheFormsThatTheStandardAllows(_ text: String, _ canonical: String) {
        #expect(Timestamp(rfc3339: text)?.rfc3339 == canonical)
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-11-21T10:00:00", "2026-11-21T10:00Z", "2026-11-21T24:00:00Z", "2026-11-21T23:60:00Z",
        "2026-11-21T23:59:60Z", "2026-02-29T00:00:00Z", "2026-11-21T10:00:00.Z", "2026-11-21T10:00:00+3:00",
        "2026-11-21T10:00:00+0300", "2026-11-21T10:00:00+24:00", "2026-11-21T10:00:00+03:60", "2026-11-21T10:00:00ZZ",
        "2026-11-21T10:00:00.1", " 2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z ", "1763719200",
        "2026-11-21T10:00:00,5Z",
        "2026-11-21T10:00:00+03:00:00", "2026-11-21T1０:00:00Z",
    ])
    func refuseEverythingElse(_ text: String) { #expect(Timestamp(rfc3339: text) == nil) }

    @Test func aFloodOfDigitsIsRefused() {
        #expect(Timestamp(rfc3339: "2026-11-21T10:00:00.\(String(repeating: "9", count: 60))Z") == nil)
        #expect(Timestamp(rfc3339: "2026-11-21T10:00:00.\(String(repeating: "9", count: 40))Z") != nil)
    }

    @Test func randomBytesNeverTrap() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        let template = Array("2026-11-21T10:00:00.123456+03:00".utf8)
        let alphabet = Array("0123456789-+:.TZtz \0\u{7F}".utf8)
        for _ in 0..<50_000 {
            var bytes = template
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] =
                    alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
            let parsed = bytes.withUnsafeBufferPointer { Timestamp(rfc3339: $0) }
            // What is read can be written and read again.
            if let parsed, parsed.utcDay > Day(number: -719_162), parsed.utcDay < Day(number: 2_932_896) {
                #expect(Timestamp(rfc3339: parsed.rfc3339) == parsed, "seed \(seed)")
            }
        }
    }
}
