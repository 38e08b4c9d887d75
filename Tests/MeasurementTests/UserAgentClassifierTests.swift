import Foundation
import Measurement
import Testing

@Suite struct UserAgentClassifierTests {
    /// The list that ships with the server.
    private func shipped() throws -> UserAgentClassifier {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/nimb/Data/bot-agents.txt")
        return try UserAgentClassifier(list: String(contentsOf: file, encoding: .utf8))
    }

    @Test func theShippedListFindsBotsThatItHasNotSeenAndSparesPeople() throws {
        let classifier = try shipped()
        var bots = 0
        var found = 0
        var people = 0
        var wronged: [String] = []
        for line in try Cases.text("labelled-user-agents.tsv").split(separator: "\n").dropFirst() {
            let fields = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            let isBot = classifier.isBot(String(fields[1]))
            if fields[0] == "bot" {
                bots += 1
                found += isBot ? 1 : 0
            } else {
                people += 1
                if isBot { wronged.append(String(fields[1])) }
            }
        }
        #expect(bots == 330 && people == 278)
        #expect(Double(found) / Double(bots) >= 0.90, "\(found) of \(bots)")
        #expect(Double(wronged.count) / Double(people) <= 0.01, "\(wronged)")
    }

    @Test func everydayBrowsersArePeople() throws {
        let classifier = try shipped()
        for agent in [
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 YaBrowser/25.2.0.0 Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (Linux; Android 9; CUBOT_X19 Build/PPR1.180610.011) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
            "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
        ] { #expect(!classifier.isBot(agent), "\(agent)") }
        for agent in [
            "", " ", "curl/8.5.0", "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
            "python-requests/2.32",
        ] {
            #expect(classifier.isBot(agent), "\(agent)")
        }
    }

    @Test func anchorsExceptionsAndPeopleWords() throws {
        let list = """
            # comment
            ^start
            end$
            ^whole$
            any
            "two "
            !many
            """
        let classifier = try UserAgentClassifier(list: list + "\r\n")
        for (agent, isBot) in [
            ("Starting", true), ("a start", false), ("the END", true), ("ending", false), ("whole", true),
            ("wholes", false), ("x any y", true), ("germany", false), ("germany and any", true), ("two x", true),
            ("twox", false), ("x", false),
        ] { #expect(classifier.isBot(agent) == isBot, "\(agent)") }
        let strict = try UserAgentClassifier(list: "any\n?windows")
        #expect(strict.isBot("Thing/1.0"))
        #expect(!strict.isBot("Thing/1.0 (Windows)"))
        #expect(strict.isBot("any Windows"))
    }

    @Test func theAutomatonAgreesWithPlainSearch() throws {
        for seed in UInt64(0)..<300 {
            var random = SplitMix(seed)
            func word(_ limit: Int) -> String {
                String(
                    (0..<Int.random(in: 1...limit, using: &random)).map { _ in
                        "abc".randomElement(using: &random) ?? "a"
                    })
            }
            let patterns = (0..<6).map { _ in word(4) }
            let classifier = try UserAgentClassifier(list: patterns.joined(separator: "\n"))
            for _ in 0..<20 {
                let text = word(12)
                #expect(
                    classifier.isBot(text) == patterns.contains { text.contains($0) },
                    "seed \(seed) \(patterns) \(text)")
            }
        }
    }

    @Test func aWrongListIsNamedByLine() {
        #expect(throws: UserAgentListError(line: 2, reason: .empty)) { try UserAgentClassifier(list: "bot\n^$") }
        #expect(throws: UserAgentListError(line: 0, reason: .empty)) { try UserAgentClassifier(list: "# nothing\n") }
        #expect(throws: UserAgentListError(line: 1, reason: .tooLong)) {
            try UserAgentClassifier(list: String(repeating: "x", count: 201))
        }
        #expect(throws: UserAgentListError(line: 10_001, reason: .tooMany)) {
            try UserAgentClassifier(list: (0..<10_001).map { "p\($0)" }.joined(separator: "\n"))
        }
    }

    @Test func anyBytesAreSafe() throws {
        let classifier = try shipped()
        for seed in UInt64(0)..<500 {
            var random = SplitMix(seed)
            let bytes = (0..<Int.random(in: 0..<3_000, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = bytes.withUnsafeBytes { classifier.isBot($0) }
        }
    }
}
