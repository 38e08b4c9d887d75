import AdModel
import Audiences
import Store

/// Reads the document of a condition out of a body, with a problem for every place that is wrong.
enum AudienceBody {
    /// The condition under `key`; nil when there is none or it is not one.
    static func condition(_ fields: Fields, _ key: String = "condition") -> AudienceCondition? {
        guard let object = fields.object(key) else {
            if fields.json(key) == nil { fields.problem(key, "Required.", code: "required") }
            return nil
        }
        let condition = read(object, depth: 1)
        if let condition, condition.leafCount > AudienceCondition.leafLimit {
            fields.problem(key, "At most \(AudienceCondition.leafLimit) conditions.", code: "too_many")
            return nil
        }
        return condition
    }

    private static let words = ["all", "any", "not", "event", "cohort"]

    private static func read(_ fields: Fields, depth: Int) -> AudienceCondition? {
        let given = words.filter { fields.has($0) }
        guard given.count == 1, let word = given.first else {
            fields.problem(given.first ?? "all", "Give exactly one of \(words.joined(separator: ", ")).")
            return nil
        }
        switch word {
        case "event": return fields.object(word).flatMap(event).map(AudienceCondition.event)
        case "cohort": return fields.object(word).map(cohort).map(AudienceCondition.cohort)
        default: break
        }
        guard depth < AudienceCondition.depthLimit else {
            fields.problem(word, "At most \(AudienceCondition.depthLimit) levels.", code: "too_many")
            return nil
        }
        if word == "not" {
            return fields.object(word).flatMap { read($0, depth: depth + 1) }.map(AudienceCondition.not)
        }
        let objects = fields.objects(word, limit: AudienceCondition.leafLimit)
        if objects.isEmpty { fields.problem(word, "Name at least one condition.", code: "required") }
        let inner = objects.compactMap { read($0, depth: depth + 1) }
        guard inner.count == objects.count, !inner.isEmpty else { return nil }
        return word == "all" ? .all(inner) : .any(inner)
    }

    private static func cohort(_ fields: Fields) -> CohortCondition {
        CohortCondition(
            recency: fields.words("recency", Recency.allCases.map(\.rawValue)).compactMap(Recency.init),
            value: fields.words("value", BuyerValue.allCases.map(\.rawValue)).compactMap(BuyerValue.init))
    }

    private static func event(_ fields: Fields) -> EventCondition? {
        let word = fields.word("type", AudienceEventType.allCases.map(\.rawValue))
        let type = word.flatMap(AudienceEventType.init)
        var events = CountedEvents(type: type ?? .productView)
        func list(_ key: String, _ itemLimit: Int, isFor fits: Bool, _ what: String) -> [String] {
            let values = fields.texts(key, limit: AudienceCondition.valueLimit, itemLimit: itemLimit)
            if type != nil, !values.isEmpty, !fits { fields.problem(key, what, code: "not_allowed") }
            return values
        }
        let hasProducts = type != .search && type != .pageView
        let ofProducts = "Page views and searches have no products."
        events.products = list("products", Limits.sku, isFor: hasProducts, ofProducts)
        events.brands = list("brands", 64, isFor: hasProducts, ofProducts)
        events.categories = list("categories", 64, isFor: hasProducts, ofProducts)
        events.phrases = list("phrases", Limits.phrase, isFor: type == .search, "Only searches have phrases.")
        let ofAds = "Only what ads do (impression, viewable, click) has an advertiser, a campaign or a creative."
        events.advertisers = list("advertisers", 64, isFor: type?.isAd ?? true, ofAds)
        events.campaigns = list("campaigns", 64, isFor: type?.isAd ?? true, ofAds)
        events.creatives = list("creatives", 64, isFor: type?.isAd ?? true, ofAds)
        for (index, phrase) in events.phrases.enumerated() where AudiencePhrase.words(phrase).isEmpty {
            fields.problem("phrases[\(index)]", "Has no word.")
        }
        var condition = EventCondition(events: events)
        condition.did = fields.bool("did") ?? true
        if let count = fields.object("count") {
            let range = 0...Int64(AudienceCondition.countLimit)
            condition.from = Int32(count.intIfPresent("from", range) ?? 0)
            condition.to = count.intIfPresent("to", range).map { Int32($0) }
            if let to = condition.to, to < condition.from {
                count.problem("to", "Not less than `from`.", code: "out_of_range")
            }
        }
        period(fields, &condition)
        return type == nil ? nil : condition
    }

    private static func period(_ fields: Fields, _ condition: inout EventCondition) {
        let days = fields.object("days_ago")
        let dates = fields.object("dates")
        if days != nil, dates != nil { fields.problem("dates", "Either days_ago or dates.", code: "not_allowed") }
        if let days {
            let range = 0...Int64(AudienceCondition.dayLimit)
            guard let from = days.int("from", range) else { return }
            let to = days.intIfPresent("to", range) ?? 0
            if to > from { days.problem("to", "Not more days ago than `from`.", code: "out_of_range") }
            condition.period = .daysAgo(from: Int32(from), to: Int32(to))
        } else if let dates, let from = dates.day("from"), let to = dates.day("to") {
            if to < from { dates.problem("to", "Not before `from`.", code: "out_of_range") }
            condition.period = .dates(from: from, to: to)
        }
    }
}
