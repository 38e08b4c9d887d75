import AdModel
import Decisioning
import Foundation
import Testing

@Suite("Search phrases") struct PhraseTests {
    @Test(
        "are compared by their words",
        arguments: [
            ("Кофе в зёрнах", ["кофе", "в", "зернах"]), ("  iPhone-15,  PRO!", ["iphone", "15", "pro"]),
            ("L'Oréal Köln", ["loreal", "koln"]), ("й\u{306}од Йод и\u{306}од", ["йод", "йод", "йод"]),
            ("ЁЖ ежи Ё", ["еж", "ежи", "е"]), ("сок 1,5л №5", ["сок", "1", "5л", "5"]), ("—…!", []), ("", []),
            ("ΑΒΓ日本 ÷×", ["αβγ日本"]), ("\u{FEFF}чай\u{200B}ник", ["чайник"]),
        ])
    func words(phrase: String, expected: [String]) {
        #expect(PhraseWords.of(phrase) == expected)
    }

    @Test("have a bounded number of words of bounded length, whatever the bytes", arguments: [UInt64(1), 2, 3])
    func bounded(seed: UInt64) {
        var random = SplitMix(seed)
        var word: ContiguousArray<UInt8> = []
        for _ in 0..<2_000 {
            let bytes = (0..<random.below(300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            var count = 0
            bytes.withUnsafeBytes { bytes in
                PhraseWords.each(of: bytes, word: &word) { found in
                    count += 1
                    #expect(!found.isEmpty && found.count <= PhraseWords.wordLimit + 16, "seed \(seed)")
                }
            }
            #expect(count <= PhraseWords.limit, "seed \(seed)")
        }
    }

    @Test("are folded once and for all: folding what is folded changes nothing", arguments: [UInt64(4), 5])
    func idempotent(seed: UInt64) {
        var random = SplitMix(seed)
        for _ in 0..<2_000 {
            let scalars = (0..<random.below(40)).compactMap { _ in
                Unicode.Scalar(UInt32(random.chance(70) ? 0x20 + random.below(0x460) : random.below(0x3000)))
            }
            let once = PhraseWords.of(String(String.UnicodeScalarView(scalars)))
            let twice = PhraseWords.of(once.joined(separator: " "))
            // A word may grow by folding, and the whole is cut to the same length again.
            #expect(once.starts(with: twice) || once.joined().count > 60, "seed \(seed): \(once) \(twice)")
        }
    }

    @Test(
        "without a word, too long, or to be matched in a way that there is not, are refused",
        arguments: [
            #"{"search_phrases":[{"phrase":"…"}]}"#, #"{"search_phrases":[{"phrase":"кофе","match":"fuzzy"}]}"#,
            #"{"search_phrases":["кофе"]}"#, #"{"search_phrases":[{"match":"exact"}]}"#,
            #"{"search_phrases":[{"phrase":"\#(String(repeating: "к", count: 101))"}]}"#,
            #"{"keys":{"Season":["winter"]}}"#, #"{"keys":{"season":[""]}}"#, #"{"signed_in":"yes"}"#,
            #"{"shoppers":["old"]}"#, #"{"products":"n1"}"#,
        ])
    func refused(json: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Targeting.self, from: Data(json.utf8)) }
    }

    @Test("and every other dimension come back as they were written") func roundTrip() throws {
        let json = """
            {"audiences":["a"],"brands":["b"],"categories":["c"],"dayparts":[{"days":[1],"from_hour":8,"to_hour":20}],\
            "devices":["mobile"],"keys":{"hall":["a","b"],"season":["winter"]},"locations":["msk"],"not":{"products":["s2"],\
            "search_phrases":[{"match":"exact","phrase":"Чай"}],"signed_in":false},"page_types":["search"],\
            "placements":["p"],"products":["s1"],"regions":["RU-MOW"],\
            "search_phrases":[{"match":"contains","phrase":"Кофе в зёрнах"}],"shoppers":["new"],"signed_in":true}
            """
        let targeting = try JSONDecoder().decode(Targeting.self, from: Data(json.utf8))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(String(decoding: try encoder.encode(targeting), as: UTF8.self) == json)
    }
}
