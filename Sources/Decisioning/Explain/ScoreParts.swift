import ClickModel

/// What a score was made of beside the bid, as the decision record keeps it.
public struct ScoreParts: Equatable, Sendable {
    /// Predicted probability of a click at the slot's first position, to about three digits.
    public var clickProbability: Float
    /// The shopper's interest in the promoted category and brand: 0 = none known ... 15.
    public var categoryInterest: Int
    public var brandInterest: Int
    /// Level of the promoted products' price, 0...15.
    public var priceLevel: Int
    /// Which of sixteen equally likely multipliers a creative of doubtful click rate was given.
    public var draw: Int

    /// - Parameter raw: `ClickParts.raw`.
    public init(_ raw: UInt32) {
        let parts = ClickParts(raw: raw)
        clickProbability = parts.probability
        categoryInterest = Int(parts.category)
        brandInterest = Int(parts.brand)
        priceLevel = Int(parts.price)
        draw = Int(parts.draw)
    }
}
