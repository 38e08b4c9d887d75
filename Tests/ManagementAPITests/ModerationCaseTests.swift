import Foundation
import Postgres
import Store
import TestKit
import Testing

/// The rules that ship, one file of texts each: `Cases/moderation-*.json`.
@Suite("Rules of moderation", .database) struct ModerationCaseTests {
    private struct File: Decodable {
        struct Case: Decodable {
            var texts: [String]
            var kktu: String
            /// Names of the categories that the promoted products lie in.
            var categories: [String]
            var found: Bool
        }
        var rule: String
        var cases: [Case]
    }

    @Test func everyRuleFindsWhatItsFileSays() async throws {
        let folder = Repository.root.appendingPathComponent("Tests/ManagementAPITests/Cases")
        let rules = try await TestDatabase.current.pool.withConnection { try ModerationRules.all(on: $0) }
        var read: Set<String> = []
        for url in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        where url.lastPathComponent.hasPrefix("moderation-") {
            let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: url))
            let rule = try #require(rules.first { $0.code == file.rule }, "\(url.lastPathComponent)")
            read.insert(rule.code)
            for item in file.cases {
                let finding = rule.finding(
                    kktu: item.kktu, goods: Wording(item.categories), wording: Wording(item.texts))
                #expect((finding != nil) == item.found, "\(file.rule): \(item.texts) \(item.kktu) \(item.categories)")
            }
        }
        #expect(read.count >= 12)
    }
}
