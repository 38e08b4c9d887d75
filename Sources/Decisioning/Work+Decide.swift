import AdModel
import ClickModel
import Profiles

extension Work {
    mutating func decide(
        _ request: DecisionRequest, _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) {
        let snapshot = inputs.snapshot
        prepare(snapshot)
        begin(request, snapshot, inputs.stock, &result)
        mark(request, snapshot)
        readProfile(request, inputs)

        var formats: UInt32 = 0
        for slot in slots { formats |= slot.formats }
        var format: Int32 = 0
        while formats != 0 {
            if formats & 1 != 0 { traverse(format, only: -1, request, inputs, &result) }
            formats &>>= 1
            format += 1
        }
        result.isKnown = hasProfile
        for index in slots.indices { fill(index, request, inputs, &result) }

        for key in affinitySet {
            affinity[Int(key)] = 0
            interest[Int(key)] = 0
        }
        affinitySet.removeAll(keepingCapacity: true)
    }

    mutating func refuse(
        _ request: DecisionRequest, _ reason: NoFillReason, _ snapshot: Snapshot, _ stock: StockView,
        _ result: inout DecisionResult
    ) {
        prepare(snapshot)
        begin(request, snapshot, stock, &result)
        for slot in result.slots.indices { result.slots[slot].noFill = reason }
    }

    private mutating func begin(
        _ request: DecisionRequest, _ snapshot: Snapshot, _ stock: StockView, _ result: inout DecisionResult
    ) {
        result.slots.removeAll(keepingCapacity: true)
        result.ads.removeAll(keepingCapacity: true)
        result.cards.removeAll(keepingCapacity: true)
        result.losers.removeAll(keepingCapacity: true)
        result.reasonCounts.removeAll(keepingCapacity: true)
        result.visited = 0
        result.scored = 0
        result.snapshotVersion = snapshot.version
        result.modelVersion = snapshot.clicks.version
        result.isKnown = false
        result.stockVersion = stock.version
        let slotCount = min(request.slots.count, Limits.slots)
        for index in 0..<slotCount {
            let wanted = request.slots[index]
            result.slots.append(DecisionResult.Slot(placement: wanted.placement))
            for _ in 0..<NoFillReason.count { result.reasonCounts.append(0) }
            guard wanted.placement >= 0, Int(wanted.placement) < snapshot.placements.count else { continue }
            let placement = snapshot.placements[Int(wanted.placement)]
            var state = SlotState()
            state.slot = Int32(index)
            state.placement = wanted.placement
            state.attribute = placement.attribute
            state.formats = placement.formats
            state.rank = placement.rank
            state.need = wanted.count > 0 ? min(wanted.count, placement.maxAds) : placement.maxAds
            state.floor = placement.floor
            state.repeatAdvertiser = placement.repeatAdvertiser
            state.repeatBrand = placement.repeatBrand
            state.shelf = placement.shelf
            state.marginWeight = placement.marginWeight
            // By rank, and among equals in the caller's order: an insertion, as there are at most 16.
            var at = slots.count
            slots.append(state)
            while at > 0, slots[at - 1].rank > state.rank {
                slots[at] = slots[at - 1]
                at -= 1
            }
            slots[at] = state
        }
        // A slot keeps as many candidates as it needs, as earlier slots may take from it, and as are explained.
        for index in slots.indices {
            var limit = slots[index].need + Int32(DecisionResult.loserLimit) + 1
            for earlier in 0..<index where slots[earlier].formats & slots[index].formats != 0 {
                limit += slots[earlier].need
            }
            slots[index].limit = min(limit, Int32(Self.heapLimit))
        }
    }

    /// Stamps every attribute that the page has, so that a clause is tested by comparing stamps.
    private mutating func mark(_ request: DecisionRequest, _ snapshot: Snapshot) {
        let space = snapshot.space
        stamp(AttributeSpace.any)
        stamp(space.pageType(request.pageType))
        stamp(space.device(request.device))
        for slot in slots { stamp(slot.attribute) }
        var region = request.region
        for _ in 0..<2 where region >= 0 && Int(region) < snapshot.regionParents.count {
            stamp(snapshot.regionAttributes[Int(region)])
            region = snapshot.regionParents[Int(region)]
        }
        for category in request.categories { stampCategory(category, snapshot) }
        for brand in request.brands where brand >= 0 && Int(brand) < snapshot.brandIDs.count {
            stamp(space.brands + brand)
        }
        for index in request.products where index >= 0 && Int(index) < snapshot.products.count {
            let product = snapshot.products[Int(index)]
            if product.brand >= 0 { stamp(space.brands + product.brand) }
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
        if let signedIn = request.isSignedIn { stamp(space.signedIn(signedIn)) }
        if !snapshot.phrases.isEmpty { markPhrases(request, snapshot) }
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

    private mutating func readProfile(_ request: DecisionRequest, _ inputs: Decider.Inputs) {
        guard request.shopper != 0, let profiles = inputs.profiles else { return }
        profiles.begin(request.shopper, now: inputs.now, into: &profile)
        hasProfile = true
        stamp(inputs.snapshot.space.shopper(isNew: profile.session == 1))
        capFilter = profile.caps.filter
        let now = inputs.now.wholeSeconds
        let snapshot = inputs.snapshot
        var best: (category: Float, brand: Float) = (0, 0)
        // A line item without a matching interest has the factors of none.
        var reach: (category: Float, brand: Float) =
            snapshot.clicks.isActive ? (snapshot.clicks.categories[0], snapshot.clicks.brands[0]) : (1, 1)
        for index in 0..<Affinities.capacity {
            let place = profile.affinities[index]
            if place.key == 0 { continue }
            let key = AffinityKey(raw: place.key)
            let attribute: Int32
            if key.isBrand {
                let brand = snapshot.lookup.brandByID.find(key.id)
                if brand < 0 { continue }
                attribute = snapshot.space.brands + brand
            } else {
                let category = snapshot.lookup.categoryByID.find(key.id)
                if category < 0 { continue }
                attribute = snapshot.space.categories + category
            }
            let strength = place.strength(at: now)
            if key.isBrand {
                best.brand = max(best.brand, strength)
            } else {
                best.category = max(best.category, strength)
            }
            affinity[Int(attribute)] = strength
            let code = Interest.code(strength: strength, age: place.age(at: now))
            interest[Int(attribute)] = code
            if snapshot.clicks.isActive {
                if key.isBrand {
                    reach.brand = max(reach.brand, snapshot.clicks.brands[Int(code)])
                } else {
                    reach.category = max(reach.category, snapshot.clicks.categories[Int(code)])
                }
            }
            affinitySet.append(attribute)
        }
        bestMultiplier = Scoring.multiplier(category: best.category, brand: best.brand)
        bestInterest = snapshot.clicks.isActive ? reach.category * reach.brand : bestMultiplier
    }
}

extension NoFillReason {
    /// Size of the reason counts of one slot.
    public static let count = 20
}
