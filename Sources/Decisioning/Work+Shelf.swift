import AdModel
import Profiles
import Shelves

extension Work {
    /// What a shelf should not be full of, from strict to what is better than a gap.
    private enum Strictness: Int {
        /// One card per variant group, brands and prices as the plan wants them.
        case diverse = 0
        /// One card per variant group.
        case distinct = 1
        /// Anything that can be bought.
        case any = 2
    }

    /// Puts the cards of an ad on the page: the algorithms of the plan in turn over the line item's buyable products,
    /// then what is left in the line item's own order. Brand and price rules give way before the shelf has a gap,
    /// and repeated variants or the page's own product before it has fewer cards than its format needs.
    mutating func fillShelf(
        _ line: Snapshot.Line, _ format: Snapshot.Format, _ request: DecisionRequest, _ inputs: Decider.Inputs,
        _ result: inout DecisionResult
    ) {
        let plan = line.shelf ?? shelf.ofSlot ?? .listed
        let first = result.cards.count
        let most = first + Int(format.maximumCards)
        shelf.candidates.removeAll()
        if plan.mixesPrices { measurePrices(line, inputs) }
        if !plan.isListed {
            if !shelf.isReady { readyShelf(request, inputs) }
            shelf.run += 1
            var place = 0
            while result.cards.count < most, let algorithm = plan.algorithm(place) {
                place += 1
                if shelf.stampedFor != algorithm.rawValue { stamp(algorithm, inputs) }
                let from = shelf.candidates.count
                gather(algorithm, line, inputs)
                for at in from..<shelf.candidates.count where result.cards.count < most {
                    show(shelf.candidates[at].product, .diverse, plan, from: first, most: most, inputs, &result)
                }
            }
        }
        showListed(line, .diverse, plan, from: first, most: most, until: most, inputs, &result)
        if plan.isDiverse {
            for at in shelf.candidates.indices where result.cards.count < most {
                show(shelf.candidates[at].product, .distinct, plan, from: first, most: most, inputs, &result)
            }
            showListed(line, .distinct, plan, from: first, most: most, until: most, inputs, &result)
        }
        showListed(
            line, .any, plan, from: first, most: most, until: first + Int(format.minimumCards), inputs, &result)
    }

    // MARK: What is asked about

    /// The page's products and categories, and the cart: once per decision.
    private mutating func readyShelf(_ request: DecisionRequest, _ inputs: Decider.Inputs) {
        let snapshot = inputs.snapshot
        shelf.isReady = true
        shelf.pageProducts.removeAll()
        shelf.cart.removeAll()
        shelf.categories.removeAll()
        for category in request.categories where category >= 0 { shelf.categories.append(category) }
        let hasCategory = !shelf.categories.isEmpty
        for index in request.products where index >= 0 && Int(index) < snapshot.products.count {
            let product = snapshot.products[Int(index)]
            shelf.pageProducts.append(product.id)
            if hasCategory { continue }
            for at in product.firstCategory..<(product.firstCategory + product.categoryCount) {
                shelf.categories.append(snapshot.productCategories[Int(at)])
            }
        }
        if hasProfile {
            for place in 0..<Profile.cartCapacity {
                let id = profile.cartProduct(place)
                if id != 0 { shelf.cart.append(id) }
            }
            // The page after an order is about what was ordered.
            if request.pageType == .checkoutSuccess {
                let day = profile.boughtDay(0)
                for place in 0..<Profile.purchaseCapacity where profile.boughtDay(place) == day {
                    let id = profile.boughtProduct(place)
                    if id != 0 { shelf.cart.append(id) }
                }
            }
        }
    }

    /// Gives every stocked product that the algorithm points to its score.
    private mutating func stamp(_ algorithm: ShelfAlgorithm, _ inputs: Decider.Inputs) {
        shelf.restamp(algorithm)
        switch algorithm {
        case .popularInCategory, .trendingInCategory: return
        case .similar: stampNeighbours(.similar, ofCartToo: false, inputs)
        case .upsell: stampNeighbours(.upsell, ofCartToo: shelf.pageProducts.isEmpty, inputs)
        case .boughtTogether: stampNeighbours(.boughtTogether, ofCartToo: true, inputs)
        case .recentlyViewed:
            guard hasProfile else { return }
            for place in 0..<Profile.recentCapacity {
                let id = profile.recentProduct(place)
                if id == 0 { return }
                stamp(id, 1 - 0.04 * Float(place), inputs)
            }
        case .personal:
            guard hasProfile else { return }
            var weight: Float = 1
            for place in 0..<Profile.recentCapacity {
                let id = profile.recentProduct(place)
                if id == 0 { return }
                for at in inputs.shelves.range(.similar, of: id) {
                    let neighbour = inputs.shelves.neighbour(.similar, at)
                    stamp(neighbour.productID, neighbour.score * weight, inputs)
                }
                weight *= 0.85
            }
        }
    }

