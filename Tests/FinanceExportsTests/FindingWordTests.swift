import FinanceDocuments
import Foundation
import Testing

/// Whoever closes a month reads what is wrong in his language, whatever the gate finds.
@Suite struct FindingWordTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .appendingPathComponent("../../..").standardizedFileURL

    /// Codes as they stand in the sources of the gate.
    private static func codes() throws -> Set<String> {
        var codes: Set<String> = []
        let patterns = [
            /fail\(\s*(?:"[^"]*"|[a-zA-Z]+),\s*"([a-z_0-9]+)"/, /code: "([a-z_0-9]+)"/, /differs\(\s*"([a-z_0-9]+)"/,
        ]
        for folder in ["Sources/ORD", "Sources/ORD/Exports"] {
            let url = root.appendingPathComponent(folder)
            for name in try FileManager.default.contentsOfDirectory(atPath: url.path) where name.hasSuffix(".swift") {
                let text = try String(contentsOf: url.appendingPathComponent(name), encoding: .utf8)
                for pattern in patterns { codes.formUnion(text.matches(of: pattern).map { String($0.output.1) }) }
            }
        }
        let audit = try String(
            contentsOf: root.appendingPathComponent("Sources/Store/Finance/LabelAudit.swift"), encoding: .utf8)
        codes.formUnion(audit.matches(of: /code: "([a-z_0-9]+)"/).map { String($0.output.1) })
        // Of errors that are thrown, not found in a month.
        return codes.subtracting(["gate_failed"])
    }

    @Test(arguments: FindingWords.Language.allCases)
    func `every code of the gate has words of its own`(language: FindingWords.Language) throws {
        let codes = try Self.codes()
        #expect(codes.count > 60)
        #expect(codes.subtracting(FindingWords.codes(language)).sorted() == [])
    }

    @Test func `both languages know the same codes`() {
        #expect(FindingWords.codes(.ru) == FindingWords.codes(.en))
        for code in FindingWords.codes(.ru) {
            let (russian, english) = (FindingWords.words(code, .ru), FindingWords.words(code, .en))
            #expect(russian.what.contains { ("а"..."я").contains($0) || ("А"..."Я").contains($0) }, "\(code)")
            #expect(!english.what.contains { ("а"..."я").contains($0) || ("А"..."Я").contains($0) }, "\(code)")
            for text in [russian.what, russian.advice, english.what, english.advice] {
                #expect(!text.isEmpty, "\(code)")
            }
        }
    }
}
