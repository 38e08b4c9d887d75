import AdModel

/// The targeting object of a line item: AND over its keys, OR inside one, `not` turns a key round.
///
/// `{"page_types":[],"placements":[],"categories":[],"brands":[],"regions":[],"devices":[],
/// "dayparts":[{"days":[1...7],"from_hour":0,"to_hour":24}],"not":{…}}`
public struct SeedTargeting: Sendable {
    /// Canonical JSON as stored.
    public var json: String
    /// Codes that must exist, with the place of the list that names them.
    var placements: [(SeedPlace, String)] = []
    var brands: [(SeedPlace, String)] = []

    static let everything = SeedTargeting(json: "{}")

    init(json: String) { self.json = json }

    static func read(_ object: SeedObject) -> SeedTargeting {
        var result = SeedTargeting(json: "{}")
        var parts = result.dimensions(object)
        if let negative = object.object("not") {
            let inner = result.dimensions(negative)
            negative.finish()
            if !inner.isEmpty {
                parts.append(("not", SeedTargeting.render(inner)))
            }
        }
        object.finish()
        result.json = render(parts)
        return result
    }

    private static func render(_ parts: [(String, String)]) -> String {
        "{" + parts.sorted { $0.0 < $1.0 }.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    /// Each list that is given, as JSON; an empty list is refused, because it would match nobody by accident.
    private mutating func dimensions(_ object: SeedObject) -> [(String, String)] {
        var parts: [(String, String)] = []
        func add(_ key: String, _ values: [String]) {
            if !values.isEmpty {
                parts.append((key, SeedJSON.array(values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })))
            } else if let node = object.child(key), case .list(let items) = node.value.content, items.isEmpty {
                node.problem("is an empty list; leave the key out to match everything")
            }
        }
        add("page_types", object.words("page_types", PageType.allCases.map(\.rawValue)))
        add("devices", object.words("devices", Device.allCases.map(\.rawValue)))
        add("categories", object.texts("categories", limit: 1_000, itemLimit: 64))
        let placements = object.texts("placements", limit: 256, itemLimit: 64)
        let brands = object.texts("brands", limit: 1_000, itemLimit: 64)
        let regions = object.texts("regions", limit: 256, itemLimit: 8)
        add("placements", placements)
        add("brands", brands)
        add("regions", regions)
        for region in regions where !SeedTargeting.isRegion(region) {
            object.problem("regions", "“\(region)” is not an ISO 3166-2 code like RU-MOW")
        }
        func place(_ key: String) -> SeedPlace {
            SeedPlace(path: object.path + "." + key, line: object.child(key)?.value.line)
        }
        for code in placements { self.placements.append((place("placements"), code)) }
        for code in brands { self.brands.append((place("brands"), code)) }
        let dayparts = object.objects("dayparts", limit: 64).compactMap(SeedTargeting.daypart)
        if !dayparts.isEmpty { parts.append(("dayparts", "[" + dayparts.joined(separator: ",") + "]")) }
        return parts
    }

    private static func daypart(_ object: SeedObject) -> String? {
        let days = object.words("days", (1...7).map(String.init))
        let from = object.int("from_hour", 0...23, default: 0)
        let to = object.int("to_hour", 1...24, default: 24)
        if days.isEmpty { object.problem("days", "is required: a list of weekdays, 1 = Monday to 7 = Sunday") }
        if from >= to { object.problem("to_hour", "must be later than from_hour; write a night as two dayparts") }
        object.finish()
        return "{\"days\":[\(days.sorted().joined(separator: ","))],\"from_hour\":\(from),\"to_hour\":\(to)}"
    }

    /// `RU-MOW`: two capital letters, a dash, one to three capitals or digits.
    static func isRegion(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return (4...6).contains(bytes.count) && bytes[2] == 0x2D
            && bytes[..<2].allSatisfy { (0x41...0x5A).contains($0) }
            && bytes[3...].allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) }
    }
}
