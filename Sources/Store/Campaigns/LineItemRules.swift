import AdModel

/// What must hold of a line item whatever the database says.
enum LineItemRules {
    /// - Parameter old: the stored line item; nil for a new one.
    static func check(
        _ item: LineItem, was old: LineItem?, actor: CampaignActor, now: Timestamp, _ problems: inout FieldProblems
    ) {
        checkSides(item, was: old, actor: actor, &problems)
        checkFlight(item, was: old, now: now, &problems)
        checkMoney(item, was: old, &problems)
        if item.tier == .guaranteed, item.goalImpressions == nil {
            problems.add("goal_impressions", "required", "A guaranteed line item promises a number of impressions.")
        }
        if item.goalImpressions != nil, item.tier == .auction || item.tier == .house {
            problems.add(
                "goal_impressions", "not_allowed", "Only guaranteed and sponsorship line items have a goal.")
        }
        let windows = item.caps.map(\.per)
        if Set(windows).count < windows.count {
            problems.add("caps", "duplicate", "One cap for each of hour, day, session, lifetime.")
        }
        if let from = item.promoted.priceFromMicros, let to = item.promoted.priceToMicros, from > to {
            problems.add("promoted.price_to_micros", "out_of_range", "Must not be below price_from_micros.")
        }
    }

    /// Sponsorship, guaranteed and house are sold by the retailer: the advertiser neither chooses nor changes them.
    private static func checkSides(
        _ item: LineItem, was old: LineItem?, actor: CampaignActor, _ problems: inout FieldProblems
    ) {
        guard actor.kind == .advertiser else { return }
        if item.tier != old?.tier ?? .auction {
            problems.add("tier", "retailer_only", "Only the retailer sells other tiers than auction.")
        }
        guard let old, old.tier != .auction else { return }
        for (before, after) in zip(old.terms, item.terms) where before.value != after.value {
            problems.add(before.field, "retailer_only", "Agreed with the retailer, who changes it.")
        }
    }

    private static func checkFlight(
        _ item: LineItem, was old: LineItem?, now: Timestamp, _ problems: inout FieldProblems
    ) {
        if item.startsAt >= item.endsAt { problems.add("flight.to", "out_of_range", "Must be later than flight.from.") }
        if item.endsAt - item.startsAt > .days(1_100) {
            problems.add("flight.to", "out_of_range", "A flight lasts three years at most.")
        }
        if item.endsAt <= now, item.endsAt != old?.endsAt {
            problems.add("flight.to", "out_of_range", "The flight must not have ended already.")
        }
    }

    private static func checkMoney(_ item: LineItem, was old: LineItem?, _ problems: inout FieldProblems) {
        switch item.pricing {
        case .cpm, .cpc:
            let floor: Int64 = item.tier == .house ? 0 : LineItem.bidRange.lowerBound
            if item.bidMicros < floor || item.bidMicros > LineItem.bidRange.upperBound {
                problems.add(
                    "bid_micros", "out_of_range", "Must be from \(floor) to \(LineItem.bidRange.upperBound).")
            }
        case .fixed:
            if item.tier == .auction {
                problems.add(
                    "pricing", "not_allowed", "A fixed price is agreed for sponsorship, guaranteed and house only.")
            }
            if item.totalBudgetMicros == nil {
                problems.add("total_budget_micros", "required", "A fixed price needs a total budget.")
            } else if let total = item.totalBudgetMicros, total < item.bidMicros {
                problems.add("total_budget_micros", "out_of_range", "Must cover the fixed price.")
            }
            if item.bidMicros > LineItem.moneyLimit {
                problems.add("bid_micros", "out_of_range", "Must be at most \(LineItem.moneyLimit).")
            }
        }
        for (field, budget) in [
            ("total_budget_micros", item.totalBudgetMicros), ("daily_budget_micros", item.dailyBudgetMicros),
        ] {
            if let budget, budget < 0 || budget > LineItem.moneyLimit {
                problems.add(field, "out_of_range", "Must be from 0 to \(LineItem.moneyLimit).")
            }
        }
        if let total = item.totalBudgetMicros, let daily = item.dailyBudgetMicros, daily > total {
            problems.add("daily_budget_micros", "out_of_range", "Must not be more than the total budget.")
        }
        guard let old, old.spentMicros > 0 else { return }
        // What has been charged was charged by these terms.
        if item.pricing != old.pricing {
            problems.add("pricing", "locked", "It has been charged by; add another line item.")
        }
        if old.pricing == .fixed, item.bidMicros != old.bidMicros || item.startsAt != old.startsAt {
            problems.add("bid_micros", "locked", "Parts of the fixed price are charged; price and begin stay.")
        }
        if let total = item.totalBudgetMicros, total < old.spentMicros, total != old.totalBudgetMicros {
            problems.add("total_budget_micros", "below_spent", "\(old.spentMicros) are spent already.")
        }
    }
}
