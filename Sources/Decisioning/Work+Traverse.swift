import AdModel
import Measurement
import Profiles

extension Work {
    /// Offers every line item of one format that may still win to the slots that accept it: each list of the page's
    /// attributes is walked in falling order of bound until nothing in it can displace a kept candidate.
    /// - Parameter only: index in `slots` of the one slot to look again for, -1 for the first look at all slots.
    mutating func traverse(
        _ format: Int32, only: Int32, _ request: DecisionRequest, _ inputs: Decider.Inputs,
        _ result: inout DecisionResult
    ) {
        let snapshot = inputs.snapshot
        let formatCount = Int32(max(snapshot.formats.count, 1))
        traversal += 1
        collectLists(format, formatCount, snapshot)
        let click = pageFactor(format, request, snapshot)
        var accepting: UInt32 = 0
        for index in slots.indices where slots[index].formats & (1 << UInt32(format)) != 0 {
            if only < 0 || Int(only) == index {
                accepting |= 1 << UInt32(index)
                aim(index, format, click, snapshot)
            }
        }
        if inputs.search == .exhaustive {
            for unit in snapshot.units.indices where Int32(snapshot.units[unit].format) == format {
                if !request.among.isEmpty, !request.among.contains(snapshot.units[unit].line) { continue }
                result.visited &+= 1
                _ = consider(unit, accepting, isFirstLook: only < 0, request, inputs, &result)
            }
            return
        }
        var bar = bar(accepting)
        for index in lists.indices {
            let list = lists[index]
            var at = Int(list.start)
            let end = Int(list.end)
            while at < end {
                let posting = snapshot.postings[at]
                if posting &>> 32 < (list.isClick ? bar.click : bar.view) { break }
                at += 1
                let unit = Int(posting & 0xFFFF_FFFF)
                if unitVisited[unit] == traversal { continue }
                unitVisited[unit] = traversal
                result.visited &+= 1
                if hasProfile, bar.view != 0, cannotReach(bar, posting, isClick: list.isClick, snapshot) { continue }
                if consider(unit, accepting, isFirstLook: only < 0, request, inputs, &result) {
                    bar = self.bar(accepting)
                }
            }
        }
    }

    /// Posting ranges of the page's attributes, longest first: the long lists raise the threshold soonest.
    private mutating func collectLists(_ format: Int32, _ formatCount: Int32, _ snapshot: Snapshot) {
        lists.removeAll()
        for index in attributes.indices {
            let attribute = attributes[index]
            let list = 2 &* Int(attribute &* formatCount &+ format)
            let start = snapshot.postingStarts[list]
            let middle = snapshot.postingStarts[list + 1]
            let end = snapshot.postingStarts[list + 2]
            if start != middle { addList(start, middle, isClick: false) }
            if middle != end { addList(middle, end, isClick: true) }
        }
    }

    private mutating func addList(_ start: Int32, _ end: Int32, isClick: Bool) {
        var at = lists.count
        lists.append(PostingRange(start: start, end: end, isClick: isClick))
        while at > 0, lists[at - 1].end &- lists[at - 1].start < end &- start {
            lists[at] = lists[at - 1]
            at -= 1
        }
        lists[at] = PostingRange(start: start, end: end, isClick: isClick)
    }

