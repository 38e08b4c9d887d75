import AdModel
import ClickModel
import Decisioning
import Profiles

/// The rules of a decision written as plainly as possible: every line item against every slot, then a sort. Shares
/// only the arithmetic of a single score with the engine.
struct NaiveEvaluator {
    let world: World
    let parents: [String: String]
    private let lineStrength: [Int32: (category: Float, brand: Float)]
    private let stockByKey: [String: StockRow]
    private let clicks: NaiveClicks

    struct Candidate {
        var line: SnapshotInput.LineItem
        var unit: Int
        var format: SnapshotInput.Format
        var creative: SnapshotInput.Creative
        var score: Float
        var weight: UInt64
        var scoreWeight: UInt64
        var tie: UInt64
    }

    init(_ world: World) {
        self.world = world
        clicks = NaiveClicks(world)
        var codes: [Int32: String] = [:]
        for category in world.input.categories { codes[category.id] = category.code }
        var parents: [String: String] = [:]
        for category in world.input.categories { parents[category.code] = category.parentID.flatMap { codes[$0] } }
        self.parents = parents
        var stock: [String: StockRow] = [:]
        for row in world.stock { stock["\(row.locationID)/\(row.productID)"] = row }
        stockByKey = stock
        var strength: [Int32: (category: Float, brand: Float)] = [:]
        for line in world.input.lineItems { strength[line.id] = Self.strength(line, world) }
        lineStrength = strength
    }

    private static func strength(_ line: SnapshotInput.LineItem, _ world: World) -> (category: Float, brand: Float) {
        func most(_ values: [Int32]) -> Int32? {
            let counts = Dictionary(values.map { ($0, 1) }, uniquingKeysWith: +)
            let top = counts.values.max()
            return values.first { counts[$0] == top }
        }
        func interest(_ matches: (ProfileSignal) -> Bool) -> Float {
            let sum = world.interests.filter(matches).reduce(Float(0)) { sum, _ in sum + 1 }
            return sum / (sum + 2)
        }
        let products = line.promotedProductIDs.compactMap { id in world.input.products.first { $0.id == id } }
        let known = Set(world.input.brands.map(\.id))
        let brand = most(products.compactMap(\.brandID).filter { known.contains($0) })
        let category = most(products.compactMap(\.categoryIDs.first))
        return (
            category.map { id in interest { $0.categoryID == id } } ?? 0,
            brand.map { id in interest { $0.brandID == id } } ?? 0
        )
    }

    func decide(_ page: Page) -> Outcome {
        var outcome = Outcome(slots: Array(repeating: Outcome.Slot(), count: page.slots.count))
        let placements = page.slots.map { slot in
            world.input.placements.first {
                $0.code == slot.placement
                    && $0.storefrontID == world.input.storefronts.first { $0.code == page.storefront }?.id
            }
        }
        let order = page.slots.indices.filter { placements[$0] != nil }
            .sorted { (placements[$0]?.rank ?? 0, $0) < (placements[$1]?.rank ?? 0, $1) }
        var aside: Set<Int32> = []
        for round in 0... {
            var shown = Shown()
            if let product = pageProduct(page) { shown.products.insert(product.id) }
            shown.campaignsAside = aside
            shown.areCompanionsOff = round > Self.companionRounds
            for index in order {
                guard let placement = placements[index] else { continue }
                let wanted = Int(page.slots[index].count)
                let need = wanted > 0 ? min(wanted, placement.maxAds) : placement.maxAds
                outcome.slots[index] = fill(placement, need, page, &shown)
            }
            let incomplete = incompleteCampaigns(shown)
            if incomplete.isEmpty { break }
            aside.formUnion(incomplete)
        }
        return outcome
    }

