import AdModel

/// Hours of the week in the storefront's zone.
public struct Daypart: Equatable, Sendable, Codable {
    /// ISO days, 1 = Monday ... 7 = Sunday; empty = every day.
    public var days: [Int]
    /// First hour, 0...23.
    public var fromHour: Int
    /// Hour after the last, 1...24. Not after `fromHour` = over midnight, into the next day.
    public var toHour: Int

    public init(days: [Int] = [], fromHour: Int = 0, toHour: Int = 24) {
        self.days = days
        self.fromHour = fromHour
        self.toHour = toHour
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case days
        case fromHour = "from_hour"
        case toHour = "to_hour"
    }

    public init(from decoder: any Decoder) throws {
        try refuseUnknownKeys(decoder, CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        days = try container.decodeIfPresent([Int].self, forKey: .days) ?? []
        fromHour = try container.decodeIfPresent(Int.self, forKey: .fromHour) ?? 0
        toHour = try container.decodeIfPresent(Int.self, forKey: .toHour) ?? 24
        guard days.allSatisfy({ (1...7).contains($0) }), (0...23).contains(fromHour), (1...24).contains(toHour) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "days are 1...7, from_hour 0...23, to_hour 1...24"))
        }
    }

    /// True at `hour` (0 = Monday 00:00-00:59 ... 167) of the storefront's week.
    public func contains(hourOfWeek hour: Int) -> Bool {
        let day = hour / 24 + 1
        let hourOfDay = hour % 24
        let dayBefore = day == 1 ? 7 : day - 1
        func on(_ day: Int) -> Bool { days.isEmpty || days.contains(day) }
        if fromHour < toHour { return on(day) && hourOfDay >= fromHour && hourOfDay < toHour }
        return (on(day) && hourOfDay >= fromHour) || (on(dayBefore) && hourOfDay < toHour)
    }
}

/// Values wanted, dimension by dimension; an empty list does not restrict. Codes as the shop gives them.
public struct TargetingValues: Equatable, Sendable {
    public var pageTypes: [PageType] = []
    /// Placement codes; a code means that placement in every storefront.
    public var placements: [String] = []
    /// Category codes; each means its whole subtree.
    public var categories: [String] = []
    public var brands: [String] = []
    /// ISO 3166-2 ("RU-MOW") or 3166-1 ("RU") codes.
    public var regions: [String] = []
    public var devices: [Device] = []
    public var dayparts: [Daypart] = []

    public init() {}

    /// True when nothing is restricted.
    public var isEmpty: Bool {
        pageTypes.isEmpty && placements.isEmpty && categories.isEmpty && brands.isEmpty && regions.isEmpty
            && devices.isEmpty && dayparts.isEmpty
    }
}

/// Where a line item wants to be shown: AND over dimensions, OR inside one; `excluded` negates, each dimension by
/// itself. The documented JSON object; an unknown key is refused.
public struct Targeting: Equatable, Sendable, Codable {
    public var wanted: TargetingValues
    public var excluded: TargetingValues

    public init(wanted: TargetingValues = TargetingValues(), excluded: TargetingValues = TargetingValues()) {
        self.wanted = wanted
        self.excluded = excluded
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case pageTypes = "page_types"
        case placements, categories, brands, regions, devices, dayparts
        case not
    }

    public init(from decoder: any Decoder) throws {
        try refuseUnknownKeys(decoder, CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        wanted = try Self.values(container)
        excluded = TargetingValues()
        if container.contains(.not) {
            try refuseUnknownKeys(
                container.superDecoder(forKey: .not), CodingKeys.allCases.filter { $0 != .not }.map(\.rawValue))
            excluded = try Self.values(container.nestedContainer(keyedBy: CodingKeys.self, forKey: .not))
        }
    }

    private static func values(_ container: KeyedDecodingContainer<CodingKeys>) throws -> TargetingValues {
        func list<T: Decodable>(_ key: CodingKeys) throws -> [T] {
            try container.decodeIfPresent([T].self, forKey: key) ?? []
        }
        func named<T: RawRepresentable>(_ key: CodingKeys) throws -> [T] where T.RawValue == String {
            let names: [String] = try list(key)
            return try names.map { name in
                guard let value = T(rawValue: name) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: key, in: container, debugDescription: "unknown value \"\(name)\"")
                }
                return value
            }
        }
        var values = TargetingValues()
        values.pageTypes = try named(.pageTypes)
        values.placements = try list(.placements)
        values.categories = try list(.categories)
        values.brands = try list(.brands)
        values.regions = try list(.regions)
        values.devices = try named(.devices)
        values.dayparts = try list(.dayparts)
        return values
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try Self.encode(wanted, into: &container)
        if !excluded.isEmpty {
            var not = container.nestedContainer(keyedBy: CodingKeys.self, forKey: .not)
            try Self.encode(excluded, into: &not)
        }
    }

    private static func encode(
        _ values: TargetingValues, into container: inout KeyedEncodingContainer<CodingKeys>
    ) throws {
        func put<T: Encodable>(_ list: [T], _ key: CodingKeys) throws {
            if !list.isEmpty { try container.encode(list, forKey: key) }
        }
        try put(values.pageTypes.map(\.rawValue), .pageTypes)
        try put(values.placements, .placements)
        try put(values.categories, .categories)
        try put(values.brands, .brands)
        try put(values.regions, .regions)
        try put(values.devices.map(\.rawValue), .devices)
        try put(values.dayparts, .dayparts)
    }
}

/// A coding key made of any text, to see which keys an object has.
private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

func refuseUnknownKeys(_ decoder: any Decoder, _ known: [String]) throws {
    for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
        throw DecodingError.dataCorrupted(
            .init(
                codingPath: decoder.codingPath,
                debugDescription: "unknown key \"\(key.stringValue)\"; known are \(known.joined(separator: ", "))"))
    }
}
