/// How a line item's or a placement's shelf is filled: algorithms in order of preference, and what a shelf should not
/// be full of. Whatever the algorithms leave empty is filled with the line item's products in their own order. A few
/// bytes without references, so that decisions copy it freely.
public struct ShelfPlan: Equatable, Hashable, Sendable, BitwiseCopyable {
    /// Algorithms of one chain.
    public static let chainLimit = 7
    /// Cards of one brand at most; 0 = any number.
    public static let perBrandRange: ClosedRange<Int64> = 0...16

    /// Four bits for each algorithm, the first one lowest.
    private var chain: UInt32 = 0
    /// Cards of one brand at most; 0 = any number.
    public var perBrand: UInt8 = 0
    /// Whether cheap, middling and dear products share the shelf.
    public var mixesPrices = false

    /// No algorithm: products come in the order in which the line item lists them.
    public static var listed: ShelfPlan { ShelfPlan([]) }

    /// Algorithms beyond the limit and repeated ones are left out.
    public init(_ algorithms: [ShelfAlgorithm], perBrand: UInt8 = 0, mixesPrices: Bool = false) {
        self.perBrand = perBrand
        self.mixesPrices = mixesPrices
        var seen: [ShelfAlgorithm] = []
        for algorithm in algorithms.prefix(Self.chainLimit) where !seen.contains(algorithm) { seen.append(algorithm) }
        for algorithm in seen.reversed() { chain = chain << 4 | UInt32(algorithm.rawValue) }
    }

    /// Whether a shelf must not be full of one brand or of one range of prices.
    public var isDiverse: Bool { perBrand > 0 || mixesPrices }

    /// True when no algorithm is asked for.
    public var isListed: Bool { chain == 0 }

    /// The algorithm at a place of the chain, nil behind its end.
    public func algorithm(_ place: Int) -> ShelfAlgorithm? {
        place < Self.chainLimit ? ShelfAlgorithm(rawValue: UInt8(chain >> (4 * UInt32(place)) & 15)) : nil
    }

    /// The chain in order.
    public var algorithms: [ShelfAlgorithm] { (0..<Self.chainLimit).compactMap { algorithm($0) } }
}
