import AdModel

/// A shopper with tastes. Nothing is stored of the population: who number n is follows from the seed alone.
struct Shopper: Sendable {
    let number: Int
    let location: Int32
    let device: Device
    let consents: Bool
    let isLoyal: Bool
    /// Categories he returns to, by index.
    let favourites: [Int32]
    /// Likes brands whose hash with his lies below; 0...1.
    let brandLove: Double
    /// 0 = never looks at prices, 1 = always takes the cheaper one.
    let thrift: Double
    private let seed: UInt64

    init(number: Int, seed: UInt64, shop: SimulatedShop, index: ShopIndex, options: SimulationOptions) {
        var random = SeededRandom(seed: SeededRandom.mix(seed ^ SeededRandom.mix(UInt64(number) &+ 0x5EED)))
        self.number = number
        self.seed = random.next()
        var place = random.unit() * shop.locations.reduce(0) { $0 + $1.weight }
        var location: Int32 = 0
        for (number, it) in shop.locations.enumerated() {
            location = Int32(number)
            place -= it.weight
            if place < 0 { break }
        }
        self.location = location
        let kind = random.unit()
        device = kind < 0.58 ? .mobile : kind < 0.93 ? .desktop : .tablet
        consents = !random.chance(options.refusesConsent)
        isLoyal = random.chance(options.loyal)
        brandLove = random.between(0.1, 0.5)
        thrift = random.unit()
        var favourites: [Int32] = []
        for _ in 0..<(2 + random.below(3)) where !index.shelves.isEmpty {
            // Larger shelves have more friends.
            let skewed = random.unit() * random.unit()
            favourites.append(index.shelves[min(index.shelves.count - 1, Int(skewed * Double(index.shelves.count)))])
        }
        self.favourites = favourites
    }

    /// How much he cares for a product compared with an average one, about 0.4...2.
    func affinity(_ product: SimulatedShop.Product) -> Double {
        var affinity = 0.6
        if favourites.contains(product.category) { affinity += 0.7 }
        if likes(brand: product.brand) { affinity += 0.6 }
        return affinity
    }

    func likes(brand: Int32) -> Bool {
        guard brand >= 0 else { return false }
        let hash = SeededRandom.mix(seed ^ UInt64(UInt32(bitPattern: brand)) &* 0x9E37_79B9_7F4A_7C15)
        return Double(hash >> 11) * 0x1p-53 < brandLove
    }

    /// The id of one of his browsers. Letters only, so that it looks like nothing else.
    func visitor(device: Int) -> String { "v." + Self.letters(SeededRandom.mix(seed &+ UInt64(device) &+ 1)) }

    /// The number of his loyalty card.
    var customer: String { "c." + Self.letters(SeededRandom.mix(seed &+ 0xCA2D)) }

    static func letters(_ value: UInt64) -> String {
        var value = value
        var bytes: [UInt8] = []
        for _ in 0..<12 {
            bytes.append(UInt8(0x61 + value % 26))
            value /= 26
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
