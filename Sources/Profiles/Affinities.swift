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

/// One decayed interest of a shopper.
public struct Affinity: Sendable {
    /// `AffinityKey.raw`; 0 = free place.
    public var key: UInt32 = 0
    /// Strength at `at`.
    var weight: Float = 0
    /// Seconds since the epoch.
    var at: UInt32 = 0

    /// Seconds in which a strength halves: a week.
    public static let halfLife: UInt32 = 7 * 86_400

    /// Strength at `now`. Halving by whole half-lives and linear in between: monotone, and no call of `exp2`.
    public func weight(at now: UInt32) -> Float {
        let age = now > at ? now - at : 0
        let halvings = age / Self.halfLife
        if halvings > 30 { return 0 }
        let part = Float(age % Self.halfLife) / Float(Self.halfLife)
        return weight * (1 - part / 2) / Float(UInt32(1) << halvings)
    }

    /// Strength squeezed into 0..<1, which is what a score multiplies by.
    public func strength(at now: UInt32) -> Float {
        let weight = weight(at: now)
        return weight / (weight + 2)
    }
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
        var weakest = 0
        var weakestWeight = Float.infinity
        for i in 0..<Self.capacity {
            if places[i].key == key.raw {
                let sum = places[i].weight(at: now) + weight
                places[i] =
                    sum > 0 ? Affinity(key: key.raw, weight: min(sum, 1_000), at: max(now, places[i].at)) : Affinity()
                return
            }
            let strength = places[i].key == 0 ? 0 : places[i].weight(at: now)
            if strength < weakestWeight {
                weakestWeight = strength
                weakest = i
            }
        }
        if weight > weakestWeight { places[weakest] = Affinity(key: key.raw, weight: weight, at: now) }
    }
}
