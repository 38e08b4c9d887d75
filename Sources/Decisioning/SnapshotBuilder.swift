import AdModel
import ClickModel
import Profiles

/// Turns the tables into dense arrays; thrown away afterwards.
struct SnapshotBuilder {
    let input: SnapshotInput
    var lookup = Snapshot.Lookup()
    var storefronts: ContiguousArray<Snapshot.Storefront> = []
    var locations: ContiguousArray<Snapshot.Location> = []
    var placements: ContiguousArray<Snapshot.Placement> = []
    var formats: ContiguousArray<Snapshot.Format> = []
    var advertisers: ContiguousArray<Snapshot.Advertiser> = []
    var lines: ContiguousArray<Snapshot.Line> = []
    var creatives: ContiguousArray<Snapshot.Creative> = []
    var products: ContiguousArray<Snapshot.Product> = []
    var promotedCount = 0
    var firstAdded = 0
    var deadUnits = 0
    var unknown = UnknownNames()
    var knownBrands = 0
    /// Rendered bytes that a change finds in the snapshot it starts from, by creative version.
    var renderedBefore: [Int32: Range<Int>] = [:]
    var fragments: ContiguousArray<UInt8> = []
    var space = AttributeSpace(locations: 0, placements: 0, categories: 0, brands: 0, audiences: 0)
    var categoryParents: ContiguousArray<Int32> = []
    var productCategories: ContiguousArray<Int32> = []
    var regionAttributes: ContiguousArray<Int32> = []
    var regionParents: ContiguousArray<Int32> = []
    var regionCodes: ContiguousArray<UInt64> = []
    var regionLocations: ContiguousArray<Int32> = []
    var lineProducts: ContiguousArray<Int32> = []
    var holdouts: ContiguousArray<Holdout> = []
    var clauses: ContiguousArray<Snapshot.Clause> = []
    var clauseKeys: ContiguousArray<Int32> = []
    var hourMasks: ContiguousArray<UInt64> = []
    var phrases = PhraseTree()
    /// Companion line items (indices) by campaign.
    var companionLines: [Int32: [Int32]] = [:]
    var units: ContiguousArray<Snapshot.Unit> = []
    var unitCreatives: ContiguousArray<Int32> = []
    var postingStarts: ContiguousArray<Int32> = []
    var postings: ContiguousArray<UInt64> = []
    var clicks = ClickTables(nil, placements: [], formats: [])
    var greatestOdds: Float = 0
    var greatestMargin: Float = 0

    /// Placement indices by code, over all storefronts.
    var placementsByCode: [String: [Int32]] = [:]
    /// How many categories each category's subtree has, itself included.
    var subtreeSizes: [Int32] = []
    /// One per (line item, format): where to post it.
    var postingPlan: [(keys: [Int32], unit: Int32, key: UInt64)] = []

    init(_ input: SnapshotInput) { self.input = input }

    mutating func build() throws(SnapshotError) {
        try formatsAndPlaces()
        clicks = ClickTables(
            input.clickWeights, placements: input.placements.map(\.id), formats: input.formats.map(\.name))
        buildCategories()
        space = AttributeSpace(
            locations: input.locations.count, placements: input.placements.count, categories: input.categories.count,
            brands: input.brands.count,
            audiences: input.audiences.count)
        buildRegions()
        try buildPlacements()
        try buildProducts()
        advertisers = ContiguousArray(input.advertisers.map { Snapshot.Advertiser(id: $0.id, caps: $0.caps) })
        lookup.advertiserByID = IDTable(input.advertisers.map(\.id))
        lookup.lineByID = IDTable(input.lineItems.map(\.id))
        lines.reserveCapacity(input.lineItems.count)
        for (index, line) in input.lineItems.enumerated() { try put(line, index: Int32(index)) }
        buildPostings()
    }