    private mutating func stampNeighbours(
        _ kind: ShelfTables.Kind, ofCartToo: Bool, _ inputs: Decider.Inputs
    ) {
        for at in shelf.pageProducts.indices { stampNeighbours(kind, of: shelf.pageProducts[at], inputs) }
        if !ofCartToo { return }
        for at in shelf.cart.indices { stampNeighbours(kind, of: shelf.cart[at], inputs) }
    }

    private mutating func stampNeighbours(_ kind: ShelfTables.Kind, of seed: Int32, _ inputs: Decider.Inputs) {
        for at in inputs.shelves.range(kind, of: seed) {
            let neighbour = inputs.shelves.neighbour(kind, at)
            stamp(neighbour.productID, neighbour.score, inputs)
        }
    }

    /// Its variants get nearly as much: one of them takes the place of a product that cannot be bought.
    private mutating func stamp(_ productID: Int32, _ score: Float, _ inputs: Decider.Inputs) {
        let place = inputs.snapshot.stockPlace(inputs.snapshot.lookup.productByID.find(productID))
        if place >= 0 { shelf.add(Int(place), score) }
        for at in inputs.shelves.variants(of: productID) {
            let variant = inputs.shelves.variant(at)
            if variant == productID { continue }
            let place = inputs.snapshot.stockPlace(inputs.snapshot.lookup.productByID.find(variant))
            if place >= 0 { shelf.add(Int(place), score * 0.9) }
        }
    }

    // MARK: Ranking

    /// Appends the line item's best products by one algorithm, best first; the first of equals.
    private mutating func gather(
        _ algorithm: ShelfAlgorithm, _ line: Snapshot.Line, _ inputs: Decider.Inputs
    ) {
        let snapshot = inputs.snapshot
        let first = shelf.candidates.count
        let full = first + ShelfWork.candidateLimit
        for at in Int(line.firstProduct)..<Int(line.firstProduct + line.productCount) {
            let index = snapshot.lineProducts[at]
            if index < 0 { continue }
            let place = snapshot.promotedPlace(index)
            if shelf.runs[place] == shelf.run { continue }
            var score = score(algorithm, index, place, inputs)
            if score <= 0 { continue }
            let id = snapshot.products[Int(index)].id
            if shelf.marginWeight > 0 { score *= 1 + shelf.marginWeight * snapshot.products[Int(index)].margin }
            if shelf.candidates.count == full, score <= shelf.candidates[full - 1].score { continue }
            if shelf.isAskedAbout(id) || !canShow(index, inputs) { continue }
            if shelf.candidates.count == full { shelf.candidates.removeLast() }
            var to = shelf.candidates.count
            let candidate = ShelfWork.Candidate(product: index, place: Int32(place), score: score)
            shelf.candidates.append(candidate)
            while to > first, shelf.candidates[to - 1].score < score {
                shelf.candidates[to] = shelf.candidates[to - 1]
                to -= 1
            }
            shelf.candidates[to] = candidate
        }
        for at in first..<shelf.candidates.count { shelf.runs[Int(shelf.candidates[at].place)] = shelf.run }
    }

    /// 0 = the algorithm does not point to the product.
    private func score(
        _ algorithm: ShelfAlgorithm, _ index: Int32, _ place: Int, _ inputs: Decider.Inputs
    ) -> Float {
        let snapshot = inputs.snapshot
        let id = snapshot.products[Int(index)].id
        switch algorithm {
        case .popularInCategory:
            let popularity = inputs.shelves.product(id).popularity
            return popularity > 0 && isInCategory(index, snapshot) ? popularity : 0
        case .trendingInCategory:
            let trend = inputs.shelves.product(id).trend
            return trend > 0 && isInCategory(index, snapshot) ? trend : 0
        case .similar, .recentlyViewed: return shelf.score(place)
        case .boughtTogether:
            if shelf.pageProducts.isEmpty && shelf.cart.isEmpty { return 0 }
            return shelf.score(place) + inputs.shelves.product(id).prior
        case .upsell:
            let score = shelf.score(place)
            return score > 0 && isDearer(place, id, inputs) ? score : 0
        case .personal:
            guard hasProfile else { return 0 }
            var score = shelf.score(place)
            let product = snapshot.products[Int(index)]
            if product.brand >= 0 { score += 0.5 * affinity[Int(snapshot.space.brands + product.brand)] }
            var interest: Float = 0
            for at in product.firstCategory..<(product.firstCategory + product.categoryCount) {
                interest = max(interest, affinity[Int(snapshot.space.categories + snapshot.productCategories[Int(at)])])
            }
            score += 0.5 * interest
            return score * (0.8 + 0.2 * inputs.shelves.product(id).popularity)
        }
    }