    /// Verifies, scores and offers one unit.
    /// - Returns: true when a slot kept it.
    private mutating func consider(
        _ unitIndex: Int, _ accepting: UInt32, isFirstLook: Bool, _ request: DecisionRequest,
        _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) -> Bool {
        let snapshot = inputs.snapshot
        let unit = snapshot.units[unitIndex]
        guard isTargeted(unit, isFound: inputs.search == .indexed, snapshot) else {
            if isFirstLook { count(.notTargeted, accepting, &result) }
            return false
        }
        var mask = unit.slotClauseCount == 0 ? accepting : slotsTargeted(unit, accepting, snapshot)
        if mask == 0 {
            if isFirstLook { count(.notTargeted, accepting, &result) }
            return false
        }
        if blocksCompetitors, unit.brandAttribute != 0, attributeStamp[Int(unit.brandAttribute)] != epoch {
            let blocked = slotsClosedToRivals(unit, mask, snapshot)
            if blocked != 0 {
                if isFirstLook { count(.competitorBlocked, blocked, &result) }
                mask &= ~blocked
                if mask == 0 { return false }
            }
        }
        if !isFirstLook {
            // A second look wants only what may still be shown.
            if unitRefused[unitIndex] == epoch { return false }
            let judged = UInt64(epoch) << 8 | UInt64(mask.trailingZeroBitCount)
            if lineJudged[Int(unit.line)] == judged { return false }
            if lineOnPage[Int(unit.line)] == epoch {
                // It has passed everything below, and taken of its budget.
                countOnce(.pageDuplicate, mask.trailingZeroBitCount, &result)
                return false
            }
        }
        let line = snapshot.lines[Int(unit.line)]
        let reason = Self.servability(unit, line, inputs)
        if reason != .none {
            if isFirstLook { count(reason, mask, &result) }
            return false
        }
        let mixed = Scoring.mix(inputs.seed, line.id)
        let chosen = choose(unit, mixed, inputs)
        let creative = snapshot.creatives[Int(chosen.creative)]
        if !line.flags.contains(.costsNothing) {
            let below = slotsBelowFloor(line, creative, mask, isPredicted: snapshot.clicks.isActive)
            if below != 0 {
                if isFirstLook { count(.belowFloor, below, &result) }
                mask &= ~below
                if mask == 0 { return false }
            }
        }
        if line.productCount > 0 || inputs.snapshot.formats[Int(unit.format)].minimumCards > 0 {
            let wanted = max(inputs.snapshot.formats[Int(unit.format)].minimumCards, 1)
            let reason = Self.stockReason(unit, line, wanted, inputs)
            if reason != .none {
                if isFirstLook {
                    count(reason, mask, &result)
                    stop(unit.line, reason, mask, &result)
                }
                return false
            }
        }
        if line.flags.contains(.hasGoal), inputs.leases[line.id]?.pointee.isGoalReached == true {
            if isFirstLook {
                count(.goalReached, mask, &result)
                stop(unit.line, .goalReached, mask, &result)
            }
            return false
        }
        let pull = pull(line, snapshot)
        if line.flags.contains(.needsLease) {
            let wanted = mask
            mask = slotsWithBudget(line, creative, pull, mask, isFirstLook, inputs, &result)
            if mask != wanted, isFirstLook {
                let isSpent = inputs.budget.state(line.id) == .budgetExhausted
                stop(unit.line, isSpent ? .budgetExhausted : .leaseExhausted, wanted & ~mask, &result)
            }
            if mask == 0 { return false }
        }
        let late = lateChecks(line, mixed, request, inputs)
        if late != .none {
            if isFirstLook {
                count(late, mask, &result)
                stop(unit.line, late, mask, &result)
            }
            return false
        }
        if !isFirstLook {
            // Only of what could be shown is it told that the page leaves it out.
            let index = mask.trailingZeroBitCount
            if isAside(line, inputs) {
                countOnce(.companionMissing, index, &result)
                return false
            }
            if conflicts(unit, line, slots[index], request, inputs) {
                countOnce(.pageDuplicate, index, &result)
                return false
            }
        }
        result.scored &+= 1
        return offer(Int32(unitIndex), unit.line, line, chosen, creative, pull, mixed & 0x7FFF_FFFF, mask)
    }

    /// Remembers the first line items that fit the page and were stopped.
    private mutating func stop(
        _ line: Int32, _ reason: NoFillReason, _ mask: UInt32, _ result: inout DecisionResult
    ) {
        if result.stopped.count == DecisionRecord.Detail.stoppedLimit { return }
        var bits: UInt16 = 0
        var left = mask
        while left != 0 {
            bits |= 1 &<< UInt16(truncatingIfNeeded: slots[left.trailingZeroBitCount].slot)
            left &= left &- 1
        }
        result.stopped.append(DecisionResult.Stopped(line: line, reason: reason, slots: bits))
    }

    private static func servability(_ unit: Snapshot.Unit, _ line: Snapshot.Line, _ inputs: Decider.Inputs)
        -> NoFillReason
    {
        if line.flags.contains(.paused) { return .paused }
        if line.flags.contains(.unapproved) { return .notApproved }
        if unit.creativeCount == 0 { return .noErid }
        if inputs.now.micros < line.startsAt || inputs.now.micros >= line.endsAt { return .outsideFlight }
        return .none
    }

