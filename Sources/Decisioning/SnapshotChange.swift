import AdModel
import ClickModel
import Profiles

/// What is different from the values that a snapshot was built of: whole values, to be put in place of what had the
/// same id. Storefronts, locations, placements, audiences and formats are not among them: they number the index, and
/// another one of them takes a build from scratch. Categories and brands may be added behind those that there are.
public struct SnapshotChange: Sendable {
    /// Line items by id; nil = gone.
    public var lineItems: [Int32: SnapshotInput.LineItem?]
    /// Products that are new or others than they were.
    public var products: [SnapshotInput.Product]
    /// Products that are gone: ids and SKUs.
    public var removedProducts: [Int32: String]
    public var advertisers: [SnapshotInput.Advertiser]
    /// New ones, the last of the input's.
    public var categories: [SnapshotInput.Category]
    public var brands: [SnapshotInput.Brand]

    public init(
        lineItems: [Int32: SnapshotInput.LineItem?] = [:], products: [SnapshotInput.Product] = [],
        removedProducts: [Int32: String] = [:], advertisers: [SnapshotInput.Advertiser] = [],
        categories: [SnapshotInput.Category] = [], brands: [SnapshotInput.Brand] = []
    ) {
        self.lineItems = lineItems
        self.products = products
        self.removedProducts = removedProducts
        self.advertisers = advertisers
        self.categories = categories
        self.brands = brands
    }

    public var isEmpty: Bool {
        lineItems.isEmpty && products.isEmpty && removedProducts.isEmpty && advertisers.isEmpty
            && categories.isEmpty && brands.isEmpty
    }
}

/// Names that line items and products have for what was not there when the index was built. Once it comes they mean
/// something, and that takes a build from scratch.
struct UnknownNames {
    /// Codes; known ones may be among them.
    var categories: Set<String> = []
    var brands: Set<String> = []
    var categoryIDs: Set<Int32> = []
    var brandIDs: Set<Int32> = []
}

extension Snapshot {
    /// Units left behind that are not worth a build from scratch.
    static let deadUnitsAlways = 4_096

    /// True when so much was left behind by changes that a build from scratch is due.
    public var isWorn: Bool { deadUnits > max(Self.deadUnitsAlways, units.count / 3) }

    /// Whether a change can be applied: what it adds to the index has room there, and nobody has waited for it.
    public func hasRoom(for change: SnapshotChange) -> Bool {
        categoryParents.count + change.categories.count <= space.categoryLimit
            && brandIDs.count + change.brands.count <= space.brandLimit
            && change.categories.allSatisfy {
                lookup.categories.find($0.code) < 0 && lookup.categoryByID.find($0.id) < 0
                    && !unknown.categories.contains($0.code) && !unknown.categoryIDs.contains($0.id)
            }
            && change.brands.allSatisfy {
                lookup.brands.find($0.code) < 0 && lookup.brandByID.find($0.id) < 0
                    && !unknown.brands.contains($0.code) && !unknown.brandIDs.contains($0.id)
            }
    }

    /// The snapshot after a change: the dense arrays are copied and patched, which costs milliseconds where a build
    /// costs seconds. Decides like a build from `input`, but for ties between equal scores.
    ///
    /// - Parameters:
    ///   - input: the values after the change.
    ///   - change: what of them is different; there must be room for it.
    public func applying(_ change: SnapshotChange, of input: SnapshotInput) throws(SnapshotError) -> Snapshot {
        var builder = SnapshotBuilder(self, input)
        try builder.apply(change)
        return Snapshot(builder)
    }
}

extension SnapshotBuilder {
    /// A builder that goes on from a finished snapshot.
    init(_ old: Snapshot, _ input: SnapshotInput) {
        self.init(input)
        lookup = old.lookup
        storefronts = old.storefronts
        locations = old.locations
        placements = old.placements
        formats = old.formats
        advertisers = old.advertisers
        lines = old.lines
        creatives = old.creatives
        products = old.products
        promotedCount = old.promotedCount
        firstAdded = old.firstAdded
        deadUnits = old.deadUnits
        unknown = old.unknown
        knownBrands = old.brandIDs.count
        fragments = old.fragments
        space = old.space
        categoryParents = old.categoryParents
        productCategories = old.productCategories
        regionAttributes = old.regionAttributes
        regionParents = old.regionParents
        regionCodes = old.regionCodes
        regionLocations = old.regionLocations
        lineProducts = old.lineProducts
        clauses = old.clauses
        clauseKeys = old.clauseKeys
        hourMasks = old.hourMasks
        phrases = old.phrases
        companionLines = old.companions.lines { old.lines[Int($0)].campaignID }
        clicks = old.clicks
        greatestOdds = old.greatestOdds
        greatestMargin = old.greatestMargin
        holdouts = old.holdouts
        units = old.units
        unitCreatives = old.unitCreatives
        postingStarts = old.postingStarts
        postings = old.postings
        for (index, placement) in input.placements.enumerated() {
            placementsByCode[placement.code, default: []].append(Int32(index))
        }
    }

