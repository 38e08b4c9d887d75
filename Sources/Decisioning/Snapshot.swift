import AdModel
import Profiles
import Shelves
import Synchronization

/// Everything that decisions read, built once and never changed: dense arrays and the targeting index. Swapped as
/// a whole when control data changes; budgets, stock and profiles live beside it.
public final class Snapshot: Sendable {
    public struct Storefront: Sendable {
        public let id: Int32
        /// Location index, -1 = none.
        public let defaultLocation: Int32
    }

    public struct Location: Sendable {
        public let id: Int32
    }

    public struct Placement: Sendable {
        public let id: Int32
        public let storefront: Int32
        public let pageType: PageType
        /// Bit per format index.
        public let formats: UInt32
        public let maxAds: Int32
        public let rank: Int32
        public let floor: Int64
        public let repeatAdvertiser: Bool
        public let repeatBrand: Bool
        let shelf: ShelfPlan?
        let competitorBlock: CompetitorBlock
        let attribute: Int32
        let marginWeight: Float
    }

    public struct Product: Sendable {
        public let id: Int32
        /// Brand index, -1 = none.
        public let brand: Int32
        let firstCategory: Int32
        let categoryCount: Int32
        let price: UInt8
        let margin: Float
        /// Range of its bytes in `fragments`.
        public let fragmentStart: Int
        public let fragmentCount: Int
    }

    public struct Format: Sendable {
        public let minimumCards: Int32
        public let maximumCards: Int32
    }

    public struct Advertiser: Sendable {
        public let id: Int32
        public let caps: CapLimits
    }

    public struct Creative: Sendable {
        public let versionID: Int32
        public let format: Int32
        /// Click probability assumed of it, in parts of 2^32.
        public let clickProbability: UInt64
        let odds: Float
        /// How little is known of them: a row of `ClickTables.drawn`, 0 = enough.
        let doubt: UInt8
        /// What the loader gave with it.
        public let payload: Int32
        /// Range of its bytes in `fragments`.
        public let fragmentStart: Int
        public let fragmentCount: Int
    }

    public struct Line: Sendable {
        public let id: Int32
        public let campaignID: Int32
        public let advertiserID: Int32
        let advertiser: Int32
        public let tier: Tier
        public let pricing: Pricing
        let flags: LineFlags
        /// cpm: per 1,000 impressions; cpc: per click; fixed: the whole flight.
        public let bid: Int64
        /// What one impression (cpm) or click (cpc) may cost at most; 0 for fixed and house.
        public let unitBid: Int64
        /// What the score multiplies: per impression for cpm and fixed, per click for cpc.
        let value: Float
        let startsAt: Int64
        let endsAt: Int64
        let firstProduct: Int32
        let productCount: Int32
        let shelf: ShelfPlan?
        /// Attributes whose affinity multiplies the score, 0 = none.
        let brandAttribute: Int32
        let categoryAttribute: Int32
        /// `PriceLevel.code` of the first promoted product.
        let price: UInt8
        /// Mean margin of the promoted products, 0...1.
        let margin: Float
        public let caps: CapLimits
        /// Index in `holdouts`; only with the flag `heldOut`.
        let holdout: Int32
    }

    struct LineFlags: OptionSet, Sendable {
        let rawValue: UInt16
        static let paused = LineFlags(rawValue: 1)
        static let unapproved = LineFlags(rawValue: 2)
        static let needsLease = LineFlags(rawValue: 4)
        static let paced = LineFlags(rawValue: 8)
        static let capped = LineFlags(rawValue: 16)
        static let costsNothing = LineFlags(rawValue: 32)
        static let heldOut = LineFlags(rawValue: 64)
        static let companion = LineFlags(rawValue: 128)
        static let hasGoal = LineFlags(rawValue: 256)
    }

    /// A line item in one format: what the index holds and what competes. Half a cache line, with all that tells most
    /// candidates of a page that they cannot win.
    struct Unit: Sendable {
        let line: Int32
        /// Range in `unitCreatives`; only servable versions.
        let firstCreative: Int32
        /// The line item's: interests in them multiply the score, 0 = none.
        let brandAttribute: Int32
        let categoryAttribute: Int32
        /// Stock place of the line item's first product, -1 = none: in most cases it alone answers whether there is any.
        let firstPlace: Int32
        /// Range in `clauses`: those of the page, then those of the slot.
        let firstClause: Int32
        /// -1 = left behind by a change.
        var format: Int16
        var creativeCount: UInt16
        let clauseCount: UInt16
        let slotClauseCount: UInt8
        /// Whether the first clause is the one that the unit is posted under: it holds for every page that finds the
        /// unit by the index.
        let isFirstPosted: Bool
    }

