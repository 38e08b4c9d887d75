/// What one candidate's prediction was made from, in 32 bits: the upper half of the predicted probability's float, the
/// interests, the price level and the draw. The rest of its context belongs to the page, the slot and the creative.
public struct ClickParts: Equatable, Sendable {
    public var raw: UInt32

    @inlinable
    public init(raw: UInt32) { self.raw = raw }

    /// - Parameters:
    ///   - probability: of a click at the slot's first position, without the draw.
    ///   - draw: 0...15, which of the equally likely multipliers a doubtful creative got.
    @inlinable
    public init(probability: Float, category: UInt8, brand: UInt8, price: UInt8, draw: Int) {
        raw =
            (probability.bitPattern & 0xFFFF_0000) | UInt32(category & 15) << 12 | UInt32(brand & 15) << 8
            | UInt32(price & 15) << 4 | UInt32(truncatingIfNeeded: draw & 15)
    }

    /// To about three digits.
    public var probability: Float { Float(bitPattern: raw & 0xFFFF_0000) }
    public var category: UInt8 { UInt8(raw >> 12 & 15) }
    public var brand: UInt8 { UInt8(raw >> 8 & 15) }
    public var price: UInt8 { UInt8(raw >> 4 & 15) }
    public var draw: UInt8 { UInt8(raw & 15) }
}
