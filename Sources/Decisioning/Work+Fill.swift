import AdModel
import Measurement
import Profiles

extension Work {
    /// Fills one slot from its kept candidates: the best that the page still allows, then its price by the best
    /// that lost. A slot that ran out of kept candidates while there were more looks again.
    mutating func fill(
        _ index: Int, _ request: DecisionRequest, _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) {
        let slot = Int(slots[index].slot)
        let firstAd = result.ads.count
        let firstLoser = result.losers.count
        var runnerUp: Float = 0
        var ghosts = 0
        var runnerUpFound = false
        winners.removeAll()
        shelf.ofSlot = slots[index].shelf
        shelf.marginWeight = slots[index].marginWeight

        while true {
            let base = index * Self.heapLimit
            for place in base..<(base + Int(slots[index].count)) {
                let candidate = candidates[Int(heapCandidates[place])]
                let unit = inputs.snapshot.units[Int(candidate.unit)]
                let line = inputs.snapshot.lines[Int(candidate.line)]
                var reason = NoFillReason.none
                if isAside(line, inputs) {
                    reason = .companionMissing
                } else if conflicts(unit, line, slots[index], request, inputs) {
                    reason = .pageDuplicate
                } else if unitRefused[Int(candidate.unit)] == epoch {
                    reason = .frequencyCapped
                } else if line.flags.contains(.heldOut), isHeldOut(line, request, inputs) {
                    // Another auction without this campaign goes on; it prices nobody and costs nothing.
                    lineJudged[Int(unit.line)] = UInt64(epoch) << 8 | UInt64(index)
                    if lineGhosted[Int(unit.line)] == epoch {
                        reason = .pageDuplicate
                    } else if isGhost(line, index, firstLoser, inputs, &result) {
                        reason = .holdout
                        lineGhosted[Int(unit.line)] = epoch
                    }
                } else if winners.count < Int(slots[index].need) {
                    reason = take(candidate, unit, line, request, inputs, &result)
                    if reason == .none {
                        winners.append(heapCandidates[place])
                        continue
                    }
                    unitRefused[Int(candidate.unit)] = epoch
                } else if !runnerUpFound {
                    runnerUpFound = true
                    if let last = winners.last,
                        inputs.snapshot.lines[Int(candidates[Int(last)].line)].tier == line.tier
                    {
                        runnerUp = candidate.score
                    }
                }
                if reason != .none { count(reason, 1 << UInt32(index), &result) }
                let loser = DecisionResult.Loser(
                    line: candidate.line, reason: reason, score: candidate.score,
                    parts: candidate.parts(price: line.price))
                let recorded = result.losers.count - firstLoser
                if reason == .holdout {
                    if ghosts == DecisionResult.ghostLimit { continue }
                    ghosts += 1
                    if recorded < DecisionResult.ghostLimit {
                        result.losers.append(loser)
                    } else {
                        replaceLastLoser(by: loser, from: firstLoser, &result)
                    }
                } else if recorded < DecisionResult.loserLimit {
                    result.losers.append(loser)
                }
            }
            let isDone = winners.count == Int(slots[index].need) && runnerUpFound
            // A heap with room has seen every candidate; a full one may have kept others out.
            if isDone || slots[index].count < slots[index].limit { break }
            slots[index].count = 0
            lookAgain(index, request, inputs, &result)
            if slots[index].count == 0 { break }
        }

        price(firstAd, index, runnerUp, inputs, &result)
        result.slots[slot].firstAd = Int32(firstAd)
        result.slots[slot].adCount = Int32(result.ads.count - firstAd)
        result.slots[slot].firstLoser = Int32(firstLoser)
        result.slots[slot].loserCount = Int32(result.losers.count - firstLoser)
        result.slots[slot].noFill = result.ads.count > firstAd ? .none : Self.furthestReason(slot, result)
    }

    /// Whether the shopper must not see the line item's campaign.
    private mutating func isHeldOut(
        _ line: Snapshot.Line, _ request: DecisionRequest, _ inputs: Decider.Inputs
    ) -> Bool {
        inputs.snapshot.holdouts[Int(line.holdout)].holdsOut(request.shopper)
    }

    /// Whether a held-out candidate would have won a place: the slot must have one left beside the winners and the
    /// ghosts of its own campaign.
    private mutating func isGhost(
        _ line: Snapshot.Line, _ index: Int, _ firstLoser: Int, _ inputs: Decider.Inputs,
        _ result: inout DecisionResult
    ) -> Bool {
        var taken = winners.count
        for at in firstLoser..<result.losers.count where result.losers[at].reason == .holdout {
            if inputs.snapshot.lines[Int(result.losers[at].line)].campaignID == line.campaignID { taken += 1 }
        }
        return taken < Int(slots[index].need)
    }

    /// A ghost ad must not be forgotten for the sake of an explanation.
    private mutating func replaceLastLoser(
        by ghost: DecisionResult.Loser, from firstLoser: Int, _ result: inout DecisionResult
    ) {
        var at = result.losers.count - 1
        while at >= firstLoser, result.losers[at].reason == .holdout { at -= 1 }
        guard at >= firstLoser else { return }
        for next in at..<(result.losers.count - 1) { result.losers[next] = result.losers[next + 1] }
        result.losers[result.losers.count - 1] = ghost
    }

    private mutating func lookAgain(
        _ index: Int, _ request: DecisionRequest, _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) {
        var formats = slots[index].formats
        var format: Int32 = 0
        while formats != 0 {
            if formats & 1 != 0 { traverse(format, only: Int32(index), request, inputs, &result) }
            formats &>>= 1
            format += 1
        }
    }