    /// One dimension of a line item's targeting: any of its values, or none of them.
    struct Clause: Sendable {
        /// Attribute keys in `clauseKeys`, or for a daypart the first of three words in `hourMasks`.
        let first: Int32
        let count: Int32
        let isHours: Bool
        let negated: Bool
    }

    /// Codes and ids to indices.
    public struct Lookup: Sendable {
        public internal(set) var storefronts = CodeTable()
        /// Scope = storefront index.
        public internal(set) var placements = CodeTable()
        public internal(set) var locations = CodeTable()
        public internal(set) var regions = CodeTable()
        public internal(set) var categories = CodeTable()
        public internal(set) var brands = CodeTable()
        /// By SKU.
        public internal(set) var products = CodeTable()
        public internal(set) var formats = CodeTable()
        public internal(set) var audiences = CodeTable()
        /// Attributes of what line items name one by one; scope = `Snapshot.Named`.
        var named = CodeTable()
        /// Words of search phrases.
        var words = CodeTable()
        public internal(set) var storefrontByID = IDTable([])
        public internal(set) var placementByID = IDTable([])
        public internal(set) var locationByID = IDTable([])
        public internal(set) var categoryByID = IDTable([])
        public internal(set) var brandByID = IDTable([])
        public internal(set) var audienceByID = IDTable([])
        public internal(set) var productByID = IDTable([])
        public internal(set) var lineByID = IDTable([])
        public internal(set) var advertiserByID = IDTable([])
    }

    public let version: Int64
    /// Unlike an address never used again: working memory is laid out for one snapshot.
    let serial: UInt64
    private static let serials = Atomic<UInt64>(0)
    public let stockMaxAge: Timestamp.Span
    public let lookup: Lookup
    public let storefronts: ContiguousArray<Storefront>
    public let locations: ContiguousArray<Location>
    public let placements: ContiguousArray<Placement>
    public let formats: ContiguousArray<Format>
    public let advertisers: ContiguousArray<Advertiser>
    public let lines: ContiguousArray<Line>
    public let creatives: ContiguousArray<Creative>
    /// Promoted products first, then those that only pages know, then what changes have added since the build.
    public let products: ContiguousArray<Product>
    /// How many of `products` were promoted when it was built.
    public let promotedCount: Int
    /// Index of the first product that a change has added.
    let firstAdded: Int
    /// Rendered bytes of all creatives and products.
    public let fragments: ContiguousArray<UInt8>
    public let categoryIDs: ContiguousArray<Int32>
    public let brandIDs: ContiguousArray<Int32>
    public let audienceIDs: ContiguousArray<Int32>

    let space: AttributeSpace
    let categoryParents: ContiguousArray<Int32>
    let productCategories: ContiguousArray<Int32>
    let brandBlocks: ContiguousArray<CompetitorBlock>
    let regionAttributes: ContiguousArray<Int32>
    let regionParents: ContiguousArray<Int32>
    /// Bytes of each region's code, the first one lowest: how the log keeps them.
    public let regionCodes: ContiguousArray<UInt64>
    let regionLocations: ContiguousArray<Int32>
    let lineProducts: ContiguousArray<Int32>
    let holdouts: ContiguousArray<Holdout>
    let clauses: ContiguousArray<Clause>
    let clauseKeys: ContiguousArray<Int32>
    let hourMasks: ContiguousArray<UInt64>
    let phrases: PhraseTree
    let companions: CompanionSets
    /// Names that line items and products have for what was not there.
    let unknown: UnknownNames
    let units: ContiguousArray<Unit>
    let unitCreatives: ContiguousArray<Int32>
    let postingStarts: ContiguousArray<Int32>
    let postings: ContiguousArray<UInt64>
    /// The click model.
    public let clicks: ClickTables
    /// No creative's odds are above this, whatever is drawn for it; no line item's margin above that.
    let greatestOdds: Float
    let greatestMargin: Float
    /// Units that changes have left behind; a build from scratch has none.
    let deadUnits: Int

    /// Builds the index. Throws when a value refers to something that is not there: then the caller keeps the
    /// snapshot it has.
    public convenience init(_ input: SnapshotInput) throws(SnapshotError) {
        var builder = SnapshotBuilder(input)
        try builder.build()
        self.init(builder)
    }