    struct Shown {
        var lines: Set<Int32> = []
        var advertisers: Set<Int32> = []
        var brands: Set<Int32> = []
        var products: Set<Int32> = []
        var advertiserClaims: [Int32: Int] = [:]
        var refused: Set<Int> = []
        var ghosts: Set<Int32> = []
        /// Campaigns whose companions found no room, and whether none of that kind is shown any more.
        var campaignsAside: Set<Int32> = []
        var areCompanionsOff = false
    }

    private func fill(
        _ placement: SnapshotInput.Placement, _ need: Int, _ page: Page, _ shown: inout Shown
    ) -> Outcome.Slot {
        var slot = Outcome.Slot()
        var reasons: [NoFillReason] = []
        var candidates: [Candidate] = []
        var unit = 0
        for line in world.input.lineItems {
            var offered: [String] = []
            for creative in line.creatives where !offered.contains(creative.format) { offered.append(creative.format) }
            for name in offered {
                defer { unit += 1 }
                guard placement.formats.contains(name),
                    let format = world.input.formats.first(where: { $0.name == name }),
                    isTargeted(line, placement, page)
                else { continue }
                if isClosedToRival(line, placement, page) {
                    reasons.append(.competitorBlocked)
                    continue
                }
                switch evaluate(line, unit, format, placement, page) {
                case .success(let candidate): candidates.append(candidate)
                case .failure(let stop): reasons.append(stop.reason)
                }
            }
        }
        candidates.sort {
            ($0.line.tier.order, $0.score, $0.tie, -$0.unit) > ($1.line.tier.order, $1.score, $1.tie, -$1.unit)
        }
        var winners: [Candidate] = []
        var runnerUp: Candidate?
        var ghosts: [Candidate] = []
        for candidate in candidates {
            var reason = NoFillReason.none
            let cards = freeCards(candidate, page, shown)
            if candidate.line.isCompanion,
                shown.areCompanionsOff || shown.campaignsAside.contains(candidate.line.campaignID)
            {
                reason = .companionMissing
            } else if conflicts(candidate, placement, cards.count, shown) {
                reason = .pageDuplicate
            } else if shown.refused.contains(candidate.unit) {
                reason = .frequencyCapped
            } else if page.hasShopper, candidate.line.holdout?.holdsOut(Engine.shopper) == true {
                let own = ghosts.count { $0.line.campaignID == candidate.line.campaignID }
                if shown.ghosts.contains(candidate.line.id) {
                    reason = .pageDuplicate
                } else if winners.count + own < need {
                    reason = .holdout
                    shown.ghosts.insert(candidate.line.id)
                    ghosts.append(candidate)
                }
            } else if winners.count < need {
                if claim(candidate.line, page, &shown) {
                    slot.ads.append(
                        Outcome.Ad(
                            line: candidate.line.id, version: candidate.creative.versionID, price: 0, reserved: 0,
                            products: Array(cards.prefix(candidate.format.maximumCards)),
                            cardPrices: cards.prefix(candidate.format.maximumCards).map { price(of: $0, page) }))
                    shown.lines.insert(candidate.line.id)
                    shown.advertisers.insert(candidate.line.advertiserID)
                    if let brand = brand(candidate.line) { shown.brands.insert(brand) }
                    shown.products.formUnion(cards.prefix(candidate.format.maximumCards))
                    winners.append(candidate)
                    continue
                }
                shown.refused.insert(candidate.unit)
                reason = .frequencyCapped
            } else if runnerUp == nil {
                runnerUp = candidate
            }
            if reason != .none { reasons.append(reason) }
            let limit = reason == .holdout ? DecisionResult.ghostLimit : DecisionResult.loserLimit
            if slot.losers.count == limit, reason == .holdout,
                let last = slot.losers.lastIndex(where: { !$0.hasSuffix(":holdout") })
            {
                slot.losers.remove(at: last)
            }
            if slot.losers.count < limit {
                slot.losers.append("\(candidate.line.id):\(reason.name)")
            }
        }
        for (index, winner) in winners.enumerated() {
            price(&slot.ads[index], winner, runnerUp, placement)
        }
        slot.noFill = winners.isEmpty ? reasons.max { $0.stage < $1.stage } ?? .noCandidate : .none
        return slot
    }

