import AdModel
import Profiles

extension Work {
    /// Stamps every attribute that the page has, so that a clause is tested by comparing stamps.
    mutating func mark(_ request: DecisionRequest, _ snapshot: Snapshot) {
        let space = snapshot.space
        pageBlock = 0
        hourOfWeek = Int(min(max(request.minuteOfWeek, 0), 10_079)) / 60
        pageCategories.removeAll()
        stamp(AttributeSpace.any)
        stamp(space.pageType(request.pageType))
        stamp(space.device(request.device))
        for index in slots.indices { stamp(slots[index].attribute) }
        if request.location >= 0, Int(request.location) < snapshot.locations.count {
            stamp(space.locations + request.location)
        }
        var region = request.region
        for _ in 0..<2 where region >= 0 && Int(region) < snapshot.regionParents.count {
            stamp(snapshot.regionAttributes[Int(region)])
            region = snapshot.regionParents[Int(region)]
        }
        for category in request.categories { stampCategory(category, snapshot) }
        var hasBrand = false
        for brand in request.brands where brand >= 0 && Int(brand) < snapshot.brandIDs.count {
            stamp(space.brands + brand)
            hasBrand = true
        }
        for index in request.products where index >= 0 && Int(index) < snapshot.products.count {
            let product = snapshot.products[Int(index)]
            // The page shows it already.
            let place = snapshot.stockPlace(snapshot.lookup.productByID.find(product.id))
            if place >= 0 { productOnPage[Int(place)] = epoch }
            if product.brand >= 0 {
                stamp(space.brands + product.brand)
                hasBrand = true
                if request.pageType == .product {
                    pageBlock = max(pageBlock, snapshot.brandBlocks[Int(product.brand)].level)
                }
            }
            for at in product.firstCategory..<(product.firstCategory + product.categoryCount) {
                stampCategory(snapshot.productCategories[Int(at)], snapshot)
            }
        }
        for audience in request.audiences where audience >= 0 && space.audiences + audience < space.firstNamed {
            stamp(space.audiences + audience)
        }
        for attribute in request.attributes where attribute >= space.firstNamed && attribute < space.count {
            stamp(attribute)
        }
        if let isNew = hasProfile ? profile.session == 1 : request.isNew { stamp(space.shopper(isNew: isNew)) }
        if let signedIn = request.isSignedIn { stamp(space.signedIn(signedIn)) }
        if !snapshot.phrases.isEmpty { markPhrases(request, snapshot) }
        var strictest = pageBlock
        for index in slots.indices { strictest = max(strictest, slots[index].competitorBlock) }
        blocksCompetitors = hasBrand && strictest > 0
    }

    /// Stamps the phrases that the search is, or contains: a walk down the tree of phrases from each of its words.
    private mutating func markPhrases(_ request: DecisionRequest, _ snapshot: Snapshot) {
        let count = min(request.words.count, PhraseWords.limit)
        for start in 0..<count {
            var node: Int32 = 0
            var at = start
            while at < count {
                node = snapshot.phrases.child(node, request.words[at])
                if node < 0 { break }
                at += 1
                let containing = snapshot.phrases.containing[Int(node)]
                if containing >= 0 { stamp(containing) }
                let exact = snapshot.phrases.exact[Int(node)]
                if exact >= 0, start == 0, at == count { stamp(exact) }
            }
        }
    }

    private mutating func stampCategory(_ category: Int32, _ snapshot: Snapshot) {
        guard category >= 0, Int(category) < snapshot.categoryParents.count else { return }
        pageCategories.append(category)
        var at = category
        for _ in 0..<Snapshot.categoryDepth where at >= 0 && Int(at) < snapshot.categoryParents.count {
            stamp(snapshot.space.categories + at)
            at = snapshot.categoryParents[Int(at)]
        }
    }

    @inline(__always)
    private mutating func stamp(_ attribute: Int32) {
        if attributeStamp[Int(attribute)] == epoch { return }
        attributeStamp[Int(attribute)] = epoch
        attributes.append(attribute)
    }
}
