import AdModel
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
        var accepting: UInt32 = 0
        for index in slots.indices where slots[index].formats & (1 << UInt32(format)) != 0 {
            if only < 0 || Int(only) == index { accepting |= 1 << UInt32(index) }
        }
        if inputs.search == .exhaustive {
            for unit in snapshot.units.indices where snapshot.units[unit].format == format {
                result.visited &+= 1
                _ = consider(unit, accepting, isFirstLook: only < 0, request, inputs, &result)
            }
            return
        }
        var lowest = lowestKept(accepting)
        var threshold = scaled(lowest)
        for list in lists {
            var at = Int(list.start)
            let end = Int(list.end)
            while at < end {
                let posting = snapshot.postings[at]
                if posting &>> 32 < threshold { break }
                at += 1
                let unit = Int(posting & 0xFFFF_FFFF)
                if unitVisited[unit] == traversal { continue }
                unitVisited[unit] = traversal
                result.visited &+= 1
                if lowest != 0, hasProfile, cannotReach(lowest, posting, snapshot) { continue }
                if consider(unit, accepting, isFirstLook: only < 0, request, inputs, &result) {
                    lowest = lowestKept(accepting)
                    threshold = scaled(lowest)
                }
            }
        }
    }

    /// Posting ranges of the page's attributes, longest first: the long lists raise the threshold soonest.
    private mutating func collectLists(_ format: Int32, _ formatCount: Int32, _ snapshot: Snapshot) {
        lists.removeAll(keepingCapacity: true)
        for attribute in attributes {
            let list = Int(attribute &* formatCount &+ format)
            let start = snapshot.postingStarts[list]
            let end = snapshot.postingStarts[list + 1]
            if start == end { continue }
            var at = lists.count
            lists.append((start, end))
            while at > 0, lists[at - 1].end &- lists[at - 1].start < end &- start {
                lists[at] = lists[at - 1]
                at -= 1
            }
            lists[at] = (start, end)
        }
    }

    /// Bound below which a posting cannot displace the candidate of key `lowest`, whatever the shopper's interests.
    private mutating func scaled(_ lowest: UInt64) -> UInt64 {
        let score = Float(bitPattern: UInt32(truncatingIfNeeded: lowest &>> 31) & 0x7FFF_FFFF)
        // A little lower than exact: rounding must not hide an equal.
        let base = score / bestMultiplier * 0.999_99
        return ((lowest &>> 62) &<< 30) | UInt64(base.bitPattern &>> 1)
    }

    /// True when a unit with its own share of the shopper's interests stays below `lowest`: seen from the posting and
    /// the line item alone, before anything else of it is looked at.
    private mutating func cannotReach(_ lowest: UInt64, _ posting: UInt64, _ snapshot: Snapshot) -> Bool {
        let base = Float(bitPattern: UInt32(truncatingIfNeeded: (posting &>> 32) &<< 1) & 0x7FFF_FFFF)
        let line = Int(snapshot.units[Int(posting & 0xFFFF_FFFF)].line)
        let multiplier = Scoring.multiplier(
            category: affinity[Int(snapshot.lines[line].categoryAttribute)],
            brand: affinity[Int(snapshot.lines[line].brandAttribute)])
        let bound = UInt64((base * multiplier * 1.000_01).bitPattern &>> 1) + 1
        return ((posting &>> 62) &<< 30) | bound < lowest &>> 32
    }

    /// The lowest key that all of these slots still keep; 0 while one of them has room.
    private mutating func lowestKept(_ accepting: UInt32) -> UInt64 {
        var lowest = UInt64.max
        var mask = accepting
        while mask != 0 {
            let index = mask.trailingZeroBitCount
            mask &= mask &- 1
            if slots[index].count < slots[index].limit { return 0 }
            lowest = min(lowest, heapKeys[index &* Self.heapLimit &+ Int(slots[index].count) &- 1])
        }
        return lowest
    }

    /// Verifies, scores and offers one unit.
    /// - Returns: true when a slot kept it.
    private mutating func consider(
        _ unitIndex: Int, _ accepting: UInt32, isFirstLook: Bool, _ request: DecisionRequest,
        _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) -> Bool {
        let snapshot = inputs.snapshot
        let unit = snapshot.units[unitIndex]
        let line = snapshot.lines[Int(unit.line)]
        guard isTargeted(line, request, snapshot) else {
            if isFirstLook { count(.notTargeted, accepting, &result) }
            return false
        }
        var mask = line.slotClauseCount == 0 ? accepting : slotsTargeted(line, accepting, snapshot)
        if mask == 0 {
            if isFirstLook { count(.notTargeted, accepting, &result) }
            return false
        }
        if blocksCompetitors, line.brandAttribute != 0, attributeStamp[Int(line.brandAttribute)] != epoch {
            let blocked = slotsClosedToRivals(line, mask, snapshot)
            if blocked != 0 {
                if isFirstLook { count(.competitorBlocked, blocked, &result) }
                mask &= ~blocked
                if mask == 0 { return false }
            }
        }
        if !isFirstLook {
            // A second look wants only what may still be shown.
            if unitRefused[unitIndex] == epoch { return false }
            let index = mask.trailingZeroBitCount
            if lineJudged[Int(unit.line)] == UInt64(epoch) << 8 | UInt64(index) { return false }
            if isAside(line, inputs) {
                countOnce(.companionMissing, index, &result)
                return false
            }
            if conflicts(unit, line, slots[index], request, inputs) {
                countOnce(.pageDuplicate, index, &result)
                return false
            }
        }
        let reason = Self.servability(unit, line, inputs)
        if reason != .none {
            if isFirstLook { count(reason, mask, &result) }
            return false
        }
        let mixed = Scoring.mix(inputs.seed, line.id)
        let rotation = unit.creativeCount == 1 ? 0 : Int32(mixed &>> 32 & 0xFFFF) % unit.creativeCount
        let creativeIndex = snapshot.unitCreatives[Int(unit.firstCreative + rotation)]
        let creative = snapshot.creatives[Int(creativeIndex)]
        let multiplier =
            hasProfile
            ? Scoring.multiplier(
                category: affinity[Int(line.categoryAttribute)], brand: affinity[Int(line.brandAttribute)]) : 1
        let weight = Scoring.weight(line.pricing, odds: creative.odds, multiplier: multiplier)

        if !line.flags.contains(.costsNothing) {
            let below = slotsBelowFloor(line, creative, mask)
            if below != 0 {
                if isFirstLook { count(.belowFloor, below, &result) }
                mask &= ~below
                if mask == 0 { return false }
            }
        }
        let late = lateChecks(unit, line, weight, mixed, request, inputs)
        if late != .none {
            if isFirstLook { count(late, mask, &result) }
            return false
        }
        result.scored &+= 1
        let score =
            line.pricing == .cpc
            ? line.value * Scoring.probability(odds: creative.odds, multiplier: multiplier) : line.value * multiplier
        let key = line.tier.precedence << 62 | UInt64(score.bitPattern) << 31 | mixed & 0x7FFF_FFFF
        let candidate = Int32(candidates.count)
        candidates.append(
            Candidate(
                unit: Int32(unitIndex), line: unit.line, creative: creativeIndex, score: score, weight: weight))
        return offer(candidate, key, mask)
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

    private mutating func slotsBelowFloor(_ line: Snapshot.Line, _ creative: Snapshot.Creative, _ mask: UInt32)
        -> UInt32
    {
        // Expected charges of 1,000 impressions without regard to the shopper, rounded down.
        let wide = UInt64(line.bid).multipliedFullWidth(by: line.pricing == .cpc ? creative.clickProbability : 0)
        let perThousand = line.pricing == .cpm ? line.bid : Int64((wide.high << 32 | wide.low >> 32) &* 1_000)
        var below: UInt32 = 0
        var left = mask
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left &- 1
            if perThousand < slots[index].floor { below |= 1 << UInt32(index) }
        }
        return below
    }

    // Methods that only read are `mutating` too: a copy of the working memory would cost more than they do.

    /// The checks that cost most, in the order of the pipeline: stock, budget, pacing, caps.
    private mutating func lateChecks(
        _ unit: Snapshot.Unit, _ line: Snapshot.Line, _ weight: UInt64, _ mixed: UInt64, _ request: DecisionRequest,
        _ inputs: Decider.Inputs
    ) -> NoFillReason {
        let format = inputs.snapshot.formats[Int(unit.format)]
        if line.productCount > 0 || format.minimumCards > 0 {
            let reason = Self.stockReason(line, max(format.minimumCards, 1), inputs)
            if reason != .none { return reason }
        }
        if line.flags.contains(.hasGoal), inputs.budget.isGoalReached(line.id) { return .goalReached }
        if line.flags.contains(.needsLease) {
            let most = Scoring.reserve(line.unitBid, pricing: line.pricing, weight: weight)
            let reason = inputs.budget.reasonAgainst(line.id, most, now: inputs.now)
            if reason != .none { return reason }
        }
        if line.flags.contains(.paced) {
            // Other bits than those that break ties.
            if UInt32(truncatingIfNeeded: mixed &>> 31) > inputs.budget.passShare(line.id) { return .paced }
        }
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
        _ line: Snapshot.Line, _ wanted: Int32, _ inputs: Decider.Inputs
    ) -> NoFillReason {
        guard let here = inputs.here else { return .outOfStock }
        var buyable: Int32 = 0
        var stale: Int32 = 0
        for at in Int(line.firstProduct)..<Int(line.firstProduct + line.productCount) {
            let place = inputs.snapshot.promotedPlace(inputs.snapshot.lineProducts[at])
            switch here.availability(Int32(truncatingIfNeeded: place), freshSince: inputs.freshSince) {
            case .buyable:
                buyable += 1
                if buyable >= wanted { return .none }
            case .stale: stale += 1
            case .absent: break
            }
        }
        return buyable + stale >= wanted ? .stockStale : .outOfStock
    }

    /// Inserts a candidate into the heaps of the slots in `mask`, each sorted best first.
    private mutating func offer(_ candidate: Int32, _ key: UInt64, _ mask: UInt32) -> Bool {
        var kept = false
        var left = mask
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left &- 1
            let base = index &* Self.heapLimit
            var count = Int(slots[index].count)
            if count == Int(slots[index].limit) {
                if !isBefore(key, candidate, base &+ count &- 1) { continue }
                count -= 1
            }
            var at = count
            while at > 0, isBefore(key, candidate, base &+ at &- 1) {
                heapKeys[base &+ at] = heapKeys[base &+ at &- 1]
                heapCandidates[base &+ at] = heapCandidates[base &+ at &- 1]
                at -= 1
            }
            heapKeys[base &+ at] = key
            heapCandidates[base &+ at] = candidate
            slots[index].count = Int32(count &+ 1)
            kept = true
        }
        return kept
    }

    /// Higher key first; among equal keys the lower unit, so that the order never depends on the walk.
    @inline(__always)
    private mutating func isBefore(_ key: UInt64, _ candidate: Int32, _ place: Int) -> Bool {
        let other = heapKeys[place]
        if key != other { return key > other }
        return candidates[Int(candidate)].unit < candidates[Int(heapCandidates[place])].unit
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