    /// Whether the page as it stands rules a candidate out of a slot.
    mutating func conflicts(
        _ unit: Snapshot.Unit, _ line: Snapshot.Line, _ slot: SlotState, _ request: DecisionRequest,
        _ inputs: Decider.Inputs
    ) -> Bool {
        if lineOnPage[Int(unit.line)] == epoch { return true }
        if !slot.repeatAdvertiser, advertiserOnPage[Int(line.advertiser)] == epoch { return true }
        if !slot.repeatBrand, line.brandAttribute != 0, brandOnPage[Int(line.brandAttribute)] == epoch { return true }
        let format = inputs.snapshot.formats[Int(unit.format)]
        guard format.minimumCards > 0 else { return false }
        var free: Int32 = 0
        for at in Int(line.firstProduct)..<Int(line.firstProduct + line.productCount)
        where canShow(inputs.snapshot.lineProducts[at], inputs) {
            free += 1
            if free >= format.minimumCards { return false }
        }
        return true
    }

    mutating func canShow(_ product: Int32, _ inputs: Decider.Inputs) -> Bool {
        guard let here = inputs.here, product >= 0 else { return false }
        let place = inputs.snapshot.promotedPlace(product)
        if productOnPage[place] == epoch { return false }
        return here.availability(place, freshSince: inputs.freshSince) == .buyable
    }

    /// Makes a candidate a winner: takes its own bid from the lease and counts its caps, then puts it on the page.
    private mutating func take(
        _ candidate: Candidate, _ unit: Snapshot.Unit, _ line: Snapshot.Line, _ request: DecisionRequest,
        _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) -> NoFillReason {
        var reserved: Int64 = 0
        let weight = candidate.weight(line.pricing)
        if line.flags.contains(.needsLease) {
            reserved = Scoring.reserve(line.unitBid, pricing: line.pricing, weight: weight)
            guard let cell = inputs.leases[line.id], cell.pointee.reserve(reserved, now: inputs.now) else {
                return .leaseExhausted
            }
        }
        if hasProfile, line.flags.contains(.capped), let profiles = inputs.profiles {
            let claimed = profiles.claim(
                request.shopper, lineItemID: line.id, lineLimits: line.caps, advertiserID: line.advertiserID,
                advertiserLimits: inputs.snapshot.advertisers[Int(line.advertiser)].caps, now: inputs.now)
            if !claimed {
                if reserved > 0 { inputs.budget.release(line.id, Micros(reserved)) }
                return .frequencyCapped
            }
        }
        let creative = inputs.snapshot.creatives[Int(candidate.creative)]
        inputs.snapshot.prefetchFragment(start: creative.fragmentStart, count: creative.fragmentCount)
        let firstCard = result.cards.count
        let format = inputs.snapshot.formats[Int(unit.format)]
        if format.maximumCards > 0 { fillShelf(line, format, request, inputs, &result) }
        lineOnPage[Int(unit.line)] = epoch
        advertiserOnPage[Int(line.advertiser)] = epoch
        if line.brandAttribute != 0 { brandOnPage[Int(line.brandAttribute)] = epoch }
        result.ads.append(
            DecisionResult.Ad(
                line: candidate.line, creative: candidate.creative, ad: UInt8(truncatingIfNeeded: result.ads.count),
                position: UInt8(truncatingIfNeeded: winners.count), price: 0, reserved: reserved,
                score: candidate.score, weight: weight, scoreWeight: candidate.scoreWeight,
                parts: candidate.parts(price: line.price), firstCard: Int32(firstCard),
                cardCount: Int32(result.cards.count - firstCard)))
        return .none
    }

    /// Prices the winners of a slot by the best candidate that lost it. Only the lowest tier among them had a rival:
    /// a rival of a higher tier would have won its place.
    private func price(
        _ firstAd: Int, _ index: Int, _ runnerUp: Float, _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) {
        guard let last = result.ads.indices.last, last >= firstAd else { return }
        let lowestTier = inputs.snapshot.lines[Int(result.ads[last].line)].tier
        for at in firstAd...last {
            let ad = result.ads[at]
            let line = inputs.snapshot.lines[Int(ad.line)]
            if line.flags.contains(.costsNothing) { continue }
            let creative = inputs.snapshot.creatives[Int(ad.creative)]
            let floor = Scoring.unitFloor(
                slots[index].floor, pricing: line.pricing,
                clickProbability: inputs.snapshot.floorProbability(creative, placement: slots[index].placement))
            let price = Scoring.price(
                runnerUp: line.tier == lowestTier ? runnerUp : 0, weight: ad.scoreWeight,
                floor: min(floor, line.unitBid),
                bid: line.unitBid)
            result.ads[at].price = price
            if ad.reserved > 0 {
                let needed = Scoring.reserve(price, pricing: line.pricing, weight: ad.weight)
                inputs.leases[line.id]?.pointee.release(ad.reserved - needed)
                result.ads[at].reserved = needed
            }
        }
    }

    private static func furthestReason(_ slot: Int, _ result: DecisionResult) -> NoFillReason {
        var furthest = NoFillReason.noCandidate
        for reason in NoFillReason.allCases where reason != .notTargeted && reason.stage > furthest.stage {
            if result.reasonCounts[slot * NoFillReason.count + Int(reason.rawValue)] > 0 { furthest = reason }
        }
        return furthest
    }
}
