/// What the job has found out about products, by database id, so that it belongs to no snapshot. Immutable; a new
/// one takes its place as a whole.
public final class ShelfTables: Sendable {
    /// A product that goes with another, and how well.
    public struct Neighbour: Equatable, Sendable {
        public var productID: Int32
        /// > 0; comparable within one table only.
        public var score: Float

        public init(productID: Int32, score: Float) {
            self.productID = productID
            self.score = score
        }
    }

    /// Which of the tables of neighbours.
    public enum Kind: Int16, CaseIterable, Sendable {
        case boughtTogether = 0
        case similar = 1
        case upsell = 2
    }

    /// What is known of one product.
    public struct Product: Equatable, Sendable {
        public var id: Int32
        /// 0...1, of the best seller.
        public var popularity: Float
        /// How well it goes with anything, in the measure of the neighbours `boughtTogether`; 0 = unknown.
        public var prior: Float
        /// 0...1; 0 = not rising.
        public var trend: Float
        /// Products of one number are variants of one product; 0 = it has none.
        public var group: Int32
        /// Shelf price, micro-roubles, where the location's is not known; 0 = unknown.
        public var price: Int64

        public init(
            id: Int32, popularity: Float = 0, prior: Float = 0, trend: Float = 0, group: Int32 = 0,
            price: Int64 = 0
        ) {
            self.id = id
            self.popularity = popularity
            self.prior = prior
            self.trend = trend
            self.group = group
            self.price = price
        }
    }

    /// The neighbours of one product, best first.
    public struct Row: Equatable, Sendable {
        public var kind: Kind
        public var productID: Int32
        public var neighbours: [Neighbour]

        public init(kind: Kind, productID: Int32, neighbours: [Neighbour]) {
            self.kind = kind
            self.productID = productID
            self.neighbours = neighbours
        }
    }

    /// Nothing is known of any product.
    public static let empty = ShelfTables(version: 0, products: [], rows: [])

    /// Number of the computation; 0 = none.
    public let version: Int64
    private let places: ContiguousArray<Int32>
    private let products: ContiguousArray<Product>
    /// Variants side by side: ids, and by place of a product the range of its group.
    private let variantIDs: ContiguousArray<Int32>
    private let variantStarts: ContiguousArray<Int32>
    private let variantCounts: ContiguousArray<Int32>
    /// By kind, then by place of a product, one more than there are products.
    private let starts: [ContiguousArray<Int32>]
    private let neighbours: [ContiguousArray<Neighbour>]

    /// Rows of products that are not among `products` are left out; ids must be > 0.
    public init(version: Int64, products: [Product], rows: [Row]) {
        self.version = version
        let products = ContiguousArray(products.filter { $0.id > 0 })
        self.products = products
        var places = ContiguousArray<Int32>(repeating: -1, count: Int(products.map(\.id).max() ?? 0) + 1)
        for (place, product) in products.enumerated() { places[Int(product.id)] = Int32(place) }
        self.places = places

        var groups: [Int32: [Int32]] = [:]
        for product in products where product.group != 0 { groups[product.group, default: []].append(product.id) }
        var variantIDs: ContiguousArray<Int32> = []
        var groupStarts: [Int32: Int32] = [:]
        for (group, ids) in groups.sorted(by: { $0.key < $1.key }) where ids.count > 1 {
            groupStarts[group] = Int32(variantIDs.count)
            variantIDs.append(contentsOf: ids.sorted().prefix(Self.variantLimit))
        }
        self.variantIDs = variantIDs
        variantStarts = ContiguousArray(products.map { groupStarts[$0.group] ?? 0 })
        variantCounts = ContiguousArray(
            products.map {
                groupStarts[$0.group] == nil ? 0 : Int32(min(groups[$0.group]?.count ?? 0, Self.variantLimit))
            })

        var byKind: [[Int32: [Neighbour]]] = Array(repeating: [:], count: Kind.allCases.count)
        for row in rows { byKind[Int(row.kind.rawValue)][row.productID] = row.neighbours }
        var starts: [ContiguousArray<Int32>] = []
        var neighbours: [ContiguousArray<Neighbour>] = []
        for kind in Kind.allCases {
            let own = byKind[Int(kind.rawValue)]
            var first = ContiguousArray<Int32>([0])
            var all: ContiguousArray<Neighbour> = []
            first.reserveCapacity(products.count + 1)
            for product in products {
                all.append(contentsOf: own[product.id] ?? [])
                first.append(Int32(all.count))
            }
            starts.append(first)
            neighbours.append(all)
        }
        self.starts = starts
        self.neighbours = neighbours
    }

    /// Variants of one product that a substitution looks at.
    public static let variantLimit = 64

    /// Products that something is known of.
    public var count: Int { products.count }

    /// What is known of a product; nothing but its id when it is unknown.
    @inline(__always)
    public func product(_ id: Int32) -> Product {
        let place = place(id)
        return place < 0 ? Product(id: id) : products[place]
    }

    /// Number of the product's group of variants; 0 = it has none.
    @inline(__always)
    public func group(_ id: Int32) -> Int32 {
        let place = place(id)
        return place < 0 ? 0 : products[place].group
    }

    /// Places of a product's neighbours, for `neighbour`.
    @inline(__always)
    public func range(_ kind: Kind, of id: Int32) -> Range<Int32> {
        let place = place(id)
        if place < 0 { return 0..<0 }
        let starts = starts[Int(kind.rawValue)]
        return starts[place]..<starts[place + 1]
    }

    /// The neighbour at a place that `range` gave.
    @inline(__always)
    public func neighbour(_ kind: Kind, _ place: Int32) -> Neighbour { neighbours[Int(kind.rawValue)][Int(place)] }

    /// Places of a product's variants, itself included, for `variant`; empty when it has none.
    @inline(__always)
    public func variants(of id: Int32) -> Range<Int32> {
        let place = place(id)
        if place < 0 || variantCounts[place] == 0 { return 0..<0 }
        return variantStarts[place]..<(variantStarts[place] + variantCounts[place])
    }

    /// Id of the variant at a place that `variants` gave.
    @inline(__always)
    public func variant(_ place: Int32) -> Int32 { variantIDs[Int(place)] }

    @inline(__always)
    private func place(_ id: Int32) -> Int {
        id > 0 && Int(id) < places.count ? Int(places[Int(id)]) : -1
    }
}
