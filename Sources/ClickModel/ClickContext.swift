import AdModel

/// All that a prediction is made from: one ad in one place of one page, in database ids and small codes. The decision
/// record keeps the codes, so that training sees what serving saw.
public struct ClickContext: Equatable, Sendable {
    public var placementID: Int32
    /// `ClickFeature.hash` of the format's name.
    public var format: UInt32
    public var creativeVersionID: Int32
    /// Position inside the slot, from 0.
    public var position: UInt8
    /// `Interest.code` of the shopper's interest in the promoted products' category and brand, 0 = none.
    public var category: UInt8
    public var brand: UInt8
    public var device: Device
    /// Hour of the day in the storefront's zone, 0...23.
    public var hour: UInt8
    /// `PriceLevel.code` of the first promoted product, 0 = unknown.
    public var price: UInt8
    /// False without consent, or for somebody never seen: nothing is known of his interests.
    public var isKnown: Bool

    public init(
        placementID: Int32, format: UInt32, creativeVersionID: Int32, position: UInt8 = 0, category: UInt8 = 0,
        brand: UInt8 = 0, device: Device, hour: UInt8, price: UInt8 = 0, isKnown: Bool = false
    ) {
        self.placementID = placementID
        self.format = format
        self.creativeVersionID = creativeVersionID
        self.position = position
        self.category = category
        self.brand = brand
        self.device = device
        self.hour = hour
        self.price = price
        self.isKnown = isKnown
    }
}

/// One impression and what became of it.
public struct ClickExample: Equatable, Sendable {
    public var context: ClickContext
    public var isClicked: Bool

    public init(_ context: ClickContext, isClicked: Bool) {
        self.context = context
        self.isClicked = isClicked
    }
}

/// How much, and how lately, a shopper has cared for a category or brand: 0 = never, else 1...15.
public enum Interest {
    /// Codes, 0 included.
    public static let count = 16
    static let levels = 5

    /// - Parameters:
    ///   - strength: 0..<1; not above 0 = no interest.
    ///   - age: seconds since the last sign of it.
    @inlinable
    public static func code(strength: Float, age: UInt32) -> UInt8 {
        guard strength > 0 else { return 0 }
        let level = min(UInt8(min(strength, 0.999) * 5), 4)
        let recency: UInt8 = age < 1_800 ? 0 : age < 86_400 ? 1 : 2
        return 1 + recency * 5 + level
    }
}

/// What a product costs, in steps of a factor of two from 32 roubles on: 0 = unknown, else 1...15.
public enum PriceLevel {
    public static let count = 16

    public static func code(_ price: Micros?) -> UInt8 {
        guard let price, price.value > 0 else { return 0 }
        let roubles = UInt64(price.value / 1_000_000) | 1
        let magnitude = 63 - roubles.leadingZeroBitCount
        return UInt8(min(max(magnitude - 3, 1), 15))
    }
}
