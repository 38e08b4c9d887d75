import AdModel

/// What an affinity is about: a category or a brand, by database id.
public struct AffinityKey: Hashable, Sendable {
    public var raw: UInt32

    @inlinable
    public init(raw: UInt32) { self.raw = raw }
    @inlinable
    public static func category(_ id: Int32) -> AffinityKey {
        AffinityKey(raw: UInt32(truncatingIfNeeded: id) & 0x7FFF_FFFF)
    }
    @inlinable
    public static func brand(_ id: Int32) -> AffinityKey {
        AffinityKey(raw: UInt32(truncatingIfNeeded: id) | 0x8000_0000)
    }
    /// True for a brand, false for a category.
    @inlinable
    public var isBrand: Bool { raw & 0x8000_0000 != 0 }
    /// Database id of the category or brand.
    @inlinable
    public var id: Int32 { Int32(bitPattern: raw & 0x7FFF_FFFF) }
}

/// One decayed interest of a shopper, in eight bytes: strengths are kept in 1/64, times in hours.
public struct Affinity: Sendable {
    /// `AffinityKey.raw`; 0 = free place.
    public var key: UInt32 = 0
    /// Strength at `hour`, in 1/64.
    var parts: UInt16 = 0
    /// Hours since the epoch, the low 16 bits: ages up to 3.7 years are told apart.
    var hour: UInt16 = 0

    /// Seconds in which a strength halves: a week.
    public static let halfLife: UInt32 = 7 * 86_400
    /// Strongest that an interest gets.
    static let strongest: Float = 1_000
    private static let halfLifeHours: UInt32 = halfLife / 3_600

    init() {}

    init(key: UInt32, weight: Float, now: UInt32) {
        self.key = key
        parts = UInt16(max(0, min(weight, Self.strongest)) * 64 + 0.5)
        hour = Self.hour(now)
    }

    private static func hour(_ seconds: UInt32) -> UInt16 { UInt16(truncatingIfNeeded: seconds / 3_600) }

    /// Strength at `now`. Halving by whole half-lives and linear in between: monotone, and no call of `exp2`.
    public func weight(at now: UInt32) -> Float {
        let passed = Self.hour(now) &- hour
        // What is ahead of `now` came out of order: it has not aged.
        let age = passed < 0x8000 ? UInt32(passed) : 0
        let halvings = age / Self.halfLifeHours
        if halvings > 15 { return 0 }
        let part = Float(age % Self.halfLifeHours) / Float(Self.halfLifeHours)
        return Float(parts) * (1 - part / 2) / Float(UInt32(64) << halvings)
    }

    /// Seconds since it was last strengthened or weakened, in whole hours.
    public func age(at now: UInt32) -> UInt32 {
        let passed = Self.hour(now) &- hour
        return passed < 0x8000 ? UInt32(passed) * 3_600 : 0
    }

    /// Strength squeezed into 0..<1, which is what a score multiplies by.
    public func strength(at now: UInt32) -> Float {
        let weight = weight(at: now)
        return weight / (weight + 2)
    }

    /// The later of two hours, so that a signal that comes late does not make an interest younger or older.
    func isNewer(than now: UInt32) -> Bool { (hour &- Self.hour(now)) &- 1 < 0x7FFF }
}

/// The strongest interests of a shopper, at most 16.
public struct Affinities: Sendable {
    public static let capacity = 16

    var places = InlineArray<16, Affinity>(repeating: Affinity())

    public init() {}

    /// The place at `index`, 0..<16; its key is 0 when it is free.
    @inlinable
    public subscript(index: Int) -> Affinity { get { place(index) } }

    @usableFromInline
    func place(_ index: Int) -> Affinity { places[index] }

    /// Strengthens (or with a negative weight weakens) one interest. A new one replaces the weakest, if it is
    /// stronger than that is by now.
    public mutating func add(_ key: AffinityKey, _ weight: Float, now: UInt32) {
        for i in 0..<Self.capacity where places[i].key == key.raw {
            let sum = places[i].weight(at: now) + weight
            var changed = sum > 0 ? Affinity(key: key.raw, weight: sum, now: now) : Affinity()
            if sum > 0, places[i].isNewer(than: now) { changed.hour = places[i].hour }
            places[i] = changed
            return
        }
        var weakest = 0
        var weakestWeight = Float.infinity
        for i in 0..<Self.capacity {
            if places[i].key == 0 {
                weakest = i
                weakestWeight = 0
                break
            }
            let strength = places[i].weight(at: now)
            if strength < weakestWeight {
                weakestWeight = strength
                weakest = i
            }
        }
        if weight > weakestWeight { places[weakest] = Affinity(key: key.raw, weight: weight, now: now) }
    }
}
