import Decisioning

/// `competitor_block` of placements and brands.
enum CompetitorField {
    static let name = "competitor_block"

    /// nil when it is left out, or refused.
    static func read(_ fields: Fields) -> CompetitorBlock? {
        guard fields.has(name) else { return nil }
        return fields.word(name, CompetitorBlock.allCases.map(\.rawValue)).flatMap(CompetitorBlock.init(rawValue:))
    }
}