    init(_ builder: SnapshotBuilder) {
        let input = builder.input
        version = input.version
        serial = Self.serials.wrappingAdd(1, ordering: .relaxed).newValue
        stockMaxAge = input.stockMaxAge
        lookup = builder.lookup
        storefronts = builder.storefronts
        locations = builder.locations
        placements = builder.placements
        formats = builder.formats
        advertisers = builder.advertisers
        lines = builder.lines
        creatives = builder.creatives
        products = builder.products
        promotedCount = builder.promotedCount
        firstAdded = builder.firstAdded
        deadUnits = builder.deadUnits
        fragments = builder.fragments
        categoryIDs = ContiguousArray(input.categories.map(\.id))
        brandIDs = ContiguousArray(input.brands.map(\.id))
        audienceIDs = ContiguousArray(input.audiences.map(\.id))
        space = builder.space
        categoryParents = builder.categoryParents
        productCategories = builder.productCategories
        brandBlocks = ContiguousArray(input.brands.map(\.competitorBlock))
        regionAttributes = builder.regionAttributes
        regionParents = builder.regionParents
        regionCodes = builder.regionCodes
        regionLocations = builder.regionLocations
        lineProducts = builder.lineProducts
        holdouts = builder.holdouts
        clauses = builder.clauses
        clauseKeys = builder.clauseKeys
        hourMasks = builder.hourMasks
        phrases = builder.phrases
        companions = CompanionSets(builder.companionLines)
        unknown = builder.unknown
        units = builder.units
        unitCreatives = builder.unitCreatives
        postingStarts = builder.postingStarts
        postings = builder.postings
        clicks = builder.clicks
        greatestOdds = builder.greatestOdds
        greatestMargin = builder.greatestMargin
    }

    /// Location (index) that serves the shoppers of a region (index), -1 = none.
    public func location(ofRegion region: Int32) -> Int32 {
        region >= 0 && Int(region) < regionLocations.count ? regionLocations[Int(region)] : -1
    }

    /// Products that stock is kept for: the promoted ones, and all that changes have added.
    public var stockedCount: Int { promotedCount + products.count - firstAdded }

    /// Place of a product (by index) among those that stock is kept for, -1 = none.
    public func stockPlace(_ product: Int32) -> Int32 {
        let index = Int(product)
        if index < promotedCount { return index < 0 ? -1 : product }
        return index < firstAdded ? -1 : Int32(promotedCount + index - firstAdded)
    }

    /// The same for a product that a line item promotes, which always has a place.
    @inline(__always)
    func promotedPlace(_ product: Int32) -> Int {
        let index = Int(product)
        return index < promotedCount ? index : index &- firstAdded &+ promotedCount
    }

    /// What line items name one by one.
    enum Named: Int32 {
        case product = 0
        case key = 1
    }

    /// Attribute of pages about a product, by the bytes of its SKU; -1 = no line item names it.
    public func attribute(ofProduct sku: UnsafeRawBufferPointer) -> Int32 {
        lookup.named.find(sku, scope: Named.product.rawValue)
    }

    /// Attribute of pages with one of the shop's own keys, by the bytes of `key=value`; -1 = no line item names it.
    public func attribute(ofKey pair: UnsafeRawBufferPointer) -> Int32 {
        lookup.named.find(pair, scope: Named.key.rawValue)
    }

    /// Number of a word of a search, by the bytes of its stem; -1 = no line item knows it.
    public func word(_ stem: UnsafeRawBufferPointer) -> Int32 { lookup.words.find(stem) }

    /// False when no line item is aimed at a search phrase: then words need not be looked up.
    public var knowsPhrases: Bool { !phrases.isEmpty }

    /// First category (index) of a product (index), -1 = none: what a signal about the product strengthens.
    public func category(ofProduct product: Int32) -> Int32 {
        guard product >= 0, Int(product) < products.count, products[Int(product)].categoryCount > 0 else { return -1 }
        return productCategories[Int(products[Int(product)].firstCategory)]
    }

    /// Calls `body` with the rendered bytes of a creative or product.
    @inlinable
    public func withFragment<R>(start: Int, count: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        fragments.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<(start + count)])) }
    }
}

/// Why a snapshot could not be built.
public struct SnapshotError: Error, Equatable, CustomStringConvertible {
    /// `unknown_reference` or `limit_exceeded`.
    public let code: String
    public let message: String
    public var isRetryable: Bool { false }
    public var description: String { "\(code): \(message)" }
}

extension Tier {
    /// Higher goes first.
    @inlinable
    var precedence: UInt64 {
        switch self {
        case .sponsorship: 3
        case .guaranteed: 2
        case .auction: 1
        case .house: 0
        }
    }
}
