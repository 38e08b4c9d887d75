/// How operators read what their documents leave open, as settings by name: each is an inference until the operator's
/// stand confirms it. Names and values are text, so that a command line, an API and a table can hold them.
public struct OperatorSwitches: Hashable, Sendable {
    /// What a switch may be set to.
    public enum Kind: Hashable, Sendable {
        case flag
        case number(ClosedRange<Int64>)
        case word([String])
        /// A word of the operator's own, up to so many characters.
        case text(Int)
    }

    /// A switch of one operator.
    public struct Known: Hashable, Sendable {
        public var name: String
        public var kind: Kind
        /// What it changes.
        public var meaning: String

        init(_ name: String, _ kind: Kind, _ meaning: String) {
            self.name = name
            self.kind = kind
            self.meaning = meaning
        }

        /// What is wrong with a value; nil when nothing is.
        public func problem(_ value: String) -> String? {
            switch kind {
            case .flag: ["true", "false"].contains(value) ? nil : "must be true or false"
            case .number(let range):
                Int64(value).map(range.contains) == true
                    ? nil : "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            case .word(let words): words.contains(value) ? nil : "must be one of \(words.joined(separator: ", "))"
            case .text(let limit):
                (1...limit).contains(value.unicodeScalars.count) ? nil : "must have 1 to \(limit) characters"
            }
        }
    }

    /// All switches by operator.
    public static let known: [String: [Known]] = [
        "vk": [
            Known("per_mille", .flag, "the price of cpm rows is that of 1,000 shows, not of one"),
            Known("zero_shows", .flag, "rows of self-promotion say no shows"),
            Known("contractor_role", .word(["publisher", "ors"]), "role of the retailer in his acts"),
        ],
        "mediascout": [
            Known("without_vat_rate", .number(0...1_000), "its number for a seller without VAT"),
            Known("television_type", .text(64), "its word for pads that are neither site nor application"),
            Known("self_promotion_type", .text(64), "type of creatives of self-promotion"),
            Known("elements_name_feed", .flag, "elements of a feed name it"),
            Known("registers_retailer", .flag, "the retailer is registered as a client too"),
        ],
        "ozon": [
            Known("television_type", .text(64), "its word for pads that are neither site nor application"),
            Known("per_mille", .flag, "the price of cpm rows is that of 1,000 shows, not of one"),
        ],
    ]

    private var values: [String: [String: String]] = [:]

    public init() {}

    /// The values that are set, by name.
    public func values(of format: String) -> [String: String] { values[format] ?? [:] }

    /// Sets a switch.
    /// - Returns: what is wrong; nil when it was set.
    public mutating func set(_ name: String, _ value: String, of format: String) -> String? {
        guard let switches = Self.known[format] else { return "\(format) has no switches" }
        guard let known = switches.first(where: { $0.name == name }) else {
            return "\(format) has no switch \(name); it has \(switches.map(\.name).joined(separator: ", "))"
        }
        if let problem = known.problem(value) { return "\(name) \(problem)" }
        values[format, default: [:]][name] = value
        return nil
    }

    private func flag(_ format: String, _ name: String) -> Bool? { values[format]?[name].map { $0 == "true" } }

    /// As the VK operator reads it.
    public var vk: OperatorProfile {
        var profile = OperatorProfile.vk
        if let value = flag("vk", "per_mille") { profile.perMille = value }
        if let value = flag("vk", "zero_shows") { profile.zeroShows = value }
        if let value = values["vk"]?["contractor_role"] { profile.contractorRole = value }
        return profile
    }

    /// As Mediascout reads it.
    public var mediascout: MediascoutProfile {
        var profile = MediascoutProfile()
        let set = values["mediascout"] ?? [:]
        profile.withoutVATRate = set["without_vat_rate"].flatMap { Int64($0) }
        profile.televisionType = set["television_type"]
        if let value = set["self_promotion_type"] { profile.selfPromotionType = value }
        if let value = flag("mediascout", "elements_name_feed") { profile.elementsNameFeed = value }
        if let value = flag("mediascout", "registers_retailer") { profile.registersRetailer = value }
        return profile
    }

    /// As Ozon reads it.
    public var ozon: OzonProfile {
        var profile = OzonProfile()
        profile.televisionType = values["ozon"]?["television_type"]
        if let value = flag("ozon", "per_mille") { profile.perMille = value }
        return profile
    }
}