    private mutating func slotsBelowFloor(
        _ line: Snapshot.Line, _ creative: Snapshot.Creative, _ mask: UInt32, isPredicted: Bool
    ) -> UInt32 {
        var below: UInt32 = 0
        var left = mask
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left &- 1
            if slots[index].floor == 0 { continue }
            // Expected charges of 1,000 impressions without regard to the shopper, rounded down.
            var perThousand = line.bid
            if line.pricing == .cpc {
                let probability =
                    isPredicted
                    ? Scoring.parts(odds: creative.odds, factor: slots[index].floorClick) : creative.clickProbability
                let wide = UInt64(line.bid).multipliedFullWidth(by: probability)
                perThousand = Int64((wide.high << 32 | wide.low >> 32) &* 1_000)
            }
            if perThousand < slots[index].floor { below |= 1 << UInt32(index) }
        }
        return below
    }

    // Methods that only read are `mutating` too: a copy of the working memory would cost more than they do.

    /// The slots of `mask` that the line item's lease is enough for: one may expect more clicks than another.
    private mutating func slotsWithBudget(
        _ line: Snapshot.Line, _ creative: Snapshot.Creative, _ pull: Pull, _ mask: UInt32, _ isFirstLook: Bool,
        _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) -> UInt32 {
        var left = mask
        if line.pricing != .cpc {
            let reason = Self.budgetReason(line.id, line.unitBid, inputs)
            if reason == .none { return mask }
            if isFirstLook { count(reason, mask, &result) }
            return 0
        }
        var mask = mask
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left &- 1
            let weight = Scoring.weight(.cpc, odds: creative.odds * slots[index].click, multiplier: pull.interest)
            let most = Scoring.reserve(line.unitBid, pricing: .cpc, weight: weight)
            let reason = Self.budgetReason(line.id, most, inputs)
            if reason == .none { continue }
            if isFirstLook { count(reason, 1 << UInt32(index), &result) }
            mask &= ~(1 << UInt32(index))
        }
        return mask
    }

    @inline(__always)
    private static func budgetReason(_ lineItemID: Int32, _ amount: Int64, _ inputs: Decider.Inputs) -> NoFillReason {
        guard let cell = inputs.leases[lineItemID] else { return .leaseExhausted }
        return cell.pointee.reasonAgainst(amount, now: inputs.now)
    }

    /// The checks that cost most: pacing and caps.
    private mutating func lateChecks(
        _ line: Snapshot.Line, _ mixed: UInt64, _ request: DecisionRequest, _ inputs: Decider.Inputs
    ) -> NoFillReason {
        if line.flags.contains(.paced) {
            // Other bits than those that break ties.
            if UInt32(truncatingIfNeeded: mixed &>> 31) > inputs.leases[line.id]?.pointee.passShare ?? .max {
                return .paced
            }
        }
        if !request.countsCaps, line.flags.contains(.capped) { return .capsElsewhere }
        if hasProfile, line.flags.contains(.capped), CapCounters.mayHold(line.id, line.advertiserID, capFilter) {
            let now = inputs.now.wholeSeconds
            let session = profile.session
            if !profile.caps.allows(.lineItem(line.id), line.caps, now: now, session: session)
                || !profile.caps.allows(
                    .advertiser(line.advertiserID), inputs.snapshot.advertisers[Int(line.advertiser)].caps, now: now,
                    session: session)
            {
                return .frequencyCapped
            }
        }
        return .none
    }

    private static func stockReason(
        _ unit: Snapshot.Unit, _ line: Snapshot.Line, _ wanted: Int32, _ inputs: Decider.Inputs
    ) -> NoFillReason {
        guard let here = inputs.here else { return .outOfStock }
        if wanted == 1, here.availability(Int(unit.firstPlace), freshSince: inputs.freshSince) == .buyable {
            return .none
        }
        var buyable: Int32 = 0
        var stale: Int32 = 0
        for at in Int(line.firstProduct)..<Int(line.firstProduct + line.productCount) {
            let place = inputs.snapshot.promotedPlace(inputs.snapshot.lineProducts[at])
            switch here.availability(place, freshSince: inputs.freshSince) {
            case .buyable:
                buyable += 1
                if buyable >= wanted { return .none }
            case .stale: stale += 1
            case .absent: break
            }
        }
        return buyable + stale >= wanted ? .stockStale : .outOfStock
    }

    /// Counts what a second look passes over, if the first look has not: it counted those it kept.
    private mutating func countOnce(_ reason: NoFillReason, _ index: Int, _ result: inout DecisionResult) {
        let place = Int(slots[index].slot) &* NoFillReason.count &+ Int(reason.rawValue)
        if result.reasonCounts[place] == 0 { result.reasonCounts[place] = 1 }
    }

    mutating func count(_ reason: NoFillReason, _ mask: UInt32, _ result: inout DecisionResult) {
        var left = mask
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left &- 1
            result.reasonCounts[Int(slots[index].slot) &* NoFillReason.count &+ Int(reason.rawValue)] &+= 1
        }
    }
}