    mutating func apply(_ change: SnapshotChange) throws(SnapshotError) {
        add(change.categories)
        for brand in change.brands {
            lookup.brands.insert(brand.code, scope: 0, value: Int32(knownBrands))
            lookup.brandByID.set(brand.id, Int32(knownBrands))
            knownBrands += 1
        }
        var recapped: Set<Int32> = []
        for advertiser in change.advertisers { put(advertiser, &recapped) }
        var moved: Set<Int32> = []
        for product in change.products { put(product, &moved) }
        for (id, sku) in change.removedProducts { remove(productID: id, sku: sku, &moved) }
        var changed = change.lineItems
        if !moved.isEmpty || !recapped.isEmpty { addConcerned(&changed, moved: moved, recapped: recapped) }
        guard !changed.isEmpty else { return }
        measureSubtrees()
        addRegions(changed.values.compactMap(\.self))
        var dead = [Bool](repeating: false, count: units.count)
        retire(Set(changed.keys), &dead)
        for (id, line) in changed.sorted(by: { $0.key < $1.key }) {
            let index = lookup.lineByID.find(id)
            if index >= 0 { companionLines[lines[Int(index)].campaignID]?.removeAll { $0 == index } }
            if let line {
                let place = index >= 0 ? index : Int32(lines.count)
                if index < 0 { lookup.lineByID.set(id, place) }
                try put(line, index: place)
            } else if index >= 0 {
                // Its place stays: nothing is posted for it any more, and nobody finds it by its id.
                lookup.lineByID.set(id, -1)
            }
        }
        mergePostings(dead)
    }

    private mutating func add(_ categories: [SnapshotInput.Category]) {
        for (place, category) in categories.enumerated() {
            let index = Int32(categoryParents.count + place)
            lookup.categories.insert(category.code, scope: 0, value: index)
            lookup.categoryByID.set(category.id, index)
        }
        for category in categories { categoryParents.append(parent(of: category)) }
    }

    /// What a line item says of its products' brands and categories, and whether it is capped at all, is worked out
    /// when it is built.
    private func addConcerned(
        _ changed: inout [Int32: SnapshotInput.LineItem?], moved: Set<Int32>, recapped: Set<Int32>
    ) {
        // A hundred thousand line items with a dozen products each are asked: by place, not by hash.
        var isMoved = [Bool](repeating: false, count: lookup.productByID.limit)
        for id in moved where id >= 0 && Int(id) < isMoved.count { isMoved[Int(id)] = true }
        let anyMoved = !moved.isEmpty
        input.lineItems.forEachPiece { lines in
            for at in lines.indices
            where recapped.contains(lines[at].advertiserID)
                || anyMoved
                    && lines[at].promotedProductIDs.contains(where: {
                        $0 >= 0 && Int($0) < isMoved.count && isMoved[Int($0)]
                    })
            {
                if changed[lines[at].id] == nil { changed[lines[at].id] = .some(lines[at]) }
            }
        }
    }

    private mutating func put(_ advertiser: SnapshotInput.Advertiser, _ recapped: inout Set<Int32>) {
        let built = Snapshot.Advertiser(id: advertiser.id, caps: advertiser.caps)
        let index = lookup.advertiserByID.find(advertiser.id)
        if index >= 0 {
            if advertisers[Int(index)].caps.isNone != advertiser.caps.isNone { recapped.insert(advertiser.id) }
            advertisers[Int(index)] = built
        } else {
            lookup.advertiserByID.set(advertiser.id, Int32(advertisers.count))
            advertisers.append(built)
        }
    }

    /// A product keeps its places: the one that its id has, and the one that pages find by its SKU.
    private mutating func put(_ product: SnapshotInput.Product, _ moved: inout Set<Int32>) {
        let index = Int(lookup.productByID.find(product.id))
        let page = Int(lookup.products.find(product.sku))
        let old = index >= 0 ? products[index] : nil
        let (brand, categories) = classes(of: product)
        var first = Int32(productCategories.count)
        var start = fragments.count
        var isMoved = true
        if let old {
            let range = Int(old.firstCategory)..<Int(old.firstCategory + old.categoryCount)
            if productCategories[range].elementsEqual(categories) {
                first = old.firstCategory
                isMoved =
                    old.brand != brand || old.price != PriceLevel.code(product.price)
                    || old.margin != Self.share(product.margin)
            }
            let bytes = old.fragmentStart..<(old.fragmentStart + old.fragmentCount)
            if fragments[bytes].elementsEqual(product.fragment) { start = old.fragmentStart }
        }
        if first == productCategories.count { productCategories.append(contentsOf: categories) }
        if start == fragments.count { fragments.append(contentsOf: product.fragment) }
        let built = Snapshot.Product(
            id: product.id, brand: brand, firstCategory: first, categoryCount: Int32(categories.count),
            price: PriceLevel.code(product.price), margin: Self.share(product.margin),
            fragmentStart: start, fragmentCount: product.fragment.count)
        if index >= 0 {
            products[index] = built
        } else {
            lookup.productByID.set(product.id, Int32(products.count))
            products.append(built)
        }
        if page >= 0 {
            products[page] = built
        } else {
            lookup.products.set(product.sku, scope: 0, value: lookup.productByID.find(product.id))
        }
        if isMoved { moved.insert(product.id) }
    }

