import AdModel
import Decisioning

/// What may stand on one page, and for whom it is.
extension NaiveEvaluator {
    /// As often as that a page is decided again because companions were missing.
    static let companionRounds = 4

    func pageProduct(_ page: Page) -> SnapshotInput.Product? {
        page.product.flatMap { sku in world.input.products.first { $0.sku == sku } }
    }

    /// Codes of the page's brands.
    func pageBrands(_ page: Page) -> Set<String> {
        var brands = Set(page.brands.filter { code in world.input.brands.contains { $0.code == code } })
        if let id = pageProduct(page)?.brandID, let brand = world.input.brands.first(where: { $0.id == id }) {
            brands.insert(brand.code)
        }
        return brands
    }

    /// Codes of the page's own categories.
    func pageCategories(_ page: Page) -> Set<String> {
        var own = Set(page.categories.filter { code in world.input.categories.contains { $0.code == code } })
        for id in pageProduct(page)?.categoryIDs ?? [] {
            own.formUnion(world.input.categories.filter { $0.id == id }.map(\.code))
        }
        return own
    }

    func withAncestors(_ codes: Set<String>) -> Set<String> {
        var all: Set<String> = []
        for code in codes {
            var at: String? = code
            while let code = at {
                all.insert(code)
                at = parents[code]
            }
        }
        return all
    }

    // MARK: Targeting

    func isTargeted(_ line: SnapshotInput.LineItem, _ placement: SnapshotInput.Placement, _ page: Page) -> Bool {
        let wanted = line.targeting.wanted
        let not = line.targeting.excluded
        var regions: Set<String> = []
        if let region = page.region {
            regions.insert(region)
            if let dash = region.firstIndex(of: "-") { regions.insert(String(region[..<dash])) }
        }
        let hour = Int(page.minuteOfWeek) / 60
        let kinds: Set<ShopperKind> = page.hasShopper ? [world.isReturning ? .returning : .new] : []
        let signedIn = page.hasShopper ? page.signedIn : nil
        func agrees<T: Hashable>(_ wanted: [T], _ not: [T], _ have: Set<T>) -> Bool {
            (wanted.isEmpty || !have.isDisjoint(with: wanted)) && have.isDisjoint(with: not)
        }
        return agrees(wanted.pageTypes, not.pageTypes, [page.pageType])
            && agrees(wanted.placements, not.placements, [placement.code])
            && agrees(wanted.categories, not.categories, withAncestors(pageCategories(page)))
            && agrees(wanted.brands, not.brands, pageBrands(page))
            && agrees(wanted.products, not.products, Set(page.product.map { [$0] } ?? []))
            && agrees(wanted.regions, not.regions, regions)
            && agrees(wanted.devices, not.devices, [page.device])
            && agrees(wanted.locations, not.locations, Set(page.location.map { [$0] } ?? []))
            && agrees(wanted.audiences, not.audiences, page.hasShopper ? Set(page.audiences) : [])
            && agrees(wanted.shoppers, not.shoppers, kinds)
            && agrees(
                wanted.signedIn.map { [$0] } ?? [], not.signedIn.map { [$0] } ?? [],
                Set(signedIn.map { [$0] } ?? []))
            && wanted.keys.allSatisfy { agrees($0.value, [], Set(page.keys[$0.key] ?? [])) }
            && not.keys.allSatisfy { agrees([], $0.value, Set(page.keys[$0.key] ?? [])) }
            && (wanted.phrases.isEmpty || wanted.phrases.contains { matches($0, page) })
            && !not.phrases.contains { matches($0, page) }
            && (wanted.dayparts.isEmpty || wanted.dayparts.contains { $0.contains(hourOfWeek: hour) })
            && !not.dayparts.contains { $0.contains(hourOfWeek: hour) }
    }

    private func matches(_ target: PhraseTarget, _ page: Page) -> Bool {
        let words = PhraseWords.of(target.phrase)
        let search = PhraseWords.of(page.phrase ?? "")
        switch target.match {
        case .exact: return !words.isEmpty && search == words
        case .contains:
            guard !words.isEmpty, search.count >= words.count else { return false }
            return (0...(search.count - words.count)).contains { Array(search[$0..<($0 + words.count)]) == words }
        }
    }

    // MARK: Page rules

    func isClosedToRival(_ line: SnapshotInput.LineItem, _ placement: SnapshotInput.Placement, _ page: Page) -> Bool {
        var blocks = [placement.competitorBlock]
        if page.pageType == .product, let id = pageProduct(page)?.brandID {
            blocks.append(world.input.brands.first { $0.id == id }?.competitorBlock ?? .none)
        }
        let pageBrands = pageBrands(page)
        guard !pageBrands.isEmpty, let own = brand(line),
            let code = world.input.brands.first(where: { $0.id == own })?.code,
            !pageBrands.contains(code)
        else { return false }
        if blocks.contains(.all) { return true }
        guard blocks.contains(.category), let category = category(line) else { return false }
        let pages = pageCategories(page)
        return withAncestors(pages).contains(category) || !withAncestors([category]).isDisjoint(with: pages)
    }

    /// Code of the category that most of the promoted products have.
    private func category(_ line: SnapshotInput.LineItem) -> String? {
        let products = line.promotedProductIDs.compactMap { id in world.input.products.first { $0.id == id } }
        let categories = products.compactMap(\.categoryIDs.first)
        let counts = Dictionary(categories.map { ($0, 1) }, uniquingKeysWith: +)
        let top = counts.values.max()
        let found = categories.first { counts[$0] == top }
        return world.input.categories.first { $0.id == found }?.code
    }

    /// Campaigns on the page that lack one of their companions.
    func incompleteCampaigns(_ shown: Shown) -> Set<Int32> {
        let there = shown.lines.union(shown.ghosts)
        let companions = world.input.lineItems.filter(\.isCompanion)
        let begun = Set(companions.filter { there.contains($0.id) }.map(\.campaignID))
        return begun.filter { campaign in
            companions.contains { line in
                line.campaignID == campaign && !line.isPaused && world.now >= line.startsAt && world.now < line.endsAt
                    && !there.contains(line.id)
            }
        }
    }

    func brand(_ line: SnapshotInput.LineItem) -> Int32? {
        let products = line.promotedProductIDs.compactMap { id in world.input.products.first { $0.id == id } }
        let brands = products.compactMap(\.brandID)
        let counts = Dictionary(brands.map { ($0, 1) }, uniquingKeysWith: +)
        let top = counts.values.max()
        return brands.first { counts[$0] == top }
    }

    func freeCards(_ candidate: Candidate, _ page: Page, _ shown: Shown) -> [Int32] {
        guard candidate.format.maximumCards > 0 else { return [] }
        return candidate.line.promotedProductIDs.filter {
            !shown.products.contains($0) && availability($0, page) == .buyable
        }
    }

    func conflicts(
        _ candidate: Candidate, _ placement: SnapshotInput.Placement, _ cards: Int, _ shown: Shown
    ) -> Bool {
        if shown.lines.contains(candidate.line.id) { return true }
        if !placement.repeatAdvertiser, shown.advertisers.contains(candidate.line.advertiserID) { return true }
        if !placement.repeatBrand, let brand = brand(candidate.line), shown.brands.contains(brand) { return true }
        return cards < candidate.format.minimumCards
    }
}
