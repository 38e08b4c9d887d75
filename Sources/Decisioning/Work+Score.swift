import AdModel
import ClickModel

/// Scores: what a candidate is worth in a slot, and which can still matter.
extension Work {
    /// How much the shopper cares for what a line item promotes.
    struct Pull {
        /// Multiplies the worth of an impression, and the odds of a click.
        var view: Float = 1
        var interest: Float = 1
        var category: UInt8 = 0
        var brand: UInt8 = 0
    }

    /// The creative that competes for a unit.
    struct Chosen {
        var creative: Int32
        var draw: Int = 0
        /// What was drawn for it.
        var multiplier: Float = 1
    }

    /// Bounds, as postings hold them, below which nothing can displace a kept candidate: 0 while a slot has room. With
    /// the shopper's greatest interest, and with none.
    struct Bar {
        var view: UInt64 = 0
        var click: UInt64 = 0
        var viewBase: UInt64 = 0
        var clickBase: UInt64 = 0
    }

    // MARK: Factors

    /// What the page multiplies the click odds of all creatives of a format by, whatever the slot.
    mutating func pageFactor(_ format: Int32, _ request: DecisionRequest, _ snapshot: Snapshot) -> Float {
        guard snapshot.clicks.isActive else { return 1 }
        let hour = Int(min(max(request.minuteOfWeek, 0), 10_079)) / 60 % 24
        return snapshot.clicks.page(format: format, device: request.device, hour: hour, isKnown: hasProfile)
    }

    /// Makes a slot ready for the candidates of a format.
    mutating func aim(_ index: Int, _ format: Int32, _ page: Float, _ snapshot: Snapshot) {
        let clicks = snapshot.clicks
        if clicks.isActive {
            slots[index].click = page * clicks.slot(placement: slots[index].placement, format: format)
            slots[index].floorClick = clicks.floorFactor(placement: slots[index].placement, format: format)
        } else {
            // By the prior, and by the integer that it was always counted with.
            slots[index].click = 1
            slots[index].floorClick = 1
        }
        let margin = 1 + slots[index].marginWeight * snapshot.greatestMargin
        let growth = Scoring.growth(slots[index].click, greatestOdds: snapshot.greatestOdds) * margin
        // A little more than exact: rounding must not hide an equal.
        slots[index].perView = 0.999_99 / margin
        slots[index].perClick = 0.999_99 / growth
        slots[index].perViewBest = slots[index].perView / bestMultiplier
        slots[index].perClickBest = slots[index].perClick / bestInterest
    }

    mutating func pull(_ line: Snapshot.Line, _ snapshot: Snapshot) -> Pull {
        var pull = Pull()
        if hasProfile {
            pull.view = Scoring.multiplier(
                category: affinity[Int(line.categoryAttribute)], brand: affinity[Int(line.brandAttribute)])
            pull.category = interest[Int(line.categoryAttribute)]
            pull.brand = interest[Int(line.brandAttribute)]
        }
        pull.interest =
            snapshot.clicks.isActive
            ? snapshot.clicks.interest(category: pull.category, brand: pull.brand) : pull.view
        return pull
    }

    /// One of a unit's creatives: by a model the one with the best odds, where doubtful ones have drawn theirs; without
    /// a model in turn.
    mutating func choose(_ unit: Snapshot.Unit, _ mixed: UInt64, _ inputs: Decider.Inputs) -> Chosen {
        let snapshot = inputs.snapshot
        guard snapshot.clicks.isActive else {
            let rotation = unit.creativeCount == 1 ? 0 : Int(mixed &>> 32 & 0xFFFF) % Int(unit.creativeCount)
            return Chosen(creative: snapshot.unitCreatives[Int(unit.firstCreative) + rotation])
        }
        var best = Chosen(creative: -1)
        var bestOdds: Float = -1
        for at in Int(unit.firstCreative)..<(Int(unit.firstCreative) &+ Int(unit.creativeCount)) {
            var chosen = Chosen(creative: snapshot.unitCreatives[at])
            let creative = snapshot.creatives[Int(chosen.creative)]
            if creative.doubt != 0 {
                chosen.draw = ClickTables.draw(inputs.seed, creativeVersionID: creative.versionID)
                chosen.multiplier = ClickTables.multiplier(doubt: creative.doubt, draw: chosen.draw)
            }
            let odds = creative.odds * chosen.multiplier
            if odds > bestOdds {
                best = chosen
                bestOdds = odds
            }
        }
        return best
    }

    // MARK: Bounds