    private func price(
        _ ad: inout Outcome.Ad, _ winner: Candidate, _ runnerUp: Candidate?, _ placement: SnapshotInput.Placement
    ) {
        let line = winner.line
        guard line.pricing != .fixed, line.tier != .house else { return }
        let bid = line.pricing == .cpm ? line.bid.value / 1_000 : line.bid.value
        let floor = Scoring.unitFloor(
            placement.floor.value, pricing: line.pricing,
            clickProbability: clicks.floorParts(line, winner.creative, winner.format, placement)
                ?? probabilityParts(winner.creative, winner.format))
        let rival = runnerUp.flatMap { $0.line.tier == line.tier ? $0.score : nil } ?? 0
        ad.price = Scoring.price(runnerUp: rival, weight: winner.scoreWeight, floor: min(floor, bid), bid: bid)
        if line.needsLease {
            ad.reserved = Scoring.reserve(ad.price, pricing: line.pricing, weight: winner.weight)
        }
    }

    // MARK: Eligibility

    private struct Stop: Error { var reason: NoFillReason }

    private func evaluate(
        _ line: SnapshotInput.LineItem, _ unit: Int, _ format: SnapshotInput.Format,
        _ placement: SnapshotInput.Placement, _ page: Page
    ) -> Result<Candidate, Stop> {
        func stop(_ reason: NoFillReason) -> Result<Candidate, Stop> { .failure(Stop(reason: reason)) }
        if line.isPaused { return stop(.paused) }
        if !line.isApproved || !line.hasKKTU { return stop(.notApproved) }
        let creatives = line.creatives.filter { $0.format == format.name && $0.isServable }
        if creatives.isEmpty { return stop(.noErid) }
        if world.now < line.startsAt || world.now >= line.endsAt { return stop(.outsideFlight) }
        let mixed = Scoring.mix(world.seed, line.id)
        let chosen = clicks.choose(line, creatives, format, seed: world.seed)
        let creative =
            chosen?.creative ?? creatives[creatives.count == 1 ? 0 : Int(mixed >> 32 & 0xFFFF) % creatives.count]
        let costs = line.pricing != .fixed && line.tier != .house
        if costs {
            let click = UInt64(line.bid.value).multipliedFullWidth(
                by: clicks.floorParts(line, creative, format, placement) ?? probabilityParts(creative, format))
            let expected = line.pricing == .cpm ? line.bid.value : Int64(click.high << 32 | click.low >> 32) * 1_000
            if expected < placement.floor.value { return stop(.belowFloor) }
        }
        if !line.promotedProductIDs.isEmpty || format.minimumCards > 0 {
            let states = line.promotedProductIDs.map { availability($0, page) }
            let wanted = max(format.minimumCards, 1)
            let buyable = states.count { $0 == .buyable }
            if buyable < wanted {
                return stop(buyable + states.count { $0 == .stale } >= wanted ? .stockStale : .outOfStock)
            }
        }
        let strength: (category: Float, brand: Float) = page.hasShopper ? lineStrength[line.id] ?? (0, 0) : (0, 0)
        let multiplier = Scoring.multiplier(category: strength.category, brand: strength.brand)
        if line.goalImpressions != nil, world.goalsReached.contains(line.id) { return stop(.goalReached) }
        let odds = clicks.odds(line, creative, format, placement, page) ?? odds(creative, format)
        let interest = clicks.interest(strength) ?? multiplier
        let weight = Scoring.weight(
            line.pricing, odds: odds, multiplier: line.pricing == .cpc ? interest : multiplier)
        if line.needsLease, costs {
            let bid = line.pricing == .cpm ? line.bid.value / 1_000 : line.bid.value
            if world.exhausted.contains(line.id) { return stop(.budgetExhausted) }
            if world.leases[line.id] ?? 0 < Scoring.reserve(bid, pricing: line.pricing, weight: weight) {
                return stop(.leaseExhausted)
            }
        }
        if line.isPacedEvenly, UInt32(truncatingIfNeeded: mixed >> 31) > world.passShares[line.id] ?? .max {
            return stop(.paced)
        }
        if page.hasShopper {
            if world.lineContacts[line.id] ?? 0 >= allowed(line.caps) { return stop(.frequencyCapped) }
            if world.advertiserContacts[line.advertiserID] ?? 0 >= allowed(advertiserCaps(line)) {
                return stop(.frequencyCapped)
            }
        }
        let value: Float =
            switch line.pricing {
            case .cpm: Float(line.bid.value) / 1_000
            case .cpc: Float(line.bid.value)
            case .fixed: Float(line.bid.value) / Float(line.expectedImpressions)
            }
        let margin = 1 + Float(placement.marginWeight) * clicks.margin(line)
        var part = multiplier
        if line.pricing == .cpc {
            part = Scoring.probability(odds: odds * (chosen?.drawn ?? 1), multiplier: interest)
        }
        part *= margin
        let score = value * part
        return .success(
            Candidate(
                line: line, unit: unit, format: format, creative: creative, score: score, weight: weight,
                scoreWeight: UInt64(Double(part) * 4_294_967_296),
                tie: mixed & 0x7FFF_FFFF))
    }

