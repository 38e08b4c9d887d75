import AdModel
import ClickModel
import Profiles

extension SnapshotBuilder {
    /// Makes a line item the one at `index`: the next one, or in place of what is there.
    mutating func put(_ line: SnapshotInput.LineItem, index: Int32) throws(SnapshotError) {
        let advertiser = lookup.advertiserByID.find(line.advertiserID)
        guard advertiser >= 0 else {
            throw SnapshotError(
                code: "unknown_reference",
                message: "line item \(line.id) belongs to advertiser \(line.advertiserID), which is not there")
        }
        let firstProduct = Int32(lineProducts.count)
        for id in line.promotedProductIDs {
            let product = lookup.productByID.find(id)
            if product >= 0 { lineProducts.append(stocked(product)) }
        }
        // A promoted product that is no longer in the catalogue cannot be bought: the list keeps its length of at
        // least one, so that the line item does not turn into one that promotes nothing in particular.
        if !line.promotedProductIDs.isEmpty, Int32(lineProducts.count) == firstProduct { lineProducts.append(-1) }

        let costsNothing = line.pricing == .fixed || line.tier == .house
        var flags: Snapshot.LineFlags = []
        if line.isPaused { flags.insert(.paused) }
        if !line.isApproved || !line.hasKKTU { flags.insert(.unapproved) }
        if line.needsLease, !costsNothing { flags.insert(.needsLease) }
        if line.isPacedEvenly { flags.insert(.paced) }
        if !line.caps.isNone || !advertisers[Int(advertiser)].caps.isNone { flags.insert(.capped) }
        if costsNothing { flags.insert(.costsNothing) }
        if line.goalImpressions != nil { flags.insert(.hasGoal) }
        if line.isCompanion {
            flags.insert(.companion)
            companionLines[line.campaignID, default: []].append(index)
        }
        let holdout = Int32(holdouts.count)
        if let own = line.holdout, own.share > 0 {
            flags.insert(.heldOut)
            holdouts.append(own)
        }

        let value: Float =
            switch line.pricing {
            case .cpm: Float(line.bid.value) / 1_000
            case .cpc: Float(line.bid.value)
            case .fixed: Float(line.bid.value) / Float(max(line.expectedImpressions, 1))
            }
        let unitBid = costsNothing ? 0 : line.pricing == .cpm ? line.bid.value / 1_000 : line.bid.value
        let targeting = addClauses(line.targeting)
        let affinity = affinityAttributes(firstProduct..<Int32(lineProducts.count))
        let built =
            Snapshot.Line(
                id: line.id, campaignID: line.campaignID, advertiserID: line.advertiserID, advertiser: advertiser,
                tier: line.tier, pricing: line.pricing, flags: flags, bid: line.bid.value, unitBid: unitBid,
                value: value, startsAt: line.startsAt.micros, endsAt: line.endsAt.micros,
                firstProduct: firstProduct, productCount: Int32(lineProducts.count) - firstProduct, shelf: line.shelf,
                brandAttribute: affinity.brand, categoryAttribute: affinity.category,
                price: priceLevel(firstProduct..<Int32(lineProducts.count)),
                margin: meanMargin(firstProduct..<Int32(lineProducts.count)), caps: line.caps,
                holdout: holdout)
        if Int(index) < lines.count {
            lines[Int(index)] = built
        } else {
            lines.append(built)
        }
        greatestMargin = max(greatestMargin, built.margin)
        try addUnits(line, index: index, targeting)
    }

    /// Where the bytes of a creative are: they are the bulk of a snapshot and seldom change.
    private mutating func rendered(_ creative: SnapshotInput.Creative) -> Int {
        if let range = renderedBefore[creative.versionID], fragments[range].elementsEqual(creative.fragment) {
            return range.lowerBound
        }
        let start = fragments.count
        fragments.append(contentsOf: creative.fragment)
        return start
    }

