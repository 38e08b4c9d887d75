import AdModel
import Audiences
import Decisioning
import Measurement
import Stemmer
import Synchronization

/// How nodes name shoppers in memory: keyed hashes, of visitors as tokens carry them, and of customers apart from them.
public struct ShopperKeys: Sendable {
    private let hash: ShopperHash

    public init(_ hash: ShopperHash) { self.hash = hash }

    public func visitor(_ id: String) -> UInt64 { hash(id) }
    /// No visitor id holds a NUL, so no visitor has a customer's key.
    public func customer(_ id: String) -> UInt64 { hash("customer\u{0}\(id)") }

    public func visitor(ifPresent id: String?) -> UInt64 { id.map { visitor($0) } ?? 0 }
    public func customer(ifPresent id: String?) -> UInt64 { id.map { customer($0) } ?? 0 }
}

/// Search phrases as audiences compare them.
public enum AudiencePhrase {
    /// It holds one word at a time.
    private static let stemmer = Mutex(WordStemmer())

    /// Names of the words of a phrase: case, ё, accents, punctuation and Russian word forms make no difference.
    public static func words(_ phrase: String) -> [UInt64] {
        let words = PhraseWords.of(phrase)
        return stemmer.withLock { stemmer in words.map { TextKey.of(stemmer.stem($0)) } }
    }
}