    private mutating func formatsAndPlaces() throws(SnapshotError) {
        if input.formats.count > 32 {
            throw SnapshotError(code: "limit_exceeded", message: "at most 32 ad formats, got \(input.formats.count)")
        }
        formats = ContiguousArray(
            input.formats.map {
                Snapshot.Format(minimumCards: Int32($0.minimumCards), maximumCards: Int32(min($0.maximumCards, 16)))
            })
        lookup.formats = CodeTable(input.formats.map(\.name))
        lookup.locations = CodeTable(input.locations.map(\.code))
        lookup.locationByID = IDTable(input.locations.map(\.id))
        locations = ContiguousArray(input.locations.map { Snapshot.Location(id: $0.id) })
        lookup.storefronts = CodeTable(input.storefronts.map(\.code))
        lookup.storefrontByID = IDTable(input.storefronts.map(\.id))
        for storefront in input.storefronts {
            let location = storefront.defaultLocationID.map { lookup.locationByID.find($0) } ?? -1
            storefronts.append(Snapshot.Storefront(id: storefront.id, defaultLocation: location))
        }
        lookup.brands = CodeTable(input.brands.map(\.code))
        lookup.brandByID = IDTable(input.brands.map(\.id))
        lookup.audiences = CodeTable(input.audiences.map(\.code))
        lookup.audienceByID = IDTable(input.audiences.map(\.id))
    }

    private mutating func buildCategories() {
        lookup.categories = CodeTable(input.categories.map(\.code))
        lookup.categoryByID = IDTable(input.categories.map(\.id))
        for category in input.categories { categoryParents.append(parent(of: category)) }
        measureSubtrees()
    }

    mutating func parent(of category: SnapshotInput.Category) -> Int32 {
        guard let id = category.parentID else { return -1 }
        let parent = lookup.categoryByID.find(id)
        if parent < 0 { unknown.categoryIDs.insert(id) }
        return parent
    }

    /// The brand (index) and categories (indices) of a product, as far as they are there.
    mutating func classes(of product: SnapshotInput.Product) -> (brand: Int32, categories: [Int32]) {
        let brand = product.brandID.map { lookup.brandByID.find($0) } ?? -1
        if brand < 0, let id = product.brandID { unknown.brandIDs.insert(id) }
        let categories = product.categoryIDs.map { lookup.categoryByID.find($0) }.filter { $0 >= 0 }
        if categories.count < product.categoryIDs.count { unknown.categoryIDs.formUnion(product.categoryIDs) }
        return (brand, categories)
    }

    mutating func measureSubtrees() {
        subtreeSizes = Array(repeating: 0, count: categoryParents.count)
        for index in categoryParents.indices {
            var at = Int32(index)
            // The tree is bounded in depth, so that a cycle in the data cannot hang the loader.
            for _ in 0..<Snapshot.categoryDepth where at >= 0 {
                subtreeSizes[Int(at)] += 1
                at = categoryParents[Int(at)]
            }
        }
    }

    private mutating func buildRegions() {
        var codes: [String] = []
        var seen: Set<String> = []
        func note(_ code: String) {
            if let dash = code.firstIndex(of: "-") {
                let country = String(code[..<dash])
                if seen.insert(country).inserted { codes.append(country) }
            }
            if seen.insert(code).inserted { codes.append(code) }
        }
        for location in input.locations { location.regionCodes.forEach(note) }
        for line in input.lineItems {
            line.targeting.wanted.regions.forEach(note)
            line.targeting.excluded.regions.forEach(note)
        }
        lookup.regions = CodeTable(codes)
        regionCodes = ContiguousArray(codes.map(Self.packed))
        regionLocations = ContiguousArray(repeating: -1, count: codes.count)
        for (index, location) in input.locations.enumerated() {
            for code in location.regionCodes {
                let region = Int(lookup.regions.find(code))
                if regionLocations[region] < 0 { regionLocations[region] = Int32(index) }
            }
        }
        for code in codes {
            let country = code.firstIndex(of: "-").map { String(code[..<$0]) }
            regionParents.append(country.map { lookup.regions.find($0) } ?? -1)
            regionAttributes.append(space.add())
        }
    }

    /// The first eight bytes of a code.
    static func packed(_ code: String) -> UInt64 {
        code.utf8.prefix(8).enumerated().reduce(0) { $0 | UInt64($1.element) << (8 * $1.offset) }
    }