    /// Whether a product is of one of the page's categories or of what lies below them.
    private func isInCategory(_ index: Int32, _ snapshot: Snapshot) -> Bool {
        if shelf.categories.isEmpty { return true }
        let product = snapshot.products[Int(index)]
        for at in product.firstCategory..<(product.firstCategory + product.categoryCount) {
            var category = snapshot.productCategories[Int(at)]
            for _ in 0..<Snapshot.categoryDepth where category >= 0 && Int(category) < snapshot.categoryParents.count {
                for at in shelf.categories.indices where shelf.categories[at] == category { return true }
                category = snapshot.categoryParents[Int(category)]
            }
        }
        return false
    }

    /// Whether a product costs more, in this location, than something that is asked about.
    private func isDearer(_ place: Int, _ id: Int32, _ inputs: Decider.Inputs) -> Bool {
        guard let here = inputs.here, place < here.count else { return false }
        let own = here.price(place)
        let isPage = !shelf.pageProducts.isEmpty
        for at in 0..<(isPage ? shelf.pageProducts.count : shelf.cart.count) {
            let seed = isPage ? shelf.pageProducts[at] : shelf.cart[at]
            let other = Int(inputs.snapshot.stockPlace(inputs.snapshot.lookup.productByID.find(seed)))
            var price = here.price(other)
            if price == 0 { price = inputs.shelves.product(seed).price }
            if own > price { return true }
        }
        return false
    }

    // MARK: Showing

    /// Shows the line item's products in their own order until the shelf has `until` cards on the page's list.
    private mutating func showListed(
        _ line: Snapshot.Line, _ strictness: Strictness, _ plan: ShelfPlan, from first: Int, most: Int, until: Int,
        _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) {
        var at = Int(line.firstProduct)
        let end = at + Int(line.productCount)
        while at < end, result.cards.count < until {
            let index = inputs.snapshot.lineProducts[at]
            at += 1
            guard canShow(index, inputs) else { continue }
            if strictness != .any, !plan.isListed, shelf.isAskedAbout(inputs.snapshot.products[Int(index)].id) {
                continue
            }
            show(index, strictness, plan, from: first, most: most, inputs, &result)
        }
    }

    /// Adds a card unless the shelf has it, or has enough of its like.
    private mutating func show(
        _ index: Int32, _ strictness: Strictness, _ plan: ShelfPlan, from first: Int, most: Int,
        _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) {
        let snapshot = inputs.snapshot
        let place = snapshot.promotedPlace(index)
        guard let here = inputs.here, productOnPage[place] != epoch, place < here.count else { return }
        if strictness != .any, !fits(index, place, strictness, plan, from: first, most: most, inputs, result) { return }
        productOnPage[place] = epoch
        let product = snapshot.products[Int(index)]
        snapshot.prefetchFragment(start: product.fragmentStart, count: product.fragmentCount)
        result.cards.append(
            DecisionResult.Card(product: index, price: here.price(place), oldPrice: here.oldPrice(place)))
    }

    private func fits(
        _ index: Int32, _ place: Int, _ strictness: Strictness, _ plan: ShelfPlan, from first: Int, most: Int,
        _ inputs: Decider.Inputs, _ result: DecisionResult
    ) -> Bool {
        let product = inputs.snapshot.products[Int(index)]
        let group = inputs.shelves.group(product.id)
        if group == 0, strictness == .distinct || !plan.isDiverse { return true }
        let band = priceBand(inputs.here?.price(place) ?? 0)
        var ofBrand = 0
        var ofBand = 0
        for at in first..<result.cards.count {
            let card = result.cards[at]
            let other = inputs.snapshot.products[Int(card.product)]
            if group != 0, inputs.shelves.group(other.id) == group { return false }
            if other.brand == product.brand { ofBrand += 1 }
            if priceBand(card.price) == band { ofBand += 1 }
        }
        if strictness == .distinct { return true }
        if plan.perBrand > 0, product.brand >= 0, ofBrand >= Int(plan.perBrand) { return false }
        return !plan.mixesPrices || ofBand < (most - first + 1) / 2
    }

    /// Cheap, middling or dear among what the line item can show.
    private func priceBand(_ price: Int64) -> Int {
        if price < shelf.meanPrice - shelf.meanPrice / 3 { return 0 }
        return price > shelf.meanPrice + shelf.meanPrice / 3 ? 2 : 1
    }

    private mutating func measurePrices(_ line: Snapshot.Line, _ inputs: Decider.Inputs) {
        shelf.meanPrice = 0
        guard let here = inputs.here else { return }
        var count: Int64 = 0
        for at in Int(line.firstProduct)..<Int(line.firstProduct + line.productCount) {
            let index = inputs.snapshot.lineProducts[at]
            guard canShow(index, inputs) else { continue }
            count += 1
            shelf.meanPrice += (here.price(inputs.snapshot.promotedPlace(index)) - shelf.meanPrice) / count
        }
    }
}
