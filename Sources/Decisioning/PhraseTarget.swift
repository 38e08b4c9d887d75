import AdModel

/// A search phrase that a line item is aimed at. Words count in any case and form, ё is е, punctuation separates.
public struct PhraseTarget: Hashable, Sendable, Codable {
    /// How much of the shopper's search must be the phrase.
    public enum Match: String, CaseIterable, Sendable {
        /// The search is these words and no others, in this order.
        case exact
        /// The words stand in the search side by side, in this order.
        case contains
    }

    /// As people typed it; `Targeting.wordsReplaced` turns it into the stems that are compared.
    public var phrase: String
    public var match: Match

    public init(_ phrase: String, match: Match = .contains) {
        self.phrase = phrase
        self.match = match
    }

    enum CodingKeys: String, CodingKey, CaseIterable { case phrase, match }

    /// Throws when the phrase is longer than `Limits.phrase` characters or has no word in it.
    public init(from decoder: any Decoder) throws {
        try refuseUnknownKeys(decoder, CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        phrase = try container.decode(String.self, forKey: .phrase)
        let word = try container.decodeIfPresent(String.self, forKey: .match) ?? Match.contains.rawValue
        guard let match = Match(rawValue: word) else {
            throw DecodingError.dataCorruptedError(
                forKey: .match, in: container, debugDescription: "match is exact or contains")
        }
        self.match = match
        guard phrase.count <= Limits.phrase, !PhraseWords.of(phrase).isEmpty else {
            throw DecodingError.dataCorruptedError(
                forKey: .phrase, in: container,
                debugDescription: "a phrase has at least one word and at most \(Limits.phrase) characters")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(phrase, forKey: .phrase)
        try container.encode(match.rawValue, forKey: .match)
    }
}