    /// The brand and category that most of the promoted products have; the first of equals.
    private func affinityAttributes(_ range: Range<Int32>) -> (brand: Int32, category: Int32) {
        func most(_ values: [Int32]) -> Int32 {
            var counts: [Int32: Int] = [:]
            for value in values { counts[value, default: 0] += 1 }
            let top = counts.values.max() ?? 0
            return values.first { counts[$0] == top } ?? -1
        }
        let own = range.compactMap { lineProducts[Int($0)] < 0 ? nil : products[Int(lineProducts[Int($0)])] }
        let brand = most(own.map(\.brand).filter { $0 >= 0 })
        let category = most(own.filter { $0.categoryCount > 0 }.map { productCategories[Int($0.firstCategory)] })
        return (brand < 0 ? 0 : space.brands + brand, category < 0 ? 0 : space.categories + category)
    }

    private func priceLevel(_ range: Range<Int32>) -> UInt8 {
        range.lazy.map { lineProducts[Int($0)] }.first { $0 >= 0 }.map { products[Int($0)].price } ?? 0
    }

    private func meanMargin(_ range: Range<Int32>) -> Float {
        let known = range.map { lineProducts[Int($0)] }.filter { $0 >= 0 }
        return known.isEmpty ? 0 : known.reduce(0) { $0 + products[Int($1)].margin } / Float(known.count)
    }

    private func firstPlace(_ line: Snapshot.Line) -> Int32 {
        guard line.productCount > 0 else { return -1 }
        let product = Int(lineProducts[Int(line.firstProduct)])
        if product < promotedCount { return Int32(product) }
        return Int32(product - firstAdded + promotedCount)
    }

    private mutating func addUnits(
        _ line: SnapshotInput.LineItem, index: Int32, _ targeting: TargetingPlan
    ) throws(SnapshotError) {
        var offered: [Int32] = []
        for creative in line.creatives {
            let format = lookup.formats.find(creative.format)
            guard format >= 0 else {
                throw SnapshotError(
                    code: "unknown_reference",
                    message:
                        "creative version \(creative.versionID) has the format \(creative.format), which is not there")
            }
            if !offered.contains(format) { offered.append(format) }
        }
        for format in offered {
            let first = Int32(unitCreatives.count)
            var bestOdds: Float = 0
            for creative in line.creatives where lookup.formats.find(creative.format) == format {
                guard creative.isServable else { continue }
                let prior = creative.priorCTR ?? input.formats[Int(format)].priorCTR
                let probability = min(max(prior, 1e-6), 0.999)
                let expected = clicks.creative(
                    creative.versionID, format: format, price: lines[Int(index)].price,
                    prior: Float(probability / (1 - probability)), hasOwnPrior: creative.priorCTR != nil)
                bestOdds = max(bestOdds, expected.odds * ClickTables.greatestDraw(expected.doubt))
                unitCreatives.append(Int32(creatives.count))
                creatives.append(
                    Snapshot.Creative(
                        versionID: creative.versionID, format: format,
                        clickProbability: UInt64(probability * 4_294_967_296), odds: expected.odds,
                        doubt: expected.doubt, payload: creative.payload,
                        fragmentStart: rendered(creative), fragmentCount: creative.fragment.count))
            }
            let unit = Int32(units.count)
            let own = lines[Int(index)]
            units.append(
                Snapshot.Unit(
                    line: index, firstCreative: first, brandAttribute: own.brandAttribute,
                    categoryAttribute: own.categoryAttribute, firstPlace: firstPlace(own),
                    firstClause: targeting.firstClause,
                    format: Int16(format), creativeCount: UInt16(clamping: Int32(unitCreatives.count) - first),
                    clauseCount: targeting.clauseCount, slotClauseCount: targeting.slotClauseCount,
                    isFirstPosted: targeting.isFirstPosted))
            // What it is worth to a shopper without interests; a decision scales it by the most that the interests of
            // its shopper can add. Rounding may put a score a little over the exact bound.
            var bound = own.value
            if own.pricing == .cpc { bound *= Scoring.probability(odds: bestOdds, multiplier: 1) }
            greatestOdds = max(greatestOdds, bestOdds)
            bound *= 1.000_001
            postingPlan.append(
                (keys: targeting.pivot, unit: unit, key: own.tier.precedence << 30 | UInt64(bound.bitPattern >> 1) + 1))
        }
    }
}
