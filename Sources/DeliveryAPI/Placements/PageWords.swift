import Decisioning
import Stemmer

/// What a page says in words, its search phrase and the shop's own keys, as attributes of a decision. One per event
/// loop: its memory is used again.
final class PageWords {
    private let stemmer = WordStemmer()
    private var word: ContiguousArray<UInt8> = []
    private var pair: ContiguousArray<UInt8> = []

    /// Adds to the request what line items of the snapshot are aimed at.
    func look(_ body: PlacementsBody, _ json: JSONReader, _ snapshot: Snapshot, into request: inout DecisionRequest) {
        if !body.query.isEmpty, snapshot.knowsPhrases {
            let stemmer = stemmer
            json.withBytes(body.query) { phrase in
                PhraseWords.each(of: phrase, word: &word) { folded in
                    request.words.append(stemmer.withStem(folded) { snapshot.word($0) })
                }
            }
        }
        for key in body.keys {
            pair.removeAll(keepingCapacity: true)
            json.withBytes(key.key) { pair.append(contentsOf: $0) }
            pair.append(0x3D)
            json.withBytes(key.value) { pair.append(contentsOf: $0) }
            let named = pair.withUnsafeBytes { snapshot.attribute(ofKey: $0) }
            if named >= 0 { request.attributes.append(named) }
        }
    }
}
