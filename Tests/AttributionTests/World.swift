import AdModel
import Attribution

/// Everything an attribution run reads, as rows: what cases, random worlds, the engine and its rivals share.
struct World: Sendable {
    var touches: [TouchRow] = []
    var lines: [OrderLineRow] = []
    var products: [ProductRow] = []
    var campaigns: [CampaignVersionRow] = []
    var aliases: [BrandAliasRow] = []
    var grants: [BrandGrantRow] = []
    var links: [IdentityLinkRow] = []
    var adjustments: [AdjustmentRow] = []
    var rivals: [RivalRow] = []

    var input: AttributionInput {
        AttributionInput(lines: lines, touches: touches, links: links, adjustments: adjustments, rivals: rivals)
    }

    func reference() throws -> AttributionReference {
        try AttributionReference(products: products, campaigns: campaigns, aliases: aliases, grants: grants)
    }

    /// Output bytes by way of the row interface.
    func rowsOutput(_ policy: AttributionPolicy) throws -> [UInt8] {
        CreditCSV.file(try AttributionEngine.credits(input, reference: try reference(), policy: policy))
    }

    func shuffled(_ random: inout SplitMix64) -> World {
        var copy = self
        copy.touches.shuffle(using: &random)
        copy.lines.shuffle(using: &random)
        copy.products.shuffle(using: &random)
        copy.campaigns.shuffle(using: &random)
        copy.aliases.shuffle(using: &random)
        copy.grants.shuffle(using: &random)
        copy.links.shuffle(using: &random)
        copy.adjustments.shuffle(using: &random)
        copy.rivals.shuffle(using: &random)
        return copy
    }
}

/// A small generator with a seed that a failing test can print.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ n: Int) -> Int { Int(next() % UInt64(n)) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }
}
