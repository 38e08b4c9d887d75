import AdModel
import Measurement
import Testing

@Suite("The parameter of a preview") struct PreviewParameterTests {
    private let parameter = PreviewParameter(secret: [UInt8](repeating: 3, count: 32))
    private let now = Timestamp(micros: 1_795_251_600_000_000)

    @Test func opensToItsVersionUntilItExpires() throws {
        for version in [Int32(1), 77, .max] {
            let text = parameter.sign(creativeVersionID: version, until: now + .hours(1))
            #expect(text.utf8.count == PreviewParameter.length)
            #expect(try parameter.open(text, now: now) == version)
            #expect(try parameter.open(text, now: now + .hours(1)) == version)
            #expect(throws: PreviewParameter.Fault.expired) { try parameter.open(text, now: now + .seconds(3_601)) }
        }
    }

    @Test func everyOtherTextIsForged() {
        let text = parameter.sign(creativeVersionID: 5, until: now + .hours(1))
        for index in text.indices {
            var other = text
            other.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            #expect(throws: PreviewParameter.Fault.forged) { try parameter.open(other, now: now) }
        }
        let stranger = PreviewParameter(secret: [UInt8](repeating: 4, count: 32))
        #expect(throws: PreviewParameter.Fault.forged) { try stranger.open(text, now: now) }
        for other in ["", "x", text + "A", String(repeating: "-", count: 38)] {
            #expect(throws: PreviewParameter.Fault.forged) { try parameter.open(other, now: now) }
        }
    }
}
