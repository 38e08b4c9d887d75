import AdModel
import ClickModel
import Profiles

extension Work {
    mutating func decide(
        _ request: DecisionRequest, _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) {
        let snapshot = inputs.snapshot
        prepare(snapshot)
        readProfile(request, inputs)
        begin(request, snapshot, inputs.stock, &result)
        decideSlots(request, inputs, &result)
        if snapshot.companions.count > 0 {
            while setIncompleteAside(inputs, result) {
                takeBack(request, inputs, result)
                beginRound()
                begin(request, snapshot, inputs.stock, &result)
                decideSlots(request, inputs, &result)
            }
        }

        for at in affinitySet.indices {
            let key = Int(affinitySet[at])
            affinity[key] = 0
            interest[key] = 0
        }
        affinitySet.removeAll()
    }

    private mutating func decideSlots(
        _ request: DecisionRequest, _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) {
        mark(request, inputs.snapshot)
        var formats: UInt32 = 0
        for index in slots.indices { formats |= slots[index].formats }
        var format: Int32 = 0
        while formats != 0 {
            if formats & 1 != 0 { traverse(format, only: -1, request, inputs, &result) }
            formats &>>= 1
            format += 1
        }
        result.isKnown = hasProfile
        result.isNew = hasProfile ? profile.session == 1 : request.isNew
        for index in slots.indices { fill(index, request, inputs, &result) }
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
        result.stopped.removeAll(keepingCapacity: true)
        result.reasonCounts.removeAll(keepingCapacity: true)
        result.visited = 0
        result.scored = 0
        result.snapshotVersion = snapshot.version
        result.modelVersion = snapshot.clicks.version
        result.isKnown = false
        result.isNew = nil
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
            state.competitorBlock = placement.competitorBlock.level
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
        // A slot keeps as many candidates as it needs, as earlier slots may take from it, and as are explained, of whom
        // the first sets the price.
        for index in slots.indices {
            var limit = slots[index].need + Int32(DecisionResult.loserLimit)
            for earlier in 0..<index where slots[earlier].formats & slots[index].formats != 0 {
                limit += slots[earlier].need
            }
            slots[index].limit = min(limit, Int32(Self.heapLimit))
        }
    }

    private mutating func readProfile(_ request: DecisionRequest, _ inputs: Decider.Inputs) {
        guard request.shopper != 0, let profiles = inputs.profiles else { return }
        profiles.begin(request.shopper, now: inputs.now, into: &profile)
        hasProfile = true
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
    public static let count = 21
}
