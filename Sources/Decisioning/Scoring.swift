import AdModel

/// The arithmetic of an auction: scores are floating point, money is integer, and one function leads back.
public enum Scoring {
    /// One in parts of 2^32.
    public static let one: UInt64 = 1 << 32
    /// Most that a shopper's interest in the category and in the brand can add.
    public static let categoryGain: Float = 0.3
    public static let brandGain: Float = 0.2
    /// Bound of the multiplier; the targeting index relies on it.
    public static let maximumMultiplier: Float = 1 + categoryGain + brandGain

    /// What a shopper's interests multiply a score by: 1...`maximumMultiplier`.
    /// - Parameters: strengths, 0..<1.
    @inlinable
    public static func multiplier(category: Float, brand: Float) -> Float {
        let sum = 1 + categoryGain * category + brandGain * brand
        return sum < maximumMultiplier ? sum : maximumMultiplier
    }

    /// Click probability whose odds are multiplied: stays below 1 without a logistic function.
    @inlinable
    public static func probability(odds: Float, multiplier: Float) -> Float {
        let product = odds * multiplier
        return product / (1 + product)
    }

    /// Click probability of odds and a factor, in parts of 2^32: what floors are counted with.
    @inlinable
    public static func parts(odds: Float, factor: Float) -> UInt64 {
        UInt64(Double(probability(odds: odds, multiplier: factor)) * 4_294_967_296)
    }

    /// Most that a click probability below `greatestOdds` can grow by when its odds are multiplied.
    @inlinable
    public static func growth(_ multiplier: Float, greatestOdds: Float) -> Float {
        multiplier >= 1 ? multiplier : multiplier * (1 + greatestOdds) / (1 + greatestOdds * multiplier)
    }

    /// Expected charges per impression, in parts of 2^32 of what one impression (cpm, fixed) or click (cpc) costs.
    @inlinable
    public static func weight(_ pricing: Pricing, odds: Float, multiplier: Float) -> UInt64 {
        let part = pricing == .cpc ? probability(odds: odds, multiplier: multiplier) : multiplier
        return UInt64(Double(part) * 4_294_967_296)
    }

    /// Turns the runner-up's score into what the winner pays per impression or click: the price at which the winner
    /// would have scored as much, rounded down, never below `floor` and never above its own `bid`.
    /// - Parameters:
    ///   - runnerUp: score of the best losing candidate, expected micro-roubles per impression; 0 = none.
    ///   - weight: the winner's, from `weight`.
    ///   - floor: micro-roubles per impression or click, 0...bid.
    @inlinable
    public static func price(runnerUp: Float, weight: UInt64, floor: Int64, bid: Int64) -> Int64 {
        // The score in parts of 2^20, so that its product with 2^12 is in parts of 2^32 like the weight.
        let scaled = Double(runnerUp) * 1_048_576
        let numerator = scaled >= 4e18 ? UInt64(4e18) : scaled > 0 ? UInt64(scaled) : 0
        let wide = numerator.multipliedFullWidth(by: 1 << 12)
        var price = bid
        if weight > wide.high {
            let quotient = weight.dividingFullWidth(wide).quotient
            price = quotient > UInt64(Int64.max) ? bid : Int64(quotient)
        }
        if price < floor { price = floor }
        return price > bid ? bid : price
    }

    /// What of a floor per 1,000 impressions one impression (cpm) or click (cpc) must cost, rounded down.
    @inlinable
    public static func unitFloor(_ floor: Int64, pricing: Pricing, clickProbability: UInt64) -> Int64 {
        guard pricing == .cpc else { return floor / 1_000 }
        if clickProbability == 0 { return Int64.max }
        let wide = UInt64(floor).multipliedFullWidth(by: one)
        let divisor = clickProbability.multipliedReportingOverflow(by: 1_000).partialValue
        if divisor <= wide.high { return Int64.max }
        let quotient = divisor.dividingFullWidth(wide).quotient
        return quotient > UInt64(Int64.max) ? Int64.max : Int64(quotient)
    }

    /// What must be set aside for one impression: its price (cpm), or price x click probability rounded up (cpc).
    @inlinable
    public static func reserve(_ price: Int64, pricing: Pricing, weight: UInt64) -> Int64 {
        guard pricing == .cpc else { return price }
        let wide = UInt64(price).multipliedFullWidth(by: weight)
        let whole = wide.high << 32 | wide.low >> 32
        return Int64(whole) + (wide.low & 0xFFFF_FFFF == 0 ? 0 : 1)
    }

    /// 64 well-mixed bits of a seed and an id: breaks ties, rotates creatives and paces, the same way every time.
    @inlinable
    public static func mix(_ seed: UInt64, _ id: Int32) -> UInt64 {
        var z = seed &+ UInt64(UInt32(bitPattern: id)) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z &>> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z &>> 31)
    }
}
