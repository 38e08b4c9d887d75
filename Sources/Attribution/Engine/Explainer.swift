import AdModel

/// Names the reason of every touch that did not win a line.
struct Explainer {
    let input: AttributionInput
    let table: OrderTable
    let contest: Contest

    func losers(of line: UInt32) -> [LosingTouch] {
        let row = table.lines[Int(line)]
        let order = table.orders[Int(row.order)]
        let person = order.shopper == Interner.none ? Interner.none : table.person(order.shopper, at: order.at)
        let target = target(row, order, line)
        let winners = Set(
            contest.winners(line).map { leader in contest.withTexts(leader.touch) { touchID, _, _, _ in touchID.id } })
        var seen: Set<AttributionID> = []
        var result: [LosingTouch] = []
        for touch in input.touches where !winners.contains(touch.touchID) && seen.insert(touch.touchID).inserted {
            let reason = reason(touch, target, person)
            if let reason { result.append(LosingTouch(touchID: touch.touchID, reason: reason)) }
        }
        return result.sorted { $0.touchID < $1.touchID }
    }

    private func target(_ row: OrderTable.Line, _ order: OrderTable.Order, _ line: UInt32) -> OrderTable.Target {
        var target = OrderTable.Target(
            at: order.at, sku: row.sku, group: Interner.none, brand: Interner.none, line: line)
        if row.sku != Interner.none, Int(row.sku) < table.reference.products.count {
            let product = table.reference.products[Int(row.sku)]
            target.group = product.group
            target.brand = table.reference.canonical(product.brand, at: order.at)
        }
        return target
    }

    private func reason(_ touch: TouchRow, _ target: OrderTable.Target, _ person: UInt32) -> LosingReason? {
        let rules = contest.rules
        let isClick = touch.kind == .click
        let at = touch.occurredAt.micros
        if at > target.at { return .afterOrder }
        let window = rules.window(isClick: isClick)
        if window < 0 { return isClick ? .outsideWindow : .viewNotCounted }
        if !Rules.isWithin(window, from: at, to: target.at) { return .outsideWindow }
        if !AttributionEngine.counts(touch, rules.policy) { return .viewNotCounted }
        if touch.isInvalid { return .invalid }
        let shopper = table.shoppers.find(touch.shopperID)
        guard shopper != Interner.none, person != Interner.none, table.person(shopper, at: at) == person else {
            return .otherPerson
        }
        return AttributionEngine.withCells(touch) { cells in
            var context = TouchContext()
            cells.promoted.forEach { context.promote($0, in: table) }
            context.belongs(to: cells.campaign, of: cells.advertiser, at: at, in: table.reference)
            let strength = context.strength(target, levels: rules.levels, in: table.reference)
            if strength < 0 { return unmatched(context, target) }
            guard
                let leader = contest.leader(
                    target.line, advertiser: cells.advertiser, campaign: cells.campaign, isClick: isClick)
            else { return nil }
            return lost(UInt8(strength), isClick, at, to: leader)
        }
    }

    private func unmatched(_ context: TouchContext, _ target: OrderTable.Target) -> LosingReason {
        let reference = table.reference
        let rules = contest.rules
        // Halo of the policy that fails only for want of a grant.
        let listed = rules.has(MatchLevel.listed.strength) && context.isListed(target, in: reference)
        let brand = rules.has(MatchLevel.brand.strength) && context.hasBrand(target, in: reference)
        if target.brand != Interner.none, listed || brand { return .brandNotOwned }
        // `order` relates to no product, so its absence from a policy explains nothing.
        return context.strength(target, levels: 0b11110, in: reference) > 0 ? .levelNotInPolicy : .noMatch
    }

    /// The first comparator that separates the touch from the leader of its contest.
    private func lost(_ strength: UInt8, _ isClick: Bool, _ at: Int64, to leader: Contest.Leader) -> LosingReason {
        for comparator in contest.rules.policy.precedence {
            switch comparator {
            case .match: if strength != leader.strength { return .lostOnMatch }
            case .interaction: if isClick != leader.isClick { return .lostOnInteraction }
            case .recency: if at != leader.at { return .lostOnRecency }
            }
        }
        return at != leader.at ? .lostOnRecency : .lostOnID
    }
}
