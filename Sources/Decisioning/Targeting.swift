import AdModel

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
        case placements, categories, brands, products, audiences, regions, locations, devices, dayparts, shoppers, keys
        case phrases = "search_phrases"
        case signedIn = "signed_in"
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
        values.products = try list(.products)
        values.phrases = try list(.phrases)
        values.audiences = try list(.audiences)
        values.regions = try list(.regions)
        values.locations = try list(.locations)
        values.devices = try named(.devices)
        values.dayparts = try list(.dayparts)
        values.shoppers = try named(.shoppers)
        values.signedIn = try container.decodeIfPresent(Bool.self, forKey: .signedIn)
        values.keys = try container.decodeIfPresent([String: [String]].self, forKey: .keys) ?? [:]
        for (key, words) in values.keys {
            guard TargetingKey.isKey(key.utf8), words.allSatisfy({ TargetingKey.isValue($0.utf8) }) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .keys, in: container,
                    debugDescription:
                        "a key is 1 to 32 characters out of a-z 0-9 _ . - and a value 1 to 64 bytes of text")
            }
            // A key without values would be a dimension that nothing satisfies.
            if words.isEmpty { values.keys[key] = nil }
        }
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
        try put(values.products, .products)
        try put(values.phrases, .phrases)
        try put(values.audiences, .audiences)
        try put(values.regions, .regions)
        try put(values.locations, .locations)
        try put(values.devices.map(\.rawValue), .devices)
        try put(values.dayparts, .dayparts)
        try put(values.shoppers.map(\.rawValue), .shoppers)
        try container.encodeIfPresent(values.signedIn, forKey: .signedIn)
        if !values.keys.isEmpty { try container.encode(values.keys, forKey: .keys) }
    }
}

extension Targeting {
    /// The same with every search phrase as the words that are compared.
    /// - Parameter stem: what the forms of a word have in common.
    public func wordsReplaced(_ stem: (String) -> String) -> Targeting {
        func replaced(_ phrases: [PhraseTarget]) -> [PhraseTarget] {
            phrases.map {
                PhraseTarget(PhraseWords.of($0.phrase).map(stem).joined(separator: " "), match: $0.match)
            }
        }
        var targeting = self
        targeting.wanted.phrases = replaced(wanted.phrases)
        targeting.excluded.phrases = replaced(excluded.phrases)
        return targeting
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