    /// What a posting must promise to matter to any of these slots.
    mutating func bar(_ accepting: UInt32) -> Bar {
        var bar = Bar(view: .max, click: .max, viewBase: .max, clickBase: .max)
        var mask = accepting
        while mask != 0 {
            let index = mask.trailingZeroBitCount
            mask &= mask &- 1
            let slot = slots[index]
            if slot.count < slot.limit { return Bar() }
            let lowest = heapKeys[index &* Self.heapLimit &+ Int(slot.count) &- 1]
            let tier = (lowest &>> 62) &<< 30
            let score = Float(bitPattern: UInt32(truncatingIfNeeded: lowest &>> 31))
            bar.view = min(bar.view, tier | UInt64((score * slot.perViewBest).bitPattern &>> 1))
            bar.click = min(bar.click, tier | UInt64((score * slot.perClickBest).bitPattern &>> 1))
            bar.viewBase = min(bar.viewBase, tier | UInt64((score * slot.perView).bitPattern &>> 1))
            bar.clickBase = min(bar.clickBase, tier | UInt64((score * slot.perClick).bitPattern &>> 1))
        }
        return bar
    }

    /// True when a unit with its own share of the shopper's interests stays below the bar: seen from the posting and
    /// the unit alone, before anything else of it is looked at.
    mutating func cannotReach(_ bar: Bar, _ posting: UInt64, isClick: Bool, _ snapshot: Snapshot) -> Bool {
        let base = Float(bitPattern: UInt32(truncatingIfNeeded: (posting &>> 32) &<< 1) & 0x7FFF_FFFF)
        let unit = Int(posting & 0xFFFF_FFFF)
        let category = Int(snapshot.units[unit].categoryAttribute)
        let brand = Int(snapshot.units[unit].brandAttribute)
        let multiplier: Float
        if isClick, snapshot.clicks.isActive {
            multiplier = snapshot.clicks.interest(category: interest[category], brand: interest[brand])
        } else {
            multiplier = Scoring.multiplier(category: affinity[category], brand: affinity[brand])
        }
        let bound = UInt64((base * multiplier * 1.000_01).bitPattern &>> 1) + 1
        return ((posting &>> 62) &<< 30) | bound < (isClick ? bar.clickBase : bar.viewBase)
    }

    // MARK: Offers

    /// Scores a unit for each slot in `mask` and puts it among the slot's kept candidates, best first, where it belongs.
    /// - Returns: true when a slot kept it.
    mutating func offer(
        _ unit: Int32, _ lineIndex: Int32, _ line: Snapshot.Line, _ chosen: Chosen, _ creative: Snapshot.Creative,
        _ pull: Pull, _ tie: UInt64, _ mask: UInt32
    ) -> Bool {
        var kept = false
        var left = mask
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left &- 1
            let odds = creative.odds * slots[index].click
            let margin = 1 + slots[index].marginWeight * line.margin
            var part = pull.view
            if line.pricing == .cpc {
                part = Scoring.probability(odds: odds * chosen.multiplier, multiplier: pull.interest)
            }
            part *= margin
            let score = line.value * part
            let key = line.tier.precedence << 62 | UInt64(score.bitPattern) << 31 | tie
            let base = index &* Self.heapLimit
            var count = Int(slots[index].count)
            if count == Int(slots[index].limit) {
                if !isBefore(key, unit, base &+ count &- 1) { continue }
                count -= 1
            }
            var at = count
            while at > 0, isBefore(key, unit, base &+ at &- 1) {
                heapKeys[base &+ at] = heapKeys[base &+ at &- 1]
                heapCandidates[base &+ at] = heapCandidates[base &+ at &- 1]
                at -= 1
            }
            heapKeys[base &+ at] = key
            heapCandidates[base &+ at] = Int32(candidates.count)
            slots[index].count = Int32(count &+ 1)
            candidates.append(
                Candidate(
                    unit: unit, line: lineIndex, creative: chosen.creative, score: score, part: part, odds: odds,
                    interest: pull.interest, view: pull.view, category: pull.category, brand: pull.brand,
                    draw: UInt8(truncatingIfNeeded: chosen.draw)))
            kept = true
        }
        return kept
    }

    /// Higher key first; among equal keys the lower unit, so that the order never depends on the walk.
    @inline(__always)
    private mutating func isBefore(_ key: UInt64, _ unit: Int32, _ place: Int) -> Bool {
        let other = heapKeys[place]
        if key != other { return key > other }
        return unit < candidates[Int(heapCandidates[place])].unit
    }
}

extension Snapshot {
    /// Click probability of a creative in a slot, whoever the shopper is, in parts of 2^32: what floors count with.
    public func floorProbability(_ creative: Creative, placement: Int32) -> UInt64 {
        guard clicks.isActive else { return creative.clickProbability }
        return Scoring.parts(
            odds: creative.odds, factor: clicks.floorFactor(placement: placement, format: creative.format))
    }
}
