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
