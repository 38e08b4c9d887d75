import AdModel

/// What a run knows of products, campaigns, brand spellings and grants, ready to be asked. Immutable and shareable:
/// build it once, use it for many orders. A class, because it is handed from order to order without being copied.
public final class AttributionReference: Sendable {
    /// Lists are ranges of `lists`.
    struct Version: Sendable {
        var from: Int64
        var to: Int64
        var brands: Range<Int32>
        /// Sorted numbers.
        var skus: Range<Int32>
        var categories: Range<Int32>
    }
    struct Validity: Sendable {
        var brand: UInt32
        var from: Int64
        var to: Int64

        @inline(__always)
        func holds(at t: Int64) -> Bool { from <= t && (t < to || to == Int64.max) }
    }
    struct Product: Sendable {
        var group = Interner.none
        var brand = Interner.none
        var isKnown = false
    }

    let skus: Interner
    let brands: Interner
    let categories: Interner
    let advertisers: Interner
    let campaigns: Interner
    /// By SKU number; a SKU that is only listed has no product row.
    let products: [Product]
    let productCategories: Grouped<UInt32>
    /// By campaign number, in order of `from`.
    let versions: Grouped<Version>
    /// Numbers of brands, SKUs and categories that versions name.
    let lists: [UInt32]
    let campaignAdvertiser: [UInt32]
    /// Position of a row that names the campaign's advertiser, for messages.
    let campaignPosition: [Int]
    /// By advertiser number.
    let grants: Grouped<Validity>
    /// By the number of the alias among brands.
    let aliases: Grouped<Validity>

    /// - Throws: `conflict` when rows contradict each other (rule 5); positions are indices into the arrays.
    public convenience init(
        products: [ProductRow] = [], campaigns: [CampaignVersionRow] = [], aliases: [BrandAliasRow] = [],
        grants: [BrandGrantRow] = []
    ) throws(AttributionError) {
        var builder = ReferenceBuilder()
        for (i, row) in products.enumerated() {
            try builder.addProduct(row, at: i)
        }
        for (i, row) in campaigns.enumerated() { try builder.addCampaign(row, at: i) }
        for (i, row) in aliases.enumerated() { builder.addAlias(row, at: i) }
        for row in grants { builder.addGrant(row) }
        self.init(builder, try builder.finish())
    }

    init(_ b: ReferenceBuilder, _ checked: ReferenceBuilder.Checked) {
        skus = b.skus
        brands = b.brands
        categories = b.categories
        advertisers = b.advertisers
        campaigns = b.campaigns
        products =
            b.products
            + [Product](repeating: Product(), count: max(0, b.skus.count - b.products.count))
        productCategories = Grouped(b.productCategories, count: b.skus.count)
        versions = checked.versions
        lists = b.lists
        campaignAdvertiser = b.campaignAdvertiser
        campaignPosition = b.campaignPosition
        grants = Grouped(b.grants, count: b.advertisers.count)
        aliases = checked.aliases
    }

    /// The brand that a spelling means at an instant; one step.
    @inline(__always)
    func canonical(_ brand: UInt32, at t: Int64) -> UInt32 {
        if aliases.isEmpty || brand == Interner.none { return brand }
        for i in aliases.range(brand) where aliases.items[i].holds(at: t) { return aliases.items[i].brand }
        return brand
    }

    /// Whether the advertiser is granted the (canonical) brand at an instant.
    @inline(__always)
    func owns(_ advertiser: UInt32, _ brand: UInt32, at t: Int64) -> Bool {
        if advertiser == Interner.none || brand == Interner.none { return false }
        for i in grants.range(advertiser) {
            let grant = grants.items[i]
            if grant.holds(at: t), canonical(grant.brand, at: t) == brand { return true }
        }
        return false
    }

    enum Ownership {
        case same
        case other(CampaignOwners.Claim)
        /// The campaigns table does not say, or an id is absent.
        case unknown
    }

    /// Whether the campaigns table gives the campaign another advertiser.
    func owner(of campaign: Cell, isNot advertiser: Cell) -> Ownership {
        let number = campaigns.find(campaign)
        guard number != Interner.none, !advertiser.isEmpty else { return .unknown }
        let owner = campaignAdvertiser[Int(number)]
        if owner == Interner.none { return .unknown }
        if owner == advertisers.find(advertiser) { return .same }
        return .other(CampaignOwners.Claim(table: .campaigns, position: campaignPosition[Int(number)]))
    }