    /// Leaves places without brand and categories, which means nothing to a page.
    private mutating func remove(productID id: Int32, sku: String, _ moved: inout Set<Int32>) {
        let nothing = Snapshot.Product(
            id: id, brand: -1, firstCategory: 0, categoryCount: 0, price: 0, margin: 0, fragmentStart: 0,
            fragmentCount: 0)
        for index in [lookup.productByID.find(id), lookup.products.find(sku)] where index >= 0 {
            products[Int(index)] = nothing
        }
        lookup.productByID.set(id, -1)
        moved.insert(id)
    }

    /// A product that only pages knew gets a place with stock once a line item promotes it.
    mutating func stocked(_ product: Int32) -> Int32 {
        guard Int(product) >= promotedCount, Int(product) < firstAdded else { return product }
        let index = Int32(products.count)
        lookup.productByID.set(products[Int(product)].id, index)
        products.append(products[Int(product)])
        return index
    }

    private mutating func addRegions(_ lineItems: [SnapshotInput.LineItem]) {
        func add(_ code: String) -> Int32 {
            let known = lookup.regions.find(code)
            if known >= 0 { return known }
            let parent = code.firstIndex(of: "-").map { add(String(code[..<$0])) } ?? -1
            let index = Int32(regionParents.count)
            lookup.regions.insert(code, scope: 0, value: index)
            regionParents.append(parent)
            regionAttributes.append(space.add())
            regionCodes.append(Self.packed(code))
            regionLocations.append(-1)
            return index
        }
        for line in lineItems {
            for code in line.targeting.wanted.regions { _ = add(code) }
            for code in line.targeting.excluded.regions { _ = add(code) }
        }
    }

    /// Takes the units of line items out of what competes, and remembers what they had rendered.
    private mutating func retire(_ lineItemIDs: Set<Int32>, _ dead: inout [Bool]) {
        var isRetired = [Bool](repeating: false, count: lines.count)
        var isAny = false
        for id in lineItemIDs {
            let index = lookup.lineByID.find(id)
            if index >= 0 {
                isRetired[Int(index)] = true
                isAny = true
            }
        }
        guard isAny else { return }
        for at in units.indices where isRetired[Int(units[at].line)] && units[at].format >= 0 {
            let unit = units[at]
            for place in Int(unit.firstCreative)..<(Int(unit.firstCreative) + Int(unit.creativeCount)) {
                let creative = creatives[Int(unitCreatives[place])]
                renderedBefore[creative.versionID] =
                    creative.fragmentStart..<(creative.fragmentStart + creative.fragmentCount)
            }
            dead[at] = true
            deadUnits += 1
            units[at].format = -1
            units[at].creativeCount = 0
        }
    }

    /// Copies the postings without those of dead units, and puts the new ones where their bounds belong.
    private mutating func mergePostings(_ dead: [Bool]) {
        var added: [(list: Int, posting: UInt64)] = []
        for plan in postingPlan {
            for key in plan.keys {
                added.append((list(key, plan.unit), plan.key << 32 | UInt64(UInt32(plan.unit))))
            }
        }
        // By falling bound in each list; the order of equals says nothing.
        added.sort { $0.list != $1.list ? $0.list < $1.list : $0.posting > $1.posting }
        let old = postings
        let oldStarts = postingStarts
        let oldLists = oldStarts.count - 1
        var merged: ContiguousArray<UInt64> = []
        merged.reserveCapacity(old.count + added.count)
        var starts: ContiguousArray<Int32> = []
        starts.reserveCapacity(listCount + 1)
        starts.append(0)
        var next = 0
        for list in 0..<listCount {
            if list < oldLists {
                for at in Int(oldStarts[list])..<Int(oldStarts[list + 1]) {
                    let posting = old[at]
                    if dead[Int(posting & 0xFFFF_FFFF)] { continue }
                    while next < added.count, added[next].list == list, added[next].posting >> 32 >= posting >> 32 {
                        merged.append(added[next].posting)
                        next += 1
                    }
                    merged.append(posting)
                }
            }
            while next < added.count, added[next].list == list {
                merged.append(added[next].posting)
                next += 1
            }
            starts.append(Int32(merged.count))
        }
        postings = merged
        postingStarts = starts
        postingPlan = []
    }
}