    private mutating func buildPlacements() throws(SnapshotError) {
        lookup.placementByID = IDTable(input.placements.map(\.id))
        for (index, placement) in input.placements.enumerated() {
            let storefront = lookup.storefrontByID.find(placement.storefrontID)
            guard storefront >= 0 else {
                throw SnapshotError(
                    code: "unknown_reference",
                    message:
                        "placement \(placement.code) belongs to storefront \(placement.storefrontID), which is not there"
                )
            }
            lookup.placements.insert(placement.code, scope: storefront, value: Int32(index))
            placementsByCode[placement.code, default: []].append(Int32(index))
            var mask: UInt32 = 0
            for name in placement.formats {
                let format = lookup.formats.find(name)
                guard format >= 0 else {
                    throw SnapshotError(
                        code: "unknown_reference",
                        message: "placement \(placement.code) accepts the format \(name), which is not there")
                }
                mask |= 1 << UInt32(format)
            }
            placements.append(
                Snapshot.Placement(
                    id: placement.id, storefront: storefront, pageType: placement.pageType, formats: mask,
                    maxAds: Int32(min(max(placement.maxAds, 1), Limits.adsPerSlot)), rank: placement.rank,
                    floor: placement.floor.value, repeatAdvertiser: placement.repeatAdvertiser,
                    repeatBrand: placement.repeatBrand, shelf: placement.shelf,
                    competitorBlock: placement.competitorBlock, attribute: space.placements + Int32(index),
                    marginWeight: Float(min(max(placement.marginWeight, 0), 1))))
        }
    }

    private mutating func buildProducts() throws(SnapshotError) {
        var promoted: Set<Int32> = []
        for line in input.lineItems { promoted.formUnion(line.promotedProductIDs) }
        let known = Array(input.products)
        let ordered = known.filter { promoted.contains($0.id) } + known.filter { !promoted.contains($0.id) }
        promotedCount = ordered.count { promoted.contains($0.id) }
        firstAdded = ordered.count
        lookup.products = CodeTable(ordered.map(\.sku))
        lookup.productByID = IDTable(ordered.map(\.id))
        products.reserveCapacity(ordered.count)
        for product in ordered {
            let first = Int32(productCategories.count)
            let classes = classes(of: product)
            productCategories.append(contentsOf: classes.categories)
            products.append(
                Snapshot.Product(
                    id: product.id, brand: classes.brand,
                    firstCategory: first, categoryCount: Int32(productCategories.count) - first,
                    price: PriceLevel.code(product.price), margin: Self.share(product.margin),
                    fragmentStart: fragments.count, fragmentCount: product.fragment.count))
            fragments.append(contentsOf: product.fragment)
        }
    }

    /// Two lists per attribute and format: what pays per impression, and what pays per click. The page multiplies the
    /// bounds of the second kind alone.
    var listCount: Int { 2 * Int(space.count) * max(formats.count, 1) }

    static func share(_ value: Double) -> Float { Float(min(max(value, 0), 1)) }

    func list(_ key: Int32, _ unit: Int32) -> Int {
        let unit = units[Int(unit)]
        let isClick = lines[Int(unit.line)].pricing == .cpc
        return (Int(key) * max(formats.count, 1) + Int(unit.format)) * 2 + (isClick ? 1 : 0)
    }

    /// Posts every unit under its pivot: lists by (attribute, format), each sorted by falling upper bound.
    private mutating func buildPostings() {
        postingStarts = ContiguousArray(repeating: 0, count: listCount + 1)
        for plan in postingPlan {
            for key in plan.keys { postingStarts[list(key, plan.unit) + 1] += 1 }
        }
        for list in 0..<listCount { postingStarts[list + 1] += postingStarts[list] }
        postings = ContiguousArray(repeating: 0, count: Int(postingStarts[listCount]))
        var next = postingStarts
        // Filled in falling order of bound, so that every list comes out sorted.
        for plan in postingPlan.sorted(by: { $0.key > $1.key }) {
            for key in plan.keys {
                let list = list(key, plan.unit)
                postings[Int(next[list])] = plan.key << 32 | UInt64(UInt32(plan.unit))
                next[list] += 1
            }
        }
        postingPlan = []
    }
}

extension Snapshot {
    /// Deepest category path that is followed.
    static let categoryDepth = 32
}