    /// Index of the campaign's version in force at an instant; -1 when there is none.
    @inline(__always)
    func version(of campaign: UInt32, at t: Int64) -> Int {
        if campaign == Interner.none { return -1 }
        for i in versions.range(campaign) {
            let version = versions.items[i]
            if version.from <= t, t < version.to || version.to == Int64.max { return i }
        }
        return -1
    }
}

/// Collects the reference tables row by row and refuses contradictions.
struct ReferenceBuilder {
    var skus = Interner()
    var brands = Interner()
    var categories = Interner()
    var advertisers = Interner()
    var campaigns = Interner()
    var products: [AttributionReference.Product] = []
    var productPosition: [Int] = []
    var productCategories: [(key: UInt32, item: UInt32)] = []
    private var categoriesOfProduct: [[UInt32]] = []
    var campaignAdvertiser: [UInt32] = []
    var lists: [UInt32] = []
    var campaignPosition: [Int] = []
    private var versions: [(key: UInt32, item: (AttributionReference.Version, Int))] = []
    private var aliases: [(key: UInt32, item: (AttributionReference.Validity, Int))] = []
    var grants: [(key: UInt32, item: AttributionReference.Validity)] = []

    mutating func addProduct(_ row: ProductRow, at position: Int) throws(AttributionError) {
        let sku = skus.intern(row.sku)
        if sku == Interner.none { return }
        let product = AttributionReference.Product(
            group: groups.intern(row.groupID), brand: brands.intern(row.brandID), isKnown: true)
        var list: [UInt32] = []
        for category in row.categoryIDs where !category.isAbsent { list.append(categories.intern(category)) }
        try add(sku, product, list, at: position)
    }

    var groups = Interner()

    /// The same from cells of a file.
    mutating func addProduct(
        sku: Cell, group: Cell, brand: Cell, categories list: Cell, at position: Int
    ) throws(AttributionError) {
        let number = skus.intern(sku)
        if number == Interner.none { return }
        let product = AttributionReference.Product(
            group: groups.intern(group), brand: brands.intern(brand), isKnown: true)
        var numbers: [UInt32] = []
        list.forEachElement { numbers.append(categories.intern($0)) }
        try add(number, product, numbers, at: position)
    }

    private mutating func add(
        _ sku: UInt32, _ product: AttributionReference.Product, _ list: [UInt32], at position: Int
    ) throws(AttributionError) {
        while products.count <= Int(sku) {
            products.append(AttributionReference.Product())
            productPosition.append(-1)
            categoriesOfProduct.append([])
        }
        let old = products[Int(sku)]
        if old.isKnown {
            guard old.group == product.group, old.brand == product.brand, categoriesOfProduct[Int(sku)] == list else {
                throw .conflict(
                    .products, position, productPosition[Int(sku)],
                    "SKU \(skus.id(sku).text) has two rows with different content; keep one")
            }
            return
        }
        products[Int(sku)] = product
        productPosition[Int(sku)] = position
        categoriesOfProduct[Int(sku)] = list
        for category in list { productCategories.append((sku, category)) }
    }

    mutating func addCampaign(_ row: CampaignVersionRow, at position: Int) throws(AttributionError) {
        let campaign = campaigns.intern(row.campaignID)
        if campaign == Interner.none { return }
        let advertiser = advertisers.intern(row.advertiserID)
        if Int(campaign) == campaignAdvertiser.count {
            campaignAdvertiser.append(advertiser)
            campaignPosition.append(position)
        } else if campaignAdvertiser[Int(campaign)] == Interner.none {
            campaignAdvertiser[Int(campaign)] = advertiser
            campaignPosition[Int(campaign)] = position
        } else if advertiser != Interner.none, campaignAdvertiser[Int(campaign)] != advertiser {
            throw .conflict(
                .campaigns, position, campaignPosition[Int(campaign)],
                "campaign \(row.campaignID.text) has two advertisers; keep one")
        }
        let from = row.validFrom?.micros ?? Int64.min
        let to = row.validTo?.micros ?? Int64.max
        if row.validFrom != nil, row.validTo != nil, from >= to { return }
        let version = AttributionReference.Version(
            from: from, to: to, brands: keep(row.brandIDs.filter { !$0.isAbsent }.map { brands.intern($0) }),
            skus: keep(row.listedSKUs.filter { !$0.isAbsent }.map { skus.intern($0) }.sorted()),
            categories: keep(row.listedCategoryIDs.filter { !$0.isAbsent }.map { categories.intern($0) }.sorted()))
        versions.append((campaign, (version, position)))
    }

