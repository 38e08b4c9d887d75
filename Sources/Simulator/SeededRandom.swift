/// SplitMix64: small, fast, and the same numbers everywhere for the same seed.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// The finishing step of SplitMix64: a hash of 64 bits in which every bit depends on every other.
    public static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0 <= x < 1.
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// 0 <= x < bound; 0 for a bound below 1.
    public mutating func below(_ bound: Int) -> Int {
        guard bound > 0 else { return 0 }
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    public mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    /// low <= x < high.
    public mutating func between(_ low: Double, _ high: Double) -> Double { low + unit() * (high - low) }

    /// Waiting time of a memoryless process with this mean.
    public mutating func exponential(mean: Double) -> Double {
        var uniform = unit()
        while uniform == 0 { uniform = unit() }
        return -Self.logarithm(uniform) * mean
    }

    /// Natural logarithm of 0 < x <= 1, to about twelve digits: the standard library has none, and the result must be
    /// the same on every machine.
    static func logarithm(_ x: Double) -> Double {
        let exponent = Double(x.exponent)
        let reduced = (x.significand - 1) / (x.significand + 1)
        let square = reduced * reduced
        var term = reduced
        var sum = 0.0
        var divisor = 1.0
        while divisor < 40 {
            sum += term / divisor
            term *= square
            divisor += 2
        }
        return 2 * sum + exponent * 0.693147180559945309
    }
}