    private func allowed(_ caps: CapLimits) -> Int {
        [caps.hour, caps.day, caps.session, caps.lifetime].filter { $0 > 0 }.map(Int.init).min() ?? .max
    }

    private func advertiserCaps(_ line: SnapshotInput.LineItem) -> CapLimits {
        world.input.advertisers.first { $0.id == line.advertiserID }?.caps ?? .none
    }

    private func claim(_ line: SnapshotInput.LineItem, _ page: Page, _ shown: inout Shown) -> Bool {
        guard page.hasShopper else { return true }
        let before = world.advertiserContacts[line.advertiserID] ?? 0
        let claimed = shown.advertiserClaims[line.advertiserID] ?? 0
        if before + claimed >= allowed(advertiserCaps(line)) { return false }
        shown.advertiserClaims[line.advertiserID] = claimed + 1
        return true
    }

    private func probability(_ creative: SnapshotInput.Creative, _ format: SnapshotInput.Format) -> Double {
        min(max(creative.priorCTR ?? format.priorCTR, 1e-6), 0.999)
    }

    private func probabilityParts(_ creative: SnapshotInput.Creative, _ format: SnapshotInput.Format) -> UInt64 {
        UInt64(probability(creative, format) * 4_294_967_296)
    }

    private func odds(_ creative: SnapshotInput.Creative, _ format: SnapshotInput.Format) -> Float {
        let p = probability(creative, format)
        return Float(p / (1 - p))
    }

    private func price(of product: Int32, _ page: Page) -> Int64 {
        let location = world.input.locations.first { $0.code == page.location }
        return stockByKey["\(location?.id ?? 0)/\(product)"]?.price.value ?? 0
    }

    func availability(_ product: Int32, _ page: Page) -> StockView.Availability {
        guard let location = world.input.locations.first(where: { $0.code == page.location }),
            let row = stockByKey["\(location.id)/\(product)"], row.quantity > 0,
            world.input.products.contains(where: { $0.id == product })
        else { return .absent }
        let age = world.now.micros / 1_000_000 - row.asOf.micros / 1_000_000
        return age > world.input.stockMaxAge.micros / 1_000_000 ? .stale : .buyable
    }
}

extension Tier {
    var order: Int {
        switch self {
        case .sponsorship: 3
        case .guaranteed: 2
        case .auction: 1
        case .house: 0
        }
    }
}
