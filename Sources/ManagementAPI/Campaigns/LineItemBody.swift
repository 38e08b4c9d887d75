import AdModel
import Billing
import Store

/// Reads and shows line items.
enum LineItemBody {
    /// Puts what a body says over a line item; members that are left out stay as they are.
    static func read(_ body: Fields, into item: inout LineItem, creating: Bool, zone: AccountingZone) {
        if creating || body.has("name") { item.name = body.text("name") ?? item.name }
        if let flight = CampaignBody.flight(body, zone, from: creating ? nil : (item.startsAt, item.endsAt)) {
            (item.startsAt, item.endsAt) = flight
        }
        if body.has("tier") {
            item.tier = body.word("tier", Tier.allCases.map(\.rawValue)).flatMap(Tier.init(rawValue:)) ?? item.tier
        }
        if creating || body.has("pricing") {
            item.pricing =
                body.word("pricing", Pricing.allCases.map(\.rawValue)).flatMap(Pricing.init(rawValue:)) ?? item.pricing
        }
        if creating || body.has("bid_micros") { item.bidMicros = body.micros("bid_micros") ?? item.bidMicros }
        if body.has("total_budget_micros") { item.totalBudgetMicros = body.microsIfPresent("total_budget_micros") }
        if body.has("daily_budget_micros") { item.dailyBudgetMicros = body.microsIfPresent("daily_budget_micros") }
        if body.has("goal_impressions") {
            item.goalImpressions = body.intIfPresent("goal_impressions", 1...1_000_000_000_000)
        }
        if body.has("pacing") {
            item.pacing =
                body.word("pacing", Pacing.allCases.map(\.rawValue)).flatMap(Pacing.init(rawValue:)) ?? item.pacing
        } else if creating, item.tier == .guaranteed {
            // What is promised for a flight is spread over it unless somebody wants otherwise.
            item.pacing = .even
        }
        if body.has("caps") { item.caps = caps(body) }
        if body.has("targeting") { item.targetingJSON = targeting(body) }
        if body.has("promoted") {
            var rule = item.promoted
            if let promoted = body.object("promoted") { read(promoted, into: &rule) } else { rule = PromotedRule() }
            item.promoted = rule
        }
        if body.has("shelf") { item.shelf = ShelfBody.read(body) }
    }

    static func caps(_ body: Fields) -> [FrequencyCap] {
        body.objects("caps", limit: FrequencyCap.limit).compactMap { entry in
            let count = entry.int("count", FrequencyCap.countRange)
            let per = entry.word("per", FrequencyCap.windows)
            guard let count, let per else { return nil }
            return FrequencyCap(count: Int(count), per: per)
        }
    }

    private static func targeting(_ body: Fields) -> String {
        guard let value = body.json("targeting") else { return "{}" }
        let (json, problems) = LineItemTargeting.canonical(value.canonicalText)
        for problem in problems { body.problem(problem.field, problem.detail, code: problem.code) }
        return json
    }

    private static func read(_ body: Fields, into rule: inout PromotedRule) {
        if body.has("skus") {
            rule.skus = body.texts("skus", limit: PromotedRule.listLimit, itemLimit: Limits.sku)
        }
        if body.has("categories") {
            rule.categories = body.texts("categories", limit: 1_000, itemLimit: 64)
        }
        if body.has("brands") { rule.brands = body.texts("brands", limit: 1_000, itemLimit: 64) }
        if body.has("name_words") {
            rule.nameWords = body.texts("name_words", limit: PromotedRule.wordLimit, itemLimit: 64)
        }
        if body.has("price_from_micros") { rule.priceFromMicros = body.microsIfPresent("price_from_micros") }
        if body.has("price_to_micros") { rule.priceToMicros = body.microsIfPresent("price_to_micros") }
    }

    // MARK: Showing

    /// - Parameter warnings: what does not stop the write but should be known; only told when there are any.
    static func answer(_ item: LineItem, status: Int = 200, warnings: [String] = []) -> Answer {
        .json(
            status: status, revision: item.revision, location: status == 201 ? "/v1/line-items/\(item.code)" : nil
        ) { json in
            render(&json, item)
            if !warnings.isEmpty { json.member("warnings", warnings) }
        }
    }

    static func text(_ item: LineItem) -> String { JSONText.object { render(&$0, item) } }

    static func render(_ json: inout JSONText, _ item: LineItem) {
        json.member("id", item.code)
        json.member("campaign", item.campaign)
        json.member("advertiser", item.advertiser)
        json.member("name", item.name)
        json.member("paused", item.paused)
        json.member("archived", item.archived)
        json.member("flight") {
            $0.member("from", item.startsAt.description)
            $0.member("to", item.endsAt.description)
        }
        json.member("tier", item.tier.rawValue)
        json.member("pricing", item.pricing.rawValue)
        json.member("bid_micros", item.bidMicros)
        json.member("total_budget_micros", item.totalBudgetMicros)
        json.member("daily_budget_micros", item.dailyBudgetMicros)
        json.member("goal_impressions", item.goalImpressions)
        json.member("pacing", item.pacing.rawValue)
        render(&json, item.caps)
        json.member("targeting", raw: item.targetingJSON)
        json.member("promoted") { json in
            json.member("skus", item.promoted.skus)
            json.member("categories", item.promoted.categories)
            json.member("brands", item.promoted.brands)
            json.member("name_words", item.promoted.nameWords)
            json.member("price_from_micros", item.promoted.priceFromMicros)
            json.member("price_to_micros", item.promoted.priceToMicros)
        }
        ShelfBody.render(&json, item.shelf)
        json.member("products", item.products)
        json.member("spent_micros", item.spentMicros)
        json.member("revision", item.revision)
    }

    static func render(_ json: inout JSONText, _ caps: [FrequencyCap]) {
        json.member("caps", array: caps) { json, cap in
            json.object {
                $0.member("count", cap.count)
                $0.member("per", cap.window)
            }
        }
    }
}