    private mutating func keep(_ list: [UInt32]) -> Range<Int32> {
        let start = Int32(lists.count)
        lists += list
        return start..<Int32(lists.count)
    }

    private func list(_ range: Range<Int32>) -> ArraySlice<UInt32> {
        lists[Int(range.lowerBound)..<Int(range.upperBound)]
    }

    mutating func addAlias(_ row: BrandAliasRow, at position: Int) {
        let alias = brands.intern(row.alias)
        let brand = brands.intern(row.brandID)
        if alias == Interner.none || brand == Interner.none { return }
        let from = row.validFrom?.micros ?? Int64.min
        let to = row.validTo?.micros ?? Int64.max
        if row.validFrom != nil, row.validTo != nil, from >= to { return }
        aliases.append((alias, (AttributionReference.Validity(brand: brand, from: from, to: to), position)))
    }

    mutating func addGrant(_ row: BrandGrantRow) {
        let advertiser = advertisers.intern(row.advertiserID)
        let brand = brands.intern(row.brandID)
        if advertiser == Interner.none || brand == Interner.none { return }
        let from = row.validFrom?.micros ?? Int64.min
        let to = row.validTo?.micros ?? Int64.max
        grants.append((advertiser, AttributionReference.Validity(brand: brand, from: from, to: to)))
    }

    /// Checks what only all rows together show: one version and one brand of an alias at any instant.
    func finish() throws(AttributionError) -> Checked {
        var byCampaign = Grouped(versions, count: campaigns.count)
        byCampaign.sortEach { ($0.0.from, $0.1) < ($1.0.from, $1.1) }
        var kept: [(key: UInt32, item: AttributionReference.Version)] = []
        for campaign in 0..<UInt32(campaigns.count) {
            var last: (AttributionReference.Version, Int)?
            for row in byCampaign.rows(campaign) {
                if let last, overlaps(last.0.to, row.0.from) {
                    let same =
                        last.0.from == row.0.from && last.0.to == row.0.to
                        && list(last.0.brands) == list(row.0.brands) && list(last.0.skus) == list(row.0.skus)
                        && list(last.0.categories) == list(row.0.categories)
                    guard same else {
                        throw .conflict(
                            .campaigns, max(row.1, last.1), min(row.1, last.1),
                            "campaign \(campaigns.id(campaign).text) has two versions at one instant; end one first")
                    }
                    continue
                }
                kept.append((campaign, row.0))
                last = row
            }
        }
        var byAlias = Grouped(aliases, count: brands.count)
        byAlias.sortEach { ($0.0.from, $0.1) < ($1.0.from, $1.1) }
        for alias in 0..<UInt32(brands.count) where byAlias.range(alias).count > 1 {
            try checkAlias(alias, Array(byAlias.rows(alias)))
        }
        return Checked(
            versions: Grouped(kept, count: campaigns.count),
            aliases: Grouped(aliases.map { ($0.key, $0.item.0) }, count: brands.count))
    }

    /// What was found free of contradictions.
    struct Checked {
        var versions: Grouped<AttributionReference.Version>
        var aliases: Grouped<AttributionReference.Validity>
    }

    /// Rows of one alias in order of `from`: each is compared with the latest-ending rows before it.
    private func checkAlias(
        _ alias: UInt32, _ rows: [(AttributionReference.Validity, Int)]
    ) throws(AttributionError) {
        // The row that ends last, and the one that ends last among those of another brand.
        var latest: (AttributionReference.Validity, Int)?
        var latestOther: (AttributionReference.Validity, Int)?
        for row in rows {
            for candidate in [latest, latestOther] {
                if let candidate, candidate.0.brand != row.0.brand, overlaps(candidate.0.to, row.0.from) {
                    throw .conflict(
                        .brands, max(row.1, candidate.1), min(row.1, candidate.1),
                        "alias \(brands.id(alias).text) means two brands at one instant; end one first")
                }
            }
            if let current = latest {
                if row.0.to >= current.0.to {
                    if current.0.brand != row.0.brand { latestOther = current }
                    latest = row
                } else if row.0.brand != current.0.brand, row.0.to >= (latestOther?.0.to ?? Int64.min) {
                    latestOther = row
                }
            } else {
                latest = row
            }
        }
    }

    private func overlaps(_ endOfFirst: Int64, _ startOfSecond: Int64) -> Bool {
        endOfFirst == Int64.max || startOfSecond < endOfFirst
    }
}
