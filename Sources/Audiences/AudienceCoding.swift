import AdModel

// The document of an audience's condition: one of `all`, `any`, `not`, `event`, `cohort` per object.

extension AudienceCondition: Codable {
    private enum Keys: String, CodingKey { case all, any, not, event, cohort }

    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Keys.self)
        guard object.allKeys.count == 1, let key = object.allKeys.first else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "one of all, any, not, event, cohort"))
        }
        self =
            switch key {
            case .all: .all(try object.decode([AudienceCondition].self, forKey: key))
            case .any: .any(try object.decode([AudienceCondition].self, forKey: key))
            case .not: .not(try object.decode(AudienceCondition.self, forKey: key))
            case .event: .event(try object.decode(EventCondition.self, forKey: key))
            case .cohort: .cohort(try object.decode(CohortCondition.self, forKey: key))
            }
    }

    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Keys.self)
        switch self {
        case .all(let list): try object.encode(list, forKey: .all)
        case .any(let list): try object.encode(list, forKey: .any)
        case .not(let inner): try object.encode(inner, forKey: .not)
        case .event(let event): try object.encode(event, forKey: .event)
        case .cohort(let cohort): try object.encode(cohort, forKey: .cohort)
        }
    }
}

extension AudienceEventType: Codable {}
extension Recency: Codable {}
extension BuyerValue: Codable {}

extension CohortCondition: Codable {
    private enum Keys: String, CodingKey { case recency, value }

    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Keys.self)
        recency = try object.decodeIfPresent([Recency].self, forKey: .recency) ?? []
        value = try object.decodeIfPresent([BuyerValue].self, forKey: .value) ?? []
    }

    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Keys.self)
        if !recency.isEmpty { try object.encode(recency, forKey: .recency) }
        if !value.isEmpty { try object.encode(value, forKey: .value) }
    }
}

extension EventCondition: Codable {
    private enum Keys: String, CodingKey {
        case type, products, brands, categories, phrases, advertisers, campaigns, creatives, did, count
        case daysAgo = "days_ago"
        case dates
    }
    private enum Ends: String, CodingKey { case from, to }

    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Keys.self)
        var events = CountedEvents(type: try object.decode(AudienceEventType.self, forKey: .type))
        func list(_ key: Keys) throws -> [String] { try object.decodeIfPresent([String].self, forKey: key) ?? [] }
        events.products = try list(.products)
        events.brands = try list(.brands)
        events.categories = try list(.categories)
        events.phrases = try list(.phrases)
        events.advertisers = try list(.advertisers)
        events.campaigns = try list(.campaigns)
        events.creatives = try list(.creatives)
        self.init(events: events)
        did = try object.decodeIfPresent(Bool.self, forKey: .did) ?? true
        if object.contains(.count) {
            let count = try object.nestedContainer(keyedBy: Ends.self, forKey: .count)
            from = try count.decodeIfPresent(Int32.self, forKey: .from) ?? 0
            to = try count.decodeIfPresent(Int32.self, forKey: .to)
        }
        if object.contains(.daysAgo) {
            let days = try object.nestedContainer(keyedBy: Ends.self, forKey: .daysAgo)
            period = .daysAgo(
                from: try days.decode(Int32.self, forKey: .from),
                to: try days.decodeIfPresent(Int32.self, forKey: .to) ?? 0)
        } else if object.contains(.dates) {
            let dates = try object.nestedContainer(keyedBy: Ends.self, forKey: .dates)
            func day(_ key: Ends) throws -> Day {
                guard let day = Day(try dates.decode(String.self, forKey: key)) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: key, in: dates, debugDescription: "a date like 2026-11-01")
                }
                return day
            }
            period = .dates(from: try day(.from), to: try day(.to))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Keys.self)
        try object.encode(events.type, forKey: .type)
        for (key, list) in [
            (Keys.products, events.products), (.brands, events.brands), (.categories, events.categories),
            (.phrases, events.phrases), (.advertisers, events.advertisers), (.campaigns, events.campaigns),
            (.creatives, events.creatives),
        ] where !list.isEmpty { try object.encode(list, forKey: key) }
        if !did { try object.encode(did, forKey: .did) }
        if from != 1 || to != nil {
            var count = object.nestedContainer(keyedBy: Ends.self, forKey: .count)
            try count.encode(from, forKey: .from)
            if let to { try count.encode(to, forKey: .to) }
        }
        switch period {
        case .always: break
        case .daysAgo(let from, let to):
            var days = object.nestedContainer(keyedBy: Ends.self, forKey: .daysAgo)
            try days.encode(from, forKey: .from)
            try days.encode(to, forKey: .to)
        case .dates(let from, let to):
            var dates = object.nestedContainer(keyedBy: Ends.self, forKey: .dates)
            try dates.encode("\(from)", forKey: .from)
            try dates.encode("\(to)", forKey: .to)
        }
    }
}
